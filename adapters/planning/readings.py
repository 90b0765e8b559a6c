"""Reads a question's parts as one plan. Every word that means something must be accounted for by the plan."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal

from adapters.planning import sums
from adapters.planning.measures import (
    Filter,
    Measure,
    amount_column,
    columns_for,
    default_measure,
    filters,
    is_range,
    measures,
)
from adapters.planning.operands import ROLE_FALLBACKS, Operand, operands, role_step, whole
from adapters.planning.paper import ColumnView, PaperView, TableView
from adapters.planning.printed import FIELDS, printed
from adapters.planning.question import Question
from adapters.planning.vocabulary import MEASURES, ORDINALS, ROLES, phrase_table
from schemas import plans
from schemas.plans import Step


@dataclass(frozen=True, slots=True)
class Reading:
    """A plan's steps, the words it rests on, and how sure its structure is (0..1)."""

    steps: tuple[Step, ...]
    used: frozenset[int]
    score: float = 0.95
    assumption: str | None = None


@dataclass(frozen=True, slots=True)
class Absent:
    """The question is understood and the document has no such thing; `what` for people."""

    what: str
    used: frozenset[int] = frozenset()


Outcome = Reading | Absent | None

# Concepts that never need to be accounted for: verbs of paying and selling, names of rows, polite list words.
WEAK = (
    "pay",
    "sell",
    "row",
    "transaction",
    "point",
    "column_word",
    "list",
    "money",
    "group_by",
    "until",
    "from",
    "generic",
)


def read(question: Question, paper: PaperView) -> Outcome:
    """The first reading that accounts for every word; else the first thing found absent; else None."""
    absent: Absent | None = None
    for reader in READERS:
        outcome = reader(question, paper)
        if isinstance(outcome, Reading):
            if not unexplained(question, outcome.used):
                return outcome
        elif outcome is not None and absent is None and not unexplained(question, outcome.used | _named(question)):
            absent = outcome
    return absent


def _named(question: Question) -> frozenset[int]:
    """Words that some concept or some mention explains: the others make a question one that was not understood."""
    found = frozenset(i for spans in question.concepts.values() for span in spans for i in span.indices)
    for mention in (*question.rows, *question.columns, *question.figures):
        found |= mention.span.indices
    return found


def unexplained(question: Question, used: frozenset[int]) -> frozenset[int]:
    """Words that mean something and that a plan which rests on `used` leaves out."""
    return question.content - used - question.spans(*WEAK)


def _summary(question: Question, paper: PaperView) -> Outcome:
    if question.words and not question.has("summary"):
        return None
    document = paper.document
    wanted: list[int] = []
    for role in ("opening_balance", "subtotal", "discount", "shipping", "tax", "tip", "total", "amount_due", "closing_balance", "balance"):  # fmt: skip
        wanted += [index for index in paper.figures_of(role) if index not in wanted]
    if not wanted:
        wanted = list(range(min(8, len(document.figures))))
    steps: list[Step] = []
    if (check := sums.reconcile(paper, with_lines=not paper.figures_of("subtotal"))) is not None:
        steps.append(check)
    return Reading((*steps, plans.Summarise(figures=tuple(wanted[:20]))), question.spans("summary", "kind"))


def _checks(question: Question, paper: PaperView) -> Outcome:
    if not question.has("check"):
        return None
    used = question.spans("check", "sum", "total", "line_amount", "list")
    view = paper.main
    wants_balance = question.has("balance", "closing_balance", "opening_balance")
    wants_lines = question.has("quantity", "unit_price", "price")
    if wants_balance:
        step = None if view is None else sums.balance_check(paper, view)
        used |= question.spans("balance", "closing_balance", "opening_balance", "debit", "credit")
        return Reading((step,), used) if step is not None else Absent("balances and movements to compare")
    if wants_lines:
        line = None if view is None else sums.line_check(view)
        used |= question.spans("quantity", "unit_price", "price", "line_amount", "field:time")
        return Reading((line,), used) if line is not None else Absent("quantities, unit prices and amounts to compare")
    for role in ("tax", "subtotal", "discount", "shipping", "tip"):
        if question.has(role):
            if not paper.figures_of(role):
                return Absent(f"a figure labelled {role.replace('_', ' ')}", question.spans(role, "total"))
            used |= question.spans(role)
    found = sums.checks(paper)
    if question.has("row", "line_amount", "subtotal", "total", "tax") and len(found) > 1:
        found = [step for step in found if isinstance(step, plans.Reconcile)]
    if not found:
        return Absent("figures that could be checked against each other")
    return Reading((found[-1],) if len(found) == 1 else tuple(found), used)


