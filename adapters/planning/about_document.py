"""Readings of questions about the document as a whole: in short, what it is, whether it adds up, printed texts."""

from __future__ import annotations

from adapters.planning import sums
from adapters.planning.outcome import Absent, Outcome, Reading, unexplained
from adapters.planning.paper import PaperView
from adapters.planning.printed import FIELDS, printed
from adapters.planning.question import Question
from schemas import plans
from schemas.plans import Step


def summary(question: Question, paper: PaperView) -> Outcome:
    if question.words and not question.has("summary"):
        return None
    document = paper.document
    wanted: list[int] = []
    for role in (
        "opening_balance",
        "subtotal",
        "discount",
        "shipping",
        "tax",
        "tip",
        "total",
        "amount_due",
        "closing_balance",
        "balance",
    ):
        wanted += [index for index in paper.figures_of(role) if index not in wanted]
    if not wanted:
        wanted = list(range(min(8, len(document.figures))))
    steps: list[Step] = []
    if (check := sums.reconcile(paper, with_lines=not paper.figures_of("subtotal"))) is not None:
        steps.append(check)
    return Reading((*steps, plans.Summarise(figures=tuple(wanted[:20]))), question.spans("summary", "kind"))


def arithmetic_check(question: Question, paper: PaperView) -> Outcome:
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


def attributes(question: Question, paper: PaperView) -> Outcome:
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


_TIMES = ("due date", "delivery date", "validity", "period", "time")


def printed_text(question: Question, paper: PaperView) -> Outcome:
    absent: Absent | None = None
    for field in FIELDS:
        spans = question.concepts.get(f"field:{field.name}")
        if not spans or (question.has("when") and field.name not in _TIMES):
            continue  # "when was the employee paid" asks for no employee
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
