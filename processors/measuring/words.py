"""Figures and numbers as people read them."""

from __future__ import annotations

from decimal import Decimal

from schemas.money import to_major


def spoken(value: Decimal, unit: str) -> str:
    """A value in its unit: `0.78 %`, `12,400 usd`, `17 months`, `0.031`."""
    kind, _, currency = unit.partition(":")
    match kind:
        case "minor":
            return f"{to_major(int(value), currency):,.0f} {currency}"
        case "ratio":
            return f"{_trimmed(value * 100)} %"
        case "months" | "days":
            return f"{_trimmed(value)} {kind if value != 1 else kind[:-1]}"
        case _:
            return _trimmed(value)


def many(number: int | Decimal, things: str) -> str:
    """A number of things: `1 charge`, `1,200 charges`, `0 complete months`. `things` is one of them."""
    return f"{number:,} {things}" if number == 1 else f"{number:,} {things}s"


def joined(*remarks: str | None) -> str | None:
    """Several remarks as one; None where there is none."""
    return "; ".join(filter(None, remarks)) or None


def _trimmed(value: Decimal) -> str:
    """At least three significant digits, no needless zeros."""
    places = 3 if abs(value) < Decimal("0.1") else 2 if abs(value) < 10 else 1 if abs(value) < 100 else 0
    text = f"{value:,.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
