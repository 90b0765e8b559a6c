"""Readings that make one number of many: sums and averages, counts."""

from __future__ import annotations

from dataclasses import replace

from adapters.planning.choosing import (
    asks_by_group,
    chosen_measure,
    chosen_points,
    chosen_rows,
    chosen_table,
    contradicts_title,
    group_column,
    grouped_by_title,
    item_rows,
    no_sum,
    people,
    per_period,
    repeats,
    row_words,
    says_heading,
    several_rows,
    time_unit,
    title_parts,
    title_words,
    titles,
)
from adapters.planning.conditions import filters
from adapters.planning.measures import Measure, columns_for, measures
from adapters.planning.operands import Operand, operands, role_names
from adapters.planning.outcome import Outcome, Reading, explained, unexplained
from adapters.planning.paper import PaperView, TableView
from adapters.planning.question import ColumnMention, Question, Span
from adapters.planning.small_words import PER, stems
from schemas import plans
from schemas.plans import Step

_BILLS = ("invoice", "receipt", "estimate")


def aggregates(question: Question, paper: PaperView) -> Outcome:
    op = next((name for name in ("mean", "median", "sum") if question.has(name)), None)
    if op is None and (question.has("total") or asks_by_group(question)):
        op = "sum"
    if op is None or question.has(
        "share", "ratio", "difference", "range", "growth", "max", "min", "dearest", "cheapest"
    ):
        return None
    view = chosen_table(question, paper)
    named = measures(question, paper, view) if view is not None else []
    used = question.spans(op, "sum", "how") | (question.spans("total") if op == "sum" else frozenset())
    if op != "sum" or question.has("sum"):
        used |= question.spans("count")
    if op == "mean" and view is not None:
        used |= per_period(question, view)
    if op == "sum" and not question.has("sum"):
        named = [m for m in named if not m.used <= question.spans("total")] or named
        if question.has("total") and not _beyond_total(question, view, paper):
            return None
    roles = [o for o in operands(question, paper, None) if not o.total]
    if op == "sum" and len(roles) >= 2 and not named:
        return _folded("add", roles, used)
    if op != "sum" and question.has("total") and len(named) > 1:
        named = [m for m in named if not m.used <= question.spans("total")]
    measure = named[0] if len(named) == 1 else chosen_measure(question, paper, view) if not named else None
    if measure is None or contradicts_title(question, paper, measure):
        return None
    if op == "mean" and view is not None and question.has("price") and (c := columns_for(view, "price")):
        measure = replace(measure, column=c[0]) if measure.table is not None else measure
    used |= measure.used
    if measure.table is None:
        chosen, at = chosen_points(question, paper)
        used |= at | title_words(question, paper, measure) | question.spans("point")
        if chosen:
            measure = replace(measure, points=chosen)
        return Reading((plans.Aggregate(op=op, values=measure.values()),), used)
    condition = chosen_rows(question, view, measure, used)
    condition = replace(condition, where=(*condition.where, *item_rows(question, paper, view)))
    grouped = group_column(question, view, measure, condition)
    used |= condition.used | row_words(question, view) | title_words(question, paper, measure)
    per_group = any(question.words[m.span.start - 1].stem in PER for m in question.columns if m.span.start)
    if grouped is not None and per_group and view is not None and measure.column is not None and op != "median":
        step: Step = plans.Group(
            table=view.index,
            by=grouped,
            column=measure.column.index,
            aggregate=op,
            where=(*measure.where, *condition.where),
        )
        return Reading((step,), used)
    if op == "sum" and measure.column is not None and no_sum(measure.column):
        return None
    if measure.column is not None and measure.column.money:
        used |= question.spans("cost", "price", "pay")
    elif measure.used:
        used |= question.spans("quantity")
    assumption = None if view is None else several_rows(question, view, condition)
    said = question.spans("sum", "total", "how")
    if (
        op == "sum"
        and not question.content - said
        and paper.document.kind in _BILLS
        and not says_heading(question, paper, said)
    ):
        assumption = assumption or "the document states no total: its lines are added up"
    return Reading((plans.Aggregate(op=op, values=measure.values(condition.where)),), used, assumption=assumption)


