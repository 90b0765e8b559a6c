"""Words and notations of the languages documents are drawn in."""

from __future__ import annotations

import datetime
import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Language:
    """`money` writes an amount, `plain` without currency; `day` a date. `words` by meaning."""

    code: str
    currency: str
    symbol: str
    decimal: str
    group: str
    symbol_first: bool
    spaced: bool
    day: Callable[[datetime.date], str]
    words: dict[str, str]
    items: tuple[str, ...]
    shop: str

    def plain(self, value: Decimal) -> str:
        sign = "-" if value < 0 else ""
        whole, _, cents = f"{abs(value):.2f}".partition(".")
        groups = f"{int(whole):,}".replace(",", self.group)
        return f"{sign}{groups}{self.decimal}{cents}"

    def money(self, value: Decimal) -> str:
        space = " " if self.spaced else ""
        plain = self.plain(abs(value))
        text = f"{self.symbol}{space}{plain}" if self.symbol_first else f"{plain}{space}{self.symbol}"
        return f"-{text}" if value < 0 else text


def _day(pattern: str, months: list[str] | None) -> Callable[[datetime.date], str]:
    if months is None:
        return lambda date: date.strftime(pattern)
    return lambda date: pattern.format(d=date.day, m=months[date.month - 1], y=date.year)


def _language(entry: dict[str, Any]) -> Language:
    return Language(
        **{name: entry[name] for name in ("code", "currency", "symbol", "decimal", "group", "symbol_first", "spaced")},
        day=_day(entry["day"], entry["months"]),
        words=entry["words"],
        items=tuple(entry["items"]),
        shop=entry["shop"],
    )


LANGUAGES: tuple[Language, ...] = tuple(
    _language(entry) for entry in json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
)


def amount(chance: random.Random, language: Language, low: int, high: int) -> Decimal:
    """A price of the language's currency; yen have no cents, and are drawn with two noughts as given by `plain`."""
    value = Decimal(chance.randrange(low * 100, high * 100)) / 100
    return value.quantize(Decimal("0.01"))
