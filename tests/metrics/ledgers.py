"""Small ledgers for tests: a builder that writes books by hand, and Stripe's events folded into books."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from processors.measuring.books import (
    MICRO,
    Books,
    Contest,
    Declaration,
    FraudWarning,
    Holding,
    Outflow,
    Payout,
    Sale,
    Subscribed,
    Switch,
    Terms,
)
from processors.measuring.snapshot import snapshot
from schemas.metrics import MetricsComputed
from schemas.reference import CardProgramme, RateTable, Reference

DAY = 86_400
RATES = RateTable(
    "made up",
    "eur",
    {
        "usd": ([date(2020, 1, 1)], ["1.25"]),
        "gbp": ([date(2020, 1, 1), date(2025, 6, 15)], ["0.8", "0.9"]),
        "jpy": ([date(2020, 1, 1)], ["160"]),
        "kwd": ([date(2020, 1, 1)], ["0.4"]),
    },
)
ECM = CardProgramme.model_validate(
    {
        "name": "mastercard_ecm",
        "network": "mastercard",
        "title": "ECM",
        "counts": "mastercard_chargebacks",
        "ratio": "mastercard_ctr",
        "thresholds": [{"since": "2019-10-01", "ratio": "0.015", "count": 100}],
    }
)
REFERENCE = Reference(RATES, (ECM,))


def second(text: str) -> int:
    """Epoch second of `2025-03-04` or `2025-03-04T05:06`, UTC."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


@dataclass
class BookOf:
    """Books under construction. Ids count up; every record is shown by an event of its own."""

    livemode: bool = True
    currency: str | None = "usd"
    found: dict[str, list[Any]] = field(default_factory=dict)

    def _add(self, kind: str, record: Any) -> Any:
        self.found.setdefault(kind, []).append(record)
        return record

    def _number(self) -> int:
        return sum(map(len, self.found.values()))

    def sale(self, day: str, amount: int, currency: str = "usd", customer: str = "cus_1", **more: Any) -> Sale:
        number = self._number()
        plain = Sale(
            f"ch_{number}",
            second(day),
            customer,
            amount,
            currency,
            None,
            None,
            True,
            False,
            None,
            True,
            (f"evt_{number}",),
        )
        return self._add("sales", plain._replace(**more))

    def _outflow(self, kind: str, day: str, amount: int, sale: Sale | None, currency: str | None) -> Outflow:
        number = self._number()
        in_currency = currency or (sale.currency if sale else "usd")
        record = Outflow(
            f"x_{number}",
            sale.id if sale else None,
            second(day),
            amount,
            in_currency,
            None,
            None,
            False,
            (f"evt_{number}",),
        )
        return self._add(kind, record)

    def refund(self, day: str, amount: int, sale: Sale | None = None, currency: str | None = None) -> Outflow:
        return self._outflow("refunds", day, amount, sale, currency)

    def withdrawal(self, day: str, amount: int, sale: Sale | None = None, currency: str | None = None) -> Outflow:
        return self._outflow("withdrawals", day, amount, sale, currency)

    def fee(self, day: str, amount: int, currency: str = "usd") -> Outflow:
        return self._outflow("fees", day, amount, None, currency)

    def dispute(self, day: str, sale: Sale, status: str = "lost", **more: Any) -> Contest:
        number = self._number()
        plain = Contest(
            f"dp_{number}",
            sale.id,
            second(day),
            sale.amount,
            sale.currency,
            status,
            status.startswith("warning_"),
            status == "prevented",
            None,
            False,
            (f"evt_{number}",),
        )
        return self._add("contests", plain._replace(**more))

    def warning(self, day: str, sale: Sale, *, actionable: bool = True) -> FraudWarning:
        number = self._number()
        return self._add(
            "warnings", FraudWarning(f"issfr_{number}", sale.id, second(day), actionable, (f"evt_{number}",))
        )

    def payout(
        self, day: str, *, paid: str | None = None, failed: str | None = None, status: str | None = None
    ) -> Payout:
        number = self._number()
        shown = status or ("failed" if failed else "paid" if paid else "in_transit")
        return self._add(
            "payouts",
            Payout(
                f"po_{number}",
                second(day),
                second(day) + 2 * DAY,
                10_000,
                "usd",
                shown,
                second(paid) if paid else None,
                second(failed) if failed else None,
                True,
                (f"evt_{number}",),
            ),
        )

    def subscription(self, customer: str, *terms: tuple[str, int], currency: str = "usd") -> Subscribed:
        """(day, minor units a month) pairs."""
        number = self._number()
        made = tuple(
            Terms(second(day), currency, amount * MICRO, amount * MICRO, 0, False, f"evt_{number}_{step}")
            for step, (day, amount) in enumerate(terms)
        )
        return self._add("subscriptions", Subscribed(f"sub_{number}", customer, made))

    def switch(self, day: str, *, enabled: bool) -> Switch:
        return self._add("switches", Switch(second(day), enabled, f"evt_{self._number()}"))

    def holding(self, day: str, *amounts: tuple[str, int]) -> Holding:
        return self._add("holdings", Holding(second(day), amounts, f"evt_{self._number()}"))

    def declaration(
        self, day: str, *, currency: str | None = None, burn: int | None = None, debt_service: int | None = None
    ) -> Declaration:
        return self._add(
            "declarations", Declaration(second(day), currency, burn, debt_service, f"evt_{self._number()}")
        )

    def books(self) -> Books:
        ordered = {kind: tuple(sorted(records, key=_order)) for kind, records in self.found.items()}
        newest = max((getattr(one, "at", 0) for records in ordered.values() for one in records), default=0)
        return Books("biz_test", self.livemode, newest, self.currency, **ordered)

    def steady(self, first: str, months: int, amount: int = 500_000, **more: Any) -> list[Sale]:
        """One sale on the fifth of every month."""
        year, month = int(first[:4]), int(first[5:7])
        made = []
        for step in range(months):
            at = month - 1 + step
            made.append(self.sale(f"{year + at // 12}-{at % 12 + 1:02d}-05", amount, **more))
        return made


def _order(record: Any) -> tuple[Any, ...]:
    return (getattr(record, "at", 0), getattr(record, "id", ""))


def measured(book: BookOf | Books, as_of: str, **more: Any) -> MetricsComputed:
    """The snapshot of books as of a day, known then."""
    books = book.books() if isinstance(book, BookOf) else book
    moment = datetime.fromisoformat(as_of).replace(tzinfo=UTC)
    return snapshot(books, more.pop("reference", REFERENCE), as_of=moment, known_at=moment, **more)


__all__ = ["DAY", "REFERENCE", "BookOf", "measured", "second"]
