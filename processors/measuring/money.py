"""Amounts in the reporting currency, exact to the minor unit."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction

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
        self._factors: dict[tuple[str, int], tuple[int, int] | None] = {}

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
        found = self._ratio(currency, at)
        if found is None:
            return None
        over, under = found
        whole, rest = divmod(amount * over, under)
        return whole + (2 * rest > under or (2 * rest == under and whole % 2 == 1))

    def factor(self, currency: str, at: int) -> Fraction | None:
        """Minor units of the reporting currency for one of `currency`."""
        found = self._ratio(currency, at)
        return None if found is None else Fraction(*found)

    def keep_apart(self, amount: int, currency: str) -> None:
        """Note an amount that has no rate."""
        kept = self.unconverted.setdefault(currency, [0, 0])
        kept[0] += amount
        kept[1] += 1

    def _ratio(self, currency: str, at: int) -> tuple[int, int] | None:
        key = (currency, at // DAY)
        if key not in self._factors:
            factor = self._rates.factor(currency, self.currency, day_of(at))
            self._factors[key] = None if factor is None else (factor.numerator, factor.denominator)
        return self._factors[key]


def reporting_currency(books: Books, as_of: int) -> str:
    """Declared, else what the account settles in, else what most sales are in; `usd` where nothing says."""
    declared = [one.currency for one in books.declarations if one.at <= as_of]
    if declared and declared[-1]:
        return declared[-1]
    settled = Counter(sale.settled_currency for sale in books.sales if sale.settled_currency is not None)
    charged = Counter(sale.currency for sale in books.sales)
    for counted in (settled, Counter([books.currency] if books.currency else []), charged):
        if counted:
            return min(counted, key=lambda currency: (-counted[currency], currency))
    return "usd"
