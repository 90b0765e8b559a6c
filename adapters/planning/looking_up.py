"""Readings that look up what stands there: a figure or a cell, or what several of them come to."""

from __future__ import annotations

from typing import Literal

from adapters.planning import sums
from adapters.planning.choosing import (
    asks_by_group,
    chosen_measure,
    chosen_points,
    chosen_rows,
    chosen_table,
    contradicts_title,
    no_sum,
    row_words,
    says_heading,
    several_rows,
    title_words,
)
from adapters.planning.measures import Measure
from adapters.planning.operands import payments_before_due, role_names, role_step
from adapters.planning.outcome import WEAK, Absent, Outcome, Reading, unexplained
from adapters.planning.paper import PaperView, TableView, is_currency
from adapters.planning.question import Question, how_much
from adapters.planning.small_words import stems
from adapters.planning.vocabulary import ROLES
from schemas import plans
from schemas.plans import Step


def stated_figure(question: Question, paper: PaperView) -> Outcome:
    """A labelled figure, by its role or by the words of its label."""
    steps: list[Step] = []
    if (whole := _whole_total(question, paper)) is not None:
        return whole
    calculated = ("mean", "median", "max", "min", "dearest", "cheapest", "count")
    if question.has(*calculated, *(() if question.has("tax") else ("sum",))) and not question.figures:
        return None
    if asks_by_group(question):
        return None
    rest = question.content - question.spans(*WEAK)
    if any(_costs(paper, m.figure) for m in question.figures):
        rest -= question.spans("cost", "price")
    silent = question.spans("function")
    full = [
        m
        for m in question.figures
        if rest <= m.span.indices and m.covered >= 0.3 and (rest or (m.covered == 1.0 and not m.span.indices <= silent))
    ]
    full = [m for m in full if m.covered == max(each.covered for each in full)]
    if (
        full
        and len({(paper.document.figures[m.figure].value, paper.document.figures[m.figure].unit) for m in full}) == 1
    ):
        figure = full[-1].figure
        return Reading(
            (*_with_check(paper, figure), plans.LookupFigure(figure=figure)),
            full[-1].span.indices | (question.spans("cost", "price") if _costs(paper, figure) else frozenset()),
            score=0.6 + 0.39 * full[-1].covered,
        )
    if len(full) > 1 and not question.has(*ROLES):
        return None
    absent: Absent | None = None
    for role in ROLES:
        if not question.has(role) or unexplained(
            question,
            question.spans(role, "total", "cost", "price", "how", "paid", *_summed(role))
            if role != "total"
            else question.spans(role, "how"),
        ):
            continue
        if role == "change" and paper.document.kind not in ("receipt", "invoice"):
            continue
        step = role_step(paper, role)
        if step is None and role == "total" and (reading := _before_payments(question, paper)) is not None:
            return reading
        if step is None and role == "subtotal" and (inferred := _net(paper)) is not None:
            return Reading(inferred, question.spans("subtotal", "total", "tax"), score=0.85)
        if step is None and role == "tax_rate" and (inferred := _rate(paper)) is not None:
            return Reading(inferred, question.spans("tax_rate", "tax", "share"), score=0.85)
        if step is None and paper.figures_of(*role_names(paper, role)):
            return None
        if step is None:
            if role != "total" or not paper.tables:
                absent = absent or Absent(f"a figure labelled {role.replace('_', ' ')}", question.spans(role, "total"))
            continue
        if isinstance(step, plans.LookupFigure) and role in ("total", "amount_due"):
            steps += _with_check(paper, step.figure)
        extra = question.spans("how") if role == "total" else question.spans("cost", "price", "how", "paid")
        assumption = _served(question, paper, step) if role == "tip" else None
        if isinstance(step, plans.Aggregate) and role != "tax":
            assumption = f"the document states several figures of the role {role.replace('_', ' ')}; they are added up"
        if role == "subtotal":
            assumption = assumption or _not_before_tax(question, paper, step)
        used = question.spans(role, "total", *_summed(role)) | extra
        return Reading((*steps, step), used, assumption=assumption)
    bare = not question.content and how_much(question)
    if (bare or question.has("pay", "cost", "amount_due")) and not unexplained(
        question, question.spans("cost", "price", "amount_due", "paid")
    ):
        if paper.document.kind not in ("invoice", "receipt", "estimate"):
            return absent
        step = role_step(paper, "total")
        if step is None and not question.has("pay") and (reading := _before_payments(question, paper)) is not None:
            return reading
        if isinstance(step, plans.LookupFigure):
            return Reading(
                (*_with_check(paper, step.figure), step),
                question.spans("cost", "price", "amount_due", "paid"),
                score=0.9,
            )
    return absent


