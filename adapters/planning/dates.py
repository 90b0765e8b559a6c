"""Dates as cells and questions write them: year, month and day where each is certain."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from adapters.planning.vocabulary import MONTHS
from adapters.planning.words import stem


@dataclass(frozen=True, slots=True)
class When:
    """What a text says about time; None for what it does not say or leaves open."""

    year: int | None = None
    month: int | None = None
    day: int | None = None
    quarter: int | None = None

    def covers(self, other: When) -> bool:
        """Whether `other` lies within this: each thing said here is said there too, and equal."""
        quarter = other.quarter or ((other.month + 2) // 3 if other.month else None)
        return (
            (self.year is None or self.year == other.year)
            and (self.month is None or self.month == other.month)
            and (self.day is None or self.day == other.day)
            and (self.quarter is None or self.quarter == quarter)
        )

    def within(self, other: When) -> tuple[int, ...] | None:
        """What this says of the parts of a date that `other` says, in order of time; None where it leaves one out."""
        ours = (self.year, self.month, self.day)
        parts = tuple(part for part, asked in zip(ours, (other.year, other.month, other.day), strict=True) if asked)
        return None if None in parts or not parts else tuple(part or 0 for part in parts)

    @property
    def key(self) -> tuple[int, int, int]:
        month = self.month or (self.quarter * 3 if self.quarter else 0)
        return self.year or 0, month, self.day or 0


_ISO = re.compile(r"\b(\d{4})-(\d{1,2})(?:-(\d{1,2}))?\b")
_NUMERIC = re.compile(r"\b(\d{1,2})([./-])(\d{1,2})[./-](\d{4}|\d{2})\b")
_DAY_MONTH = re.compile(r"^\s*(\d{1,2})\.(\d{1,2})\.\s*$")
_MONTH_YEAR = re.compile(r"^\s*(\d{1,2})[/.](\d{4})\s*$")
_QUARTER = re.compile(r"\bq\s?([1-4])\b", re.IGNORECASE)
_PARTS = re.compile(r"\d+|[^\W\d_]+")


def day_comes_first(texts: Iterable[str]) -> bool | None:
    """How the dates of one column are written, by those that leave no choice; None where none tells."""
    found = [(int(match[1]), int(match[3])) for text in texts if (match := _NUMERIC.search(text))]
    votes = {first > 12 for first, second in found if (first > 12) != (second > 12)}
    return votes.pop() if len(votes) == 1 else None


def read_date(text: str, day_first: bool | None = None) -> When | None:
    """What a short text says about time, None when it is no date. `05/01/2024` leaves day and month open, unless its
    column tells; nobody writes `12.31.2024`."""
    if len(text) > 40:
        return None
    if iso := _ISO.search(text):
        year, month, day = int(iso[1]), int(iso[2]), int(iso[3]) if iso[3] else None
        return When(year, month, day) if 1 <= month <= 12 else None
    if found := _NUMERIC.search(text):
        first, second, year = int(found[1]), int(found[3]), int(found[4])
        year = year if year > 99 else 2000 + year
        day_first = True if found[2] == "." else day_first
        if first > 12 >= second or (day_first and second <= 12):
            return When(year, second, first)
        if second > 12 >= first or (day_first is False and first <= 12):
            return When(year, first, second)
        return When(year, first, second) if first == second else When(year)
    if found := _DAY_MONTH.match(text):
        day, month = int(found[1]), int(found[2])
        return When(month=month, day=day) if 1 <= month <= 12 and 1 <= day <= 31 else None
    if found := _MONTH_YEAR.match(text):
        return When(int(found[2]), int(found[1])) if 1 <= int(found[1]) <= 12 else None
    quarter = _QUARTER.search(text)
    parts = _PARTS.findall(text)
    months = [MONTHS[stem(part)] for part in parts if stem(part) in MONTHS]
    numbers = [int(part) for part in parts if part.isdigit()]
    years = [number for number in numbers if 1900 <= number <= 2100]
    days = [number for number in numbers if 1 <= number <= 31]
    others = [part for part in parts if not part.isdigit() and stem(part) not in MONTHS and len(part) > 3]
    if others and not (quarter or months):
        return None
    if months and len(months) == 1 and len(others) <= 1:
        return When(years[0] if years else None, months[0], days[0] if days else None)
    if quarter:
        return When(years[0] if years else None, quarter=int(quarter[1]))
    if years and [part.casefold() for part in parts if not part.isdigit()] in ([], ["fy"]) and len(numbers) == 1:
        return When(years[0])
    return None
