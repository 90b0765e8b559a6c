"""Dates in text, in many forms and languages. `03/04/2024` is read by the document's evidence or not at all."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

Order = Literal["day_first", "month_first"]

_MONTHS: dict[str, int] = {}
for _number, _names in enumerate(
    (
        "january jan januar janvier janv enero ene gennaio gen januari janeiro jänner styczeń stycznia tammikuu",
        "february feb februar février fevrier févr fevr febrero febbraio febr februari fevereiro fev lutego luty",
        "march mar märz maerz marz mrz mars marzo maart mrt março marco marca marzec",
        "april apr avril avr abril abr aprile kwietnia",
        "may mai mayo mag maggio mei maio maj maja",
        "june jun juni juin junio giu giugno junho czerwca",
        "july jul juli juillet juil julio lug luglio julho lipca",
        "august aug août aout agosto ago augustus agustus sierpnia augusti",
        "september sep sept septembre septiembre settembre set setembro września",
        "october oct oktober okt octobre octubre ottobre ott outubro out października",
        "november nov novembre noviembre novembro listopada",
        "december dec dezember dez décembre decembre déc diciembre dic dicembre dezembro desember des grudnia",
    ),
    start=1,
):
    for _name in _names.split():
        _MONTHS[_name] = _number

_WORD = r"[^\W\d_]{3,12}"
_NUMERIC = re.compile(
    r"(?<![\w./-])(\d{1,4})\s?([./-])\s?(\d{1,2})\s?\2\s?"
    # A time of day may follow without a space.
    r"(\d{4}(?=\d{1,2}:\d\d)|\d{2,4}(?![\d/]|[.-]\d))"
)
_CJK = re.compile(r"(\d{4})\s?年\s?(\d{1,2})\s?月\s?(\d{1,2})\s?日")
_DAY_FIRST = re.compile(
    rf"(?<![\w/])(\d{{1,2}})(?:st|nd|rd|th|er|o|º|°)?[.,]?[\s/-]?(?:de\s|of\s)?({_WORD})\.?[,]?[\s/-]?(?:de\s|del\s)?(\d{{4}}|\d{{2}}|'\d{{2}})(?!\d)",
    re.IGNORECASE,
)
_MONTH_FIRST = re.compile(
    rf"(?<!\w)({_WORD})\.?[\s/-]?(\d{{1,2}})(?:st|nd|rd|th)?,?[\s/-]\s?(\d{{4}})(?!\d)", re.IGNORECASE
)
_SHORT_YEARS_TO = 69


@dataclass(frozen=True, slots=True)
class FoundDate:
    """A date in a text. `date` is None when day and month could be either way round and nothing tells."""

    date: datetime.date | None
    start: int
    end: int


def dates_in(text: str, order: Order | None = None) -> list[FoundDate]:
    """Dates in a text, left to right."""
    found: list[FoundDate] = []

    def add(match: re.Match[str], date: datetime.date | None, ambiguous: bool = False) -> None:
        if (date is not None or ambiguous) and not any(f.start < match.end() and match.start() < f.end for f in found):
            found.append(FoundDate(date, match.start(), match.end()))

    for match in _CJK.finditer(text):
        add(match, _date(int(match[1]), int(match[2]), int(match[3])))
    for match in _NUMERIC.finditer(text):
        reading = _numeric(match, order)
        add(match, reading[0], reading[1])
    for match in _DAY_FIRST.finditer(text):
        add(match, _named(match[3].lstrip("'"), match[2], match[1]))
    for match in _MONTH_FIRST.finditer(text):
        add(match, _named(match[3], match[1], match[2]))
    return sorted(found, key=lambda f: f.start)


def date_of(text: str, order: Order | None = None) -> FoundDate | None:
    """The date a text is (a time of day may follow); None when it says more."""
    stripped = text.strip(" :;,")
    for found in dates_in(stripped, order):
        rest = stripped[: found.start] + stripped[found.end :]
        rest = re.sub(r"\d{1,2}:\d{2}(:\d{2})?\s?(am|pm)?", "", rest, flags=re.IGNORECASE)
        if not re.search(r"\w{4,}|\d", rest):
            return found
    return None


def order_of(texts: Iterable[str], american: bool | None = None) -> Order | None:
    """Whether this document writes the day or the month first in `03/04/2024`.

    A date with a number above 12 settles it, if none speaks against it. Without one, `american` (known from currency,
    language or address) does; None when nothing is known.
    """
    votes: set[Order] = set()
    dotted = False
    for text in texts:
        for match in _NUMERIC.finditer(text):
            first, second = int(match[1]), int(match[3])
            if len(match[1]) > 2 or len(match[4]) == 3:
                continue
            if first > 12 >= second:
                votes.add("day_first")
            elif second > 12 >= first:
                votes.add("month_first")
            elif match[2] == ".":
                dotted = True
    if len(votes) == 1:
        return votes.pop()
    if votes:
        return None
    if dotted:
        # Nobody writes 04.31.2024.
        return "day_first"
    if american is None:
        return None
    return "month_first" if american else "day_first"


def _numeric(match: re.Match[str], order: Order | None) -> tuple[datetime.date | None, bool]:
    first, middle, last = match[1], int(match[3]), match[4]
    if len(first) == 4:
        return _date(int(first), middle, int(last)), False
    if len(first) == 3 or len(last) == 3:
        return None, False
    year, one = _year(last), int(first)
    if one > 12:
        return _date(year, middle, one), False
    if middle > 12:
        return _date(year, one, middle), False
    if match[2] == "." or order == "day_first" or one == middle:
        return _date(year, middle, one), False
    if order == "month_first":
        return _date(year, one, middle), False
    return None, True


def month_of(name: str) -> int | None:
    """The number of a month by its name or its short name."""
    return _MONTHS.get(name.lower())


def _named(year: str, month: str, day: str) -> datetime.date | None:
    number = month_of(month) or _near(month.lower())
    return _date(_year(year), number, int(day)) if number else None


def _near(month: str) -> int | None:
    """A month's name with one letter misread (`Auğ`)."""
    if len(month) < 3:
        return None
    numbers: set[int] = set()
    for name, number in _MONTHS.items():
        alike = len(name) == len(month) and sum(a != b for a, b in zip(name, month, strict=True)) == 1
        if alike and (len(name) > 3 or not month.isascii()):
            numbers.add(number)
    return numbers.pop() if len(numbers) == 1 else None


def _year(text: str) -> int:
    year = int(text)
    return year if len(text) == 4 else year + (2000 if year <= _SHORT_YEARS_TO else 1900)


def _date(year: int, month: int, day: int) -> datetime.date | None:
    if not 1900 <= year <= 2100:
        return None
    try:
        return datetime.date(year, month, day)
    except ValueError:
        return None


def masked(text: str, found: Sequence[FoundDate]) -> str:
    """The text with its dates blanked out, places kept."""
    for date in found:
        text = text[: date.start] + "~" * (date.end - date.start) + text[date.end :]
    return text
