"""What a definition of a figure is, and the register of all of them: several versions of one name may stand in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Literal

from processors.measuring.flows import Evidence, Part
from processors.measuring.statistics import to_decimal, to_minor
from processors.measuring.view import View
from schemas.errors import SetupError

Unit = Literal["money", "usd", "ratio", "count", "months", "days", "index"]


NOTHING = Evidence()


@dataclass(frozen=True, slots=True)
class Measured:
    """What a definition found: a value, or why there is none; the records it rests on; a caution."""

    value: Decimal | None
    evidence: Evidence = NOTHING
    unknown: str | None = None
    note: str | None = None


# (view, a complete month) → what the figure is at the end of that month. Figures of a moment ignore the month.
Measure = Callable[[View, int], Measured]


@dataclass(frozen=True, slots=True)
class Definition:
    """A figure's definition. `monthly` ones also make a series; `title` names it for people."""

    name: str
    version: int
    unit: Unit
    title: str
    monthly: bool
    measure: Measure

    @property
    def describes(self) -> str:
        """What it is, in the words of its documentation."""
        return " ".join((self.measure.__doc__ or "").split())


REGISTER: dict[tuple[str, int], Definition] = {}


def definition(
    name: str, *, unit: Unit, title: str, monthly: bool = False, version: int = 1
) -> Callable[[Measure], Measure]:
    """Register a definition. Raises SetupError when the version of that name is taken."""

    def declare(measure: Measure) -> Measure:
        if (name, version) in REGISTER:
            raise SetupError(f"figure {name} version {version} is defined twice")
        REGISTER[name, version] = Definition(name, version, unit, title, monthly, measure)
        return measure

    return declare


def money(value: Fraction | int, *parts: Part, note: str | None = None) -> Measured:
    """Minor units, rounded half to even, resting on the records in `parts`."""
    return Measured(Decimal(to_minor(Fraction(value))), Evidence(parts), note=note)


def count(value: int, *parts: Part, note: str | None = None) -> Measured:
    """A number of things."""
    return Measured(Decimal(value), Evidence(parts), note=note)


def rate(part: Fraction | int, whole: Fraction | int, *parts: Part, unknown: str, note: str | None = None) -> Measured:
    """part ÷ whole to a millionth, unknown for a whole of zero."""
    if not whole:
        return Measured(None, unknown=unknown)
    return Measured(to_decimal(Fraction(part) / Fraction(whole)), Evidence(parts), note=note)


def unknown(reason: str) -> Measured:
    return Measured(None, unknown=reason)
