"""What a list shows when it is read months later: that something is so, not that it became so then."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from adapters.ports import Declared, KnownBusiness
from processors.measuring.bookkeeping import books_of, books_of_known, described
from schemas.businesses import BusinessDeclared
from schemas.metrics import MetricsComputed
from tests.ledger.stories import books, charge, dispute, histories, payout, refund
from tests.ledger.webhooks import at, event
from tests.metrics.ledgers import BookOf, measured
from tests.metrics.stripe_books import books_from

SOLD = event("0", "charge.succeeded", 1, charge("1", 1, 10_000, "usd"))


def nets(*events: dict[str, Any]) -> dict[str, Any]:
    found = measured(books_from([SOLD, *events]), "2026-06-01")
    return {month.month: month.values["net_revenue"] for month in found.months if month.values["net_revenue"]}


def test_failed_refund_takes_nothing_back_months_later_when_only_a_list_shows_it() -> None:
    failed = refund("1", 2, 4_000, "usd", "1", "failed")
    assert nets(event("1", "refund.listed", 120, failed)) == {"2026-01": 10_000}
    # Seen pending before: it failed when that was told.
    seen = event("1", "refund.created", 2, {**failed, "status": "pending"})
    assert nets(seen, event("2", "refund.failed", 40, failed)) == {"2026-01": 6_000, "2026-02": 4_000}


def test_won_dispute_gives_back_in_its_own_month_when_only_a_list_shows_it() -> None:
    assert nets(event("1", "dispute.listed", 120, dispute("1", 3, 10_000, "usd", "1", "won"))) == {"2026-01": 10_000}


def test_refunded_total_counts_with_its_charge_when_only_a_list_shows_it() -> None:
    listed = charge("2", 5, 3_000, "usd", amount_refunded=1_000)
    assert nets(event("1", "charge.listed", 120, listed)) == {"2026-01": 12_000}


def test_payout_came_back_when_it_should_have_arrived_when_only_a_list_shows_it() -> None:
    entries, _ = books([event("1", "payout.listed", 120, payout("1", 3, 500, "usd", "failed"))])
    assert [(one.kind, one.effective) for one in entries] == [
        ("payout", datetime.fromtimestamp(at(3), UTC)),
        ("payout_reversed", datetime.fromtimestamp(at(5), UTC)),
    ]


def invoice(day: float, **more: Any) -> dict[str, Any]:
    return {
        "id": "in_1",
        "object": "invoice",
        "currency": "usd",
        "amount_due": 900,
        "customer": "cus_1",
        "created": at(day),
        "status": "open",
        "attempted": True,
        "attempt_count": 1,
        **more,
    }


PAID = {"status": "paid", "status_transitions": {"paid_at": at(44)}}


def collected(*events: dict[str, Any]) -> MetricsComputed:
    return measured(books_from([SOLD, *events]), "2026-04-01")


def test_bank_debit_under_way_is_no_failed_payment() -> None:
    """SEPA: attempted, open for days, then paid – nothing had to be recovered."""
    story = [
        event("1", "invoice.updated", 40, invoice(40)),
        event("2", "invoice.paid", 44, invoice(40, **PAID)),
    ]
    assert collected(*story).value("collection") is None
    assert collected(*story).figure("collection").unknown == "no invoice's payment failed in three months"


@pytest.mark.parametrize("first", ["invoice.updated", "invoice.payment_failed"])
def test_payment_failed_when_an_event_of_the_same_second_says_so(first: str) -> None:
    """Two events show one state; whichever stands first, the failure was told."""
    second = {"invoice.updated": "invoice.payment_failed", "invoice.payment_failed": "invoice.updated"}[first]
    story = [
        event("1", first, 40, invoice(40)),
        event("2", second, 40, invoice(40)),
        event("3", "invoice.paid", 44, invoice(40, **PAID)),
    ]
    assert collected(*story).value("collection") == 1
    assert collected(*story[:2]).value("collection") == 0


def test_invoice_failed_in_its_own_month_when_only_a_list_shows_it() -> None:
    retried = invoice(40, next_payment_attempt=at(47))
    (found,) = books_from([SOLD, event("1", "invoice.listed", 200, retried)]).bills
    assert found.failed_at == at(40)


def known(happened: datetime, *declared: tuple[datetime, int]) -> KnownBusiness:
    entries, _ = books([SOLD])
    return KnownBusiness(
        livemode=True,
        happened=happened,
        entries=entries,
        histories=list(histories([SOLD]).values()),
        declarations=[
            Declared(moment, f"said-{burn}", BusinessDeclared(business_id="biz_test", monthly_burn=burn))
            for moment, burn in declared
        ],
        known_at=datetime(2026, 6, 1, tzinfo=UTC),
        ledger_offset=0,
        business_offset=0,
        closed_through=None,
    )


def test_declaration_counts_and_moves_no_moment_when_it_is_made_long_after_the_newest_event() -> None:
    """A history of January, imported and declared in May, describes January."""
    happened = datetime(2026, 1, 20, tzinfo=UTC)
    may = [datetime(2026, 5, day, tzinfo=UTC) for day in (4, 5)]
    found = books_of_known("biz_test", known(happened, (may[0], 700), (may[1], 800)))
    assert described(found, None) == happened
    held = BookOf().holding("2026-01-10", ("usd", 8_000))
    figures = measured(replace(found, holdings=(held,)), "2026-01-20")
    assert figures.value("runway") == 10  # 80.00 ÷ 8.00, by the newest of both


def test_business_is_described_as_of_its_newest_event_when_none_makes_a_figure() -> None:
    """Customers alone: no entry, no history that figures are made of, and yet not 1970."""
    happened = datetime(2026, 3, 1, tzinfo=UTC)
    empty = books_of("biz_test", livemode=True, entries=(), histories=(), happened=happened)
    assert described(empty, None) == happened
    assert described(empty, datetime(2026, 4, 1, tzinfo=UTC)) == datetime(2026, 4, 1, tzinfo=UTC)
