"""Calculations that throw together what does not belong together are never stated as fact."""

from __future__ import annotations

from decimal import Decimal

import pytest

from adapters.planning.embedding import EmbeddingPlanner
from reasoning.judging import answer
from reasoning.papers import figure, lines, paper, table
from schemas.documents import DocumentDescription


def markets(*currencies: str) -> DocumentDescription:
    columns = (("Market", "text"), ("Currency", "text"), ("Gross", "number"))
    rows = tuple(zip(("Spain", "Norway", "Japan"), currencies, ("400.00", "900.00", "7000.00"), strict=True))
    return paper("table", tables=(table(columns, rows),))


def payments() -> DocumentDescription:
    columns = (("Payments", "text"), ("Amount", "money"))
    rows = (("Basic pay", "2610.00"), ("Overtime", "313.20"), ("Bonus", "150.00"), ("Gross pay", "3073.20"))
    return paper("table", tables=(table(columns, rows),))


def timber() -> DocumentDescription:
    columns = (("Item", "text"), ("Quantity", "number"), ("Unit price", "money"), ("Amount", "money"))
    rows = (("Larch boards", "64", "38.00", "2432.00"), ("Firewood", "4", "112.00", "448.00"))
    return paper("invoice", tables=(table(columns, rows),))


@pytest.mark.parametrize("question", ["What is the sum of gross?", "Which market has the highest gross?"])
async def test_calculation_is_unverified_when_its_rows_are_in_different_currencies(
    planner: EmbeddingPlanner, question: str
) -> None:
    mixed = await answer(planner, question, markets("EUR", "NOK", "JPY"))
    one = await answer(planner, question, markets("EUR", "EUR", "EUR"))
    assert mixed is not None
    assert one is not None
    assert (mixed.verdict, one.verdict) == ("unverified", "answered")


async def test_sum_is_unverified_when_the_last_row_is_the_sum_of_the_others(planner: EmbeddingPlanner) -> None:
    given = await answer(planner, "What is the sum of the amounts?", payments())
    assert given is not None
    assert given.verdict == "unverified"
    assert "Gross pay" in given.text


async def test_dearest_is_unverified_when_price_and_amount_disagree(planner: EmbeddingPlanner) -> None:
    given = await answer(planner, "What is the most expensive item?", timber())
    assert given is not None
    assert given.verdict == "unverified", given.text


async def test_payment_is_refused_when_an_estimate_states_none(planner: EmbeddingPlanner) -> None:
    document = paper(
        "estimate", figures=(figure("Total", "8863.80", "total"),), total=Decimal("8863.80"), total_figure=0
    )
    assert await answer(planner, "How much has been paid?", document) is None


async def test_payment_is_answered_when_it_was_made_already(planner: EmbeddingPlanner) -> None:
    figures = (figure("Total", "900.00", "total"), figure("Paid on account", "250.00", "paid"))
    document = paper("invoice", figures=figures, total=Decimal(900), total_figure=0)
    given = await answer(planner, "How much was paid already?", document)
    assert given is not None
    assert given.value == Decimal(250)


async def test_name_is_no_answer_when_a_time_is_asked_for(planner: EmbeddingPlanner) -> None:
    document = paper("table", lines=lines("Employee: Aoife Brennan"), tables=payments().tables)
    given = await answer(planner, "When was the employee paid?", document)
    assert given is None or "Aoife" not in given.text


async def test_total_is_refused_when_a_pie_prints_parts_in_percent_only(planner: EmbeddingPlanner) -> None:
    slices = tuple(figure(name, value, "data_point", unit="%") for name, value in (("Ads", "60"), ("Fairs", "40")))
    document = paper("chart", figures=slices, lines=lines("Where the marketing budget goes"))
    assert await answer(planner, "How big is the total budget?", document) is None
