"""Readings that set two things against each other: differences, shares, growth."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace

from adapters.planning.choosing import chosen_measure, chosen_rows, chosen_table, row_words, title_words
from adapters.planning.dates import When, read_date
from adapters.planning.measures import Measure
from adapters.planning.operands import Operand, operands, role_step, whole
from adapters.planning.outcome import Outcome, Reading
from adapters.planning.paper import PaperView, TableView
from adapters.planning.question import Question
from adapters.planning.small_words import AND, PERCENT, WHICH, stems
from schemas import plans
from schemas.plans import Step


def comparison(question: Question, paper: PaperView) -> Outcome:
    names = ("difference", "more_than_other", "less_than_other", "ratio", "share", "growth", "range", "plus")
    asked = [name for name in names if question.has(name)]
    if not asked:
        return None
    view = chosen_table(question, paper)
    used = question.spans(*names, "sum", "until", "from", "gt", "lt", "between")
    if question.has("growth", "trend"):
        used |= question.spans("manner")
    if question.has("share") and not question.has("growth", "difference", "more_than_other", "less_than_other"):
        return _share(question, paper, view, used)
    if (
        {"range", "difference"} & set(asked) and question.has("max", "dearest") and question.has("min", "cheapest")
    ) or asked == ["range"]:
        measure = chosen_measure(question, paper, view)
        if measure is None:
            return None
        condition = chosen_rows(question, view, measure, used | measure.used)
        used |= measure.used | condition.used | question.spans("max", "min", "dearest", "cheapest")
        used |= row_words(question, view) | title_words(question, paper, measure)
        values = measure.values(condition.where)
        steps: tuple[Step, ...] = (plans.Rank(op="argmax", values=values), plans.Rank(op="argmin", values=values))
        return Reading((*steps, plans.Arithmetic(op="difference", left=0, right=1)), used)
    found = operands(question, paper, view)
    if len(found) > 2 and any(o.total for o in found) and not question.has("total"):
        found = [o for o in found if not o.total]
    if len(found) != 2:
        if asked == ["growth"] or (question.has("growth") and len(found) < 2):
            return _growth(question, paper, view, used)
        return None
    if _other_noun(question, paper):
        return None
    first, second = found
    used |= first.used | second.used | row_words(question, view)
    if all(_is_point(operand.step, paper) for operand in found):
        # "how many more units were shipped": what the chart's title says its numbers are.
        used |= title_words(question, paper, Measure(None, None, paper.points, frozenset()))
    if view is not None and all(_column_of(operand.step) is not None for operand in found):
        used |= title_words(question, paper, Measure(view, None, (), frozenset()))
        if all(view.columns[_column_of(operand.step) or 0].money for operand in found):
            used |= question.spans("cost", "price")
    relative = relative_words(question)
    used |= relative
    percents = all(_in_percent(operand.step, paper) for operand in found)
    if relative and percents and question.has("growth", "more_than_other", "less_than_other"):
        return None  # of percentages: points, or percent of them
    if (relative or question.spans("share") - question.mentioned) and not question.has("growth") and not percents:
        if not relative or not question.has("more_than_other", "less_than_other"):
            return None  # "the difference in percent": of which of the two is left open
        used |= question.spans("count")
        op = plans.Arithmetic(op="change", left=1, right=0)
    elif question.has("growth"):
        op = (
            plans.Arithmetic(op="change", left=0, right=1)
            if relative
            else plans.Arithmetic(op="difference", left=1, right=0)
        )
        used |= question.spans("count") if relative else frozenset()
    elif question.has("ratio"):
        op = plans.Arithmetic(op="ratio", left=0, right=1)
    elif question.has("plus"):
        op = plans.Arithmetic(op="add", left=0, right=1)
    elif question.has("less_than_other"):
        op = plans.Arithmetic(op="difference", left=1, right=0)
    elif question.has("more_than_other"):
        op = plans.Arithmetic(op="difference", left=0, right=1)
    else:
        signed = any(word.stem in ("minus", "subtract") for word in question.words)
        op = plans.Arithmetic(op="difference", left=0, right=1, absolute=not signed)
    return Reading((first.step, second.step, op), used, assumption=_in_brackets(paper, first, second, op))


def _other_noun(question: Question, paper: PaperView) -> bool:
    """`how many more tickets` over a chart of orders: a word for documents says here what is counted."""
    after = {span.end for name in ("more_than_other", "less_than_other") for span in question.concepts.get(name, ())}
    nouns = {question.words[i].stem for i in after & question.spans("document")}
    return bool(nouns) and not nouns & {stem for line in paper.document.lines for stem in stems(line.text)}


def relative_words(question: Question) -> frozenset[int]:
    """The words that ask for a change in percent: `in percent`, `percentage change`, `growth rate`."""
    # "how much higher was the rate" asks for no percentage, "the growth rate" does.
    names = PERCENT | {"rate"} if question.has("growth") else PERCENT
    said = frozenset(i for i, word in enumerate(question.words) if word.stem in names)
    return said - question.mentioned


def _in_brackets(paper: PaperView, first: Operand, second: Operand, op: plans.Arithmetic) -> str | None:
    """What is taken for granted when an amount printed in brackets is set against one that is not: costs stand so in
    an account, and what they exceed or fall short of is then their amount without the sign."""
    texts = [_text_of(paper, operand.step) for operand in (first, second)]
    bracketed = [text for text in texts if text is not None and text.strip().startswith("(")]
    if op.op not in ("difference", "ratio") or len(bracketed) != 1:
        return None
    return f"{bracketed[0].strip()} stands in brackets and was taken as negative"[:400]


def _text_of(paper: PaperView, step: Step) -> str | None:
    match step:
        case plans.LookupFigure():
            return paper.document.figures[step.figure].text
        case plans.LookupCell():
            return paper.document.tables[step.table].rows[step.row][step.column].text
        case _:
            return None


def _growth(question: Question, paper: PaperView, view: TableView | None, used: frozenset[int]) -> Outcome:
    """Change over all rows (of a range, where one is named)."""
    if WHICH & {word.stem for word in question.words[:3]}:
        return None  # "in which year did it shrink": one of several changes
    measure = chosen_measure(question, paper, view)
    if measure is None or (
        view is not None and view.labels is not None and not any(view.row_dates) and measure.table is not None
    ):
        return None
    condition = chosen_rows(question, view, measure, used | measure.used)
    if measure.table is None:
        used |= title_words(question, paper, measure)
    used |= measure.used | condition.used | row_words(question, view)
    if measure.column is not None and "balance" in measure.column.concepts and not condition.where:
        return _between_balances(question, paper, measure, used)
    if relative := relative_words(question):
        ends = _ends(measure, condition.where, paper)
        return None if ends is None else Reading(ends, used | relative | question.spans("count"), score=0.85)
    return Reading((plans.Trend(values=measure.values(condition.where)),), used, score=0.85)


def _between_balances(question: Question, paper: PaperView, measure: Measure, used: frozenset[int]) -> Outcome:
    """From the opening to the closing balance. The first row's balance stands after its own movement."""
    if relative_words(question):
        return None
    opening, closing = role_step(paper, "opening_balance"), role_step(paper, "closing_balance")
    if opening is None or closing is None:
        view = measure.table
        moves = [] if view is None else [c.index for c in view.numeric if c is not measure.column]
        if view is None or any(view.table.rows[0][column].value is not None for column in moves):
            return None
        return Reading((plans.Trend(values=measure.values()),), used, score=0.85)
    return Reading((opening, closing, plans.Arithmetic(op="difference", left=1, right=0)), used, score=0.85)


