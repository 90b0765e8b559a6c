"""Money in and out by UTC month, gathered in one pass over the books."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from operator import attrgetter
from typing import Any, NamedTuple, Protocol

from processors.measuring.books import Books, Outflow, Sale
from processors.measuring.money import Converter
from processors.measuring.periods import Calendar

_at = attrgetter("at")


class Recorded(Protocol):
    """A record that names the facts it rests on."""

    @property
    def events(self) -> tuple[str, ...]: ...


Part = Sequence[Recorded] | Callable[[], Sequence[Recorded]]


@dataclass(frozen=True, slots=True)
class Evidence:
    """The records a figure rests on. Nothing is gathered until asked for: a part may be a function that gives it."""

    parts: tuple[Part, ...] = ()

    def gathered(self) -> list[Sequence[Recorded]]:
        return [part() if callable(part) else part for part in self.parts]


class SaleAt(NamedTuple):
    """Where a sale that something refers to stands. `value` in the reporting currency, 0 without a rate."""

    month: int
    value: int
    amount: int
    currency: str
    customer: str
    network: str | None


class Gathered(NamedTuple):
    """Outflows by month: when they happened (`cash`), of the charges of the month (`cohort`).

    Where no charge is known, the cohort is the month it happened in. `of_charges` is without those, `charges` are the
    charges that something was taken of, `strays` the outflows without one.
    """

    cash: list[int]
    cohort: list[int]
    of_charges: list[int]
    charges: list[int]
    strays: list[int]


class Flows:
    """Sums by month in the reporting currency, from `first` (month of the first sale) to the month of `as_of`.

    Lists are indexed by month − first. `net` is by cash date: every movement in the month it happened; `net_cohort`
    puts refunds, disputes and fees into the month of their charge. `sales` counts charges and application fees,
    `charges` the former, `charged` all charges on the account, also those whose money was passed on. What happened
    after `as_of` is left out.
    """

    def __init__(self, books: Books, convert: Converter, calendar: Calendar, as_of: int) -> None:
        self._books = books
        self._convert = convert
        self._calendar = calendar
        self._as_of = as_of
        self.last = calendar.month(as_of)
        self.first = calendar.month(books.sales[0].at) if books.sales and books.sales[0].at <= as_of else self.last
        size = self.last - self.first + 1
        self.gross = [0] * size
        self.sales = [0] * size
        self.charges = [0] * size
        self.charged_volume = [0] * size
        self.recurring = [0] * size
        self.mastercard = [0] * size
        self.visa_not_present = [0] * size
        self.fees_unknown = [0] * size
        self.fees_missing = [0] * size
        self.sale_events = [0] * size
        # Whose each sale is and what it is worth, in their order; None without a rate.
        self._customers: list[str] = []
        self._values: list[int | None] = []
        starts = [calendar.start(self.first + slot) for slot in range(size)]
        self._sale_slices = [bisect_left(books.sales, start, key=_at) for start in (*starts, as_of + 1)]
        self.referred: dict[str, SaleAt] = {}
        self._sales_of: dict[tuple[int, int], Sequence[Sale]] = {}
        self._events_of: dict[int, int] = {}
        self._cohorts: dict[int, dict[int, list[Outflow]]] = {}
        self._gather_sales()
        self.charged = [*self.charges]
        self._gather_passed_on()
        self.refunds = self._gather(books.refunds)
        self.withdrawn = self._gather([one for one in books.withdrawals if one.amount > 0])
        self.reinstated = self._gather([one for one in books.withdrawals if one.amount < 0])
        self.fees = self._gather(books.fees)
        taken = (self.refunds, self.withdrawn, self.reinstated, self.fees)
        self.net = [gross - sum(rest) for gross, *rest in zip(self.gross, *(one.cash for one in taken), strict=True)]
        self.net_cohort = [
            gross - sum(rest) for gross, *rest in zip(self.gross, *(one.cohort for one in taken), strict=True)
        ]

    def window(self, values: Sequence[int], first: int, last: int) -> Sequence[int]:
        """The values of months `first` to `last`, as far as there are any."""
        return values[max(0, first - self.first) : max(0, last - self.first + 1)]

    def total(self, values: Sequence[int], first: int, last: int) -> int:
        return sum(self.window(values, first, last))

    def sales_of(self, first: int, last: int) -> Sequence[Sale]:
        """The sales of months `first` to `last`."""
        if (first, last) not in self._sales_of:
            found = self._sales_of[first, last] = self._books.sales[self._sales_slice(first, last)]
            self._events_of[id(found)] = self.total(self.sale_events, first, last)
        return self._sales_of[first, last]

    def charges_of(self, first: int, last: int) -> Sequence[Sale]:
        """The charges among the sales of months `first` to `last`."""
        sold = self.sales_of(first, last)
        return sold if self.total(self.charges, first, last) == len(sold) else [one for one in sold if one.is_charge]

    def paid(self, first: int, last: int) -> Iterable[tuple[str, int | None]]:
        """(customer, worth in the reporting currency or None without a rate) of the sales of some months."""
        part = self._sales_slice(first, last)
        return zip(self._customers[part], self._values[part], strict=True)

    def events_of(self, part: Sequence[Recorded]) -> int | None:
        """How many facts sales rest on that `sales_of` gave; None for other records. The sales given are all kept."""
        return self._events_of.get(id(part))

    def _sales_slice(self, first: int, last: int) -> slice:
        start = min(max(0, first - self.first), len(self.sales))
        end = min(max(0, last - self.first + 1), len(self.sales))
        return slice(self._sale_slices[start], self._sale_slices[end])

    def between(self, records: Sequence[Any], first: int, last: int) -> Sequence[Any]:
        """The records of other kinds that happened in months `first` to `last`. They are in the order of time."""
        start, end = self._calendar.start(first), min(self._calendar.start(last + 1), self._as_of + 1)
        return records[bisect_left(records, start, key=_at) : bisect_left(records, end, key=_at)]

    def cohort(self, records: Sequence[Outflow], first: int, last: int) -> list[Outflow]:
        """Those whose charge – or, where that is not known, who themselves – are of months `first` to `last`."""
        by_month = self._cohorts.get(id(records))
        if by_month is None:
            by_month = self._cohorts[id(records)] = {}
            for one in records:
                if one.at <= self._as_of:
                    by_month.setdefault(self._cohort_month(one), []).append(one)
        return [one for month in range(first, last + 1) for one in by_month.get(month, ())]

    def of_charges(self, records: Sequence[Outflow], first: int, last: int) -> list[Outflow]:
        """Those of charges of months `first` to `last`."""
        return [one for one in self.cohort(records, first, last) if one.sale in self.referred]

    def _cohort_month(self, one: Outflow) -> int:
        """The month of the charge. Money can leave before the first sale that is known of: it counts there."""
        sale = self.referred.get(one.sale or "")
        return max(sale.month if sale else self._calendar.month(one.at), self.first)

    def outflow(self, one: Outflow) -> int | None:
        return self._convert.settled(one.amount, one.currency, one.settled, one.settled_currency, one.at)

    def _gather_sales(self) -> None:
        books = self._books
        referring: Iterable[Any] = (*books.refunds, *books.withdrawals, *books.fees, *books.contests, *books.warnings)
        self._wanted = {record.sale for record in referring}
        for slot, (start, end) in enumerate(pairwise(self._sale_slices)):
            self._gather_month(slot, books.sales[start:end])

    def _gather_month(self, slot: int, sales: Sequence[Sale]) -> None:
        """The one pass over a month's sales: a record is taken apart once, which is faster than asking it by name."""
        convert, reporting, wanted = self._convert, self._convert.currency, self._wanted
        keep_value, keep_customer = self._values.append, self._customers.append
        gross = recurring = charges = volume = unknown = missing = mastercard = visa = events = 0
        for (
            id, at, customer, amount, currency, settled, settled_in, fee_known, recurs, network, remote, shown,
            is_charge,
        ) in sales:  # fmt: skip
            value: int | None
            if settled is not None and settled_in == reporting:
                value = settled
            elif settled is not None:
                value = convert.settled(amount, currency, settled, settled_in, at)
            else:
                value = amount if currency == reporting else convert.convert(amount, currency, at)
            keep_value(value)
            keep_customer(customer)
            events += len(shown)
            if network == "mastercard":
                mastercard += 1
            elif remote and network == "visa":
                visa += 1
            if is_charge:
                charges += 1
            if not fee_known:
                missing += 1
            if id in wanted:
                self.referred[id] = SaleAt(self.first + slot, value or 0, amount, currency, customer, network)
            if value is None:
                convert.keep_apart(amount, currency)
                continue
            gross += value
            if recurs:
                recurring += value
            if is_charge:
                volume += value
            if not fee_known:
                unknown += 1
        self.sales[slot], self.gross[slot], self.recurring[slot] = len(sales), gross, recurring
        self.charges[slot], self.charged_volume[slot] = charges, volume
        self.fees_missing[slot], self.sale_events[slot] = missing, events
        self.mastercard[slot], self.visa_not_present[slot] = mastercard, visa
        self.fees_unknown[slot] = unknown

    def _gather_passed_on(self) -> None:
        for id, at, amount, currency, network, remote, whole, _ in self._books.passed_on:
            month = self._calendar.month(at)
            if at > self._as_of:
                break
            value = self._convert.convert(amount, currency, at) or 0
            if whole and id in self._wanted:
                self.referred[id] = SaleAt(month, value, amount, currency, "", network)
            if month < self.first:
                continue
            slot = month - self.first
            self.charged_volume[slot] += value
            if whole:
                self.charged[slot] += 1
                self.mastercard[slot] += network == "mastercard"
                self.visa_not_present[slot] += remote and network == "visa"

    def _gather(self, outflows: Sequence[Outflow]) -> Gathered:
        size = len(self.gross)
        found = Gathered([0] * size, [0] * size, [0] * size, [0] * size, [0] * size)
        by_sale: dict[str, int] = {}
        for one in outflows:
            if one.at > self._as_of:
                break
            slot, cohort = max(self._calendar.month(one.at), self.first) - self.first, self._cohort_month(one)
            value = self.outflow(one)
            if one.sale in self.referred:
                by_sale[one.sale] = by_sale.get(one.sale, 0) + one.amount
                found.of_charges[cohort - self.first] += value or 0
            else:
                found.strays[slot] += one.amount > 0
            if value is None:
                self._convert.keep_apart(-one.amount, one.currency)
                continue
            found.cash[slot] += value
            found.cohort[cohort - self.first] += value
        for sale, amount in by_sale.items():
            # What was reversed did not happen to its charge.
            found.charges[max(self.referred[sale].month, self.first) - self.first] += amount > 0
        return found
