"""Invoices on which something was paid before: what is due is the total less that, and the total is both together."""

from __future__ import annotations

from decimal import Decimal

import pytest

from adapters.planning.embedding import EmbeddingPlanner
from reasoning.judging import answer
from reasoning.papers import figure, paper, table
from schemas.documents import Box, DocumentDescription, Figure, TextLine

SUBTOTAL, VAT = figure("Subtotal", "288.60", "subtotal", "GBP"), figure("VAT 20%", "57.72", "tax", "GBP")


def bill(*below: Figure, lines: tuple[TextLine, ...] = ()) -> DocumentDescription:
    rows = (("Boiler service", "95.00"), ("Copper pipe", "49.60"), ("Labour", "144.00"))
    figures = (SUBTOTAL, VAT, *below)
    return paper(
        "invoice",
        currency="GBP",
        total=below[-1].value,
        total_figure=len(figures) - 1,
        figures=figures,
        tables=(table((("Description", "text"), ("Amount", "money")), rows),),
        lines=lines,
    )


def due(value: str = "246.32") -> Figure:
    return figure("Amount due", value, "amount_due", "GBP")


def deposit(value: str = "100.00") -> Figure:
    return figure("Deposit", value, "paid", "GBP")


CORRECT = pytest.mark.parametrize(
    "document",
    [bill(deposit(), due()), bill(deposit("-100.00"), due()), bill(deposit("60.00"), deposit("40.00"), due())],
    ids=["plus", "minus", "two"],
)


@CORRECT
async def test_invoice_adds_up_when_what_was_paid_leads_to_what_is_due(
    planner: EmbeddingPlanner, document: DocumentDescription
) -> None:
    given = await answer(planner, "Does the total add up?", document)
    assert given is not None
    assert given.verdict == "answered"
    assert given.text.startswith("Yes"), given.text


@CORRECT
async def test_amount_due_is_a_fact_when_what_was_paid_leads_to_it(
    planner: EmbeddingPlanner, document: DocumentDescription
) -> None:
    given = await answer(planner, "How much is still to pay?", document)
    assert given is not None
    assert (given.verdict, given.value) == ("answered", Decimal("246.32")), given.text


@CORRECT
async def test_total_is_more_than_what_is_due_when_some_was_paid(
    planner: EmbeddingPlanner, document: DocumentDescription
) -> None:
    given = await answer(planner, "What is the total including VAT?", document)
    assert given is not None
    assert (given.verdict, given.value) == ("answered", Decimal("346.32")), given.text


async def test_total_is_in_doubt_when_it_may_mean_what_is_due(planner: EmbeddingPlanner) -> None:
    given = await answer(planner, "What is the total?", bill(deposit(), due()))
    assert given is None or given.verdict == "unverified", given.text


@pytest.mark.parametrize(
    "document",
    [
        bill(deposit(), due("264.32")),
        bill(due("246.32")),
        bill(figure("Total", "246.32", "total", "GBP")),
    ],
    ids=["wrong amount due", "nothing paid", "a total"],
)
async def test_invoice_does_not_add_up_when_its_figures_do_not(
    planner: EmbeddingPlanner, document: DocumentDescription
) -> None:
    given = await answer(planner, "Does the total add up?", document)
    assert given is not None
    assert (given.verdict, given.text[:3]) == ("answered", "No,"), given.text


async def test_cash_is_not_deducted_when_change_was_given(planner: EmbeddingPlanner) -> None:
    document = bill(deposit(), figure("Change", "0.00", "change", "GBP"), due())
    given = await answer(planner, "Does the total add up?", document)
    assert given is None or "Yes" not in given.text, given.text


def line(text: str, y: int) -> TextLine:
    return TextLine(text=text, box=Box(x=20, y=y, width=200, height=20), confidence=0.98)


def at(each: Figure, y: int) -> Figure:
    return each.model_copy(update={"box": Box(x=400, y=y, width=80, height=20)})


UNDERSTOOD_IN_PART = (
    bill(figure("Credited by agreement", "100.00", unit="GBP"), due()),
    bill(figure("Total goods", "346.32", "total", "GBP"), deposit(), figure("Total", "246.32", "total", "GBP")),
    DocumentDescription.model_validate(
        bill(due(), lines=(line("Storno -100.00", 500),)).model_dump()
        | {"figures": (at(SUBTOTAL, 400), at(VAT, 450), at(due(), 550))}
    ),
)


@pytest.mark.parametrize("document", UNDERSTOOD_IN_PART, ids=["a figure", "a payment", "a line"])
@pytest.mark.parametrize("question", ["Does the total add up?", "What is the amount due?"])
async def test_contradiction_is_no_fact_when_an_amount_among_the_sums_is_not_understood(
    planner: EmbeddingPlanner, question: str, document: DocumentDescription
) -> None:
    given = await answer(planner, question, document)
    assert given is None or given.verdict == "unverified", given.text


@pytest.mark.parametrize("label", ["Deposit", "Deposit paid", "Less deposit paid", "Less: deposit"])
async def test_payment_is_found_by_what_it_was_when_its_label_says_more(planner: EmbeddingPlanner, label: str) -> None:
    given = await answer(planner, "What is the deposit?", bill(figure(label, "100.00", "paid", "GBP"), due()))
    assert given is not None
    assert (given.verdict, given.value) == ("answered", Decimal("100.00"))


async def test_deposit_is_not_found_when_only_cash_was_paid(planner: EmbeddingPlanner) -> None:
    given = await answer(planner, "What is the deposit?", bill(figure("Cash", "100.00", "paid", "GBP"), due()))
    assert given is None or given.verdict != "answered", given.text
