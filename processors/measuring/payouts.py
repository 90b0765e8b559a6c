"""Definitions of payouts, and of how long the money lasts."""

from __future__ import annotations

from fractions import Fraction

from processors.measuring.books import Payout
from processors.measuring.definition import Measured, count, definition, money, rate, unknown
from processors.measuring.flows import Evidence
from processors.measuring.periods import DAY, add_business_days, day_of, instant
from processors.measuring.statistics import to_decimal
from processors.measuring.view import View

# Business days within which a bank may still send a paid payout back.
_SETTLES_AFTER = 5
_NO_PAYOUTS = "no payout of six months has come to its end"


def _settled(payout: Payout, moment: int) -> bool | None:
    """Whether a payout arrived for good, by all that is known; None while that is open or when it was canceled.

    One that failed later never arrived, whatever moment is asked about: only what was known then said otherwise.
    """
    if payout.failed_at is not None:
        return False
    if payout.status == "canceled" or payout.paid_at is None or payout.paid_at > moment:
        return None
    return True if day_of(moment) > add_business_days(day_of(payout.paid_at), _SETTLES_AFTER) else None


def _outcomes(view: View) -> dict[str, bool | None]:
    """By payout: half a year of them is in every month's figures."""
    return view.once("outcomes", lambda: {one.id: _settled(one, view.as_of) for one in view.books.payouts})


@definition("payout_reliability", unit="ratio", title="Payouts that arrived, 6 months", monthly=True)
def payout_reliability(view: View, month: int) -> Measured:
    """Payouts of six months that were paid and never failed ÷ those that came to an end. A paid one is decided five
    business days later, for it may still fail."""
    made = view.flows.between(view.books.payouts, month - 5, month)
    known = _outcomes(view)
    ended = [(payout, arrived) for payout in made if (arrived := known[payout.id]) is not None]
    good = sum(arrived for _, arrived in ended)
    return rate(good, len(ended), [payout for payout, _ in ended], unknown=_NO_PAYOUTS)


@definition("payouts_failed", unit="count", title="Payouts that failed, 6 months", monthly=True)
def payouts_failed(view: View, month: int) -> Measured:
    """Payouts of six months that failed, those that had been paid before among them."""
    made = view.flows.between(view.books.payouts, month - 5, month)
    failed = [payout for payout in made if _outcomes(view)[payout.id] is False]
    return count(len(failed), failed)


@definition("payouts_automatic", unit="count", title="Automatic payouts, 6 months")
def payouts_automatic(view: View, month: int) -> Measured:
    """Payouts of six months that Stripe made on schedule."""
    found = [one for one in view.flows.between(view.books.payouts, month - 5, month) if one.automatic is not False]
    return count(len(found), found)


@definition("payouts_manual", unit="count", title="Manual payouts, 6 months")
def payouts_manual(view: View, month: int) -> Measured:
    """Payouts of six months that somebody asked for."""
    found = [one for one in view.flows.between(view.books.payouts, month - 5, month) if one.automatic is False]
    return count(len(found), found)


@definition("payout_delay", unit="days", title="Days payouts came late, 6 months")
def payout_delay(view: View, month: int) -> Measured:
    """The mean of whole days between the promised arrival and `paid`, early ones as zero. Payouts that were only
    listed after they had been paid do not say when that was."""
    made = [one for one in view.flows.between(view.books.payouts, month - 5, month) if one.paid_told]
    paid = [one for one in made if one.paid_at is not None and one.arrival is not None and one.paid_at <= view.as_of]
    if not paid:
        return unknown("no payout of six months told when it was paid and when it was to arrive")
    late = sum(max(0, (one.paid_at or 0) // DAY - (one.arrival or 0) // DAY) for one in paid)
    return Measured(to_decimal(Fraction(late, len(paid)), 2), Evidence((paid,)))


@definition("payouts_disabled_days", unit="days", title="Days with payouts disabled, 6 months")
def payouts_disabled_days(view: View, month: int) -> Measured:
    """Days of the last six complete months on which the account could not pay out, as far as it was observed."""
    start, end = view.calendar.start(month - 5), min(view.end(month), view.as_of)
    if not view.books.switches:
        return unknown("the account was never observed")
    seconds = 0
    for number, switch in enumerate(view.books.switches):
        until = view.books.switches[number + 1].at if number + 1 < len(view.books.switches) else end
        if not switch.enabled:
            seconds += max(0, min(until, end) - max(switch.at, start))
    return Measured(
        to_decimal(Fraction(seconds, DAY), 2), Evidence(([_Shown(one.event) for one in view.books.switches],))
    )


class _Shown:
    """A moment with the one fact that shows it."""

    __slots__ = ("events",)

    def __init__(self, event: str) -> None:
        self.events = (event,)


@definition("balance", unit="money", title="Stripe balance")
def balance(view: View, month: int) -> Measured:
    """What the Stripe balance held when it was last observed, available and pending, in the reporting currency."""
    held = [one for one in view.books.holdings if one.at <= view.as_of]
    if not held:
        return unknown("the balance was never observed")
    newest = held[-1]
    values = [(currency, view.convert.convert(amount, currency, newest.at)) for currency, amount in newest.amounts]
    apart = sorted(currency for currency, value in values if value is None)
    note = f"observed on {instant(newest.at):%Y-%m-%d}"
    note += f"; without {', '.join(apart)}, for which there is no rate" if apart else ""
    return money(sum(value or 0 for _, value in values), [_Shown(newest.event)], note=note)


@definition("runway", unit="months", title="Runway")
def runway(view: View, month: int) -> Measured:
    """Balance ÷ declared monthly burn. Stripe cannot see costs: undeclared is unknown."""
    declared = view.declared
    if declared is None or not declared.burn:
        return unknown("the monthly burn is not declared")
    held = balance(view, month)
    if held.value is None:
        return unknown(held.unknown or "the balance is not known")
    evidence = Evidence((*held.evidence.parts, [_Shown(declared.event)]))
    burn = view.convert.convert(declared.burn, declared.currency or view.currency, declared.at)
    if not burn:
        return unknown("the declared burn cannot be converted")
    return Measured(to_decimal(Fraction(int(held.value), burn), 2), evidence, note=held.note)


@definition("dscr", unit="index", title="Debt service coverage")
def dscr(view: View, month: int) -> Measured:
    """(mean monthly net of twelve months − declared burn) ÷ declared debt service. Undeclared is unknown."""
    declared = view.declared
    if declared is None or not declared.debt_service:
        return unknown("the monthly debt service is not declared")
    if declared.burn is None:
        return unknown("the monthly burn is not declared, so operating cash flow is not known")
    if not view.history(month):
        return unknown("there is no complete month with revenue")
    first, last = view.trailing(12, month)
    mean = Fraction(view.flows.total(view.flows.net, first, last), last - first + 1)
    currency = declared.currency or view.currency
    burn = view.convert.convert(declared.burn, currency, declared.at)
    service = view.convert.convert(declared.debt_service, currency, declared.at)
    if burn is None or not service:
        return unknown("the declaration cannot be converted")
    evidence = Evidence((view.flows.sales_of(first, last), [_Shown(declared.event)]))
    return Measured(to_decimal((mean - burn) / service, 4), evidence)
