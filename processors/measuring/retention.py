"""Definitions of recurring revenue and of how customers stay."""

from __future__ import annotations

from collections.abc import Sequence

from processors.measuring.books import Subscribed, Terms
from processors.measuring.definition import Measured, count, definition, money, rate
from processors.measuring.flows import Part
from processors.measuring.recurring import Now, holding, minor
from processors.measuring.statistics import to_minor
from processors.measuring.view import View
from processors.measuring.words import joined, many

_NO_START = "there was no recurring revenue at the start"
_NO_CUSTOMERS = "there were no customers with a subscription at the start"
_NOTHING = "there is no recurring revenue"


class _Subscription:
    """A subscription's terms as a record: since when (`at`), and what they are worth a month, to the minor unit."""

    __slots__ = ("_terms", "events", "id")

    def __init__(self, id: str, terms: Terms) -> None:
        self.id = id
        self.events = (terms.event,)
        self._terms = terms

    @property
    def at(self) -> int:
        return self._terms.at

    @property
    def amount(self) -> int:
        return to_minor(minor(self._terms.monthly))

    @property
    def currency(self) -> str:
        return self._terms.currency


def _shown(view: View, moment: int) -> Part:
    """The subscriptions that are worth something at a moment."""

    def gather() -> Sequence[_Subscription]:
        held = ((one.id, holding(one.terms, moment)) for one in view.books.subscriptions)
        return [_Subscription(id, terms) for id, terms in held if terms is not None and terms.monthly]

    return lambda: view.once(("terms", moment), gather)


def _changed(view: View, first: int, last: int) -> Part:
    """The changes of subscriptions in some months."""

    def gather() -> Sequence[_Subscription]:
        start, end = view.calendar.start(first), view.end(last)
        return [
            _Subscription(subscription.id, terms)
            for subscription in view.books.subscriptions
            for terms in subscription.terms
            if start <= terms.at < end
        ]

    return lambda: view.once(("changes", first, last), gather)


def _now(view: View) -> Now:
    return view.once("now", lambda: view.recurring.at(view.as_of))


def _left_out(view: View, *moments: int) -> str | None:
    """Whose recurring revenue is in no level at some moments."""
    apart = sorted(view.recurring.unconverted)
    words = f"without subscriptions in {', '.join(apart)}, for which there is no rate" if apart else None
    number = _held(view, moments, "unpriced")
    missing = f"without {many(number, 'subscription')} whose price is tiered or not told" if number else None
    return joined(words, missing)


def _doubted(view: View, *moments: int) -> str | None:
    """What keeps levels of recurring revenue from being exact: who is left out, and who counts with too much."""
    number = _held(view, moments, "undiscounted")
    words = f"with {many(number, 'subscription')} at full price, for the terms of a discount are not told"
    return joined(_left_out(view, *moments), words if number else None)


def _held(view: View, moments: Sequence[int], flag: str) -> int:
    """How many subscriptions have terms with a flag at one of the moments at least."""
    doubtful = view.once("doubtful", lambda: [one for one in view.books.subscriptions if _is_doubtful(one)])
    held = ([holding(one.terms, moment) for moment in moments] for one in doubtful)
    return sum(any(terms is not None and getattr(terms, flag) for terms in one) for one in held)


def _is_doubtful(subscription: Subscribed) -> bool:
    return any(terms.unpriced or terms.undiscounted for terms in subscription.terms)


def _ends(view: View, first: int, last: int) -> list[int]:
    """The moments whose levels tell what some months moved: the start of the first, and the end of each."""
    return [view.end(month) - 1 for month in range(first - 1, last + 1)]


def _rate(view: View, moments: Sequence[int], part: int, whole: int, *parts: Part, unknown: str) -> Measured:
    """A rate of recurring revenue at some moments, with what it leaves out."""
    reason = joined(unknown, _left_out(view, *moments)) or unknown
    return rate(part, whole, *parts, unknown=reason, note=_doubted(view, *moments))


@definition("mrr", unit="money", title="Monthly recurring revenue", monthly=True)
def mrr(view: View, month: int) -> Measured:
    """What active and past-due subscriptions are worth a month at the month's end: licensed items, normalised to a
    month, less coupons that last for ever; without trials, usage, tax and prorations."""
    end = view.recurring.movement(month).end
    return money(minor(end), _shown(view, view.end(month) - 1), note=_doubted(view, view.end(month) - 1))


@definition("mrr_now", unit="money", title="Monthly recurring revenue today")
def mrr_now(view: View, month: int) -> Measured:
    """The same at the very moment of `as_of`."""
    return money(minor(_now(view).monthly), _shown(view, view.as_of), note=_doubted(view, view.as_of))


@definition("cmrr", unit="money", title="Committed monthly recurring revenue")
def cmrr(view: View, month: int) -> Measured:
    """Recurring revenue today without subscriptions that are set to end with their period."""
    return money(minor(_now(view).committed), _shown(view, view.as_of), note=_doubted(view, view.as_of))


@definition("customers", unit="count", title="Customers with a paid subscription at the month's start", monthly=True)
def customers(view: View, month: int) -> Measured:
    """Customers with recurring revenue at the month's start."""
    start = view.calendar.start(month) - 1
    return count(view.recurring.movement(month).customers, _shown(view, start), note=_left_out(view, start))


def _moved(name: str, title: str, attribute: str, sign: int, words: str) -> None:
    def measure(view: View, month: int) -> Measured:
        value = getattr(view.recurring.movement(month), attribute)
        note = _doubted(view, *_ends(view, month, month))
        return money(sign * minor(value), _changed(view, month, month), note=note)

    measure.__doc__ = words
    definition(name, unit="money", title=title, monthly=True)(measure)


