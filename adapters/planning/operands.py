"""The things a question compares: rows, columns, figures, roles and extremes, each as a step that gives a number."""

from __future__ import annotations

from dataclasses import dataclass

from adapters.planning.conditions import filters, row_mentions
from adapters.planning.measures import Measure, amount_column, default_measure, measures
from adapters.planning.paper import PaperView, TableView
from adapters.planning.question import Question
from adapters.planning.vocabulary import ROLES
from schemas import plans
from schemas.plans import Step

ROLE_FALLBACKS: dict[str, tuple[str, ...]] = {
    "total": ("total", "amount_due"),
    "amount_due": ("amount_due", "total"),
    "balance": ("balance", "closing_balance"),
    "closing_balance": ("closing_balance", "balance"),
}


@dataclass(frozen=True, slots=True)
class Operand:
    """A step that gives a number, where in the question it is named, and the words it rests on."""

    step: Step
    at: int
    used: frozenset[int]
    total: bool = False


def role_names(paper: PaperView, role: str) -> tuple[str, ...]:
    """The roles that may answer for one: what is due is the total of an invoice, and of a card statement it is not."""
    if role in ("total", "amount_due") and paper.document.kind in ("statement", "dashboard"):
        return (role,)
    return ROLE_FALLBACKS.get(role, (role,))


def role_step(paper: PaperView, role: str) -> Step | None:
    """The step that gives a role's number: its figure, or the sum of its figures (two taxes, say)."""
    found = paper.figures_of(*role_names(paper, role))
    figures = paper.document.figures
    if not found or (role == "total" and payments_before_due(paper)):
        return None
    bill = paper.document.kind in ("invoice", "receipt", "estimate")
    money = bill or figures[found[-1]].unit is not None or paper.document.currency is not None
    if role == "amount_due" and (figures[found[-1]].value < 0 or not money):
        return None  # a credit note leaves nothing to pay, nor does a list of shares
    if len(found) == 1:
        return plans.LookupFigure(figure=found[0])
    if role == "total":
        return plans.LookupFigure(figure=found[-1])
    if (chief := _chief(paper, role, found)) is not None:
        return plans.LookupFigure(figure=chief)
    if role in ("tax", "discount", "shipping", "tip", "paid") and len({figures[index].unit for index in found}) == 1:
        parts = _without_parts(paper, found)
        if len(parts) == 1:
            return plans.LookupFigure(figure=parts[0])
        return plans.Aggregate(op="sum", values=plans.FigureValues(figures=tuple(parts)))
    return None


def payments_before_due(paper: PaperView) -> list[int]:
    """What was paid, where it stands above an amount due and no total is printed: what is due is then no total."""
    due = paper.figures_of(*role_names(paper, "total"))
    if not due or paper.document.figures[due[-1]].role != "amount_due" or paper.figures_of("change"):
        return []
    return [index for index in paper.figures_of("paid") if index < due[-1]]


def _chief(paper: PaperView, role: str, found: list[int]) -> int | None:
    """The one of several figures of a role that the others add up to, or from which tax leads to the total."""
    figures = paper.document.figures
    everything = sum(figures[index].value for index in found)
    for index in found:
        if figures[index].value * 2 == everything and len(found) > 2:
            return index
    if role == "subtotal":
        totals = {figures[index].value for index in paper.figures_of("total")}
        taxes = sum(figures[index].value for index in paper.figures_of("tax"))
        leading = [index for index in found if taxes and figures[index].value + taxes in totals]
        if len(leading) == 1:
            return leading[0]
    return None


def _without_parts(paper: PaperView, found: list[int]) -> list[int]:
    """Figures without those that a later one sums up: discounts by item before the discount of all items."""
    figures = paper.document.figures
    for position in range(len(found) - 1, 1, -1):
        if figures[found[position]].value == sum(figures[index].value for index in found[:position]):
            return found[position:]
    return found