def _attributes(question: Question, paper: PaperView) -> Outcome:
    document = paper.document
    if question.has("kind") and not question.rows:
        if document.kind == "unknown":
            return Absent("a kind that could be told")
        return Reading((plans.Attribute(attribute="kind"),), question.spans("kind"))
    if question.has("currency"):
        used = question.spans("currency", "total", "price", "pay")
        if document.currency is None:
            return Absent("a currency that could be read")
        return Reading((plans.Attribute(attribute="currency"),), used)
    when = question.has("when") and not question.has("date") and not question.columns and not question.figures
    if (question.has("date") or when) and not question.has("max", "min", "dearest", "cheapest") and not question.rows:
        if document.date is None:
            return Absent("a date that could be read")
        return Reading((plans.Attribute(attribute="date"),), question.spans("date", "when", "pay"))
    return None


def _printed(question: Question, paper: PaperView) -> Outcome:
    absent: Absent | None = None
    for field in FIELDS:
        spans = question.concepts.get(f"field:{field.name}")
        if not spans:
            continue
        found = printed(field, paper.document)
        if found is None:
            absent = absent or Absent(
                f"a text labelled {field.name}", question.spans(f"field:{field.name}", "when", "who", "date", "pay")
            )
            continue
        step = plans.PrintedText(line=found.line, text=found.text[:400], label=field.name, labelled=found.labelled)
        used = question.spans(f"field:{field.name}", "when", "who", "date", "pay")
        reading = Reading((step,), used, score=0.9 if found.labelled else 0.7)
        if not unexplained(question, used):
            return reading
    return absent if absent is not None and not question.rows and not question.figures else None


def _view(question: Question, paper: PaperView) -> TableView | None:
    """The table a question is about: the one it mentions most of, else the main one."""

    def mentioned(view: TableView) -> tuple[int, bool]:
        rows = sum(len(m.span.indices) for m in question.rows if m.table == view.index)
        columns = sum(len(m.span.indices) * 2 for m in question.columns if m.table == view.index)
        named = sum(bool(view.with_concept(name)) for name in MEASURES if question.has(name))
        return rows + columns + named, view is paper.main

    return max(paper.tables, key=mentioned, default=None)


def _measure(question: Question, paper: PaperView, view: TableView | None) -> Measure | None:
    """The one measure: named, or what the question can only mean. None when it is open."""
    if view is not None and view.numeric:
        named = measures(question, paper, view)
        if len(named) == 1:
            return named[0]
        if len(named) > 1:
            return None
        return default_measure(question, paper, view)
    if len(paper.points) > 1:
        return Measure(None, None, paper.points, frozenset())
    return None


def _filter(question: Question, view: TableView | None, measure: Measure, besides: frozenset[int]) -> Filter:
    if view is None or measure.table is None:
        return Filter((), frozenset())
    return filters(question, view, measure, besides | measure.used)


def _title_words(question: Question, paper: PaperView, measure: Measure | None) -> frozenset[int]:
    """Words of the question that a chart's title or a table's name states: what its numbers are."""
    if measure is None:
        return frozenset()
    texts = [paper.document.tables[measure.table.index].name or ""] if measure.table is not None else []
    if measure.table is None or len(measure.table.numeric) == 1:
        texts += [line.text for line in paper.document.lines[:6] if len(line.text) < 90]
    from adapters.planning.paper import stems

    known = {stem for text in texts for stem in stems(text) if len(stem) > 2}
    return frozenset(i for i in question.content if question.words[i].stem in known)


def _top_n(question: Question, *names: str) -> tuple[int, frozenset[int]]:
    for name in names:
        for span in question.concepts.get(name, ()):
            for at in (span.start - 1, span.end, span.start - 2, span.end + 1):
                if 0 <= at < len(question.words):
                    number = question.words[at].number or ORDINALS.get(question.words[at].stem)
                    if number is not None and int(number) == number and 1 < number <= 100:
                        return int(number), frozenset({at})
    return 1, frozenset()


