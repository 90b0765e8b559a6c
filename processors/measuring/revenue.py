"""Definitions of revenue: gross, net, refunds, history, trend, volatility, and what recurs."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from operator import attrgetter

from processors.measuring.definition import Measured, count, definition, money, rate, unknown
from processors.measuring.flows import Evidence, Part
from processors.measuring.periods import DAY, day_of
from processors.measuring.statistics import deviation, median, residuals, seasonal_residuals, theil_sen, to_decimal
from processors.measuring.view import View
from processors.measuring.words import joined, many

_TREND_NEEDS = 6
_SEASONS_NEED = 24
# Rates are published on working days; Easter has the longest gap.
_FRESH = timedelta(days=5)


@definition("gross_revenue", unit="money", title="Gross revenue", monthly=True)
def gross_revenue(view: View, month: int) -> Measured:
    """Captured amounts of succeeded charges, in the month of the capture. On a platform also application fees."""
    return money(view.flows.total(view.flows.gross, month, month), lambda: view.flows.sales_of(month, month))


@definition("charges", unit="count", title="Successful charges", monthly=True)
def charges(view: View, month: int) -> Measured:
    """Succeeded, captured charges of the month, in any currency; application fees are none."""
    return count(view.flows.total(view.flows.charges, month, month), lambda: view.flows.charges_of(month, month))


@definition("charges_t3m", unit="count", title="Successful charges, 3 months")
def charges_t3m(view: View, month: int) -> Measured:
    """Succeeded, captured charges of the last three months, on a platform also its application fees: how much the
    rates of that time rest on."""
    return count(view.flows.total(view.flows.sales, month - 2, month), lambda: view.flows.sales_of(month - 2, month))


@definition("refunds", unit="money", title="Refunds", monthly=True)
def refunds(view: View, month: int) -> Measured:
    """Refunds made in the month, pending ones for now included; one that fails or is canceled comes off then."""
    made = view.flows.between(view.books.refunds, month, month)
    pending = sum(one.provisional for one in made)
    note = f"{pending} of {many(len(made), 'refund')} still pending" if pending else None
    return money(view.flows.total(view.flows.refunds.cash, month, month), made, note=note)


@definition("disputes_withdrawn", unit="money", title="Disputed amounts withdrawn", monthly=True)
def disputes_withdrawn(view: View, month: int) -> Measured:
    """What disputes took from the balance in the month, without their fees."""
    found = [one for one in view.flows.between(view.books.withdrawals, month, month) if one.amount > 0]
    return money(view.flows.total(view.flows.withdrawn.cash, month, month), found)


@definition("disputes_reinstated", unit="money", title="Disputed amounts given back", monthly=True)
def disputes_reinstated(view: View, month: int) -> Measured:
    """What won disputes brought back in the month."""
    found = [one for one in view.flows.between(view.books.withdrawals, month, month) if one.amount < 0]
    return money(-view.flows.total(view.flows.reinstated.cash, month, month), found)


@definition("fees", unit="money", title="Fees", monthly=True)
def fees(view: View, month: int) -> Measured:
    """Stripe's fees, from balance transactions where they are known."""
    sales = view.flows.total(view.flows.sales, month, month)
    missing = view.flows.total(view.flows.fees_missing, month, month)
    note = f"the fees of {missing} of {many(sales, 'charge')} are not known and not in it" if missing else None
    known = view.flows.between(view.books.fees, month, month)
    return money(view.flows.total(view.flows.fees.cash, month, month), known, note=note)


def _movements(view: View, first: int, last: int) -> tuple[Part, ...]:
    flows, books = view.flows, view.books
    return (
        lambda: flows.sales_of(first, last),
        lambda: flows.between(books.refunds, first, last),
        lambda: flows.between(books.withdrawals, first, last),
        lambda: flows.between(books.fees, first, last),
    )


def _first_month(view: View, months: int, month: int) -> str | None:
    """A caution where a window of months begins with that of the first charge, which came in the middle of it."""
    began = day_of(view.books.sales[0].at)
    partial = began.day > 1 and month - months + 1 <= view.first
    return f"the month of the first charge, {began}, counts as a whole one" if partial else None


def _without_fees(view: View, first: int, last: int) -> str | None:
    missing = view.flows.total(view.flows.fees_unknown, first, last)
    return f"the fees of {many(missing, 'charge')} are not known and not taken off" if missing else None


@definition("net_revenue", unit="money", title="Net revenue", monthly=True)
def net_revenue(view: View, month: int) -> Measured:
    """Gross less refunds, disputes and fees, plus what disputes gave back: each in the month it moved."""
    return money(
        view.flows.total(view.flows.net, month, month),
        *_movements(view, month, month),
        note=_without_fees(view, month, month),
    )


