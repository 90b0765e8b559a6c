"""Definitions of disputes, card programmes and concentration."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from processors.measuring.books import Contest, FraudWarning
from processors.measuring.definition import Measured, count, definition, rate, unknown
from processors.measuring.flows import Evidence, Recorded
from processors.measuring.periods import DAY
from processors.measuring.statistics import to_decimal
from processors.measuring.view import View
from processors.measuring.words import many

_NO_CHARGES = "nothing was charged in the month"
# Days after a charge within which nearly all of its disputes come.
_DISPUTES_RIPEN = 120


def disputes_of(view: View, first: int, last: int) -> list[Contest]:
    """Disputes opened in some months: neither inquiries nor prevented ones."""
    return [
        one for one in view.flows.between(view.books.contests, first, last) if not one.inquiry and not one.prevented
    ]


@definition("disputes", unit="count", title="Disputes opened", monthly=True)
def disputes(view: View, month: int) -> Measured:
    """Disputes opened in the month; a won one stays in the count."""
    found = disputes_of(view, month, month)
    return count(len(found), found)


@definition("inquiries", unit="count", title="Inquiries", monthly=True)
def inquiries(view: View, month: int) -> Measured:
    """Inquiries (`warning_…`) of the month: no money was withdrawn, and they are no disputes."""
    found = [one for one in view.flows.between(view.books.contests, month, month) if one.inquiry]
    return count(len(found), found)


@definition("disputes_prevented", unit="count", title="Disputes prevented", monthly=True)
def disputes_prevented(view: View, month: int) -> Measured:
    """Disputes of the month that were prevented before they counted."""
    found = [one for one in view.flows.between(view.books.contests, month, month) if one.prevented]
    return count(len(found), found)


def _activity(view: View, month: int) -> Fraction | None:
    """Disputes ÷ charges of a month, none of none where application fees were all that was earned; else None."""
    found = len(disputes_of(view, month, month))
    if charged := view.flows.total(view.flows.charged, month, month):
        return Fraction(found, charged)
    return Fraction(0) if view.flows.total(view.flows.sales, month, month) and not found else None


@definition("dispute_activity", unit="ratio", title="Disputes ÷ charges of the month", monthly=True)
def dispute_activity(view: View, month: int) -> Measured:
    """Disputes opened ÷ successful charges, both of the month, by number. A platform's charges count whole, also where
    the money was another account's."""
    share = _activity(view, month)
    if share is None:
        return unknown(_NO_CHARGES)
    alone = not view.flows.total(view.flows.charged, month, month)
    note = "application fees alone: there was no charge to dispute" if alone else None
    return Measured(to_decimal(share), Evidence((disputes_of(view, month, month),)), note=note)


@definition("dispute_activity_volume", unit="ratio", title="Disputed ÷ charged amount of the month", monthly=True)
def dispute_activity_volume(view: View, month: int) -> Measured:
    """Amounts of disputes opened ÷ amounts of charges, both of the month; of a platform's as for their number."""
    found = disputes_of(view, month, month)
    amounts = [view.convert.convert(one.amount, one.currency, one.at) or 0 for one in found]
    return rate(sum(amounts), view.flows.total(view.flows.charged_volume, month, month), found, unknown=_NO_CHARGES)


def worst_month(view: View, month: int) -> int | None:
    """The month of the last three with the highest dispute activity, the newest of equals; None without charges."""
    known = {m: share for m in range(month - 2, month + 1) if (share := _activity(view, m)) is not None}
    return max(known, key=lambda m: (known[m], m), default=None)


@definition("dispute_activity_worst", unit="ratio", title="Dispute activity, worst of 3 months")
def dispute_activity_worst(view: View, month: int) -> Measured:
    """The highest dispute activity by number of the last three months."""
    worst = worst_month(view, month)
    return unknown("nothing was charged in three months") if worst is None else dispute_activity(view, worst)


@definition("worst_month_disputes", unit="count", title="Disputes of that worst month")
def worst_month_disputes(view: View, month: int) -> Measured:
    """How many disputes the worst month's activity counts."""
    worst = worst_month(view, month)
    return unknown("nothing was charged in three months") if worst is None else disputes(view, worst)


@definition("worst_month_charges", unit="count", title="Charges of that worst month")
def worst_month_charges(view: View, month: int) -> Measured:
    """How many charges the worst month's activity rests on."""
    worst = worst_month(view, month)
    if worst is None:
        return unknown("nothing was charged in three months")
    flows, passed_on = view.flows, view.flows.between(view.books.passed_on, worst, worst)
    return count(
        flows.total(flows.charged, worst, worst),
        lambda: flows.charges_of(worst, worst),
        [one for one in passed_on if one.whole],
    )


@definition("dispute_rate_by_charge", unit="ratio", title="Charges of the month that were disputed", monthly=True)
def dispute_rate_by_charge(view: View, month: int) -> Measured:
    """Disputed charges of the month ÷ all of them, whenever the dispute came. Immature below 120 days."""
    found = view.once("disputes by charge", lambda: _by_month_of_charge(view)).get(month, [])
    young = view.as_of - view.end(month) < _DISPUTES_RIPEN * DAY
    note = f"immature: disputes may come for {_DISPUTES_RIPEN} days" if young else None
    charges = view.flows.total(view.flows.charged, month, month)
    return rate(len({one.sale for one in found}), charges, found, unknown=_NO_CHARGES, note=note)