def _extremes(question: Question, paper: PaperView) -> Outcome:
    greatest, least = question.has("max", "dearest"), question.has("min", "cheapest")
    if greatest == least or question.has("mean", "median", "share", "ratio", "difference", "second"):
        return None
    view = _view(question, paper)
    measure = _measure(question, paper, view)
    if measure is None:
        return None
    names = ("max", "dearest") if greatest else ("min", "cheapest")
    used = measure.used | question.spans(*names)
    if question.has("dearest", "cheapest") or (measure.column is not None and measure.column.money):
        used |= question.spans("cost", "price", "pay", "line_amount")
    n, at = _top_n(question, *names)
    used |= at
    condition = _filter(question, view, measure, used)
    used |= condition.used
    grouped = _group_column(question, view, measure, condition)
    if question.has("who"):
        person = _person_column(view)
        if person is None or view is None or measure.table is None:
            return None
        used |= question.spans("who")
        if person != view.labels or _repeats(view, person):
            grouped = person
    used |= _row_words(question, view) | _title_words(question, paper, measure)
    if grouped is not None and view is not None and measure.column is not None:
        step: Step = plans.Group(
            table=view.index, by=grouped, column=measure.column.index, where=(*measure.where, *condition.where),
            order="greatest" if greatest else "least", n=n,
        )  # fmt: skip
        return Reading((step,), used)
    if _all_negative(measure) or (_negative(measure) and question.has("debit", "expense", "pay")):
        greatest = not greatest
    return Reading(
        (plans.Rank(op="argmax" if greatest else "argmin", values=measure.values(condition.where), n=n),), used
    )


def _no_sum(column: ColumnView) -> bool:
    """Balances and percentages: their sum means nothing."""
    return column.percent or "balance" in column.concepts


def _all_negative(measure: Measure) -> bool:
    """Whether a column holds costs as negative numbers only, so that the largest is the least."""
    if measure.table is None or measure.column is None:
        return False
    values = [row[measure.column.index].value for row in measure.table.table.rows]
    known = [value for value in values if value is not None]
    return bool(known) and max(known) <= 0 > min(known)


def _negative(measure: Measure) -> bool:
    return any(isinstance(c, plans.NumberCondition) and c.compare == "lt" and c.value == 0 for c in measure.where)


def _row_words(question: Question, view: TableView | None) -> frozenset[int]:
    """Words that name what rows are: the label column's own name ("which month", "which region")."""
    if view is None:
        return frozenset()
    names = {
        i
        for m in question.columns
        if m.table == view.index and not view.columns[m.column].numeric
        for i in m.span.indices
    }
    found = set(names)
    dates = any(date is not None for date in view.row_dates)
    if dates:
        time_words = {
            "month",
            "year",
            "quarter",
            "day",
            "date",
            "week",
            "monat",
            "jahr",
            "moi",
            "annee",
            "mes",
            "ano",
            "maand",
            "jaar",
            "mese",
            "anno",
            "mois",
        }
        found |= {i for i, word in enumerate(question.words) if word.stem in time_words}
        found |= question.spans("date", "when")
    return frozenset(found)


def _group_column(question: Question, view: TableView | None, measure: Measure, condition: Filter) -> int | None:
    """A text column that the question asks by ("which region …", "by product") and whose texts repeat."""
    if view is None or measure.table is None:
        return None
    named = [m.column for m in question.columns if m.table == view.index and not view.columns[m.column].numeric]
    return next((column for column in named if _repeats(view, column)), None)


def _repeats(view: TableView, column: int) -> bool:
    texts = [" ".join(row[column].text.casefold().split()) for row in view.table.rows if row[column].text.strip()]
    return len(set(texts)) < len(texts)


_PERSONS = {"employee", "name", "student", "customer", "person", "player", "client", "payee", "salesperson", "member", "seller",
            "agent", "author", "rep", "representative", "team", "user", "driver", "vendor", "supplier", "candidate", "kunde",
            "mitarbeiter", "who", "staff", "owner", "manager", "company", "donor", "winner", "athlete", "pupil"}  # fmt: skip


def _person_column(view: TableView | None) -> int | None:
    """The column that says who: called so."""
    if view is None:
        return None
    return next((c.index for c in view.columns if not c.numeric and _PERSONS & set(c.stems)), None)


