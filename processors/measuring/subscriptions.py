"""Subscriptions' histories → what they are worth a month, from when on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from fractions import Fraction

from processors.measuring.books import MICRO, Subscribed, Terms
from schemas.ledger.billing import CustomerDiscount, Discount, Subscription, SubscriptionItem
from schemas.ledger.entries import History, Version

PAYING = frozenset({"active", "past_due"})
# Months in a period: a year is 12, a week 12/52, a day 12/365.
_MONTHS = {"year": Fraction(12), "month": Fraction(1), "week": Fraction(12, 52), "day": Fraction(12, 365)}
# Policy: coupons that end some day are a price for a while, not the price.
FOREVER_ONLY = True


class Discounts:
    """Discounts by id, and those of whole customers with the times they hold."""

    def __init__(self, histories: Sequence[History]) -> None:
        self._by_id: dict[str, Discount] = {}
        self._of_customer: dict[str, list[tuple[int, int | None, Discount]]] = defaultdict(list)
        for history in histories:
            state = history.latest.state
            if not isinstance(state, CustomerDiscount):
                continue
            self._by_id[history.object_id] = state.discount
            if state.customer and not state.subscription:
                start = _second(state.discount.start or history.versions[0].created)
                end = _second(history.latest.created if history.latest.deleted else state.discount.end)
                self._of_customer[state.customer].append((start or 0, end, state.discount))

    def whole(self, discounts: Sequence[Discount]) -> list[Discount]:
        """Discounts with their terms, where those are known."""
        return [self._by_id.get(one.id or "", one) if one.duration is None else one for one in discounts]

    def of_customer(self, customer: str, moment: int) -> list[Discount]:
        """What holds for all of a customer's subscriptions at a moment."""
        return [
            discount
            for start, end, discount in self._of_customer.get(customer, ())
            if start <= moment and (end is None or moment < end)
        ]

    def turns(self, customer: str) -> list[int]:
        """When a customer's own discounts begin and end."""
        return [at for start, end, _ in self._of_customer.get(customer, ()) for at in (start, end) if at is not None]


def subscribed(history: History, discounts: Discounts) -> Subscribed | None:
    """A subscription's terms over time; None for one that was never seen with a customer."""
    states = [(version, version.state) for version in history.versions if isinstance(version.state, Subscription)]
    if not states:
        return None
    customer = next((state.customer for _, state in reversed(states) if state.customer), None) or history.object_id
    starts = [_begins(version, state) for version, state in states]
    starts[0] = _first_begins(*states[0])
    for number in range(len(starts) - 1, 0, -1):
        # An end that is told late lies before what was still seen after it: that had ended, too.
        starts[number - 1] = min(starts[number - 1], starts[number])
    terms: list[Terms] = []
    for number, (version, state) in enumerate(states):
        until = starts[number + 1] if number + 1 < len(states) else None
        turns = [at for at in discounts.turns(customer) if at > starts[number] and (until is None or at < until)]
        for at in (starts[number], *sorted(turns)):
            terms.append(_terms(at, version, state, customer, discounts))
    version, state = states[0]
    ended = _ended(version, state)
    if ended is not None and ended > starts[0] and _was_paid(state):
        # Known only by its end: what it was worth until then stands in what it was when it ended.
        alive = state.model_copy(update={"status": "active"})
        before = _terms(starts[0], version, alive, customer, discounts, alive=True)
        terms = [before, *(one._replace(at=max(one.at, ended)) for one in terms)]
    return Subscribed(history.object_id, customer, tuple(sorted(terms, key=lambda one: one.at)))