def _ends(measure: Measure, where: tuple[plans.Condition, ...], paper: PaperView) -> tuple[Step, ...] | None:
    """The change in percent from the first to the last of dated values; None where they are not in order of time."""
    view, column = measure.table, measure.column
    change = plans.Arithmetic(op="change", left=0, right=1)
    if view is None or column is None:
        dates = [read_date(paper.document.figures[index].label) for index in measure.points]
        if len(dates) < 2 or not _in_order(dates):
            return None
        return plans.LookupFigure(figure=measure.points[0]), plans.LookupFigure(figure=measure.points[-1]), change
    rows = range(len(view.table.rows))
    if len(where) > 1 or measure.where or not all(isinstance(each, plans.RowsCondition) for each in where):
        return None
    chosen = [row for row in rows if all(row in each.rows for each in where if isinstance(each, plans.RowsCondition))]
    if len(chosen) < 2 or not _in_order([view.row_dates[row] for row in chosen]):
        return None
    if any(view.table.rows[row][column.index].value is None for row in (chosen[0], chosen[-1])):
        return None
    names = view.labels if view.labels is not None else view.dates
    first, last = (
        plans.LookupCell(
            table=view.index,
            row=row,
            column=column.index,
            label=view.label(row, names),
        )
        for row in (chosen[0], chosen[-1])
    )
    return first, last, change


def _in_order(dates: Sequence[When | None]) -> bool:
    known = [date.key for date in dates if date is not None]
    return len(known) == len(dates) and all(before < after for before, after in itertools.pairwise(known))


