"""Labelled figures: numbers outside of tables with the words left of, above or below them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from adapters.vision.layout.columns import Lane
from adapters.vision.layout.currencies import code_of, mark_of
from adapters.vision.layout.dates import dates_in, masked
from adapters.vision.layout.lexicon import QUANTITY_HEADERS, Meaning, folded, meaning_of
from adapters.vision.layout.notation import Notation
from adapters.vision.layout.numbers import Number, cleaned_text
from adapters.vision.layout.row_content import is_year
from adapters.vision.layout.rows import Row
from adapters.vision.layout.tables import FoundTable
from adapters.vision.layout.tabulate import confidence_of, number_in_cell
from adapters.vision.layout.words import Run
from schemas.documents import Box, Figure, FigureRole

_MONEY_ROLES = frozenset(
    {"total", "amount_due", "subtotal", "tax", "discount", "shipping", "tip", "paid", "change",
     "opening_balance", "closing_balance", "balance"}
)  # fmt: skip


_REFERENCES = re.compile(r"\b(?:iban|bic|swift|tel|phone|fax|kvk|siret|auth|ref|routing|sort code)\b", re.IGNORECASE)

# The last digits of a card: "****4242".
_CARD = re.compile(r"(?:[*•#xX.]\s?){2,}\d{3,4}")


@dataclass(frozen=True, slots=True)
class Labelled:
    """A number with its label, before it becomes a `Figure`. `cy`, `size` place and weigh it on the page."""

    label: str
    meaning: Meaning
    number: Number
    text: str
    confidence: float
    box: Box
    cy: float
    x1: float
    size: float
    row: int

    def figure(self, currency: str | None) -> Figure:
        return Figure(
            label=self.label,
            value=self.number.value,
            unit=unit_of(self.number, self.role, currency),
            role=self.role,
            text=self.text,
            confidence=round(self.confidence, 3),
            box=self.box,
        )

    @property
    def role(self) -> FigureRole:
        role = self.meaning.role
        if self.number.unit == "%":
            return "tax_rate" if role == "tax" else "other"
        if role in _MONEY_ROLES and self.meaning.strength == 0:
            return "other"
        return role


def unit_of(number: Number, role: FigureRole, currency: str | None) -> str | None:
    """The figure's unit: its own mark or unit, else the document's currency where the role is one of money."""
    if number.mark:
        return code_of(number.mark) or currency
    if number.unit:
        return number.unit
    return currency if role in _MONEY_ROLES and not number.scaled else None


def labelled_figures(
    rows: Sequence[Row], skipped: frozenset[int], notation: Notation, tables: Sequence[FoundTable] = ()
) -> list[Labelled]:
    """Every labelled number of the rows not skipped, in reading order.

    Of a table's sums those under a quantity are none: "Total" names the amount, not the count before it. Sums under
    years are told apart by them: "Total assets 2024".
    """
    found: list[Labelled] = []
    for index, row in enumerate(rows):
        if index in skipped:
            continue
        lanes = [lane for table in tables if index in table.summary_rows for lane in table.lanes]
        counts = [lane for lane in lanes if _counts(lane)]
        years = [lane for lane in lanes if is_year(lane.name)]
        last = row.runs[-1].x1
        found.extend(
            _of_year(item, years)
            for item in _of_row(rows, index, row, notation)
            if item.x1 >= last
            or item.number.money_like
            or item.number.unit == "%"
            or not any(lane.x0 <= item.x1 <= lane.x1 for lane in counts)
        )
    return found


def _of_year(item: Labelled, years: Sequence[Lane]) -> Labelled:
    year = next((lane.name for lane in years if lane.x0 <= item.x1 <= lane.x1), None)
    return item if year is None else replace(item, label=f"{item.label} {year}")


def _counts(lane: Lane) -> bool:
    return QUANTITY_HEADERS.search(folded(lane.name)) is not None


def _of_row(rows: Sequence[Row], index: int, row: Row, notation: Notation) -> list[Labelled]:
    found: list[Labelled] = []
    label_runs: list[Run] = []
    for run in row.runs:
        text = cleaned_text(run.text)
        number = None if _CARD.fullmatch(run.text.strip()) else notation.number(text)
        if number is not None:
            label, sources = _label_of(rows, index, run, label_runs, notation)
            if label and not _identifier(text, number) and not _numbers_the_row(row, run, number, notation):
                found.append(_labelled(label, number, run, sources, index, notation))
            continue
        inside = None if _CARD.fullmatch(run.text.strip()) else _inside(run, index, notation)
        if inside is not None:
            if _followed_by_value(run, row, notation):
                # "Tax 15% on $ 112.90" and its amount at the right: the numbers inside belong to the label.
                found.extend(item for item in inside if item.number.unit == "%")
                label_runs = [run]
                continue
            found.extend(inside)
            label_runs = [] if inside else [run]
            continue
        if any(c.isalnum() for c in text) or mark_of(text):
            # A currency in a column of its own belongs to the label however far to the right it stands.
            continues = _continues(label_runs, run) or (bool(label_runs) and mark_of(text) is not None)
            label_runs = [*label_runs, run] if continues else [run]
    return found


def _numbers_the_row(row: Row, run: Run, number: Number, notation: Notation) -> bool:
    """A form's line: its number, then a label and its amount."""
    plain = number.mark is None and number.unit is None and number.decimals == 0
    return plain and run is row.runs[0] and len(row.runs) == 3 and notation.number(row.runs[1].text) is None