def _aggregates(question: Question, paper: PaperView) -> Outcome:
    op = (
        "mean"
        if question.has("mean")
        else "median"
        if question.has("median")
        else "sum"
        if question.has("sum", "total")
        else None
    )
    if op is None or question.has(
        "share", "ratio", "difference", "range", "growth", "max", "min", "dearest", "cheapest"
    ):
        return None
    view = _view(question, paper)
    named = measures(question, paper, view) if view is not None else []
    used = question.spans(op, "sum", "how") | (question.spans("total") if op == "sum" else frozenset())
    if op != "sum" or question.has("sum"):
        used |= question.spans("count")
    if op == "sum" and not question.has("sum"):
        named = [m for m in named if not m.used <= question.spans("total")] or named
        if question.has("total") and not _beyond_total(question, view, paper):
            return None
    roles = [o for o in operands(question, paper, None) if not o.total]
    if op == "sum" and len(roles) >= 2 and not named:
        return _folded("add", roles, used)
    if op != "sum" and question.has("total") and len(named) > 1:
        named = [m for m in named if not m.used <= question.spans("total")]
    measure = named[0] if len(named) == 1 else _measure(question, paper, view) if not named else None
    if measure is None and len(named) > 1:
        return None
    if measure is None:
        return None
    if op == "mean" and view is not None and question.has("price") and (c := columns_for(view, "price")):
        measure = replace(measure, column=c[0]) if measure.table is not None else measure
    used |= measure.used
    if measure.table is None:
        chosen, at = _chosen_points(question, paper)
        used |= at | _title_words(question, paper, measure) | question.spans("point")
        if chosen:
            measure = replace(measure, points=chosen)
        return Reading((plans.Aggregate(op=op, values=measure.values()),), used)
    condition = _filter(question, view, measure, used)
    grouped = _group_column(question, view, measure, condition)
    used |= condition.used | _row_words(question, view) | _title_words(question, paper, measure)
    per_group = any(
        question.words[m.span.start - 1].stem in ("per", "by", "each", "pro", "je", "par", "por", "every")
        for m in question.columns
        if m.span.start
    )
    if grouped is not None and per_group and view is not None and measure.column is not None and op != "median":
        step: Step = plans.Group(
            table=view.index,
            by=grouped,
            column=measure.column.index,
            aggregate=op,
            where=(*measure.where, *condition.where),
        )
        return Reading((step,), used)
    if op == "sum" and measure.column is not None and _no_sum(measure.column):
        return None
    if measure.column is not None and measure.column.money:
        used |= question.spans("cost", "price", "pay")
    elif measure.used:
        used |= question.spans("quantity")
    return Reading((plans.Aggregate(op=op, values=measure.values(condition.where)),), used)


def _asks_by_group(question: Question) -> bool:
    """`sales by region`: a text column right after by, per or each."""
    by = question.spans("group_by")
    return any(mention.span.start - 1 in by for mention in question.columns)


def _beyond_total(question: Question, view: TableView | None, paper: PaperView) -> bool:
    """Whether "total" goes with something else ("total units", "total for Widgets"), or there is no stated total."""
    rest = unexplained(question, question.spans("total"))
    return bool(rest) or not paper.figures_of("total", "amount_due")


def _chosen_points(question: Question, paper: PaperView) -> tuple[tuple[int, ...], frozenset[int]]:
    """The points that a question names, or the range between two of them."""
    mentions = [m for m in question.figures if m.figure in paper.points]
    if not mentions:
        return (), frozenset()
    used = frozenset(i for m in mentions for i in m.span.indices)
    if len(mentions) == 2 and is_range(question, mentions[0].span, mentions[1].span):
        low, high = sorted((paper.points.index(mentions[0].figure), paper.points.index(mentions[1].figure)))
        return paper.points[low : high + 1], used
    return tuple(dict.fromkeys(m.figure for m in mentions)), used


def _folded(op: str, found: list[Operand], used: frozenset[int]) -> Outcome:
    """Several operands added up, step by step."""
    steps: list[Step] = [found[0].step]
    result = 0
    for operand in found[1:5]:
        steps.append(operand.step)
        steps.append(plans.Arithmetic(op="add", left=result, right=len(steps) - 1))
        result = len(steps) - 1
    return Reading(tuple(steps), used | frozenset(i for o in found[:5] for i in o.used))