def _not_before_tax(question: Question, paper: PaperView, step: Step) -> str | None:
    """What is taken for granted of "the total excluding VAT" where a subtotal is not the total less tax: a discount
    stands between them, or no tax is printed."""
    said = {question.words[i].stem for i in question.spans("subtotal")}
    if not isinstance(step, plans.LookupFigure) or not _EXCLUDING & said:
        return None
    figures = paper.document.figures
    total, taxes = paper.document.total, paper.figures_of("tax")
    if total is not None and taxes and figures[step.figure].value + sum(figures[i].value for i in taxes) == total:
        return None
    return f'"{figures[step.figure].label}" was taken, which is not the total less tax'[:400]


_EXCLUDING = frozenset(stems("before without excluding excl ex exclusive ohne hors sin sans zonder senza pretax"))


def _served(question: Question, paper: PaperView, step: Step) -> str | None:
    """What is taken for granted when a tip is asked for and the bill adds a charge for service."""
    label = paper.document.figures[step.figure].label if isinstance(step, plans.LookupFigure) else ""
    named = {question.words[i].stem for i in question.spans("tip")} & set(stems(label))
    return None if named or not set(stems(label)) & _SERVICE else f'"{label}" was taken for the tip'[:400]


_SERVICE = frozenset(stems("service servizio servicio bedienung"))


def _summed(role: str) -> tuple[str, ...]:
    """The word for a sum, where a role's step adds up: "VAT in total" is the taxes of all rates."""
    return ("sum",) if role == "tax" else ()


def _costs(paper: PaperView, figure: int) -> bool:
    """Whether a figure is what a thing costs: money beside a name that says nothing of sums."""
    said = paper.document.figures[figure]
    return said.role == "other" and is_currency(said.unit)


def _whole_total(question: Question, paper: PaperView) -> Reading | None:
    """`the total of this invoice`, `how much in total`: the printed total, not the sum of the lines."""
    if not question.has("sum") or paper.document.kind not in ("invoice", "receipt", "estimate"):
        return None
    used = question.spans("sum", "total", "how", "pay", "cost", "price", "amount_due")
    if says_heading(question, paper, used):
        return None
    step = role_step(paper, "total")
    if not question.content - used and (reading := _before_payments(question, paper)) is not None:
        return reading
    if question.content - used or not isinstance(step, plans.LookupFigure):
        return None
    return Reading((*_with_check(paper, step.figure), step), used)


_TAXED = frozenset(stems("tax vat gst mwst tva iva btw ttc"))


def _before_payments(question: Question, paper: PaperView) -> Reading | None:
    """The total where only what is due after payments is printed: both together. That the total and not the amount due
    is asked for is certain only of who says `including VAT`."""
    paid = payments_before_due(paper)
    if not paid:
        return None
    due = paper.figures_of(*role_names(paper, "total"))[-1]
    steps: list[Step] = [*_with_check(paper, due), plans.LookupFigure(figure=due)]
    for index in paid[:5]:
        # Payments are printed with either sign.
        op: Literal["add", "difference"] = "difference" if paper.document.figures[index].value < 0 else "add"
        steps += [
            plans.LookupFigure(figure=index),
            plans.Arithmetic(op=op, left=len(steps) - 1, right=len(steps)),
        ]
    used = question.spans("total", "sum", "how", "cost", "price", "amount_due", "pay")
    taxed = any(question.words[i].stem in _TAXED for i in question.spans("total"))
    assumption = None if taxed else "no total is printed: what was paid is added to what is due"
    return Reading(tuple(steps), used, assumption=assumption)