def monthly_amounts(
    state: Subscription, customer_discounts: Sequence[Discount], discounts: Discounts
) -> tuple[Fraction, Fraction]:
    """(all, the part billed by the year) of a subscription's licensed items a month, in minor units, unrounded."""
    items = [item for item in state.items if _counts(item)]
    own = discounts.whole(state.discounts)
    of_all = [one for one in (own or customer_discounts) if _subtracts(one)]
    fixed = [one for one in of_all if one.amount_off]
    worth: list[Fraction] = []
    for item in items:
        amount = _item_amount(item)
        for one in (*(found for found in discounts.whole(item.discounts) if _subtracts(found)), *of_all):
            if one.percent_off and (not one.products or item.product in one.products):
                amount -= amount * Fraction(one.percent_off) / 100
        for one in (found for found in discounts.whole(item.discounts) if _subtracts(found) and found.amount_off):
            amount = max(Fraction(0), amount - Fraction(one.amount_off or 0) / _months(item))
        worth.append(amount)
    for one in fixed:
        # An amount off the invoice: taken from its items in their order, spread over the period it is billed for.
        for number, item in enumerate(items):
            if one.products and item.product not in one.products:
                continue
            off = min(worth[number], Fraction(one.amount_off or 0) / _months(item))
            worth[number] -= off
            if off:
                break
    yearly = [amount for amount, item in zip(worth, items, strict=True) if _months(item) >= _MONTHS["year"]]
    return sum(worth, Fraction(0)), sum(yearly, Fraction(0))


def _terms(
    at: int, version: Version, state: Subscription, customer: str, discounts: Discounts, *, alive: bool = False
) -> Terms:
    pays = state.status in PAYING and not state.paused and (alive or not version.deleted)
    of_customer = discounts.of_customer(customer, at)
    whole, yearly = monthly_amounts(state, of_customer, discounts) if pays else (0, 0)
    ends = state.cancel_at_period_end or state.cancel_at is not None
    monthly = round(whole * MICRO)
    return Terms(
        at=at,
        currency=state.currency or "usd",
        monthly=monthly,
        committed=0 if ends else monthly,
        annual=round(yearly * MICRO),
        behind=pays and state.status == "past_due",
        event=version.event,
        unpriced=pays and not _is_priced(state),
        undiscounted=pays and not _is_discounted(state, of_customer, discounts),
    )


def _was_paid(state: Subscription) -> bool:
    """Whether one that is only known by its end was ever paid: not if its first payment or its trial never ended."""
    trial = state.trial_end is not None and state.ended_at is not None and state.trial_end >= state.ended_at
    return state.status == "canceled" and not trial


def _is_priced(state: Subscription) -> bool:
    """Whether a payload tells what all of a subscription's licensed items cost."""
    licensed = [item for item in state.items if item.usage_type == "licensed"]
    return bool(state.items and state.items_complete and state.currency) and all(map(_counts, licensed))


def _is_discounted(state: Subscription, customer_discounts: Sequence[Discount], discounts: Discounts) -> bool:
    """Whether the terms of every discount that counts are known: recent payloads name them by id alone."""
    of_items = (one for item in state.items if _counts(item) for one in discounts.whole(item.discounts))
    named = (*(discounts.whole(state.discounts) or customer_discounts), *of_items)
    return all(one.duration is not None for one in named)


def _counts(item: SubscriptionItem) -> bool:
    return item.usage_type == "licensed" and item.unit_amount is not None and item.interval in _MONTHS


def _item_amount(item: SubscriptionItem) -> Fraction:
    quantity = 1 if item.quantity is None else item.quantity
    return Fraction(item.unit_amount or Decimal(0)) * quantity / _months(item)


def _months(item: SubscriptionItem) -> Fraction:
    return _MONTHS[item.interval or "month"] * item.interval_count


def _subtracts(discount: Discount) -> bool:
    return discount.duration == "forever" or not FOREVER_ONLY


def _begins(version: Version, state: Subscription) -> int:
    """When a state began to hold: when it was seen, or when the subscription ended, which may be before that."""
    return _ended(version, state) or _second(version.created) or 0


def _first_begins(version: Version, state: Subscription) -> int:
    """The first state seen holds since the subscription started to be paid, though nobody told us then."""
    seen = _second(version.created) or 0
    started = _second(state.start or state.at) or seen
    trial = _second(state.trial_end) or 0
    return min(seen, max(started, trial if trial <= seen else 0))


def _ended(version: Version, state: Subscription) -> int | None:
    if state.status in PAYING and not version.deleted:
        return None
    return _second(state.ended_at)


def _second(moment: datetime | None) -> int | None:
    return None if moment is None else int(moment.timestamp())