def _share(question: Question, paper: PaperView, view: TableView | None, used: frozenset[int]) -> Outcome:
    found = operands(question, paper, view)
    used |= question.spans("total")
    at = min(span.end for span in question.concepts["share"])
    if len(found) == 2 and not any(o.total for o in found) and (joined := _joined(question, paper, found)) is not None:
        return Reading(joined, used | found[0].used | found[1].used)
    if len(found) >= 2:
        totals = [o for o in found if o.total]
        pair = [o for o in found if not o.total][: 2 - len(totals[:1])]
        named = [o for o in found if _is_the_base(question, o)]
        if len(named) == 1 and len(found) == 2:
            first, second = sorted(found, key=lambda operand: operand.at)
            # "the share of A of B", and "what share of B was A".
            part, base = (first, second) if _after_of(question, second) else (second, first)
        elif totals and len(found) == 2 and pair:
            part, base = pair[0], totals[0]
        elif len(found) == 2 and not totals:
            after = [o for o in found if o.at >= at]
            base = after[0] if after else found[1]
            part = found[0] if base is found[1] else found[1]
        else:
            return None
        if _is_point(part.step, paper) and _sums_points(base.step, paper):
            base = replace(base, step=plans.Aggregate(op="sum", values=plans.FigureValues(figures=paper.points)))
        if _in_percent(part.step, paper) != _in_percent(base.step, paper):
            return None
        return Reading(
            (part.step, base.step, plans.Arithmetic(op="share", left=0, right=1)), used | part.used | base.used
        )
    if len(found) != 1 or _is_the_base(question, found[0]):
        return None
    part = found[0]
    measure = chosen_measure(question, paper, view)
    if _is_point(part.step, paper):
        base_step: Step | None = plans.Aggregate(op="sum", values=plans.FigureValues(figures=paper.points))
    elif isinstance(part.step, plans.LookupFigure):
        base_step = role_step(paper, "total")
        if base_step is None or not (
            question.has("total") or paper.document.kind in ("invoice", "receipt", "estimate")
        ):
            return None
    elif (
        question.has("total")
        and (stated := role_step(paper, "total")) is not None
        and not (measure and measure.used - question.spans("total"))
    ):
        base_step = stated
    elif isinstance(part.step, plans.LookupCell | plans.Aggregate) and measure is not None:
        if isinstance(part.step, plans.Aggregate) and not (
            isinstance(part.step.values, plans.ColumnValues) and part.step.values.where
        ):
            return None
        base_step = whole(measure, paper, view)
        used |= measure.used
    else:
        return None
    if base_step is None:
        return None
    used |= part.used | row_words(question, view) | title_words(question, paper, measure)
    return Reading((part.step, base_step, plans.Arithmetic(op="share", left=0, right=1)), used)


def _is_the_base(question: Question, operand: Operand) -> bool:
    """`what percentage of the marketing budget was spent`: what comes after "of" is the whole, and no part."""
    end = max(span.end for span in question.concepts["share"])
    first = min(operand.used - question.spans("share"), default=-1)
    between = [word.stem for word in question.words[end - 1 : max(first, end)]]
    after = [word.stem for word in question.words[first : max(operand.used, default=first)]]
    straight = "of" in between and frozenset(range(end, first)) <= question.spans("function")
    # "what share of sales did Ivan make": Ivan's sales are the part.
    return first >= end and straight and not {"did", "does", "do", "has", "have"} & set(after)


def _after_of(question: Question, operand: Operand) -> bool:
    before = [word.stem for word in question.words[: min(operand.used, default=0)]]
    while before and before[-1] in ("the", "all", "our", "my", "der", "dem", "la", "le", "el", "het"):
        before.pop()
    return before[-1:] != [] and before[-1] in ("of", "in", "from", "an", "am", "von", "de", "du", "del", "van", "di")


def _in_percent(step: Step, paper: PaperView) -> bool:
    match step:
        case plans.LookupFigure():
            return paper.document.figures[step.figure].unit == "%"
        case plans.LookupCell():
            column = paper.document.tables[step.table].columns[step.column]
            return column.kind == "percent" or column.unit == "%"
        case _:
            return False


def _is_point(step: Step, paper: PaperView) -> bool:
    return isinstance(step, plans.LookupFigure) and step.figure in paper.points


def _column_of(step: Step) -> int | None:
    match step:
        case plans.LookupCell():
            return step.column
        case plans.Aggregate(values=plans.ColumnValues() as values):
            return values.column
        case _:
            return None


def _sums_points(step: Step, paper: PaperView) -> bool:
    """Whether a sum is that of a chart's points, which its table holds once more."""
    if not (
        isinstance(step, plans.Aggregate) and isinstance(step.values, plans.ColumnValues) and not step.values.where
    ):
        return False
    column = [row[step.values.column].value for row in paper.document.tables[step.values.table].rows]
    return step.op == "sum" and column == [paper.document.figures[index].value for index in paper.points]


def _joined(question: Question, paper: PaperView, found: list[Operand]) -> tuple[Step, ...] | None:
    """`what percentage are A and B together`: their sum, which of percentages is the answer and of others a part."""
    first, second = (sorted(operand.used) for operand in found)
    between = [word.stem for word in question.words[first[-1] + 1 : second[0]]]
    if not (question.has("sum", "plus") or (len(between) == 1 and between[0] in AND)):
        return None
    points = [o.step.figure for o in found if isinstance(o.step, plans.LookupFigure) and o.step.figure in paper.points]
    both = (found[0].step, found[1].step, plans.Arithmetic(op="add", left=0, right=1))
    if len(points) == 2 and all(paper.document.figures[index].unit == "%" for index in points):
        return both
    return None


def trend(question: Question, paper: PaperView) -> Outcome:
    if not question.has("trend"):
        return None
    view = chosen_table(question, paper)
    return _growth(question, paper, view, question.spans("trend", "growth", "manner"))