def _beyond_total(question: Question, view: TableView | None, paper: PaperView) -> bool:
    """Whether "total" goes with something else ("total units", "total for Widgets"), or there is no stated total."""
    rest = unexplained(question, question.spans("total"))
    return bool(rest) or not paper.figures_of(*role_names(paper, "total"))


def _folded(op: str, found: list[Operand], used: frozenset[int]) -> Outcome:
    """Several operands added up, step by step."""
    steps: list[Step] = [found[0].step]
    result = 0
    for operand in found[1:5]:
        steps.append(operand.step)
        steps.append(plans.Arithmetic(op="add", left=result, right=len(steps) - 1))
        result = len(steps) - 1
    return Reading(tuple(steps), used | frozenset(i for o in found[:5] for i in o.used))


def counts(question: Question, paper: PaperView) -> Outcome:
    if not question.has("count", "distinct", "how") or question.has(
        "share", "difference", "max", "min", "more_than_other", "less_than_other", "mean", "median", "growth", "ratio"
    ):
        return None
    used = question.spans("count", "distinct", "total", "sum", "how")
    view = chosen_table(question, paper)
    points = [m for m in question.figures if m.figure not in paper.points and m.covered >= 0.99]
    if points and not question.has("row"):
        best = points[0]
        reading = Reading((plans.LookupFigure(figure=best.figure),), used | best.span.indices)
        if not unexplained(question, reading.used):
            return reading
    if view is None or (not view.numeric and len(paper.points) > 1):
        return _count_points(question, paper, used) if len(paper.points) > 1 else None
    named = list(measures(question, paper, view))
    amounts = [m for m in named if m.column is not None and (not m.column.money or m.where)]
    sided = [m for m in named if (m.column is not None and m.column.concepts & {"debit", "credit"}) or m.where]
    if sided and not question.has("sum"):
        measure = sided[0]
        condition = chosen_rows(question, view, measure, used)
        used |= measure.used | condition.used | row_words(question, view)
        assert measure.column is not None
        rows = tuple(i for i, row in enumerate(view.table.rows) if row[measure.column.index].text.strip())
        where: tuple[plans.Condition, ...] = measure.where or (
            plans.RowsCondition(rows=rows, because=f"with a {measure.column.name}"[:400]),
        )
        return Reading((plans.Count(table=view.index, where=(*where, *condition.where)),), used)
    compared = question.has("gt", "lt", "ge", "le", "between") and bool(question.numbers)
    if len(named) == 1 and not compared and (having := _rows_having(question, view, named[0], used)) is not None:
        return having
    if amounts and not compared and not question.has("distinct") and not _row_noun(question, view, amounts[0]):
        measure = amounts[0]
        condition = chosen_rows(question, view, measure, used)
        values = measure.values(condition.where)
        used |= measure.used | condition.used | row_words(question, view) | title_words(question, paper, measure)
        used |= question.spans("quantity")
        return Reading((plans.Aggregate(op="sum", values=values),), used)
    measure_or_none = named[0] if len(named) == 1 else chosen_measure(question, paper, view)
    quantity = view.with_concept("quantity")
    asked = _asked_columns(question, view)
    headings = frozenset(i for m in asked for i in m.span.indices)
    condition = filters(question, view, measure_or_none, used | headings | (named[0].used if named else frozenset()))
    if (
        condition.mentions
        and len(quantity) == 1
        and not compared
        and not question.has("distinct")
        and not question.spans("row", "transaction") - condition.used
    ):
        by_quantity = Measure(view, quantity[0], (), frozenset())
        used |= condition.used | question.spans("quantity")
        assumption = several_rows(question, view, condition)
        if unit := _unit_of(question):
            used |= unit.indices
            assumption = f'"{question.words[unit.start].raw}" was taken to mean {quantity[0].name}'[:400]
        step = plans.Aggregate(op="sum", values=by_quantity.values(condition.where))
        return Reading((step,), used, assumption=assumption)
    beside = {question.words[i].stem for i in question.spans("row") - condition.used}
    if condition.mentions and len(quantity) == 1 and beside & _GOODS and not compared:
        return None  # "poster items": how many rows, or how many posters
    unique = view.labels is not None and not repeats(view, view.labels)
    labelled = [m for m in condition.mentions if m.column in (view.labels, None)]
    by_name = labelled and (len(labelled) == len(condition.mentions) or any(len(m.rows) == 1 for m in labelled))
    if unique and by_name and not compared and not question.has("row", "transaction", "point", "distinct"):
        return None  # a row by its name: its number is asked for
    used |= condition.used | row_words(question, view) | (named[0].used if named and compared else frozenset())
    if compared:
        used |= question.spans("cost", "price", "pay")
    distinct = None
    mentioned = [m.column for m in asked]
    if question.has("distinct") or (
        mentioned
        and group_column(question, view, Measure(view, None, (), frozenset()), condition) is not None
        and not compared
    ):
        distinct = mentioned[0] if mentioned else view.labels
    money_rows = condition.mentions and question.has("expense", "cost", "pay")
    if money_rows:
        used |= question.spans("expense", "cost")
    if question.has("transaction") and not condition.where and (moved := _moving_rows(view)) is not None:
        used |= question.spans("transaction")
        return Reading((plans.Count(table=view.index, where=(moved,)),), used)
    generic = (
        question.has("row", "transaction")
        or (question.has("point") and paper.document.kind == "chart")
        or bool(money_rows)
        or bool(people(question, view))
        or bool(mentioned)
    )
    generic = generic or (time_unit(question, view) and paper.document.kind != "statement")
    if compared and (by_title := grouped_by_title(question, paper, measure_or_none)):
        generic, used = True, used | by_title | question.spans("quantity", "sell")
        used |= title_words(question, paper, measure_or_none)
    if not generic and not condition.where:
        return None
    where = (*condition.where, *item_rows(question, paper, view))
    assumption = None
    if distinct is not None and not question.has("distinct") and distinct == view.labels:
        # "How many deliveries": each row may be one, though two have one name.
        name = view.columns[distinct].name
        assumption = f'different names under "{name}" were counted; the table has {len(view.table.rows)} rows'[:400]
    pieces = [row[c.index].value for c in view.numeric if not (c.money or c.percent) for row in view.table.rows]
    if question.has("sell", "pay") and question.has("row"):
        if paper.document.kind not in _BILLS:
            return None  # what an account, a chart or a list of debts has rows of is nothing sold
        if any(value not in (None, 1) for value in pieces):
            assumption = "rows were counted, and not the pieces in them"
    return Reading((plans.Count(table=view.index, where=where, distinct=distinct),), used, assumption=assumption)