def _counts(question: Question, paper: PaperView) -> Outcome:
    if not question.has("count", "distinct", "how") or question.has(
        "share", "difference", "max", "min", "more_than_other", "less_than_other", "mean", "median", "growth", "ratio"
    ):
        return None
    used = question.spans("count", "distinct", "total", "sum", "how")
    view = _view(question, paper)
    points = [m for m in question.figures if m.figure not in paper.points and m.covered >= 0.99]
    if points and not question.has("row"):
        best = points[0]
        reading = Reading((plans.LookupFigure(figure=best.figure),), used | best.span.indices)
        if not unexplained(question, reading.used):
            return reading
    if view is None or (not view.numeric and len(paper.points) > 1):
        if len(paper.points) > 1:
            used |= _title_words(question, paper, Measure(None, None, paper.points, frozenset()))
            return Reading((plans.CountFigures(figures=paper.points),), used | question.spans("point"))
        return None
    named = [m for m in measures(question, paper, view)]
    amounts = [m for m in named if m.column is not None and (not m.column.money or m.where)]
    sided = [m for m in named if (m.column is not None and m.column.concepts & {"debit", "credit"}) or m.where]
    if sided and not question.has("sum"):
        measure = sided[0]
        condition = _filter(question, view, measure, used)
        used |= measure.used | condition.used | _row_words(question, view)
        assert measure.column is not None
        rows = tuple(i for i, row in enumerate(view.table.rows) if row[measure.column.index].text.strip())
        where: tuple[plans.Condition, ...] = measure.where or (
            plans.RowsCondition(rows=rows, because=f"with a {measure.column.name}"[:400]),
        )
        return Reading((plans.Count(table=view.index, where=(*where, *condition.where)),), used)
    compared = question.has("gt", "lt", "ge", "le", "between") and bool(question.numbers)
    if amounts and not compared and not question.has("distinct") and not _row_noun(question, view, amounts[0]):
        measure = amounts[0]
        condition = _filter(question, view, measure, used)
        values = measure.values(condition.where)
        used |= measure.used | condition.used | _row_words(question, view) | _title_words(question, paper, measure)
        used |= question.spans("quantity")
        return Reading((plans.Aggregate(op="sum", values=values),), used)
    measure_or_none = named[0] if len(named) == 1 else _measure(question, paper, view)
    quantity = view.with_concept("quantity")
    condition = filters(question, view, measure_or_none, used | (named[0].used if named else frozenset()))
    if (
        condition.mentions
        and len(quantity) == 1
        and not compared
        and not question.has("row", "transaction", "distinct")
    ):
        by_quantity = Measure(view, quantity[0], (), frozenset())
        used |= condition.used | question.spans("quantity")
        return Reading((plans.Aggregate(op="sum", values=by_quantity.values(condition.where)),), used)
    used |= condition.used | _row_words(question, view) | (named[0].used if named and compared else frozenset())
    if compared:
        used |= question.spans("cost", "price", "pay")
    distinct = None
    mentioned = [m.column for m in question.columns if m.table == view.index and not view.columns[m.column].numeric]
    if question.has("distinct") or (
        mentioned
        and _group_column(question, view, Measure(view, None, (), frozenset()), condition) is not None
        and not compared
    ):
        distinct = mentioned[0] if mentioned else view.labels
    money_rows = not named and condition.mentions and question.has("expense", "cost", "pay")
    if money_rows:
        used |= question.spans("expense", "cost")
    if question.has("transaction") and not condition.where and (moved := _moving_rows(view)) is not None:
        used |= question.spans("transaction")
        return Reading((plans.Count(table=view.index, where=(moved,)),), used)
    generic = (
        question.has("row", "transaction", "point")
        or bool(money_rows)
        or bool(mentioned)
        or bool(_row_words(question, view))
    )
    if not generic and not condition.where:
        return None
    return Reading((plans.Count(table=view.index, where=condition.where, distinct=distinct),), used)


def _moving_rows(view: TableView) -> plans.RowsCondition | None:
    """Rows of a statement that move money: a balance brought forward is no transaction."""
    sided = [c.index for c in view.numeric if c.concepts & {"debit", "credit"}]
    if not sided:
        return None
    rows = tuple(i for i, row in enumerate(view.table.rows) if any(row[c].value is not None for c in sided))
    return plans.RowsCondition(rows=rows, because="with a movement")


def _row_noun(question: Question, view: TableView, measure: Measure) -> bool:
    return question.has("row") and measure.used <= question.spans("row")


def _comparison(question: Question, paper: PaperView) -> Outcome:
    names = ("difference", "more_than_other", "less_than_other", "ratio", "share", "growth", "range", "plus")
    asked = [name for name in names if question.has(name)]
    if not asked:
        return None
    view = _view(question, paper)
    used = question.spans(*names, "sum", "until", "from", "gt", "lt", "between")
    if question.has("share") and not question.has("growth"):
        return _share(question, paper, view, used)
    if (
        {"range", "difference"} & set(asked) and question.has("max", "dearest") and question.has("min", "cheapest")
    ) or asked == ["range"]:
        measure = _measure(question, paper, view)
        if measure is None:
            return None
        condition = _filter(question, view, measure, used | measure.used)
        used |= measure.used | condition.used | question.spans("max", "min", "dearest", "cheapest")
        used |= _row_words(question, view) | _title_words(question, paper, measure)
        values = measure.values(condition.where)
        steps: tuple[Step, ...] = (plans.Rank(op="argmax", values=values), plans.Rank(op="argmin", values=values))
        return Reading((*steps, plans.Arithmetic(op="difference", left=0, right=1)), used)
    found = [o for o in operands(question, paper, view)]
    if len(found) > 2 and any(o.total for o in found) and not question.has("total"):
        found = [o for o in found if not o.total]
    if len(found) != 2:
        if asked == ["growth"] or (question.has("growth") and len(found) < 2):
            return _growth(question, paper, view, used)
        return None
    first, second = found
    used |= first.used | second.used | _row_words(question, view)
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
    return Reading((first.step, second.step, op), used)


