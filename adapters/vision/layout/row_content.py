"""What a row of a page holds: values, words, the label of a sum."""

from __future__ import annotations

import re
from collections.abc import Sequence

from adapters.vision.layout.dates import date_of, month_of
from adapters.vision.layout.lexicon import meaning_of
from adapters.vision.layout.notation import Notation
from adapters.vision.layout.rows import Row
from adapters.vision.layout.words import Run

SUMMARY_ROLES = frozenset({"total", "amount_due", "subtotal", "tax", "discount", "shipping", "tip"})
_DASHES = {"-", "–", "—", "--", "---", "n/a", "N/A"}
# Digits that make no number: two of them run together, or one misread. Still a value, though not known.
_YEAR = re.compile(r"^(?:FY ?)?(?:19|20)\d\d$")
_PART_OF_YEAR = re.compile(r"([^\W\d_]{3,12}|Q[1-4])\.? ?(?:(?:19|20)\d\d|['’]\d\d)")
_UNREAD = re.compile(r"[\d.,']{5,}")


# A day without its year, as statements in German print it: `01.07.`
_DAY = re.compile(r"(?:0?[1-9]|[12]\d|3[01])\.(?:0?[1-9]|1[0-2])\.")


def is_value(text: str, notation: Notation) -> bool:
    """A number, a date or a dash in place of one."""
    return (
        garbled(text, notation)
        or text in _DASHES
        or notation.number(text) is not None
        or date_of(text, notation.order) is not None
        or _DAY.fullmatch(text) is not None
        or _marked(text, notation)
    )


def garbled(text: str, notation: Notation) -> bool:
    if _UNREAD.fullmatch(text) is None or _DAY.fullmatch(text) is not None:
        return False
    return not notation.number(text) and not date_of(text, notation.order)


def _marked(text: str, notation: Notation) -> bool:
    """A number with a short remark behind it (`101.50 EX`)."""
    head, _, tail = text.rpartition(" ")
    return bool(head) and len(tail) <= 3 and tail.isalpha() and notation.number(head) is not None


def is_data(row: Row, notation: Notation) -> bool:
    """Brings a value in a cell of its own, or fills several cells."""
    values = sum(is_value(run.text, notation) or _ends_in_value(run, notation) for run in row.runs)
    return (values >= 1 and len(row.runs) >= 2) or (len(row.runs) == 1 and summary_label(row, notation))


def _ends_in_value(run: Run, notation: Notation) -> bool:
    return len(run.words) > 1 and notation.number(run.words[-1].text) is not None


def summary_label(row: Row, notation: Notation) -> bool:
    """A row whose words say total, subtotal, tax or the like, with an amount and no date."""
    valued = notation.numbers(row.text) or any(garbled(run.text, notation) for run in row.runs)
    if not valued or any(date_of(run.text, notation.order) for run in row.runs):
        return False
    for run in row.runs:
        words = [word.text for word in run.words if notation.number(word.text) is None]
        meaning = meaning_of(" ".join(words))
        if meaning.role in SUMMARY_ROLES and meaning.strength >= 2 and 0 < len(words) <= 6:
            return True
    return False


def has_text(cells: Sequence[Sequence[Run]], notation: Notation) -> bool:
    return any(not is_value(run.text, notation) and len(run.text) > 1 for cell in cells for run in cell)


def is_part_of_year(text: str) -> bool:
    """A month or a quarter of a year as it heads a column: `Okt 2025`, `Q3 2025`."""
    match = _PART_OF_YEAR.fullmatch(text.strip())
    return match is not None and (match[1].startswith("Q") or month_of(match[1]) is not None)


def is_year(text: str) -> bool:
    """A year as it heads a column: `2024`, `FY 2024`."""
    return _YEAR.match(text) is not None