def operands(question: Question, paper: PaperView, view: TableView | None) -> list[Operand]:
    """Everything comparable that the question names, in the order of naming."""
    found: list[Operand] = []
    taken: frozenset[int] = frozenset()
    point_mentions = [m for m in question.figures if m.figure in paper.points]
    best: dict[int, tuple[float, int, frozenset[int]]] = {}
    for mention in question.figures:
        rival = [m for m in question.figures if m.span == mention.span and m.figure != mention.figure]
        if any(_says_more(question, paper, other.figure, mention.figure) for other in rival):
            continue
        if any(other.covered >= mention.covered for other in rival) and not _by_role(question, paper, mention.figure):
            continue
        if mention.covered < 0.34 and mention not in point_mentions:
            continue
        named = question.concepts.get(paper.document.figures[mention.figure].role, ())
        wider = [span.indices for span in named if mention.span.indices < span.indices]  # "net amount", of "Net"
        score = (mention.covered, -mention.span.start, mention.span.indices.union(*wider))
        if mention.figure not in best or score[:2] > best[mention.figure][:2]:
            best[mention.figure] = score
    spans_taken: set[frozenset[int]] = set()
    for figure, (_, start, indices) in sorted(best.items(), key=lambda item: -item[1][0]):
        if any(indices & other for other in spans_taken):
            continue
        spans_taken.add(indices)
        is_total = paper.document.figures[figure].role in ("total", "amount_due")
        found.append(Operand(plans.LookupFigure(figure=figure), -start, indices, total=is_total))
        taken |= indices
    for role in ROLES:
        for span in question.concepts.get(role, ()):
            if span.indices & taken:
                continue
            step = role_step(paper, role)
            if step is not None:
                found.append(Operand(step, span.start, span.indices, total=role in ("total", "amount_due")))
                taken |= span.indices
    if view is not None:
        found += _of_table(question, paper, view, taken)
    return sorted(found, key=lambda operand: operand.at)


def _says_more(question: Question, paper: PaperView, other: int, figure: int) -> bool:
    """Whether the question says of another figure's label what this one lacks: `2024`, of two years' labels."""
    said = {word.stem for word in question.words}
    theirs, ours = set(paper.figure_stems[other]), set(paper.figure_stems[figure])
    return bool((theirs - ours) & said) and not (ours - theirs) & said


def _by_role(question: Question, paper: PaperView, figure: int) -> bool:
    return paper.document.figures[figure].role in question.concepts


def _of_table(question: Question, paper: PaperView, view: TableView, taken: frozenset[int]) -> list[Operand]:
    named = [m for m in measures(question, paper, view) if not m.used & taken]
    rows = list(row_mentions(question, view, taken | frozenset(i for m in named for i in m.used)))
    if len(rows) >= 2 and len(named) <= 1:
        measure = named[0] if named else default_measure(question, paper, view)
        if measure is None:
            return []
        return [
            Operand(_row_value(measure, view, mention.rows, _name(question, mention.span.start, mention.span.end)),
                    mention.span.start, mention.span.indices | measure.used)
            for mention in rows
        ]  # fmt: skip
    besides = taken | frozenset(i for m in named for i in m.used)
    condition = filters(question, view, named[0] if named else None, besides)
    if len(named) >= 2 or (named and not rows):
        return [
            Operand(
                _column_value(measure, view, condition.where),
                min(measure.used, default=0),
                measure.used | condition.used,
            )
            for measure in named
        ]
    if rows:
        measure = named[0] if named else default_measure(question, paper, view)
        if measure is None:
            return []
        mention = rows[0]
        name = _name(question, mention.span.start, mention.span.end)
        step = _row_value(measure, view, mention.rows, name)
        return [Operand(step, mention.span.start, mention.span.indices | measure.used)]
    return []


def _name(question: Question, start: int, end: int) -> str:
    return " ".join(word.raw for word in question.words[start:end])[:400]


def _row_value(measure: Measure, view: TableView, rows: tuple[int, ...], name: str) -> Step:
    assert measure.column is not None
    if len(rows) == 1:
        label = _row_label(view, rows[0]) or name
        return plans.LookupCell(table=view.index, row=rows[0], column=measure.column.index, label=label)
    condition = plans.RowsCondition(rows=rows, because=f"for {name}")
    return plans.Aggregate(op="sum", values=measure.values((condition,)))


def _row_label(view: TableView, row: int) -> str:
    return view.label(row, view.labels if view.labels is not None else view.dates)


def _column_value(measure: Measure, view: TableView, where: tuple[plans.Condition, ...]) -> Step:
    """A column's sum over the rows asked for; where that is one row, its cell."""
    assert measure.column is not None
    if len(where) == 1 and isinstance(where[0], plans.RowsCondition) and len(where[0].rows) == 1:
        row = where[0].rows[0]
        label = f"{_row_label(view, row)}"
        return plans.LookupCell(table=view.index, row=row, column=measure.column.index, label=label)
    if len(view.table.rows) == 1 and not where:
        return plans.LookupCell(table=view.index, row=0, column=measure.column.index, label=_row_label(view, 0))
    return plans.Aggregate(op="sum", values=measure.values(where))


def whole(measure: Measure | None, paper: PaperView, view: TableView | None) -> Step | None:
    """The sum that a share is taken of, when the question only says "the total"."""
    if measure is not None:
        return plans.Aggregate(op="sum", values=measure.values())
    if view is not None and (column := amount_column(view)) is not None:
        return plans.Aggregate(
            op="sum", values=plans.ColumnValues(table=view.index, column=column.index, labels=view.labels)
        )
    return None