def _growth(question: Question, paper: PaperView, view: TableView | None, used: frozenset[int]) -> Outcome:
    """Change over all rows (of a range, where one is named)."""
    measure = _measure(question, paper, view)
    if measure is None or (
        view is not None and view.labels is not None and not any(view.row_dates) and measure.table is not None
    ):
        return None
    condition = _filter(question, view, measure, used | measure.used)
    if measure.table is None:
        used |= _title_words(question, paper, measure)
    used |= measure.used | condition.used | _row_words(question, view)
    return Reading((plans.Trend(values=measure.values(condition.where)),), used, score=0.85)


def _share(question: Question, paper: PaperView, view: TableView | None, used: frozenset[int]) -> Outcome:
    found = operands(question, paper, view)
    used |= question.spans("total")
    at = min(span.end for span in question.concepts["share"])
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
    measure = _measure(question, paper, view)
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
    used |= part.used | _row_words(question, view) | _title_words(question, paper, measure)
    return Reading((part.step, base_step, plans.Arithmetic(op="share", left=0, right=1)), used)


def _trend(question: Question, paper: PaperView) -> Outcome:
    if not question.has("trend"):
        return None
    view = _view(question, paper)
    outcome = _growth(question, paper, view, question.spans("trend", "growth"))
    return outcome


def _listing(question: Question, paper: PaperView) -> Outcome:
    view = _view(question, paper)
    if (
        view is None
        or view.labels is None
        or question.has("max", "min", "mean", "median", "count", "share", "difference")
    ):
        return None
    measure = _measure(question, paper, view)
    named = measures(question, paper, view)
    measure = named[0] if len(named) == 1 else measure
    compared = question.has("gt", "lt", "ge", "le", "between") and bool(question.numbers)
    equal = [] if measure is None or measure.column is None else [
        (at, value) for at, value in question.numbers if any(row[measure.column.index].value == value for row in view.table.rows)
    ]  # fmt: skip
    used = question.spans("list", "cost", "price", "pay") | (measure.used if measure else frozenset())
    if _person_column(view) is not None:
        used |= question.spans("who")
    if compared:
        condition = filters(question, view, measure, used)
        used |= condition.used | _row_words(question, view)
        column = measure.column.index if measure is not None and measure.column is not None else None
        where = (*(measure.where if measure else ()), *condition.where)
        return Reading((plans.ListRows(table=view.index, labels=view.labels, column=column, where=where),), used)
    which = question.words and question.words[0].stem in (
        "which",
        "what",
        "who",
        "welche",
        "welcher",
        "quel",
        "quelle",
        "cual",
        "welk",
        "quale",
        "when",
    )
    if which and equal and len(equal) == 1 and measure is not None and measure.column is not None and not question.rows:
        number = plans.NumberCondition(column=measure.column.index, compare="eq", value=equal[0][1])
        used |= {equal[0][0]} | _row_words(question, view)
        return Reading(
            (plans.ListRows(table=view.index, labels=view.labels, column=measure.column.index, where=(number,)),), used
        )
    wants_all = question.has("list") or (question.has("row") and not question.has("sum", "total"))
    if wants_all and not question.rows and not question.numbers:
        column = named[0].column.index if len(named) == 1 and named[0].column is not None else None
        if column is None and (amount := amount_column(view)) is not None:
            column = amount.index
        used |= _row_words(question, view) | question.spans("pay", "sell")
        return Reading((plans.ListRows(table=view.index, labels=view.labels, column=column),), used, score=0.8)
    return None


def _compared(question: Question, paper: PaperView) -> Outcome:
    """Rows that a comparison picks are listed, unless their sum is asked for."""
    compares = question.has("gt", "lt", "ge", "le", "between") and bool(question.numbers)
    return _listing(question, paper) if compares and not question.has("sum", "total") else None


def _balances(question: Question, paper: PaperView) -> Outcome:
    """Opening and closing balance where no figure states them: the ends of the balance column."""
    view = paper.main
    if view is None or not question.has("closing_balance", "balance", "opening_balance"):
        return None
    if any(not m.span.indices <= question.spans("opening_balance") for m in question.rows):
        return None
    columns = view.with_concept("balance")
    opening = question.has("opening_balance")
    stated = paper.figures_of("opening_balance") if opening else paper.figures_of("closing_balance", "balance")
    if stated or len(columns) != 1:
        return None
    dated = [date.key for date in view.row_dates if date is not None]
    backwards = len(dated) > 1 and dated[0] > dated[-1]
    filled = [i for i, row in enumerate(view.table.rows) if row[columns[0].index].value is not None]
    if not filled:
        return None
    row, label = (filled[0] if backwards else filled[-1]), "the last row"
    if opening:
        if view.labels is None:
            return None
        forward = [i for i in filled if "opening_balance" in phrase_table().get(view.row_stems[i][view.labels], ())]
        if len(forward) != 1:
            return Absent("an opening balance", question.spans("opening_balance"))
        row, label = forward[0], " ".join(view.table.rows[forward[0]][view.labels].text.split())
    step = plans.LookupCell(table=view.index, row=row, column=columns[0].index, label=label[:400])
    used = question.spans("closing_balance", "balance", "last", "opening_balance")
    return Reading((step,), used, score=0.85)


