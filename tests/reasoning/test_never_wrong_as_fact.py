"""Questions whose nearest reading is a wrong one, and documents that contradict themselves: answered for what is asked,
said with the doubt, or refused – never a wrong figure as a fact."""

from __future__ import annotations

from decimal import Decimal

import pytest

from adapters.planning.embedding import EmbeddingPlanner
from reasoning.judging import answer
from reasoning.papers import figure, lines, paper, statement, table, wrong_total
from schemas.documents import Box, DocumentDescription


def till(total: str, gloves: str = "11.50") -> DocumentDescription:
    rows = (("Rose bush", "54.00"), ("Compost", "19.80"), ("Gloves", gloves))
    return paper(
        "receipt",
        currency="EUR",
        total=Decimal(total),
        total_figure=0,
        figures=(figure("TOTAL", total, "total"),),
        tables=(table((("Item", "text"), ("Amount", "money")), rows, name="Items"),),
    )


def deliveries() -> DocumentDescription:
    rows = (("Harbour", "240", "0"), ("Old town", "180", "24"), ("Harbour", "96", "16"))
    return paper("table", tables=(table((("Delivery", "text"), ("Sent", "number"), ("Missing", "number")), rows),))


def shares() -> DocumentDescription:
    points = (("Posters", "8.0"), ("Social media", "18.5"), ("Friends", "41.5"))
    return paper("chart", figures=tuple(figure(name, value, "data_point", unit="%") for name, value in points))


def two_rates() -> DocumentDescription:
    return paper(
        "invoice",
        currency="EUR",
        total=Decimal("1781.27"),
        total_figure=4,
        figures=(
            figure("VAT 19% on", "19", "tax_rate", unit="%"),
            figure("VAT 19% on 1,460.90", "277.57", "tax"),
            figure("VAT 7% on", "7", "tax_rate", unit="%"),
            figure("VAT 7% on 40.00", "2.80", "tax"),
            figure("Gross total", "1781.27", "total"),
        ),
    )


def benefits() -> DocumentDescription:
    """Totals side by side under the columns of a table: none of them is the document's."""
    rows = (("Visit", "240.00", "30.00"), ("X-ray", "310.00", "33.60"))
    grid = table(
        (("Service", "text"), ("Billed", "money"), ("You owe", "money")), rows, summary_rows=(("Total", "550", "63.6"),)
    )
    totals = tuple(
        figure("Total", value, "total", unit="USD").model_copy(update={"box": Box(x=x, y=90, width=60, height=20)})
        for x, value in ((200, "550.00"), (400, "63.60"))
    )
    return paper("table", currency="USD", figures=totals, tables=(grid,))


def equal_taxes(total: str) -> DocumentDescription:
    return paper(
        "invoice",
        currency="INR",
        total=Decimal(total),
        total_figure=3,
        figures=(
            figure("Taxable value", "1000.00", "subtotal", unit="INR"),
            figure("CGST @ 2.5%", "25.00", "tax", unit="INR"),
            figure("SGST @ 2.5%", "25.00", "tax", unit="INR"),
            figure("Grand total", total, "total", unit="INR"),
        ),
    )


def by_district() -> DocumentDescription:
    rows = (("North", "312"), ("South", "268"), ("East", "405"))
    grid = table((("Category", "text"), ("Value", "number")), rows, name="Chart")
    points = tuple(figure(name, value, "data_point", unit=None) for name, value in rows)
    return paper("chart", figures=points, tables=(grid,), lines=lines("Units sold by district, 2025"))


async def test_total_is_in_doubt_when_its_parts_do_not_give_it(planner: EmbeddingPlanner) -> None:
    given = await answer(planner, "What is the total of this invoice?", wrong_total())
    assert given is not None
    assert (given.verdict, given.value) == ("unverified", Decimal("1290.00"))
    assert "contradicts itself" in given.text


async def test_total_is_in_doubt_when_the_lines_do_not_give_it(planner: EmbeddingPlanner) -> None:
    given = await answer(planner, "What is the total?", till("58.30"))
    assert given is not None
    assert (given.verdict, given.value) == ("unverified", Decimal("58.30"))
    assert "85.30" in given.text


@pytest.mark.parametrize("document", [till("85.30"), till("58.30", gloves="11,5O")], ids=["adds up", "unread line"])
async def test_total_is_answered_when_no_line_contradicts_it(
    planner: EmbeddingPlanner, document: DocumentDescription
) -> None:
    given = await answer(planner, "What is the total?", document)
    assert given is not None
    assert given.verdict == "answered", given.text


ANSWERED = (
    (deliveries(), "How many deliveries have missing?", "2"),
    (deliveries(), "How many different deliveries are there?", "2"),
    (shares(), "What percentage are posters and social media together?", "26.5"),
    (statement(), "How much was spent on debits over 80?", "835.50"),
    (benefits(), "How much do I owe?", "63.60"),
    (equal_taxes("1050.00"), "How much tax was charged?", "50.00"),
    (equal_taxes("1050.00"), "What is the grand total?", "1050.00"),
    (equal_taxes("1025.00"), "How much tax was charged?", "25.00"),
    (by_district(), "How many districts sold more than 300 units?", "2"),
)


@pytest.mark.parametrize(("document", "question", "expected"), ANSWERED, ids=[case[1] for case in ANSWERED])
async def test_question_is_answered_for_what_it_asks(
    planner: EmbeddingPlanner, document: DocumentDescription, question: str, expected: str
) -> None:
    given = await answer(planner, question, document)
    assert given is not None, (await planner.plan(question, document)).reason
    assert (given.verdict, given.value) == ("answered", Decimal(expected)), given.text


NEVER_FACT = (
    (deliveries(), "How many deliveries were made?"),
    (benefits(), "What is the total?"),
    (benefits(), "What share of the total is billed?"),
)


@pytest.mark.parametrize(("document", "question"), NEVER_FACT, ids=[case[1] for case in NEVER_FACT])
async def test_question_is_hedged_or_refused_when_it_may_mean_several_things(
    planner: EmbeddingPlanner, document: DocumentDescription, question: str
) -> None:
    given = await answer(planner, question, document)
    assert given is None or given.verdict != "answered", given.text


async def test_percent_after_a_number_asks_for_no_share(planner: EmbeddingPlanner) -> None:
    given = await answer(planner, "What is the VAT at 7%?", two_rates())
    assert given is None or given.value == Decimal("2.80"), given.text