def _with_check(paper: PaperView, figure: int) -> list[Step]:
    """Before a stated total: whether its parts give it. Lines count only where no subtotal is stated and every cell
    was read, for a row that the reader missed is no contradiction of the document."""
    if paper.document.figures[figure].role not in ("total", "amount_due") and figure != paper.document.total_figure:
        return []
    check = sums.reconcile(paper, with_lines=sums.lines_are_whole(paper))
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


def _only_value(question: Question, view: TableView) -> Measure | None:
    """The one number of the one row that is named: under `Charges` or under `Credits`, nobody needs to say."""
    named = [m for m in question.rows if m.table == view.index and len(m.rows) == 1]
    if question.has("debit", "credit", "balance", "quantity", "unit_price"):
        return None
    if len(named) != 1 or any(m.table == view.index for m in question.columns):
        return None
    row = view.table.rows[named[0].rows[0]]
    valued = [column for column in view.numeric if row[column.index].value is not None]
    return Measure(view, valued[0], (), frozenset()) if len(valued) == 1 else None


def lookup(question: Question, paper: PaperView) -> Outcome:
    """A row's number (or text), a point of a chart, a whole column, the total of a table without a stated one."""
    if question.has(
        "mean", "median", "ratio", "difference", "max", "min", "dearest", "cheapest", "check", "second", "distinct"
    ):
        return None
    used = question.spans("sum", "total", "how")
    points, at = chosen_points(question, paper)
    if len(points) == 1:
        used |= at | title_words(question, paper, Measure(None, None, paper.points, frozenset()))
        used |= question.spans("cost", "price", "pay", "sell", "count")
        if paper.document.figures[points[0]].unit == "%":
            used |= question.spans("share")
        return Reading((plans.LookupFigure(figure=points[0]),), used)
    view = chosen_table(question, paper)
    if view is None:
        return None
    mentions = [m for m in question.rows if m.table == view.index]
    if question.has("when", "date") and mentions and view.dates is not None and len(mentions[0].rows) == 1:
        mention = mentions[0]
        label = view.label(mention.rows[0], view.labels)
        step: Step = plans.CellText(table=view.index, row=mention.rows[0], column=view.dates, label=label)
        used = question.spans("when", "date", "debit", "credit", "cost", "field:due date") | mention.span.indices
        return Reading((step,), used)
    if (text := _cell_text(question, view)) is not None:
        return text
    measure = chosen_measure(question, paper, view) or _only_value(question, view)
    if measure is None or contradicts_title(question, paper, measure):
        return None
    used |= measure.used
    condition = chosen_rows(question, view, measure, used)
    if question.has("count") and any(isinstance(each, plans.NumberCondition) for each in condition.where):
        return None  # "how many sold more than 300": rows, and not what they hold
    used |= condition.used | row_words(question, view) | title_words(question, paper, measure)
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
        label = view.label(row, column)
        return Reading((plans.LookupCell(table=view.index, row=row, column=measure.column.index, label=label),), used)
    if measure.column is not None and "balance" in measure.column.concepts and len(mentions) == 1:
        rows = [row for row in mentions[0].rows if view.table.rows[row][measure.column.index].value is not None]
        if rows and len(condition.where) == 1:
            row = rows[0] if view.newest_first else rows[-1]
            label = " ".join(question.words[i].raw for i in sorted(mentions[0].span.indices))[:400]
            return Reading(
                (plans.LookupCell(table=view.index, row=row, column=measure.column.index, label=label),), used
            )
    if measure.column is not None and no_sum(measure.column):
        return None
    assumption = several_rows(question, view, condition)
    return Reading(
        (plans.Aggregate(op="sum", values=measure.values(condition.where)),), used, score=0.85, assumption=assumption
    )