_moved("mrr_new", "MRR from new customers", "new", 1, "Recurring revenue of customers who never had any.")
_moved("mrr_expansion", "MRR from expansion", "expansion", 1, "What customers who stayed pay more.")
_moved("mrr_reactivation", "MRR from returning customers", "reactivation", 1, "Of customers who had left.")
_moved("mrr_contraction", "MRR lost to contraction", "contraction", -1, "What customers who stayed pay less.")
_moved("mrr_churned", "MRR lost to churn", "churned", -1, "What customers paid who no longer pay anything.")
_moved("mrr_currency", "MRR moved by exchange rates", "currency", 1, "What exchange rates alone did to it.")


@definition("logo_churn", unit="ratio", title="Customers lost in the month", monthly=True)
def logo_churn(view: View, month: int) -> Measured:
    """Customers that lost their last paid subscription ÷ customers at the start."""
    return _logos(view, month, month)


@definition("logo_churn_t3m", unit="ratio", title="Customers lost a month, 3 months")
def logo_churn_t3m(view: View, month: int) -> Measured:
    """Customers lost in three months ÷ the customers at the starts of the three."""
    return _logos(view, month - 2, month)


def _logos(view: View, first: int, last: int) -> Measured:
    moved = [view.recurring.movement(month) for month in range(first, last + 1)]
    note = _left_out(view, *_ends(view, first, last))
    return rate(
        sum(one.lost for one in moved),
        sum(one.customers for one in moved),
        _changed(view, first, last),
        unknown=joined(_NO_CUSTOMERS, note) or _NO_CUSTOMERS,
        note=note,
    )


@definition("gross_mrr_churn", unit="ratio", title="MRR lost in the month", monthly=True)
def gross_mrr_churn(view: View, month: int) -> Measured:
    """(churn + contraction) ÷ recurring revenue at the start."""
    return _gross(view, month, month)


@definition("gross_mrr_churn_t3m", unit="ratio", title="MRR lost a month, 3 months")
def gross_mrr_churn_t3m(view: View, month: int) -> Measured:
    """(churn + contraction) of three months ÷ recurring revenue at the starts of the three."""
    return _gross(view, month - 2, month)


def _gross(view: View, first: int, last: int) -> Measured:
    moved = [view.recurring.movement(month) for month in range(first, last + 1)]
    lost = sum(one.churned + one.contraction for one in moved)
    start = sum(one.start for one in moved)
    return _rate(view, _ends(view, first, last), lost, start, _changed(view, first, last), unknown=_NO_START)


@definition("net_mrr_churn", unit="ratio", title="MRR lost net of expansion", monthly=True)
def net_mrr_churn(view: View, month: int) -> Measured:
    """(churn + contraction − expansion − reactivation) ÷ recurring revenue at the start; below zero is growth."""
    one = view.recurring.movement(month)
    net = one.churned + one.contraction - one.expansion - one.reactivation
    return _rate(view, _ends(view, month, month), net, one.start, _changed(view, month, month), unknown=_NO_START)


@definition("nrr", unit="ratio", title="Net revenue retention, 12 months", monthly=True)
def nrr(view: View, month: int) -> Measured:
    """Recurring revenue today of the customers of twelve months ago ÷ what they paid then, at today's rates."""
    base, kept, _ = view.once(("retention", month), lambda: view.recurring.retention(month))
    return _retained(view, month, kept, base)


@definition("grr", unit="ratio", title="Gross revenue retention, 12 months", monthly=True)
def grr(view: View, month: int) -> Measured:
    """The same with every customer counted up to what it paid then."""
    base, _, capped = view.once(("retention", month), lambda: view.recurring.retention(month))
    return _retained(view, month, capped, base)


def _retained(view: View, month: int, kept: int, base: int) -> Measured:
    ends = view.end(month - 12) - 1, view.end(month) - 1
    reason = "there was no recurring revenue twelve months before"
    return _rate(view, ends, kept, base, _shown(view, ends[0]), _changed(view, month - 11, month), unknown=reason)


@definition("annual_share", unit="ratio", title="Share of MRR billed by the year")
def annual_share(view: View, month: int) -> Measured:
    """Recurring revenue of yearly prices ÷ all of it, today."""
    present, shown = _now(view), _shown(view, view.as_of)
    return _rate(view, (view.as_of,), present.annual, present.monthly, shown, unknown=_NOTHING)


@definition("past_due_share", unit="ratio", title="Share of MRR past due")
def past_due_share(view: View, month: int) -> Measured:
    """Recurring revenue of past-due subscriptions ÷ all of it, today."""
    present = _now(view)
    behind = [
        _Subscription(subscription.id, terms)
        for subscription in present.subscriptions
        if (terms := holding(subscription.terms, view.as_of)) is not None and terms.behind
    ]
    return _rate(view, (view.as_of,), present.behind, present.monthly, behind, unknown=_NOTHING)


@definition("collection", unit="ratio", title="Failed invoices recovered, 3 months", monthly=True)
def collection(view: View, month: int) -> Measured:
    """Invoices whose payment failed in the last three months and that were paid after all ÷ all that failed."""
    start, end = view.calendar.start(month - 2), view.end(month)
    failed = [bill for bill in view.books.bills if start <= bill.failed_at < end]
    recovered = sum(bill.paid_at is not None and bill.paid_at <= view.as_of for bill in failed)
    return rate(recovered, len(failed), failed, unknown="no invoice's payment failed in three months")
