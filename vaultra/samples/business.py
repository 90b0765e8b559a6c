"""A made-up business and its years at Stripe, as the webhooks Stripe would send: the same seed, the same events.

Harbour Lane Coffee sells beans on subscription and in a web shop, with a busy winter, one large café among its
customers, a payout that came back, chargebacks that crept up lately, and a few matters open today.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import Any

from vaultra.samples import stripe_objects as made
from vaultra.samples.stripe_objects import API_VERSION, Raw

NAME = "Harbour Lane Coffee"
DAY = 86_400
# Share of a year's orders by calendar month: coffee sells in winter.
_SEASON = (1.05, 0.98, 0.96, 0.93, 0.92, 0.88, 0.85, 0.87, 0.95, 1.02, 1.22, 1.37)
_CURRENCIES = (("usd", 1.0, 80), ("eur", 0.9, 10), ("gbp", 0.8, 6), ("jpy", 1.5, 4))
_BRANDS = (("visa", 55), ("mastercard", 32), ("amex", 10), ("discover", 3))


@dataclass(frozen=True, slots=True)
class Story:
    """What to make up: `months` complete UTC months up to the one before `until`, and that one up to it.

    `orders` in the web shop a month on average, `subscribers` at the start; everything else follows from `seed`.
    `account` names a connected account; None is the platform's own. Nothing happens after `until`.
    """

    until: datetime
    months: int = 24
    orders: int = 90
    subscribers: int = 26
    seed: int = 20
    account: str | None = None


def stripe_events(story: Story) -> Iterator[Raw]:
    """Stripe events (dicts, as webhooks carry them) in the order they happened, a month in memory at a time."""
    return _Teller(story).tell()


@dataclass(slots=True)
class _Subscriber:
    id: str
    customer: str
    fingerprint: str
    brand: str
    since: int
    currency: str
    unit_amount: int
    quantity: int
    interval: str
    percent_off: int | None
    status: str = "active"
    ends: bool = False
    next_bill: int = 0


@dataclass(slots=True)
class _Teller:
    story: Story
    dice: Random = field(init=False)
    until: int = field(init=False)
    started: int = field(init=False, default=0)
    _pending: list[tuple[int, int, str, Raw, Raw]] = field(default_factory=list)
    _counter: int = 0
    _subscribers: list[_Subscriber] = field(default_factory=list)
    _taken: int = 0

    def __post_init__(self) -> None:
        self.dice = Random(self.story.seed)  # noqa: S311 - a story, no secret
        self.until = int(self.story.until.timestamp())

    def tell(self) -> Iterator[Raw]:
        last = self.story.until.year * 12 + self.story.until.month - 1
        first = last - self.story.months
        self.started = _start(first)
        self._open_account()
        self._open_matters()
        for month in range(first, last + 1):
            self._month(month, month - first)
            yield from self._due(_start(month + 1))
        yield from self._due(self.until + 1)

    def _due(self, before: int) -> Iterator[Raw]:
        while self._pending and self._pending[0][0] < min(before, self.until + 1):
            at, number, type, object, previous = heapq.heappop(self._pending)
            yield self._event(at, number, type, object, previous)

    def _event(self, at: int, number: int, type: str, object: Raw, previous: Raw) -> Raw:
        data: Raw = {"object": object}
        if previous:
            data["previous_attributes"] = previous
        event = {
            "id": f"evt_{(self.story.account or '')[5:]}{self.story.seed:x}{number:08x}",
            "object": "event",
            "api_version": API_VERSION,
            "created": at,
            "data": data,
            "livemode": True,
            "pending_webhooks": 1,
            "request": {"id": None, "idempotency_key": None},
            "type": type,
        }
        return event if self.story.account is None else {**event, "account": self.story.account}

    def _happens(self, at: int, type: str, object: Raw, previous: Raw | None = None) -> None:
        self._counter += 1
        if at <= self.until:
            heapq.heappush(self._pending, (at, self._counter, type, object, previous or {}))

    def _id(self, prefix: str) -> str:
        self._counter += 1
        return f"{prefix}_{self.story.seed:x}{self._counter:07x}"

    def _weighted(self, choices: tuple[tuple[Any, ...], ...]) -> tuple[Any, ...]:
        return self.dice.choices(choices, weights=[choice[-1] for choice in choices])[0]

    def _open_account(self) -> None:
        id = self.story.account or "acct_harbourlane"
        object = made.account(id, NAME, "usd", self.started, payouts_enabled=True)
        self._happens(self.started, "account.updated", object, {"payouts_enabled": False})

    def _month(self, month: int, number: int) -> None:
        start, end = _start(month), _start(month + 1)
        growth = 1.014**number
        self._taken = 0
        joining = self.story.subscribers if number == 0 else max(1, round(self.story.subscribers * 0.055 * growth))
        for _ in range(joining):
            self._join(start, end)
        self._subscriptions(start, end)
        orders = round(self.story.orders * growth * _SEASON[month % 12] * self.dice.uniform(0.95, 1.05))
        # Lately thieves have found the shop.
        lately = number >= self.story.months - 4
        for order in range(orders):
            self._order(self.dice.randrange(start, end), order, disputed=0.013 if lately else 0.003)
        self._wholesale(start, growth)
        self._payouts(start, end, failing=number == self.story.months - 3)

    # Web shop

    def _order(self, at: int, order: int, *, disputed: float) -> None:
        currency, factor, _ = self._weighted(_CURRENCIES)
        amount = round(self.dice.choice((1900, 2400, 3200, 4800, 6400)) * factor)
        regular = self.dice.random() < 0.55
        buyer = self.dice.randrange(max(20, self.story.orders * 3))
        charge = self._charge(
            at,
            amount,
            currency,
            customer=f"cus_shop{buyer}" if regular else None,
            fingerprint=f"fp{buyer if regular else self._counter}",
        )
        fate = self.dice.random()
        if fate < 0.045:
            self._refund(charge, at)
        elif fate < 0.045 + disputed:
            self._dispute(charge, at + self.dice.randrange(6, 20) * DAY)
        elif fate > 0.97:
            declined = made.charge(
                self._id("ch"), amount, currency, at, customer=None, brand="visa", fingerprint="fp", failed=True
            )
            self._happens(at, "charge.failed", declined)

    def _charge(
        self, at: int, amount: int, currency: str, *, customer: str | None, fingerprint: str, brand: str | None = None
    ) -> Raw:
        brand = brand or self._weighted(_BRANDS)[0]
        charge = made.charge(
            self._id("ch"), amount, currency, at, customer=customer, brand=brand, fingerprint=fingerprint
        )
        self._happens(at, "charge.succeeded", charge)
        self._taken += amount if currency == "usd" else 0
        return charge

    def _refund(self, charge: Raw, at: int) -> None:
        when = at + self.dice.randrange(1, 12) * DAY
        partial = self.dice.random() < 0.4
        amount = charge["amount"] // 2 if partial else charge["amount"]
        id = self._id("re")
        back = {**charge, "amount_refunded": amount, "refunded": not partial}
        self._happens(when, "refund.created", made.refund(id, charge, amount, when, "succeeded"))
        self._happens(when, "charge.refunded", back, {"amount_refunded": 0, "refunded": False})
        if self.dice.random() < 0.04:
            failed = made.refund(id, charge, amount, when, "failed")
            self._happens(when + 4 * DAY, "refund.failed", failed, {"status": "succeeded"})

    def _dispute(self, charge: Raw, at: int) -> None:
        id, due = self._id("dp"), at + 9 * DAY
        inquiry = self.dice.random() < 0.2
        if inquiry:
            opened = made.dispute(id, charge, at, "warning_needs_response", due, [], submitted=False)
            self._happens(at, "charge.dispute.created", opened)
            closed = made.dispute(id, charge, at, "warning_closed", due, [], submitted=True)
            self._happens(at + 20 * DAY, "charge.dispute.closed", closed, {"status": "warning_needs_response"})
            return
        currency, amount = charge["currency"], charge["amount"]
        taken = made.balance_transaction(self._id("txn"), -amount, 1500, currency, at, "adjustment", id)
        opened = made.dispute(id, charge, at, "needs_response", due, [taken], submitted=False)
        self._happens(at, "charge.dispute.created", opened)
        self._happens(at, "charge.dispute.funds_withdrawn", opened)
        answered = made.dispute(id, charge, at, "under_review", due, [taken], submitted=True)
        self._happens(at + 5 * DAY, "charge.dispute.updated", answered, {"status": "needs_response"})
        decided = at + 40 * DAY
        movements = [taken]
        won = self.dice.random() < 0.35
        if won:
            movements.append(made.balance_transaction(self._id("txn"), amount, 0, currency, decided, "adjustment", id))
        over = made.dispute(id, charge, at, "won" if won else "lost", due, movements, submitted=True)
        self._happens(decided, "charge.dispute.closed", over, {"status": "under_review"})
        if won:
            self._happens(decided, "charge.dispute.funds_reinstated", over)

    def _wholesale(self, start: int, growth: float) -> None:
        """One café buys a quarter of everything."""
        size = round(self.story.orders * 1150 * growth) * 2
        for day in (4, 18):
            at = start + day * DAY + 9 * 3600
            if at <= self.until:
                self._charge(at, size // 2, "usd", customer="cus_cafe", fingerprint="fpcafe", brand="mastercard")

    # Subscriptions

    def _join(self, start: int, end: int) -> None:
        at = self.dice.randrange(start, end)
        currency = self._weighted(_CURRENCIES[:2])[0]
        yearly = self.dice.random() < 0.12
        price = self.dice.choice((1800, 2600, 3900))
        one = _Subscriber(
            id=self._id("sub"),
            customer=self._id("cus"),
            fingerprint=f"fps{self._counter}",
            brand=self._weighted(_BRANDS)[0],
            since=at,
            currency=currency,
            unit_amount=price * 10 if yearly else price,
            quantity=self.dice.choice((1, 1, 1, 2)),
            interval="year" if yearly else "month",
            percent_off=20 if self.dice.random() < 0.15 else None,
            next_bill=at,
        )
        self._happens(at, "customer.created", made.customer(one.customer, at, "US"))
        self._happens(at, "customer.subscription.created", self._subscription(one, at))
        self._subscribers.append(one)

    def _subscription(self, one: _Subscriber, at: int, *, ended: bool = False) -> Raw:
        length = 365 * DAY if one.interval == "year" else 30 * DAY
        return made.subscription(
            one.id,
            one.customer,
            one.since,
            status="canceled" if ended else one.status,
            currency=one.currency,
            unit_amount=one.unit_amount,
            quantity=one.quantity,
            interval=one.interval,
            period=(at, at + length),
            percent_off=one.percent_off,
            ends_with_period=one.ends,
            ended_at=at if ended else None,
        )

    def _subscriptions(self, start: int, end: int) -> None:
        staying = []
        for one in self._subscribers:
            while one.next_bill < end and not one.ends:
                self._bill(one, one.next_bill)
                one.next_bill += 365 * DAY if one.interval == "year" else 30 * DAY
            if one.next_bill < end:
                gone = self._subscription(one, one.next_bill, ended=True)
                self._happens(one.next_bill, "customer.subscription.deleted", gone)
                continue
            fate = self.dice.random()
            at = self.dice.randrange(start, end)
            if at <= one.since or one.ends:
                staying.append(one)
            elif fate < 0.035:
                self._happens(at, "customer.subscription.deleted", self._subscription(one, at, ended=True))
            else:
                if fate < 0.06:
                    one.quantity += 1
                    self._happens(at, "customer.subscription.updated", self._subscription(one, at), {"quantity": 1})
                elif fate < 0.07:
                    one.ends = True
                    changed = {"cancel_at_period_end": False}
                    self._happens(at, "customer.subscription.updated", self._subscription(one, at), changed)
                staying.append(one)
        self._subscribers = staying

    def _bill(self, one: _Subscriber, at: int) -> None:
        full = one.unit_amount * one.quantity
        amount = full * (100 - (one.percent_off or 0)) // 100
        id = self._id("in")
        paid, tries = at, 1
        late = self.until - at < 20 * DAY and self.dice.random() < 0.25
        if late or self.dice.random() < 0.05:
            missed = made.invoice(id, one.customer, one.id, amount, one.currency, at, paid_at=None, tries=1)
            self._happens(at, "invoice.payment_failed", missed)
            one.status = "past_due"
            self._happens(at + 60, "customer.subscription.updated", self._subscription(one, at), {"status": "active"})
            if late:
                return
            if self.dice.random() < 0.3:
                return
            paid, tries = at + 3 * DAY, 2
        if one.status != "active":
            one.status = "active"
            self._happens(
                paid + 60, "customer.subscription.updated", self._subscription(one, at), {"status": "past_due"}
            )
        charge = self._charge(
            paid, amount, one.currency, customer=one.customer, fingerprint=one.fingerprint, brand=one.brand
        )
        settled = made.invoice(id, one.customer, one.id, amount, one.currency, at, paid_at=paid, tries=tries)
        self._happens(paid, "invoice.paid", settled)
        payment = made.invoice_payment(self._id("inpay"), settled, charge, paid)
        self._happens(paid, "invoice_payment.paid", payment)

    # Bank

    def _payouts(self, start: int, end: int, *, failing: bool) -> None:
        for week in range(4):
            at = start + (7 * week + 1) * DAY
            id, amount, arrival = self._id("po"), round(self._taken * 0.22), at + 2 * DAY
            self._happens(at, "payout.created", made.payout(id, amount, "usd", at, arrival, "in_transit"))
            paid = made.payout(id, amount, "usd", at, arrival, "paid")
            self._happens(arrival, "payout.paid", paid, {"status": "in_transit"})
            if failing and week == 1:
                # It had been paid, and came back.
                back = made.payout(id, amount, "usd", at, arrival, "failed")
                self._happens(arrival + 3 * DAY, "payout.failed", back, {"status": "paid"})
        held = made.balance(round(self._taken * 0.3), round(self._taken * 0.08), "usd")
        self._happens(end - DAY, "balance.available", held)

    def _open_matters(self) -> None:
        """What waits today: a warned charge, and a dispute whose evidence is due in two days."""
        charge = self._charge(self.until - 3 * DAY, 6400, "usd", customer=None, fingerprint="fpwarned", brand="visa")
        warning = made.early_fraud_warning(self._id("issfr"), charge, self.until - DAY, actionable=True)
        self._happens(self.until - DAY, "radar.early_fraud_warning.created", warning)
        charge = self._charge(self.until - 20 * DAY, 4800, "usd", customer=None, fingerprint="fpopen", brand="visa")
        at = self.until - 7 * DAY
        id = self._id("dp")
        taken = made.balance_transaction(self._id("txn"), -4800, 1500, "usd", at, "adjustment", id)
        opened = made.dispute(id, charge, at, "needs_response", self.until + 2 * DAY, [taken], submitted=False)
        self._happens(at, "charge.dispute.created", opened)
        self._happens(at, "charge.dispute.funds_withdrawn", opened)


def _start(month: int) -> int:
    """The first second of a UTC month, by its running number."""
    return int(datetime(month // 12, month % 12 + 1, 1, tzinfo=UTC).timestamp())
