"""Monthly recurring revenue: levels at every month's end, and what moved them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate

from processors.measuring.books import MICRO, Books, Subscribed, Terms
from processors.measuring.money import Converter
from processors.measuring.periods import Calendar


@dataclass(slots=True)
class Movement:
    """What one month did to recurring revenue, in millionths of minor units of the reporting currency.

    `start` and `end` are the levels at its ends; `currency` is what exchange rates alone moved. `customers` paid at
    its start, `lost` of them no longer pay at its end.
    """

    start: int = 0
    end: int = 0
    new: int = 0
    expansion: int = 0
    reactivation: int = 0
    contraction: int = 0
    churned: int = 0
    currency: int = 0
    customers: int = 0
    lost: int = 0


# A customer's recurring revenue by currency, in millionths of minor units.
Amounts = tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Now:
    """Recurring revenue at one moment, in millionths of minor units of the reporting currency."""

    monthly: int
    committed: int
    annual: int
    behind: int
    customers: int
    subscriptions: tuple[Subscribed, ...]


class Recurring:
    """Recurring revenue by month, from the first subscription to the last complete month (`last`).

    Rates: a month's movements are valued at the rates of its start, so that customers and exchange rates are told
    apart. Amounts in a currency without a rate are left out and named in `unconverted`.
    """

    def __init__(self, books: Books, convert: Converter, calendar: Calendar, as_of: int) -> None:
        self._books = books
        self._convert = convert
        self._calendar = calendar
        self._as_of = as_of
        self.last = calendar.month(as_of) - 1
        self.unconverted: set[str] = set()
        # Who pays something else from the end of a month on, and what every customer pays at the ends of the months.
        self._levels: dict[int, list[tuple[str, Amounts]]] = defaultdict(list)
        self._standings: list[dict[str, Amounts]] = []
        self.movements: dict[int, Movement] = {}
        self.first: int | None = None
        self._build()

    def at(self, moment: int) -> Now:
        """Recurring revenue at an epoch second."""
        sums = [0] * 4
        customers: set[str] = set()
        counted = []
        for subscription in self._books.subscriptions:
            terms = holding(subscription.terms, moment)
            if terms is None or not terms.monthly:
                continue
            if self._value(terms.monthly, terms.currency, moment) is None:
                continue
            counted.append(subscription)
            customers.add(subscription.customer)
            for number, part in enumerate(
                (terms.monthly, terms.committed, terms.annual, terms.monthly if terms.behind else 0)
            ):
                sums[number] += (self._value(part, terms.currency, moment) or 0) if part else 0
        monthly, committed, annual, behind = sums
        return Now(monthly, committed, annual, behind, len(customers), tuple(counted))

    def movement(self, month: int) -> Movement:
        return self.movements.get(month, Movement())

    def retention(self, month: int) -> tuple[int, int, int]:
        """(base, kept, kept but capped): revenue at the end of a month from customers of 12 months before.

        All at the rates of the later month's end, so that exchange rates do not look like retention.
        """
        base = kept = capped = 0
        standing = self._standing(month)
        for customer, earlier in self._standing(month - 12).items():
            before = self._worth(earlier, month)
            if before:
                later = standing.get(customer, ())
                # Most stay as they are: the same amounts at the same rates.
                after = before if later == earlier else self._worth(later, month)
                base += before
                kept += after
                capped += min(before, after)
        return base, kept, capped

    def _standing(self, month: int) -> Mapping[str, Amounts]:
        """What every customer with recurring revenue pays at a month's end: made once, each from the month before."""
        if self.first is None or month < self.first:
            return {}
        while self.first + len(self._standings) <= min(month, self.last):
            reached = self.first + len(self._standings)
            standing = dict(self._standings[-1]) if self._standings else {}
            for customer, amounts in self._levels.get(reached, ()):
                if amounts:
                    standing[customer] = amounts
                else:
                    standing.pop(customer, None)
            self._standings.append(standing)
        return self._standings[min(month, self.last) - self.first]

    def _worth(self, amounts: Amounts, month: int) -> int:
        """Amounts at the rates of a month's end."""
        if not amounts:
            return 0
        moment = self._calendar.start(month + 1) - 1
        if len(amounts) == 1:
            currency, amount = amounts[0]
            return amount if currency == self._convert.currency else self._value(amount, currency, moment) or 0
        return sum(self._value(amount, currency, moment) or 0 for currency, amount in amounts)

    def _value(self, micro: int, currency: str, moment: int) -> int | None:
        value = self._convert.convert(micro, currency, moment)
        if value is None:
            self.unconverted.add(currency)
        return value

    def _build(self) -> None:
        changes: dict[str, dict[int, dict[str, int]]] = defaultdict(dict)
        for subscription in self._books.subscriptions:
            before: Terms | None = None
            for month, terms in self._month_ends(subscription):
                moved = changes[subscription.customer].setdefault(month, {})
                if before is not None and before.monthly:
                    moved[before.currency] = moved.get(before.currency, 0) - before.monthly
                if terms.monthly:
                    moved[terms.currency] = moved.get(terms.currency, 0) + terms.monthly
                before = terms
        if not changes:
            return
        self.first = min(month for moved in changes.values() for month in moved)
        size = self.last - self.first + 1
        if size <= 0:
            self.first = None
            return
        totals: dict[str, list[int]] = defaultdict(lambda: [0] * size)
        paying = [0] * (size + 1)
        self.movements = {month: Movement() for month in range(self.first, self.last + 1)}
        for customer in sorted(changes):
            self._follow(customer, changes[customer], totals, paying)
        counts = list(accumulate(paying))
        running = {currency: list(accumulate(amounts)) for currency, amounts in totals.items()}
        for slot in range(size):
            self._level(self.first + slot, slot, running, counts)

    def _month_ends(self, subscription: Subscribed) -> list[tuple[int, Terms]]:
        """The terms that hold at the ends of months, each from the first month on at whose end they do."""
        found: list[tuple[int, Terms]] = []
        for terms in subscription.terms:
            if terms.at > self._as_of:
                break
            month = self._calendar.month(terms.at)
            if month > self.last:
                break
            if found and found[-1][0] == month:
                found.pop()
            found.append((month, terms))
        return found

    def _follow(
        self, customer: str, moved: dict[int, dict[str, int]], totals: dict[str, list[int]], paying: list[int]
    ) -> None:
        """One customer through the months in which something changed."""
        assert self.first is not None
        amounts: dict[str, int] = {}
        paid_before = False
        for month in sorted(moved):
            earlier = tuple(amounts.items())
            for currency, delta in moved[month].items():
                totals[currency][month - self.first] += delta
                amounts[currency] = amounts.get(currency, 0) + delta
            amounts = {currency: amount for currency, amount in amounts.items() if amount}
            later = tuple(sorted(amounts.items()))
            self._levels[month].append((customer, later))
            # Valued at the end of the month before, which is this one's start.
            start, end = self._worth(earlier, month - 1), self._worth(later, month - 1)
            movement = self.movements[month]
            if not start and end:
                paying[month - self.first] += 1
                if paid_before:
                    movement.reactivation += end
                else:
                    movement.new += end
            elif start and not end:
                paying[month - self.first] -= 1
                movement.churned += start
                movement.lost += 1
            elif end > start:
                movement.expansion += end - start
            else:
                movement.contraction += start - end
            paid_before = paid_before or bool(end)

    def _level(self, month: int, slot: int, running: dict[str, list[int]], counts: list[int]) -> None:
        movement = self.movements[month]
        movement.customers = counts[slot - 1] if slot else 0
        start_at, end_at = self._calendar.start(month) - 1, self._calendar.start(month + 1) - 1
        for currency, amounts in running.items():
            start = self._value(amounts[slot - 1] if slot else 0, currency, start_at)
            end = self._value(amounts[slot], currency, end_at)
            at_old_rate = self._value(amounts[slot], currency, start_at)
            if start is None or end is None or at_old_rate is None:
                continue
            movement.start += start
            movement.end += end
            movement.currency += end - at_old_rate


def holding(terms: Sequence[Terms], moment: int) -> Terms | None:
    """The terms that hold at a moment; None before the first."""
    found = None
    for one in terms:
        if one.at > moment:
            break
        found = one
    return found


def minor(micro: int) -> Fraction:
    """Minor units, unrounded."""
    return Fraction(micro) / MICRO
