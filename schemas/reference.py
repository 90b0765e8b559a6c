"""Dated reference data that figures are computed with: exchange rates, and the card networks' programme thresholds.

Plain values, handed to pure functions; `adapters/reference_data.py` reads them from files.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Literal

from schemas.base import Amount, Value
from schemas.money import exponent


class RateTable:
    """Daily reference rates against one base currency. `quotes`: currency → (days ascending, units for one of base
    as decimal numbers).

    The rate of a day is the newest published on or before it; days before a currency's first rate have none.
    """

    def __init__(self, name: str, base: str, quotes: Mapping[str, tuple[Sequence[date], Sequence[str]]]) -> None:
        self.name = name
        self._base = base
        self._quotes = quotes
        self._factors: dict[tuple[str, str, date], Fraction | None] = {}

    @property
    def through(self) -> date | None:
        """Day of the newest rate."""
        return max((days[-1] for days, _ in self._quotes.values() if days), default=None)

    def factor(self, source: str, target: str, day: date) -> Fraction | None:
        """Minor units of `target` for one minor unit of `source`; None where a rate is not known."""
        if source == target:
            return Fraction(1)
        key = (source, target, day)
        if key not in self._factors:
            per_source, per_target = self._per_base(source, day), self._per_base(target, day)
            self._factors[key] = (
                None
                if per_source is None or per_target is None
                else per_target / per_source * Fraction(10) ** (exponent(target) - exponent(source))
            )
        return self._factors[key]

    def _per_base(self, currency: str, day: date) -> Fraction | None:
        if currency == self._base:
            return Fraction(1)
        days, rates = self._quotes.get(currency, ((), ()))
        at = bisect_right(days, day)
        return Fraction(rates[at - 1]) if at else None


class ProgrammeThreshold(Value):
    """From `since` on, a month is in breach at `ratio` and more than `count` of what the programme counts."""

    since: date
    ratio: Amount
    count: int
    strictly_more: bool = False


class CardProgramme(Value):
    """A card network's monitoring programme. `counts` and `ratio` name the figures that its thresholds are for."""

    name: str
    network: Literal["mastercard", "visa"]
    title: str
    counts: str
    ratio: str
    thresholds: tuple[ProgrammeThreshold, ...]

    def threshold(self, month_start: date) -> ProgrammeThreshold | None:
        """What holds in a month; None before the programme's first threshold."""
        holding = [one for one in self.thresholds if one.since <= month_start]
        return max(holding, key=lambda one: one.since, default=None)


@dataclass(frozen=True, slots=True)
class Reference:
    """The reference data of a computation."""

    rates: RateTable
    programmes: tuple[CardProgramme, ...]