def _figure(question: Question, paper: PaperView) -> Outcome:
    """A labelled figure, by its role or by the words of its label."""
    steps: list[Step] = []
    if question.has("sum", "mean", "median", "max", "min", "dearest", "cheapest", "count") and not question.figures:
        return None
    rest = question.content - question.spans(*WEAK)
    full = [m for m in question.figures if rest <= m.span.indices and m.covered >= 0.3]
    full = [m for m in full if m.covered == max(each.covered for each in full)]
    if (
        rest
        and len({(paper.document.figures[m.figure].value, paper.document.figures[m.figure].unit) for m in full}) == 1
    ):
        figure = full[-1].figure
        return Reading(
            (*_with_check(paper, figure), plans.LookupFigure(figure=figure)),
            full[-1].span.indices,
            score=0.6 + 0.39 * full[-1].covered,
        )
    if len(full) > 1 and not question.has(*ROLES):
        return None
    absent: Absent | None = None
    for role in ROLES:
        if not question.has(role) or unexplained(
            question,
            question.spans(role, "total", "cost", "price", "how", "paid")
            if role != "total"
            else question.spans(role, "how"),
        ):
            continue
        if role == "change" and paper.document.kind not in ("receipt", "invoice"):
            continue
        step = role_step(paper, role)
        if step is None and role == "subtotal" and (inferred := _net(paper)) is not None:
            return Reading(inferred, question.spans("subtotal", "total", "tax"), score=0.85)
        if step is None and role == "tax_rate" and (inferred := _rate(paper)) is not None:
            return Reading(inferred, question.spans("tax_rate", "tax", "share"), score=0.85)
        if step is None and paper.figures_of(*ROLE_FALLBACKS.get(role, (role,))):
            return None
        if step is None:
            if role != "total" or not paper.tables:
                absent = absent or Absent(f"a figure labelled {role.replace('_', ' ')}", question.spans(role, "total"))
            continue
        if isinstance(step, plans.LookupFigure) and role in ("total", "amount_due"):
            steps += _with_check(paper, step.figure)
        extra = question.spans("how") if role == "total" else question.spans("cost", "price", "how", "paid")
        assumption = None
        if isinstance(step, plans.Aggregate) and role != "tax":
            assumption = f"the document states several figures of the role {role.replace('_', ' ')}; they are added up"
        return Reading((*steps, step), question.spans(role, "total") | extra, assumption=assumption)
    bare = not question.content and any(span.end - span.start == 2 for span in question.concepts.get("function", ()))
    if (bare or question.has("pay", "cost", "amount_due")) and not unexplained(
        question, question.spans("cost", "price", "amount_due", "paid")
    ):
        if paper.document.kind not in ("invoice", "receipt", "estimate"):
            return absent
        step = role_step(paper, "total")
        if isinstance(step, plans.LookupFigure):
            return Reading(
                (*_with_check(paper, step.figure), step),
                question.spans("cost", "price", "amount_due", "paid"),
                score=0.9,
            )
    return absent


def _with_check(paper: PaperView, figure: int) -> list[Step]:
    """Before a stated total: whether its parts give it. Lines count only where no subtotal is stated and every cell
    was read, for a row that the reader missed is no contradiction of the document."""
    if paper.document.figures[figure].role not in ("total", "amount_due") and figure != paper.document.total_figure:
        return []
    check = sums.reconcile(paper, with_lines=False)
    return [check] if check is not None and check.total == figure else []


def _net(paper: PaperView) -> tuple[Step, ...] | None:
    """Total less tax, where no subtotal is stated."""
    total, tax = role_step(paper, "total"), role_step(paper, "tax")
    if total is None or tax is None:
        return None
    return total, tax, plans.Arithmetic(op="difference", left=0, right=1)


def _rate(paper: PaperView) -> tuple[Step, ...] | None:
    """Tax as a share of the subtotal, where no rate is stated."""
    tax, net = role_step(paper, "tax"), role_step(paper, "subtotal")
    if tax is None or net is None:
        return None
    return tax, net, plans.Arithmetic(op="share", left=0, right=1)