@definition("net_revenue_cohort", unit="money", title="Net revenue by charge", monthly=True)
def net_revenue_cohort(view: View, month: int) -> Measured:
    """What the charges of the month are worth today: their refunds, disputes and fees count in the month of the charge.

    What belongs to no charge that was ever seen counts in the month it moved.
    """
    flows, books = view.flows, view.books
    return money(
        flows.total(flows.net_cohort, month, month),
        lambda: flows.sales_of(month, month),
        lambda: flows.cohort(books.refunds, month, month),
        lambda: flows.cohort(books.withdrawals, month, month),
        lambda: flows.cohort(books.fees, month, month),
        note=_without_fees(view, month, month),
    )


@definition("average_net", unit="money", title="Average net a month, 3 months")
def average_net(view: View, month: int) -> Measured:
    """Net revenue of the last three complete months ÷ 3; of a younger business, of the months there are."""
    if not view.history(month):
        return unknown("there is no complete month with revenue")
    return money(
        Fraction(view.flows.total(view.flows.net, month - 2, month), min(3, view.history(month))),
        *_movements(view, month - 2, month),
        note=joined(_without_fees(view, month - 2, month), _first_month(view, 3, month)),
    )


@definition("average_net_usd", unit="usd", title="Average net a month in US dollars")
def average_net_usd(view: View, month: int) -> Measured:
    """The average net of three months in US cents, by the rate of the last day of them."""
    return _in_dollars(view, month, average_net(view, month))


@definition("annual_net_usd", unit="usd", title="Net of 12 months in US dollars")
def annual_net_usd(view: View, month: int) -> Measured:
    """Net revenue of the last twelve complete months in US cents, by the rate of the last day of them."""
    if not view.history(month):
        return unknown("there is no complete month with revenue")
    total = view.flows.total(view.flows.net, month - 11, month)
    note = _without_fees(view, month - 11, month)
    return _in_dollars(view, month, money(total, *_movements(view, month - 11, month), note=note))


def _in_dollars(view: View, month: int, found: Measured) -> Measured:
    if found.value is None:
        return found
    day = day_of(view.end(month) - DAY)
    factor = view.reference.rates.factor(view.currency, "usd", day)
    if factor is None:
        return unknown(f"there is no exchange rate from {view.currency} to usd on {day}")
    newest = view.reference.rates.through
    stale = view.currency != "usd" and newest is not None and day - newest > _FRESH
    note = joined(found.note, f"by the exchange rate of {newest}, the newest at hand" if stale else None)
    return Measured(to_decimal(Fraction(found.value) * factor, 0), found.evidence, note=note)


def _strays(view: View, first: int, last: int) -> str | None:
    strays = view.flows.total(view.flows.refunds.strays, first, last)
    return f"without {many(strays, 'refund')} of charges that were never seen" if strays else None


@definition("refund_rate", unit="ratio", title="Refunded share of volume, 3 months", monthly=True)
def refund_rate(view: View, month: int) -> Measured:
    """Refunds of the last three months' charges ÷ their gross, whenever the refund was made."""
    flows = view.flows
    return rate(
        flows.total(flows.refunds.of_charges, month - 2, month),
        flows.total(flows.gross, month - 2, month),
        lambda: flows.of_charges(view.books.refunds, month - 2, month),
        unknown="nothing was charged in these three months",
        note=_strays(view, month - 2, month),
    )


@definition("refund_rate_count", unit="ratio", title="Refunded share of charges, 3 months", monthly=True)
def refund_rate_count(view: View, month: int) -> Measured:
    """Charges of the last three months with a refund ÷ all of them."""
    flows = view.flows
    return rate(
        flows.total(flows.refunds.charges, month - 2, month),
        flows.total(flows.sales, month - 2, month),
        lambda: flows.of_charges(view.books.refunds, month - 2, month),
        unknown="nothing was charged in these three months",
        note=_strays(view, month - 2, month),
    )


@definition("history", unit="months", title="History", monthly=True)
def history(view: View, month: int) -> Measured:
    """Months from the first charge's month to the last complete one."""
    return Measured(Decimal(view.history(month)), Evidence((lambda: view.flows.sales_of(view.first, view.first),)))


def _monthly_net(view: View, months: int, month: int) -> list[int]:
    first, last = view.trailing(months, month)
    return list(view.flows.window(view.flows.net, first, last))


