"""What people say around what they ask: the document's own name, when it is due, a year that heads a column."""

from __future__ import annotations

import pytest

from adapters.planning.embedding import EmbeddingPlanner
from reasoning.judging import answer, outcome
from reasoning.papers import figure, invoice, lines, paper, table
from schemas.documents import DocumentDescription


def hotel() -> DocumentDescription:
    return invoice().model_copy(update={"lines": lines("HOTEL DREI KRONEN", "Please pay by 25 November 2025")})


def deposit() -> DocumentDescription:
    figures = (figure("Total", "683.60", "total"), figure("Deposit", "-200.00", "paid"))
    due = figure("Amount due", "483.60", "amount_due")
    return paper("invoice", currency="EUR", figures=(*figures, due), lines=lines("Invoice", "Due date 08-Aug-2025"))


def two_years() -> DocumentDescription:
    rows = (("Inventories", "96.4", "103.2"), ("Cash", "88.0", "61.3"))
    columns = (("Assets", "text"), ("31 Dec 2024", "number"), ("31 Dec 2023", "number"))
    return paper("table", tables=(table(columns, rows),))


def account() -> DocumentDescription:
    """Costs stand in brackets, which the reader takes as negative."""
    figures = (figure("Revenue", "4812", unit=None), figure("Cost of goods sold", "-2974", unit=None))
    return paper("unknown", figures=(figures[0], figures[1].model_copy(update={"text": "(2,974)"})))


def credit_note() -> DocumentDescription:
    rows = (("Tent", "-4299.00"), ("Mat", "-1798.00"))
    figures = (figure("VAT 25%", "-1524.25", "tax"), figure("Total", "-7621.25", "total"))
    grid = table((("Article", "text"), ("Amount", "money")), rows)
    return paper("invoice", currency="NOK", figures=figures, tables=(grid,), lines=lines("CREDIT NOTE"))


ASKED = (
    (hotel(), "What is the total of the hotel bill?", "1190.00"),
    (hotel(), "When is the bill due?", "25 November 2025"),
    (hotel(), "When must it be paid?", "25 November 2025"),
    (deposit(), "How much is still to be paid?", "483.60"),
    (deposit(), "When is it due?", "08-Aug-2025"),
    (two_years(), "What were the inventories in 2023?", "103.2"),
    (two_years(), "What was cash in 2024?", "88.0"),
    (credit_note(), "What is the total of the credit note?", "-7621.25"),
)


@pytest.mark.parametrize(("document", "question", "expected"), ASKED, ids=[case[1] for case in ASKED])
async def test_question_is_answered_when_it_is_put_in_peoples_words(
    planner: EmbeddingPlanner, document: DocumentDescription, question: str, expected: str
) -> None:
    given = await answer(planner, question, document)
    assert given is not None, (await planner.plan(question, document)).reason
    assert (given.verdict, outcome(expected, given)) == ("answered", "right"), given.text


REFUSED = (
    (hotel(), "What is the total of the dentist bill?"),
    (two_years(), "What were the inventories in 2021?"),
)


@pytest.mark.parametrize(("document", "question"), REFUSED, ids=[case[1] for case in REFUSED])
async def test_question_is_refused_when_it_names_what_the_page_does_not_say(
    planner: EmbeddingPlanner, document: DocumentDescription, question: str
) -> None:
    given = await answer(planner, question, document)
    assert given is None or given.verdict in ("not_found", "not_understood"), given.text


async def test_difference_is_in_doubt_when_one_side_stands_in_brackets(planner: EmbeddingPlanner) -> None:
    given = await answer(planner, "By how much did revenue exceed cost of goods sold?", account())
    assert given is not None
    assert given.verdict == "unverified", given.text


async def test_refusal_says_that_nothing_was_read_when_a_picture_has_no_figures(planner: EmbeddingPlanner) -> None:
    planned = await planner.plan("What is the total?", paper("photo"))
    assert planned.missing
    assert planned.reason == "no figures or tables could be read in this picture"
