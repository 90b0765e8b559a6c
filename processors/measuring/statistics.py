"""Robust statistics over a few dozen months, exact until the one square root."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from fractions import Fraction
from math import lcm

# Ratios are kept to a millionth: what is shown, scored and compared is one and the same number.
_PLACES = 6


def ratio(part: Fraction | int, whole: Fraction | int) -> Decimal | None:
    """part ÷ whole to a millionth; None for a zero whole."""
    return to_decimal(Fraction(part) / Fraction(whole)) if whole else None


def to_decimal(value: Fraction, places: int = _PLACES) -> Decimal:
    """A fraction as a decimal of so many places, half to even."""
    scaled = round(value * 10**places)
    return Decimal(scaled).scaleb(-places)


def to_minor(value: Fraction) -> int:
    """Money as whole minor units, half to even."""
    return round(value)


def median(values: Sequence[Fraction | int]) -> Fraction:
    """The middle value, or the mean of the two in the middle. Needs at least one."""
    ordered = sorted(values)
    half = len(ordered) // 2
    if len(ordered) % 2:
        return Fraction(ordered[half])
    return Fraction(ordered[half - 1] + ordered[half]) / 2


def theil_sen(values: Sequence[Fraction | int]) -> Fraction:
    """The median of the slopes between all pairs, per step: one bad month does not turn it. Needs two values."""
    count = len(values)
    # Slopes over one denominator compare as their numerators do: whole numbers, where the values are.
    common = lcm(*range(1, count))
    slopes = [
        (values[later] - values[earlier]) * (common // (later - earlier))
        for earlier in range(count)
        for later in range(earlier + 1, count)
    ]
    return median(slopes) / common


def residuals(values: Sequence[Fraction | int]) -> list[Fraction]:
    """What is left of values without their Theil–Sen line (its level the median of what the slope leaves)."""
    slope = theil_sen(values)
    levelled = [value - slope * step for step, value in enumerate(values)]
    level = median(levelled)
    return [value - level for value in levelled]


def seasonal_residuals(values: Sequence[Fraction | int], season: int = 12) -> tuple[list[Fraction], Fraction]:
    """Residuals without what returns every `season` steps, and the factor their variance is too small by.

    Every step of the season loses its own mean, which takes one degree of freedom of each: two years of months leave
    half the variance, so the factor is years ÷ (years − 1). Needs two whole seasons.
    """
    found = residuals(values)
    years = len(found) // season
    effects = [Fraction(sum(found[step::season])) / len(found[step::season]) for step in range(season)]
    return [value - effects[step % season] for step, value in enumerate(found)], Fraction(years, years - 1)


def deviation(values: Sequence[Fraction], factor: Fraction = Fraction(1)) -> Fraction:
    """The standard deviation (of the population) around the mean, its variance times `factor`, to 30 digits."""
    mean = Fraction(sum(values)) / len(values)
    variance = sum(((value - mean) ** 2 for value in values), Fraction(0)) / len(values) * factor
    return square_root(variance)


def square_root(value: Fraction) -> Fraction:
    """The square root to 30 significant digits. Raises ArithmeticError for a negative one."""
    with localcontext() as context:
        context.prec = 40
        context.rounding = ROUND_HALF_EVEN
        return Fraction((Decimal(value.numerator) / Decimal(value.denominator)).sqrt())


def wilson(hits: int, trials: int, z: Fraction = Fraction(196, 100)) -> tuple[Fraction, Fraction]:
    """The Wilson interval of a rate (95 % at z = 1.96), within 0..1. (0, 1) without trials."""
    if trials == 0:
        return Fraction(0), Fraction(1)
    rate = Fraction(hits, trials)
    squared = z * z
    centre = rate + squared / (2 * trials)
    spread = z * square_root(rate * (1 - rate) / trials + squared / (4 * trials * trials))
    below = 1 + squared / trials
    return max(Fraction(0), (centre - spread) / below), min(Fraction(1), (centre + spread) / below)
