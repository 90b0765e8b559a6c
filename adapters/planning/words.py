"""Questions and labels as comparable words: case, accents, plurals and reading errors taken away."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import lru_cache

_WORD = re.compile(r"\d+(?:[.,'’]\d+)*|[^\W\d_]+|%|#")
_SCALE = {"k": Decimal(1000), "thousand": Decimal(1000), "m": Decimal(10**6), "million": Decimal(10**6)}
_SHORT = {"avg": "average", "amt": "amount", "qtr": "quarter", "yr": "year", "hrs": "hour", "mins": "minute",
          "mon": "monday", "tue": "tuesday", "tues": "tuesday", "wed": "wednesday", "thu": "thursday",
          "thur": "thursday", "thurs": "thursday", "fri": "friday", "sat": "saturday", "sun": "sunday"}  # fmt: skip
_SUBSTITUTES = str.maketrans({"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l"})


@dataclass(frozen=True, slots=True)
class Word:
    """A word as written, its comparable stem, and its number where it is one."""

    raw: str
    stem: str
    number: Decimal | None = None


def words(text: str, limit: int = 400) -> list[Word]:
    """The words of a text, at most `limit`."""
    found: list[Word] = []
    for match in _WORD.finditer(text[:8000]):
        raw = match.group()
        if raw[0].isdigit():
            found.append(Word(raw, raw, as_number(raw)))
        else:
            found.append(Word(raw, stem(raw)))
        if len(found) >= limit:
            break
    return _scaled(found)


def _scaled(found: list[Word]) -> list[Word]:
    """`5 k` and `2 million` as one number."""
    merged: list[Word] = []
    for word in found:
        previous = merged[-1] if merged else None
        if word.stem in _SCALE and previous is not None and previous.number is not None and "." not in previous.stem:
            merged[-1] = Word(previous.raw + word.raw, previous.stem, previous.number * _SCALE[word.stem])
        else:
            merged.append(word)
    return merged


def as_number(text: str) -> Decimal | None:
    """A number as people type it: `1,000`, `1.000,50`, `1'000`, `99.95`. A lone `1,5` is one and a half."""
    bare = text.replace("'", "").replace("’", "")
    if "," in bare and "." in bare:
        bare = bare.replace(",", "") if bare.rindex(".") > bare.rindex(",") else bare.replace(".", "").replace(",", ".")
    elif "," in bare:
        bare = bare.replace(",", "") if re.fullmatch(r"\d{1,3}(,\d{3})+", bare) else bare.replace(",", ".")
    elif re.fullmatch(r"\d{1,3}(\.\d{3})+", bare) and bare.count(".") > 1:
        bare = bare.replace(".", "")
    try:
        return Decimal(bare)
    except InvalidOperation:
        return None


@lru_cache(maxsize=20_000)
def stem(word: str) -> str:
    """Lower case, no accents, no plural ending."""
    bare = unicodedata.normalize("NFKD", word.casefold().translate(_SUBSTITUTES))
    bare = "".join(char for char in bare if not unicodedata.combining(char))
    if bare in _SHORT:
        return _SHORT[bare]
    if len(bare) > 4 and bare.endswith("ies"):
        return bare[:-3] + "y"
    if len(bare) > 4 and bare.endswith(("sses", "shes", "ches", "xes")):
        return bare[:-2]
    if len(bare) > 3 and bare.endswith("s") and not bare.endswith(("ss", "us", "is")):
        return bare[:-1]
    return bare


@lru_cache(maxsize=50_000)
def alike(a: str, b: str) -> bool:
    """Whether two stems are one word but for a reading or typing error: one edit from five letters on, two from
    nine. Words with digits must be equal: one wrong digit is another thing."""
    if a == b:
        return True
    shorter = min(len(a), len(b))
    allowed = 2 if shorter >= 9 else 1 if shorter >= 5 else 0
    if not allowed or abs(len(a) - len(b)) > allowed or not (a.isalpha() and b.isalpha()) or a[0] != b[0]:
        return False
    return _edits(a, b) <= allowed


def _edits(a: str, b: str) -> int:
    """Levenshtein distance with swapped neighbours as one edit."""
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, start=1):
        older, before, row = before, row, [i]
        for j, y in enumerate(b, start=1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and y == a[i - 2]:
                cost = min(cost, older[j - 2] + 1)
            row.append(cost)
    return row[-1]
