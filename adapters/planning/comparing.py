"""Readings that set two things against each other: differences, shares, growth."""

from __future__ import annotations

from adapters.planning.choosing import chosen_measure, chosen_rows, chosen_table, row_words, title_words
from adapters.planning.operands import Operand, operands, role_step, whole
from adapters.planning.outcome import Outcome, Reading
from adapters.planning.paper import PaperView, TableView
from adapters.planning.question import Question
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
    if question.has("share") and not question.has("growth"):
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
    first, second = found
    used |= first.used | second.used | row_words(question, view)
    if question.has("growth"):
        percent = bool(
            {"percent", "percentage", "rate", "%", "prozent", "pourcentage"} & {w.stem for w in question.words}
        )
        op = (
            plans.Arithmetic(op="change", left=0, right=1)
            if percent
            else plans.Arithmetic(op="difference", left=1, right=0)
        )
        used |= frozenset(i for i, w in enumerate(question.words) if w.stem in ("percent", "percentage", "rate", "%"))
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
    measure = chosen_measure(question, paper, view)
    if measure is None or (
        view is not None and view.labels is not None and not any(view.row_dates) and measure.table is not None
    ):
        return None
    condition = chosen_rows(question, view, measure, used | measure.used)
    if measure.table is None:
        used |= title_words(question, paper, measure)
    used |= measure.used | condition.used | row_words(question, view)
    return Reading((plans.Trend(values=measure.values(condition.where)),), used, score=0.85)


def _share(question: Question, paper: PaperView, view: TableView | None, used: frozenset[int]) -> Outcome:
    found = operands(question, paper, view)
    used |= question.spans("total")
    at = min(span.end for span in question.concepts["share"])
    if len(found) == 2 and not any(o.total for o in found) and (joined := _joined(question, paper, found)) is not None:
        return Reading(joined, used | found[0].used | found[1].used)
    if len(found) >= 2:
        totals = [o for o in found if o.total]
        pair = [o for o in found if not o.total][: 2 - len(totals[:1])]
        if totals and len(found) == 2 and pair:
            part, base = pair[0], totals[0]
        elif len(found) == 2 and not totals:
            after = [o for o in found if o.at >= at]
            base = after[0] if after else found[1]
            part = found[0] if base is found[1] else found[1]
        else:
            return None
        return Reading(
            (part.step, base.step, plans.Arithmetic(op="share", left=0, right=1)), used | part.used | base.used
        )
    if len(found) != 1:
        return None
    part = found[0]
    measure = chosen_measure(question, paper, view)
    if isinstance(part.step, plans.LookupFigure) and part.step.figure in paper.points:
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


def _joined(question: Question, paper: PaperView, found: list[Operand]) -> tuple[Step, ...] | None:
    """`what percentage are A and B together`: their sum, which of percentages is the answer and of others a part."""
    first, second = (sorted(operand.used) for operand in found)
    between = [word.stem for word in question.words[first[-1] + 1 : second[0]]]
    if not (question.has("sum", "plus") or between in (["and"], ["und"], ["et"], ["y"], ["en"], ["e"])):
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
