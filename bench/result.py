"""One measurement."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Result:
    """`value` in `unit` against `target` in the same unit; without a target the value is for information."""

    name: str
    value: float
    target: float | None
    unit: str
    passed: bool
    note: str = ""
