"""Amounts in the reporting currency, exact to the minor unit."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from fractions import Fraction
from operator import attrgetter

from processors.measuring.books import Books
from processors.measuring.periods import DAY, day_of
from schemas.reference import RateTable


class Converter:
    """Turns amounts into minor units of one currency, each rounded half to even on its own.

    What has no rate is not converted, and noted in `unconverted`: currency → [amount, records].
    """

    def __init__(self, currency: str, rates: RateTable) -> None:
        self.currency = currency
        self.unconverted: dict[str, list[int]] = {}
        self._rates = rates
        self._ratios: dict[str, dict[int, tuple[int, int] | None]] = defaultdict(dict)

    def settled(
        self, amount: int, currency: str, settled: int | None, settled_currency: str | None, at: int
    ) -> int | None:
        """The settled amount where there is one, else the amount by the day's rate; None without a rate."""
        if settled is not None and settled_currency is not None:
            amount, currency = settled, settled_currency
        return amount if currency == self.currency else self.convert(amount, currency, at)

    def convert(self, amount: int, currency: str, at: int) -> int | None:
        """By the rate of the UTC day `at` is in."""
        if currency == self.currency:
            return amount
        by_day, day = self._ratios[currency], at // DAY
        found = by_day[day] if day in by_day else self._ratio(currency, day)
        if found is None:
            return None
        over, under = found
        whole, rest = divmod(amount * over, under)
        return whole + (2 * rest > under or (2 * rest == under and whole % 2 == 1))

    def factor(self, currency: str, at: int) -> Fraction | None:
        """Minor units of the reporting currency for one of `currency`."""
        found = self._ratio(currency, at // DAY)
        return None if found is None else Fraction(*found)

    def keep_apart(self, amount: int, currency: str) -> None:
        """Note an amount that has no rate."""
        kept = self.unconverted.setdefault(currency, [0, 0])
        kept[0] += amount
        kept[1] += 1

    def _ratio(self, currency: str, day: int) -> tuple[int, int] | None:
        """The rate of a day since 1970, as numerator and denominator."""
        by_day = self._ratios[currency]
        if day not in by_day:
            factor = self._rates.factor(currency, self.currency, day_of(day * DAY))
            by_day[day] = None if factor is None else (factor.numerator, factor.denominator)
        return by_day[day]


def reporting_currency(books: Books) -> str:
    """Declared, else what the account settles in, else what most sales are in; `usd` where nothing says."""
    declared = books.declarations[-1].currency if books.declarations else None
    if declared:
        return declared
    settled = _most(map(attrgetter("settled_currency"), books.sales))
    return settled or books.currency or _most(map(attrgetter("currency"), books.sales)) or "usd"


def _most(currencies: Iterable[str | None]) -> str | None:
    counted = Counter(currencies)
    named = [(-number, currency) for currency, number in counted.items() if currency is not None]
    return min(named)[1] if named else None