def _by_month_of_charge(view: View) -> dict[int, list[Contest]]:
    months: dict[int, list[Contest]] = {}
    for one in view.books.contests:
        sale = view.flows.referred.get(one.sale or "")
        if sale is not None and one.at <= view.as_of and not one.inquiry and not one.prevented:
            months.setdefault(sale.month, []).append(one)
    return months


def _on(view: View, records: Sequence[Contest | FraudWarning], network: str, month: int) -> list[Recorded]:
    """Disputes or warnings of a month whose charge went over a network."""
    found: list[Recorded] = []
    for record in view.flows.between(records, month, month):
        sale = view.flows.referred.get(record.sale or "")
        if sale is not None and sale.network == network:
            found.append(record)
    return found


@definition("mastercard_chargebacks", unit="count", title="Mastercard chargebacks", monthly=True)
def mastercard_chargebacks(view: View, month: int) -> Measured:
    """Disputes of the month on Mastercard charges."""
    found = _on(view, disputes_of(view, month, month), "mastercard", month)
    return count(len(found), found)


@definition("mastercard_ctr", unit="ratio", title="Mastercard chargeback-to-transaction ratio", monthly=True)
def mastercard_ctr(view: View, month: int) -> Measured:
    """Mastercard chargebacks of the month ÷ Mastercard transactions of the month before."""
    found = _on(view, disputes_of(view, month, month), "mastercard", month)
    before = view.flows.total(view.flows.mastercard, month - 1, month - 1)
    return rate(len(found), before, found, unknown="there were no Mastercard charges in the month before")


def _vamp(view: View, month: int) -> list[Recorded]:
    return _on(view, disputes_of(view, month, month), "visa", month) + _on(view, view.books.warnings, "visa", month)


@definition("visa_vamp_count", unit="count", title="Visa fraud reports and disputes", monthly=True)
def visa_vamp_count(view: View, month: int) -> Measured:
    """Early fraud warnings and disputes of the month on Visa charges."""
    found = _vamp(view, month)
    return count(len(found), found)


@definition("visa_vamp", unit="ratio", title="Visa VAMP ratio", monthly=True)
def visa_vamp(view: View, month: int) -> Measured:
    """(early fraud warnings + disputes) ÷ settled Visa charges without the card present, of the month."""
    found = _vamp(view, month)
    settled = view.flows.total(view.flows.visa_not_present, month, month)
    return rate(len(found), settled, found, unknown="there were no Visa charges without the card present")


@definition("fraud_warnings_actionable", unit="count", title="Early fraud warnings still open")
def fraud_warnings_actionable(view: View, month: int) -> Measured:
    """Warnings that are not refunded or disputed yet."""
    found = [one for one in view.books.warnings if one.actionable and one.at <= view.as_of]
    return count(len(found), found)


def _shares(view: View, month: int) -> tuple[list[int], Evidence, str | None]:
    """What every customer paid net in twelve months, largest first; customers at or below zero have no share."""
    first, last = view.trailing(12, month)
    sales = view.flows.sales_of(first, last)
    by_customer: dict[str, int] = {}
    get = by_customer.get
    for customer, worth in view.flows.paid(first, last):
        if worth is not None:
            by_customer[customer] = get(customer, 0) + worth
    taken = [*view.flows.between(view.books.refunds, first, last)]
    taken += view.flows.between(view.books.withdrawals, first, last)
    for one in taken:
        referred = view.flows.referred.get(one.sale or "")
        value = view.flows.outflow(one)
        if referred is not None and value is not None and referred.customer in by_customer:
            by_customer[referred.customer] -= value
    positive = sorted((value for value in by_customer.values() if value > 0), reverse=True)
    # Each of those is a customer of its own name: customers are fewer to look at than charges.
    nameless = sum(name.startswith("charge:") for name in {name for name, _ in view.flows.paid(first, last)})
    note = f"{nameless} of {many(len(sales), 'charge')} without customer and card: each counts as a customer of its own"
    return positive, Evidence((sales, taken)), note if nameless else None


_NOBODY = "nobody paid anything in twelve months"


@definition("top1_share", unit="ratio", title="Share of the largest customer, 12 months")
def top1_share(view: View, month: int) -> Measured:
    """The largest customer's share of net before fees, twelve months; guests go by the fingerprint of their card."""
    return _top(view, month, 1)


@definition("top5_share", unit="ratio", title="Share of the five largest customers, 12 months")
def top5_share(view: View, month: int) -> Measured:
    """The five largest customers' share of net before fees, twelve months."""
    return _top(view, month, 5)


def _top(view: View, month: int, many: int) -> Measured:
    shares, evidence, note = view.once(("shares", month), lambda: _shares(view, month))
    if not shares:
        return unknown(_NOBODY)
    return Measured(to_decimal(Fraction(sum(shares[:many]), sum(shares))), evidence, note=note)


@definition("hhi", unit="index", title="Concentration of customers (HHI), 12 months")
def hhi(view: View, month: int) -> Measured:
    """The sum of the squared shares of all customers, 0 to 1."""
    shares, evidence, note = view.once(("shares", month), lambda: _shares(view, month))
    if not shares:
        return unknown(_NOBODY)
    return Measured(to_decimal(Fraction(sum(share * share for share in shares), sum(shares) ** 2)), evidence, note=note)