def _unit_of(question: Question) -> Span | None:
    """The word of `how many metres of skirting` that says in what something is counted, where nothing else knows it."""
    for span in question.concepts.get("count", ()):
        after = [word.stem for word in question.words[span.end : span.end + 2]]
        if len(after) == 2 and after[1] == "of" and span.end not in explained(question):
            return Span(span.end, span.end + 1)
    return None


def _asked_columns(question: Question, view: TableView) -> list[ColumnMention]:
    """Columns of texts that are asked about by their headings. "How many closures" under "Layoff/Closure" picks rows of
    that column, and "how many cities" asks about the column "City", though one of them is Culver City."""
    asked = []
    for mention in question.columns:
        if mention.table != view.index or view.columns[mention.column].numeric:
            continue
        rows: set[int] = set()
        picking: set[int] = set()
        for other in question.rows:
            if (other.table, other.column) == (mention.table, mention.column):
                rows.update(other.rows)
                picking |= other.span.indices
        picked = mention.span.indices & question.content <= picking
        if not picked or (mention.whole and len(rows) * 2 < len(view.table.rows)):
            asked.append(mention)
    return asked


def _rows_having(question: Question, view: TableView, measure: Measure, used: frozenset[int]) -> Reading | None:
    """`how many products have a backorder`: rows that hold something there, and not what they hold added up."""
    counted = {span.end for span in question.concepts.get("count", ())} & (
        row_words(question, view) | question.spans("row", "transaction")
    )
    stems_between = {word.stem for word in question.words[min(counted, default=0) + 1 : min(measure.used, default=0)]}
    if not counted & frozenset(range(len(question.words))) - measure.used or not stems_between & _HAVING:
        return None
    assert measure.column is not None
    at = measure.column.index
    rows = tuple(i for i, row in enumerate(view.table.rows) if row[at].value)
    because = f"with a {measure.column.name} other than 0"[:400]
    condition = chosen_rows(question, view, measure, used | measure.used)
    used |= measure.used | condition.used | row_words(question, view) | question.spans("row", "transaction")
    where = (plans.RowsCondition(rows=rows, because=because), *condition.where)
    return Reading((plans.Count(table=view.index, where=where),), used)