@definition("trend", unit="ratio", title="Trend a month, 12 months", monthly=True)
def trend(view: View, month: int) -> Measured:
    """Theil–Sen slope of monthly net ÷ median monthly net over up to twelve months; needs six."""
    values = _monthly_net(view, 12, month) if view.history(month) else []
    if len(values) < _TREND_NEEDS:
        return unknown(f"a trend needs {_TREND_NEEDS} complete months, and has {len(values)}")
    middle = median(values)
    if middle <= 0:
        return unknown("the median monthly net is not positive")
    evidence = Evidence(_movements(view, *view.trailing(12, month)))
    return Measured(to_decimal(theil_sen(values) / middle), evidence, note=_first_month(view, 12, month))


@definition("growth_year_on_year", unit="ratio", title="Net against the year before", monthly=True)
def growth_year_on_year(view: View, month: int) -> Measured:
    """Net of the last twelve months ÷ net of the twelve before, less one; needs 24 months."""
    if view.history(month) < 24:
        return unknown(f"a year on year needs 24 complete months, and has {view.history(month)}")
    before = view.flows.total(view.flows.net, month - 23, month - 12)
    if before <= 0:
        return unknown("the net of the year before is not positive")
    after = view.flows.total(view.flows.net, month - 11, month)
    return rate(after - before, before, *_movements(view, month - 23, month), unknown="")


@definition("volatility", unit="ratio", title="Volatility of net, 12 months", monthly=True)
def volatility(view: View, month: int) -> Measured:
    """Standard deviation ÷ mean of detrended monthly net over up to twelve months, months of zero included.

    From 24 months of history on without what every calendar month does by itself. A mean of zero or less is the worst
    there is: 1.
    """
    values = _monthly_net(view, 12, month) if view.history(month) else []
    if len(values) < _TREND_NEEDS:
        return unknown(f"volatility needs {_TREND_NEEDS} complete months, and has {len(values)}")
    evidence = Evidence(_movements(view, *view.trailing(12, month)))
    mean = Fraction(sum(values), len(values))
    if mean <= 0:
        return Measured(Decimal(1), evidence, note="the mean monthly net is not positive: the worst band")
    if view.history(month) < _SEASONS_NEED:
        note = _first_month(view, 12, month)
        return Measured(to_decimal(deviation(residuals(values)) / mean), evidence, note=note)
    years = min(3, view.history(month) // 12)
    rest, factor = seasonal_residuals(_monthly_net(view, 12 * years, month))
    return Measured(to_decimal(deviation(rest[-12:], factor) / mean), evidence, note="deseasonalised")


@definition("volatility", unit="ratio", title="Volatility of net, 12 months, by the median", version=2)
def volatility_by_median(view: View, month: int) -> Measured:
    """A candidate: 1.4826 × the median absolute deviation ÷ the median of detrended net. One odd month does not count.

    It runs beside version 1 (`vaultra compare`) and is part of no score but version 2.
    """
    values = _monthly_net(view, 12, month) if view.history(month) else []
    if len(values) < _TREND_NEEDS:
        return unknown(f"volatility needs {_TREND_NEEDS} complete months, and has {len(values)}")
    evidence = Evidence(_movements(view, *view.trailing(12, month)))
    middle = median(values)
    if middle <= 0:
        return Measured(Decimal(1), evidence, note="the median monthly net is not positive: the worst band")
    spread = median([abs(value) for value in residuals(values)]) * Fraction(14826, 10000)
    return Measured(to_decimal(spread / middle), evidence)


@definition("recurring_share", unit="ratio", title="Recurring share of gross, 12 months", monthly=True)
def recurring_share(view: View, month: int) -> Measured:
    """Gross from charges of subscriptions' invoices ÷ all gross, twelve months."""
    first, last = view.trailing(12, month)
    return rate(
        view.flows.total(view.flows.recurring, first, last),
        view.flows.total(view.flows.gross, first, last),
        lambda: view.flows.sales_of(first, last),
        unknown="nothing was charged in twelve months",
    )


@definition("repeat_purchase_90d", unit="ratio", title="Customers that bought again within 90 days")
def repeat_purchase_90d(view: View, month: int) -> Measured:
    """Of the customers who bought in the quarter before the last, those who bought again within 90 days of that.

    The first purchase in the three complete months that ended three months ago counts; guests go by card.
    """
    start, end = month - 5, month - 3
    first: dict[str, int] = {}
    again: set[str] = set()
    considered = view.flows.sales_of(start, month)
    until = view.end(end)
    for customer, at in map(attrgetter("customer", "at"), considered):
        bought = first.get(customer)
        if bought is None:
            if at < until:
                first[customer] = at
        elif bought < at <= bought + 90 * DAY:
            again.add(customer)
    return rate(len(again), len(first), considered, unknown="nobody bought in the quarter before the last")
