"""Numbers and amounts of money in text, in the notations of the world, with what speaks for each reading."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal

from adapters.vision.layout.currencies import CODE_PATTERN, SYMBOL_PATTERN

# What a lone separator before three digits means.
Style = Literal["point", "comma"]
Side = Literal["credit", "debit"]

_MINUS = "-−–—‒"
_GROUPED = (
    r"\d{1,3}(?:,\d{3})+(?:\.\d+)?"  # 1,234,567.89
    r"|\d{1,3}(?:,\d{2})+,\d{3}(?:\.\d+)?"  # Indian 12,34,567.89
    r"|\d{1,3}(?:\.\d{3})+(?:,\d+)?"  # 1.234.567,89
    r"|\d{1,3}(?:'\d{3})+(?:[.,]\d+)?"  # 1'234.50
    r"|\d{1,3}(?:\x20\d{3})+[.,]\d{1,2}(?!\d)"  # 1 234,50
    r"|\d+[.,]\d+"
    r"|[.,]\d+"
    r"|\d+"
)
_SCALES = {"k": 3, "K": 3, "M": 6, "m": 6, "B": 9, "bn": 9, "T": 12, "Mio": 6, "Mio.": 6, "Mrd": 9, "Mrd.": 9,
           "million": 6, "billion": 9, "thousand": 3, "mln": 6, "mil": 6}  # fmt: skip
_NUMBER = re.compile(
    rf"""(?<![\w.,/:#°-])
    (?P<open>\()?\s?
    (?P<sign1>[{_MINUS}+]\s?)?
    (?P<before>(?:{CODE_PATTERN})(?![A-Za-z])\s?(?:{SYMBOL_PATTERN})?|(?:{SYMBOL_PATTERN}))?\s?
    (?P<sign2>[{_MINUS}+]\s?)?
    (?P<digits>{_GROUPED})
    (?P<scale>(?:\s?(?:Mio\.?|Mrd\.?|million|billion|thousand|mln|bn)|[kKMBT])(?![\w]))?
    (?P<round>[.,][{_MINUS}]{{1,2}}(?!\w))?
    (?P<after>\s?(?:(?:{CODE_PATTERN})(?![A-Za-z])|(?:{SYMBOL_PATTERN})))?
    (?P<percent>\s?[%‰])?
    (?P<sign3>[{_MINUS}](?=\s|$|\)))?
    \s?(?P<close>\))?
    (?P<side>\s?(?:CR|DR|Cr|Dr|cr\.|dr\.)(?![A-Za-z]))?
    (?P<unit>\s?(?:kWh|MWh|kg|g|mg|t|lbs?|oz|km|m²|m2|m³|m|cm|mm|l|L|ml|GB|MB|TB|pcs|PCS|Stk\.?|Stück|hrs?|hours?|h|Std\.?
        |min|days?|Tage|Units?|units?|ea|x|pts?|st|°C|ms|s)(?![\w]))?
    (?![\w:°]|/\d|[.,]\d|-\d)
    """,
    re.VERBOSE,
)
_SIDES: Mapping[str, Side] = {"c": "credit", "d": "debit"}
_PHONE = re.compile(r"\(\+?\d{2,5}\)\s?\d{2,4}(?:[-\s]\d{2,4})*|\+\d{1,3}(?:[\s-]\d{2,4}){2,}")
_SPACED = re.compile(r"(?<=\d)\s?([.,])\s(?=\d{2,3}(?!\d))|(?<=\d)\s([.,])(?=\d{2,3}(?!\d))")
_CONFUSED = re.compile(r"^[^\w]*[\dOoIlSB]{1,3}(?:[.,][\dOoIlSB]{3})*[.,][\dOoIlSB]{2}$")
# "3X55,29": a count and a price.
_TIMES = re.compile(r"(?<=\d)\s?[xX×]\s?(?=[€$£]?\d+[.,]\d\d)")
_SIGN_AS_LETTER = re.compile(r"(?<![A-Za-z0-9])([YS])(?=\d{1,3}(?:,\d{3})+(?:\.\d\d)?(?!\d)|\d+\.\d\d(?!\d))")
_PLAIN = str.maketrans("，．’`‘\u00a0", ",.''' ")
_LETTERS = str.maketrans("OoIlSB", "001158")


@dataclass(frozen=True, slots=True)
class Number:
    """A number in a text. `value` is under the reading in `style`; `mark` the currency sign or code beside it.

    `unit` is `%` or a unit of measure. `ambiguous` tells that the only separator stands before exactly three digits
    ("1.234"), so that the document decides. `doubt` multiplies the confidence (1.0: none).
    """

    value: Decimal
    start: int
    end: int
    mark: str | None = None
    unit: str | None = None
    decimals: int = 0
    ambiguous: bool = False
    side: Side | None = None
    scaled: bool = False
    doubt: float = 1.0

    @property
    def money_like(self) -> bool:
        """It has a currency, or two decimals and no other unit."""
        return self.mark is not None or (self.decimals == 2 and self.unit is None)


def numbers_in(text: str, style: Style | None = None) -> list[Number]:
    """Every number in a text, left to right. Dates, times, phone numbers and codes are not numbers."""
    found: list[Number] = []
    text = _PHONE.sub(lambda match: "~" * len(match.group()), text)
    for match in _NUMBER.finditer(text):
        number = _number(match, style)
        if number is not None:
            found.append(number)
    return found


def number_of(text: str, style: Style | None = None) -> Number | None:
    """The number that the whole text is (marks, sign and unit included); None when there is more or less to it."""
    cleaned = cleaned_text(text)
    for attempt, doubt in ((cleaned, 1.0), (_unconfused(cleaned), 0.6)):
        if not attempt:
            continue
        match = _NUMBER.match(attempt)
        if match and not attempt[match.end() :].strip(" *|_:;\\-"):
            number = _number(match, style)
            return None if number is None else replace(number, doubt=number.doubt * doubt)
    return None


def cleaned_text(text: str) -> str:
    """Typographic variants made plain and the gaps closed that readers put around separators."""
    plain = text.strip().translate(_PLAIN)
    # A yen or dollar sign before an amount is easily read as a letter.
    plain = _SIGN_AS_LETTER.sub(lambda match: {"Y": "¥", "S": "$"}[match[1]], plain.strip(" *|_"))
    plain = _TIMES.sub(" x ", plain)
    return _SPACED.sub(lambda match: match[1] or match[2], plain)


def style_of(texts: Iterable[str]) -> Style | None:
    """How the document writes decimals, by the numbers that leave no choice; None without a clear majority."""
    votes = {"point": 0, "comma": 0}
    for text in texts:
        for match in _NUMBER.finditer(cleaned_text(text)):
            vote = _vote(match["digits"])
            if vote:
                votes[vote] += 2 if (match["before"] or match["after"]) else 1
    point, comma = votes["point"], votes["comma"]
    if point > 2 * comma:
        return "point"
    return "comma" if comma > 2 * point else None


def grouped_by_comma(texts: Iterable[str]) -> bool:
    """Whether three numbers or more have a comma before exactly three digits, and none has any other separator."""
    seen = [match["digits"] for text in texts for match in _NUMBER.finditer(cleaned_text(text))]
    separated = {digits for digits in seen if "," in digits or "." in digits}
    return len(separated) >= 3 and all("." not in digits and _vote(digits) is None for digits in separated)


_GROUPED_BY_SPACE = re.compile(r"\d{1,3}(?: \d{3})+")
_GROUP = re.compile(r"(?<=\d) (?=\d{3}(?!\d))")


def grouped_by_space(texts: Iterable[str]) -> bool:
    """Whether three numbers or more stand alone as `12 675`, and none has its thousands parted otherwise."""
    plain = [cleaned_text(text).strip("()-−–+ ") for text in texts]
    spaced = sum(_GROUPED_BY_SPACE.fullmatch(text) is not None for text in plain)
    return spaced >= 3 and not any(re.search(r"\d[.,']\d{3}(?!\d)", text) for text in plain)


def ungrouped(text: str) -> str:
    """`12 675` as `12675`, where the whole text is one such number."""
    return _GROUP.sub("", text) if _GROUPED_BY_SPACE.fullmatch(text.strip("()-−–+ ")) else text


def _vote(digits: str) -> Style | None:
    seps = [c for c in digits if c in ".,"]
    if not seps:
        return None
    last = seps[-1]
    tail = len(digits) - digits.rindex(last) - 1
    if len(set(seps)) == 2:
        return "point" if last == "." else "comma"
    if len(seps) > 1:
        return "comma" if last == "." else "point"
    if tail == 3 and not digits.startswith("0"):
        return None
    return "point" if last == "." else "comma"


def _number(match: re.Match[str], style: Style | None) -> Number | None:
    value, decimals, ambiguous = _value(match["digits"], "comma" if (match["round"] or "")[:1] == "," else style)
    scale = (match["scale"] or "").strip()
    if scale:
        value *= Decimal(10) ** _SCALES[scale]
    signs = "".join(match[name] or "" for name in ("sign1", "sign2", "sign3"))
    negative = any(c in _MINUS for c in signs) or bool(match["open"] and match["close"] and not match["percent"])
    before, after = (match["before"] or "").strip(), (match["after"] or "").strip()
    mark = _mark(before, after)
    start = match.start()
    if match["open"] and not match["close"]:
        start += match.group().index("(") + 1
    return Number(
        value=-value if negative else value,
        start=start,
        end=match.end(),
        mark=mark,
        unit=(match["percent"] or match["unit"] or "").strip() or None,
        decimals=2 if match["round"] else decimals,
        ambiguous=ambiguous,
        side=_SIDES.get((match["side"] or "").strip().lower()[:1]),
        scaled=bool(scale),
    )


def _mark(before: str, after: str) -> str | None:
    mark = before or after
    if len(mark) > 3 and mark[:3].isupper() and mark[:3].isalpha():
        return mark[:3]
    return mark or None


def _value(digits: str, style: Style | None) -> tuple[Decimal, int, bool]:
    """Value, number of decimals, and whether a lone separator before three digits left a choice."""
    digits = digits.replace("'", "").replace(" ", "")
    seps = [c for c in digits if c in ".,"]
    if not seps:
        return Decimal(digits), 0, False
    last = seps[-1]
    whole, _, tail = digits.rpartition(last)
    if len(set(seps)) == 2:
        return Decimal(re.sub(r"[.,]", "", whole) + "." + tail), len(tail), False
    if len(seps) > 1:
        return Decimal(digits.replace(last, "")), 0, False
    if len(tail) != 3 or whole in ("", "0"):
        return Decimal((whole or "0") + "." + tail), len(tail), False
    decimal_mark = {"point": ".", "comma": ","}.get(style or "")
    if decimal_mark is None:
        # Nothing in the document tells: thousands are far more common than three decimals.
        return Decimal(whole + tail), 0, True
    if decimal_mark == last:
        return Decimal(whole + "." + tail), 3, False
    return Decimal(whole + tail), 0, False


def _unconfused(text: str) -> str:
    """`1O.5O` → `10.50` where at least half of the characters are digits and it has the shape of an amount."""
    letters = [c for c in text if c.isalnum()]
    if not _CONFUSED.match(text) or sum(c.isdigit() for c in letters) * 2 < len(letters):
        return ""
    return text.translate(_LETTERS)


def unit_text(numbers: Sequence[Number]) -> str | None:
    """The unit that all the numbers share, None when they do not."""
    units = {number.unit for number in numbers}
    return units.pop() if len(units) == 1 else None