def _cell_text(question: Question, view: TableView) -> Reading | None:
    """`the capital of Poland`: the text of one row in a text column."""
    texts = [m for m in question.columns if m.table == view.index and not view.columns[m.column].numeric]
    rows = [
        m
        for m in question.rows
        if m.table == view.index and len(m.rows) == 1 and not any(m.span.indices & t.span.indices for t in texts)
    ]
    if len(texts) != 1 or len(rows) != 1 or rows[0].column == texts[0].column:
        return None
    row, column = rows[0], texts[0]
    name = " ".join(question.words[i].raw for i in sorted(row.span.indices))
    label = f"{view.columns[column.column].name} of {name}"[:400]
    step = plans.CellText(table=view.index, row=row.rows[0], column=column.column, label=label)
    reading = Reading((step,), column.span.indices | row.span.indices | question.spans("who", "when"))
    return reading if not unexplained(question, reading.used) else None


def _lookup(question: Question, paper: PaperView) -> Outcome:
    """A row's number (or text), a point of a chart, a whole column, the total of a table without a stated one."""
    if question.has(
        "mean", "median", "ratio", "difference", "max", "min", "dearest", "cheapest", "check", "second", "distinct"
    ):
        return None
    used = question.spans("sum", "total", "how")
    points, at = _chosen_points(question, paper)
    if len(points) == 1:
        used |= at | _title_words(question, paper, Measure(None, None, paper.points, frozenset()))
        used |= question.spans("cost", "price", "pay", "sell", "count")
        if paper.document.figures[points[0]].unit == "%":
            used |= question.spans("share")
        return Reading((plans.LookupFigure(figure=points[0]),), used)
    view = _view(question, paper)
    if view is None:
        return None
    mentions = [m for m in question.rows if m.table == view.index]
    if question.has("when", "date") and mentions and view.dates is not None and len(mentions[0].rows) == 1:
        mention = mentions[0]
        label = (
            " ".join(view.table.rows[mention.rows[0]][view.labels].text.split())[:400]
            if view.labels is not None
            else ""
        )
        step: Step = plans.CellText(table=view.index, row=mention.rows[0], column=view.dates, label=label)
        return Reading((step,), question.spans("when", "date", "debit", "credit", "cost") | mention.span.indices)
    if (text := _cell_text(question, view)) is not None:
        return text
    measure = _measure(question, paper, view)
    if measure is None:
        return None
    used |= measure.used
    condition = _filter(question, view, measure, used)
    used |= condition.used | _row_words(question, view) | _title_words(question, paper, measure)
    if measure.column is not None and (measure.column.money or measure.column.unit):
        used |= question.spans("cost", "price", "pay", "expense", "debit" if not measure.where else "cost")
    else:
        used |= question.spans("count", "quantity")
    if not condition.where and not question.has("sum", "total") and not measure.used:
        return None
    if (
        question.has("total")
        and not question.has("sum")
        and not condition.where
        and paper.figures_of("total")
        and not measure.used - question.spans("total")
    ):
        return None
    mentions = list(condition.mentions)
    if (
        len(mentions) == 1
        and len(condition.where) == 1
        and len(mentions[0].rows) == 1
        and measure.column is not None
        and not measure.where
    ):
        row = mentions[0].rows[0]
        column = view.labels if view.labels is not None else view.dates
        label = " ".join(view.table.rows[row][column].text.split())[:400] if column is not None else ""
        return Reading((plans.LookupCell(table=view.index, row=row, column=measure.column.index, label=label),), used)
    if measure.column is not None and "balance" in measure.column.concepts and len(mentions) == 1:
        rows = [row for row in mentions[0].rows if view.table.rows[row][measure.column.index].value is not None]
        if rows and len(condition.where) == 1:
            dated = [date.key for date in view.row_dates if date is not None]
            row = rows[0] if len(dated) > 1 and dated[0] > dated[-1] else rows[-1]
            label = " ".join(question.words[i].raw for i in sorted(mentions[0].span.indices))[:400]
            return Reading(
                (plans.LookupCell(table=view.index, row=row, column=measure.column.index, label=label),), used
            )
    if measure.column is not None and _no_sum(measure.column):
        return None
    return Reading((plans.Aggregate(op="sum", values=measure.values(condition.where)),), used, score=0.85)


READERS: tuple[Callable[[Question, PaperView], Outcome], ...] = (
    _summary,
    _attributes,
    _checks,
    _printed,
    _comparison,
    _figure,
    _extremes,
    _counts,
    _trend,
    _aggregates,
    _balances,
    _compared,
    _lookup,
    _listing,
)

__all__ = ["ROLE_FALLBACKS", "Absent", "Decimal", "Outcome", "Reading", "read", "unexplained"]