def _identifier(text: str, number: Number) -> bool:
    """Long or zero-led runs of digits are names: numbers of invoices, accounts, articles."""
    digits = "".join(c for c in text if c.isdigit())
    plain = number.mark is None and number.unit is None and number.decimals == 0 and text.strip("#: ").isdigit()
    return plain and (len(digits) >= 7 or (len(digits) > 1 and digits.startswith("0")))


def _continues(label_runs: Sequence[Run], run: Run) -> bool:
    """A label may come in pieces ("Sales Tax" "10 %"): text close to the right of text."""
    return bool(label_runs) and run.x0 - label_runs[-1].x1 < 6 * run.height


def _labelled(label: str, number: Number, run: Run, sources: Sequence[Run], index: int, notation: Notation) -> Labelled:
    marks = [mark for word in label.split() if (mark := mark_of(word.strip("():"))) is not None]
    if number.mark is None and number.unit is None and len(marks) == 1:
        number = replace(number, mark=marks[0])
    confidence = confidence_of([run], number)
    if sources:
        confidence *= min(1.0, 0.5 + 0.5 * min(source.confidence for source in sources))
    return Labelled(
        label=_tidy(label),
        meaning=meaning_of(label),
        number=number,
        text=run.text,
        confidence=confidence,
        box=run.box,
        cy=run.cy,
        x1=run.x1,
        size=run.height,
        row=index,
    )


def _label_of(
    rows: Sequence[Row], index: int, run: Run, left: Sequence[Run], notation: Notation
) -> tuple[str, list[Run]]:
    """The label of a number standing alone: text left of it on its row, else above it, else below it."""
    near = [r for r in left if r.x1 <= run.x0 + 2]
    above = _above(rows, index, run, notation)
    if near:
        gap = run.x0 - near[-1].x1
        # A big number with its caption right above is a card, whatever stands left of it.
        card = above is not None and run.height > 1.25 * above.height and gap > 2 * run.height
        if not card:
            return " ".join(r.text for r in near), near
    if above is not None:
        return above.text, [above]
    below = _below(rows, index, run, notation)
    return (below.text, [below]) if below is not None else ("", [])


def _above(rows: Sequence[Row], index: int, run: Run, notation: Notation) -> Run | None:
    for other in reversed(rows[max(0, index - 3) : index]):
        for candidate in other.runs:
            if _aligned(candidate, run) and 0 < run.y0 - candidate.y1 + 0.6 * candidate.height < 1.6 * max(
                run.height, candidate.height
            ):
                return candidate if _is_label(candidate, notation) else None
    return None


def _below(rows: Sequence[Row], index: int, run: Run, notation: Notation) -> Run | None:
    """A caption under a number counts when the number is clearly larger than it."""
    for other in rows[index + 1 : index + 3]:
        for candidate in other.runs:
            if _aligned(candidate, run) and candidate.y0 - run.y1 < 0.8 * run.height:
                return candidate if _is_label(candidate, notation) and run.height > 1.3 * candidate.height else None
    return None


def _aligned(label: Run, run: Run) -> bool:
    tolerance = 0.8 * max(run.height, label.height)
    return (
        abs(label.x0 - run.x0) < tolerance
        or abs(label.x1 - run.x1) < tolerance
        or (abs(label.cx - run.cx) < tolerance and label.width < 6 * run.width)
    )