_HAVING = {
    "have",
    "has",
    "had",
    "with",
    "haben",
    "hat",
    "mit",
    "ont",
    "avec",
    "tienen",
    "con",
    "hebben",
    "met",
    "hanno",
}


def _count_points(question: Question, paper: PaperView, used: frozenset[int]) -> Outcome:
    """`how many bars` counts the points; `how many orders` over "Orders per day" adds them up."""
    if question.has("row") and question.has("sell"):
        return None  # what a chart has points of is nothing sold
    if any(m.figure in paper.points for m in question.figures):
        return None  # its number is asked for, not how many there are
    measure = Measure(None, None, paper.points, frozenset())
    named = title_words(question, paper, measure) - used
    over = {stem for text in titles(paper, measure) for stem in stems(text)}
    for i in question.spans("document") - question.spans("function", "point", "row"):
        # "orders" may be a word for the picture itself, and is not where the chart counts them.
        after = question.words[i - 1].stem in ("many", "of", "viele", "combien", "hoeveel") if i else False
        if question.words[i].stem in over and question.words[i].stem not in _PICTURES:
            named |= {i}
        elif after and question.words[i].stem not in _PICTURES and i - 1 in question.spans("count", "function"):
            return None
    if not named:
        return Reading((plans.CountFigures(figures=paper.points),), used | question.spans("point", "row"))
    counted, grouped = title_parts(paper, measure)
    said = {question.words[i].stem for i in named}
    figures = [paper.document.figures[index] for index in paper.points]
    if said & grouped and not said & counted and not question.has("sum", "total"):
        return Reading((plans.CountFigures(figures=paper.points),), used | named)
    if any(figure.unit == "%" for figure in figures) or not (said & counted or question.has("sum", "total")):
        return None
    values = plans.FigureValues(figures=paper.points)
    return Reading((plans.Aggregate(op="sum", values=values),), used | named | question.spans("quantity"))


_GOODS = {"item", "product", "article", "thing", "good", "artikel", "produkt", "articulo", "producto", "prodotto"}
_PICTURES = {
    "chart",
    "graph",
    "diagram",
    "plot",
    "pie",
    "picture",
    "image",
    "grafik",
    "graphique",
    "grafico",
    "grafiek",
}


def _moving_rows(view: TableView) -> plans.RowsCondition | None:
    """Rows of a statement that move money: a balance brought forward is no transaction."""
    sided = [c.index for c in view.numeric if c.concepts & {"debit", "credit"}]
    if not sided:
        return None
    rows = tuple(i for i, row in enumerate(view.table.rows) if any(row[c].value is not None for c in sided))
    return plans.RowsCondition(rows=rows, because="with a movement")


def _row_noun(question: Question, view: TableView, measure: Measure) -> bool:
    return question.has("row") and measure.used <= question.spans("row")
