"""The amount finally payable, by its label, its place and whether the arithmetic agrees."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from adapters.vision.layout.figures import Labelled
from schemas.documents import DocumentKind

_CENT = Decimal("0.011")
# A total below this confidence is not given at all.
_LEAST = 0.5
_DOCUMENTS_WITH_TOTAL: frozenset[DocumentKind] = frozenset(
    {"invoice", "receipt", "estimate", "dashboard", "table", "unknown", "text"}
)


@dataclass(frozen=True, slots=True)
class Chosen:
    """Index of the figure that states the total, the confidence it now has, and what does not add up."""

    index: int | None
    confidence: float
    warnings: tuple[str, ...] = ()


def choose_total(figures: Sequence[Labelled], lines_sum: Decimal | None, kind: DocumentKind) -> Chosen:
    """The figure that states the document's total, if any does with confidence.

    `lines_sum` is the sum of the item lines' amounts, None where they could not all be read.
    """
    if kind not in _DOCUMENTS_WITH_TOTAL:
        return Chosen(None, 0.0)
    candidates = [i for i, f in enumerate(figures) if f.role == "total" and _payable(f)]
    dues = [i for i, f in enumerate(figures) if f.role == "amount_due" and _payable(f)]
    if not candidates:
        candidates, dues = dues, []
    if not candidates:
        return Chosen(None, 0.0)
    strongest = max(figures[i].meaning.strength for i in candidates)
    several = len({figures[i].number.value for i in candidates}) > 1
    if strongest == 1 and kind in ("text", "unknown", "dashboard") and several:
        return Chosen(None, 0.0)
    # A balance sheet has many totals and none that is the document's.
    if kind == "table" and (strongest == 1 or several):
        return Chosen(None, 0.0)
    agreed = {i for i in candidates if agrees(figures, i, lines_sum)}
    ranked = sorted(candidates, key=lambda i: _rank(figures, i, i in agreed, strongest))
    best = ranked[-1]
    value = figures[best].number.value
    warnings: list[str] = []
    confidence = figures[best].confidence
    if figures[best].meaning.strength == 1 and best not in agreed:
        confidence *= 0.8
    if best in agreed:
        confidence = max(confidence, min(0.99, confidence + 0.1))
    rivals = {
        figures[i].number.value
        for i in candidates
        if figures[i].number.value != value and figures[i].meaning.strength >= figures[best].meaning.strength
    }
    rivals -= _explained(figures, value)
    if rivals and best not in agreed:
        confidence *= 0.55
        listed = ", ".join(sorted(str(rival) for rival in rivals))
        warnings.append(f"Several amounts are labelled as totals: {value} was taken, {listed} also stand on the page.")
    if best not in agreed:
        contradiction = _contradiction(figures, best, lines_sum)
        if contradiction:
            warnings.append(contradiction)
            confidence *= 0.8
    due = next((figures[i].number.value for i in reversed(dues)), None)
    if due is not None and due > value and figures[best].meaning.strength < 3 and best not in agreed:
        best, confidence = dues[-1], figures[dues[-1]].confidence * 0.9
    if confidence < _LEAST:
        return Chosen(None, confidence, (*warnings, "No total could be told with confidence."))
    return Chosen(best, confidence, tuple(warnings))


def lines_warning(figures: Sequence[Labelled], chosen: int | None, lines_sum: Decimal | None) -> str | None:
    """A sentence when the item lines lead to no printed subtotal or total: some line may not have been read."""
    targets = {f.number.value for f in figures if f.role == "subtotal" and _is_money(f)}
    if chosen is not None:
        value = figures[chosen].number.value
        targets |= {value, value + _paid_towards(figures, chosen)}
    if lines_sum is None or not targets:
        return None
    taxes = {f.number.value for f in figures if f.role == "tax" and _is_money(f)}
    targets |= {target - tax for target in targets for tax in taxes}
    if any(abs(lines_sum - target) < _CENT or _reaches(lines_sum, figures, target) for target in targets):
        return None
    return f"The lines that could be read add up to {lines_sum}, which is no printed subtotal or total."


def agrees(figures: Sequence[Labelled], index: int, lines_sum: Decimal | None) -> bool:
    """Whether other figures add up to this one: subtotal and tax (and discounts, shipping, tips), or the lines; to an
    amount due, less what was paid."""
    target = figures[index].number.value
    bases = {f.number.value for f in figures if f.role == "subtotal" and _is_money(f)}
    if lines_sum is not None:
        bases.add(lines_sum)
        if abs(lines_sum - target) < _CENT:
            return True
    if any(_reaches(base, figures, target) for base in bases):
        return True
    paid = _paid_towards(figures, index)
    before = target + paid
    return paid != 0 and any(abs(base - before) < _CENT or _reaches(base, figures, before) for base in bases)


def _paid_towards(figures: Sequence[Labelled], index: int) -> Decimal:
    """What was paid of an amount due. Of cash that change was given for no part is known, of a total nothing is."""
    if figures[index].role != "amount_due" or any(f.role == "change" for f in figures):
        return Decimal(0)
    return sum((abs(f.number.value) for f in figures if f.role == "paid" and _is_money(f)), Decimal(0))


def _reaches(base: Decimal, figures: Sequence[Labelled], target: Decimal) -> bool:
    if base == 0:
        return False
    parts = [f for f in figures if f.role in ("tax", "discount", "shipping", "tip") and _is_money(f)]
    choices: list[tuple[Decimal, ...]] = []
    # Under two labels one amount may be two taxes (CGST and SGST).
    for role, value, _ in {(p.role, p.number.value, p.label) for p in parts}:
        choices.append((Decimal(0), -abs(value)) if role == "discount" else (Decimal(0), value))
    if len(choices) > 9:
        choices = choices[:9]
    if not choices:
        return False
    return any(
        abs(base + sum(added, Decimal(0)) - target) < _CENT for added in itertools.product(*choices) if any(added)
    )


def _contradiction(figures: Sequence[Labelled], index: int, lines_sum: Decimal | None) -> str | None:
    """A sentence when subtotal and tax are printed once each and do not lead to the printed total."""
    target = figures[index].number.value
    paid = _paid_towards(figures, index)
    less = f" less {paid} paid" if paid else ""
    subtotals = {f.number.value for f in figures if f.role == "subtotal" and _is_money(f)}
    taxes = {f.number.value for f in figures if f.role == "tax" and _is_money(f)}
    if len(subtotals) == 1 and len(taxes) <= 1:
        (subtotal,) = subtotals
        tax = next(iter(taxes), Decimal(0))
        times = len({f.label for f in figures if f.role == "tax" and _is_money(f)})
        if target not in {subtotal + tax * count - part for count in range(times + 1) for part in (Decimal(0), paid)}:
            if taxes:
                return (
                    f"The printed total {target} is not the printed subtotal {subtotal} plus tax {tax}{less}, "
                    f"which make {subtotal + tax - paid}."
                )
            return f"The printed total {target} differs from the printed subtotal {subtotal}{less}."
        return None
    if not subtotals and lines_sum is not None and lines_sum != target and not taxes:
        return f"The printed total {target} is not the sum of the lines, {lines_sum}."
    return None


def _explained(figures: Sequence[Labelled], value: Decimal) -> set[Decimal]:
    """Other totals that fit beside this one: before tax, or after what was paid."""
    taxes = [f.number.value for f in figures if f.role in ("tax", "shipping", "tip") and _is_money(f)]
    minus = [abs(f.number.value) for f in figures if f.role in ("discount", "paid") and _is_money(f)]
    fitting = {value - tax for tax in taxes} | {value + part for part in minus} | {value - part for part in minus}
    if taxes:
        fitting.add(value - sum(taxes))
    return fitting


def _rank(figures: Sequence[Labelled], index: int, agreed: bool, strongest: int) -> tuple[float, ...]:
    figure = figures[index]
    largest = max(abs(f.number.value) for f in figures if (f.role == "total" and _is_money(f)) or f is figure)
    return (
        figure.meaning.strength >= min(strongest, 2),
        agreed,
        figure.meaning.strength,
        abs(figure.number.value) == largest,
        figure.cy,
    )


def _payable(figure: Labelled) -> bool:
    return _is_money(figure) and figure.meaning.strength >= 1


def _is_money(figure: Labelled) -> bool:
    return figure.number.unit is None and not figure.number.scaled