def _is_label(run: Run, notation: Notation) -> bool:
    if any(number.money_like for number in notation.numbers(run.text)) or dates_in(run.text):
        return False
    letters = sum(c.isalpha() for c in run.text)
    return letters >= 2 and letters >= sum(c.isdigit() for c in run.text) and len(run.words) <= 6


def _followed_by_value(run: Run, row: Row, notation: Notation) -> bool:
    after = [other for other in row.runs if other.x0 >= run.x1 - 2]
    return bool(after) and (number := notation.number(after[0].text)) is not None and number.unit != "%"


def _inside(run: Run, index: int, notation: Notation) -> list[Labelled] | None:
    """Numbers within a run of text: `TOTAL $821.14`, `Sales Tax (8.5%) $66.23`. None when it holds none.

    An empty list tells that the numbers in it are none to report (addresses, names with digits).
    """
    text = cleaned_text(run.text)
    plain = masked(text, dates_in(text, notation.order))
    numbers = notation.numbers(text)
    if not numbers:
        return None
    found: list[Labelled] = []
    last = numbers[-1]
    if len(pairs := _pairs(plain, numbers)) > 1:
        return [_labelled(label, each, _piece(run, text, each), [run], index, notation) for label, each in pairs]
    label = plain[: last.start].rstrip()
    if _REFERENCES.search(label):
        return []
    ends = not plain[last.end :].strip(" .*:;-")
    meaning = meaning_of(label)
    worded = sum(c.isalpha() for c in label) >= 2 and not _identifier(text[last.start : last.end], last)
    if (
        ends
        and worded
        and (meaning.strength >= 2 or last.mark or last.decimals == 2 or last.unit == "%" or ":" in label)
    ):
        plain_count = meaning.role in _MONEY_ROLES and not last.money_like and last.unit is None and ":" not in label
        if plain_count and (meaning.role not in ("total", "subtotal", "amount_due") or len(label.split()) > 3):
            return []
        cut = _piece(run, text, last)
        found.append(_labelled(label, last, cut, [run], index, notation))
        for number in numbers[:-1]:
            if number.unit == "%" and meaning.role in ("tax", "discount"):
                found.append(_labelled(label, number, _piece(run, text, number), [run], index, notation))
        return found
    return [] if not ends else found


def _pairs(text: str, numbers: Sequence[Number]) -> list[tuple[str, Number]]:
    """`Principal: $60,000.00 Annual rate: 5.40%`: each label that ends in a colon, with the number right behind it."""
    found: list[tuple[str, Number]] = []
    behind = 0
    for number in numbers:
        label = text[behind : number.start].rstrip()
        if label.endswith(":") and sum(c.isalpha() for c in label) >= 2 and not _REFERENCES.search(label):
            found.append((label.strip(" ,;|·"), number))
        behind = number.end
    return found


def _piece(run: Run, text: str, number: Number) -> Run:
    """The part of a run that a number takes, by its share of the text."""
    length = max(len(text), 1)
    x0 = run.x0 + run.width * number.start / length
    x1 = run.x0 + run.width * number.end / length
    left = run.box.x + round(run.box.width * number.start / length)
    box = run.box.model_copy(
        update={"x": left, "width": max(1, round(run.box.width * (number.end - number.start) / length))}
    )
    words = [word for word in run.words if word.x1 > x0 + 1 and word.x0 < x1 - 1] or list(run.words)
    return Run(words=tuple(words), x0=x0, y0=run.y0, x1=x1, y1=run.y1, box=box)


def _tidy(label: str) -> str:
    return label.strip(" :=.-–—*|\t~(").strip()


def balances(
    rows: Sequence[Row], body: frozenset[int], tables: Sequence[FoundTable], notation: Notation
) -> list[Labelled]:
    """Opening and closing balances that stand as rows of a statement's table."""
    found: list[Labelled] = []
    for table in tables:
        for index in sorted(table.taken & body):
            numbers = [run for run in rows[index].runs if number_in_cell(run.text, notation) is not None]
            words = [run for run in rows[index].runs if run not in numbers and not dates_in(run.text, notation.order)]
            label = " ".join(run.text for run in words)
            number = number_in_cell(numbers[0].text, notation) if len(numbers) == 1 else None
            if number is not None and meaning_of(label).role in ("opening_balance", "closing_balance"):
                found.append(_labelled(label, number, numbers[0], words, index, notation))
    return found
