"""Price lists that are no tables, prices under several headings, and charts in several series."""

from __future__ import annotations

from decimal import Decimal

import pytest

from adapters.planning.embedding import EmbeddingPlanner
from reasoning.judging import answer
from reasoning.papers import figure, lines, paper, table
from schemas.documents import DocumentDescription


def menu() -> DocumentDescription:
    prices = (("Espresso", "2.60"), ("Cappuccino", "3.90"), ("Käsekuchen", "4.90"), ("Sachertorte", "5.60"))
    return paper("unknown", figures=tuple(figure(name, price) for name, price in prices), currency="EUR")


def salon() -> DocumentDescription:
    columns = (("Treatment", "text"), ("Weekday", "money"), ("Weekend", "money"))
    return paper("table", tables=(table(columns, (("Beard trim", "24.00", "28.00"), ("Colour", "135.00", "150.00"))),))


def sold() -> DocumentDescription:
    columns = (("Category", "text"), ("Licences", "number"), ("Services", "number"))
    rows = (("Q1", "12", "7"), ("Q2", "14", "8"), ("Q3", "15", "19"))
    return paper("chart", tables=(table(columns, rows, name="Quarterly revenue by product"),), lines=lines("Revenue"))


def till() -> DocumentDescription:
    columns = (("Item", "text"), ("Quantity", "number"), ("Amount", "money"))
    rows = (("Paint", "3", "127.50"), ("Cloth", "", "9.95"))
    return paper("receipt", tables=(table(columns, rows, name="Items"),), total=Decimal("137.45"))


def two_years() -> DocumentDescription:
    sums = (("Total current assets", "2534", "2242"), ("Total assets", "5644", "5517"))
    figures = tuple(
        figure(f"{label} {year}", value, "total", unit=None)
        for label, *values in sums
        for year, value in zip(("2024", "2023"), values, strict=True)
    )
    return paper("table", figures=figures)


ANSWERED = (
    (menu(), "Was kostet ein Cappuccino?", "3.90"),
    (menu(), "What does the Espresso cost?", "2.60"),
    (menu(), "What is the most expensive item?", "5.60"),
    (menu(), "What is the cheapest item?", "2.60"),
    (salon(), "How much more does a beard trim cost at the weekend than on a weekday?", "4"),
    (sold(), "Which product sold the most in Q3?", "19"),
    (sold(), "What was the revenue of Services in Q2?", "8"),
)


@pytest.mark.parametrize(("document", "question", "expected"), ANSWERED, ids=[case[1] for case in ANSWERED])
async def test_price_or_series_is_answered_when_it_is_named(
    planner: EmbeddingPlanner, document: DocumentDescription, question: str, expected: str
) -> None:
    given = await answer(planner, question, document)
    assert given is not None
    assert (given.verdict, given.value) == ("answered", Decimal(expected)), given.text


@pytest.mark.parametrize("question", ["What does a Tiramisu cost?", "What is the total?"])
async def test_price_list_is_no_answer_when_it_lacks_what_is_asked_for(
    planner: EmbeddingPlanner, question: str
) -> None:
    assert await answer(planner, question, menu()) is None


async def test_series_added_up_are_unverified(planner: EmbeddingPlanner) -> None:
    given = await answer(planner, "What was the total revenue in Q2?", sold())
    assert given is not None
    assert (given.verdict, given.value) == ("unverified", Decimal(22))


async def test_count_of_items_is_unverified_when_one_line_holds_several(planner: EmbeddingPlanner) -> None:
    given = await answer(planner, "How many items were sold?", till())
    assert given is None or given.verdict == "unverified", given.text


async def test_figure_of_another_year_is_never_taken(planner: EmbeddingPlanner) -> None:
    given = await answer(planner, "What was the ratio of current assets to total assets in 2024?", two_years())
    assert given is None or given.value == Decimal("0.449"), given.text


async def test_refusal_names_what_may_be_asked_when_a_question_is_open(planner: EmbeddingPlanner) -> None:
    planned = await planner.plan("What is the average price?", salon())
    assert planned.plan is None
    assert '"Weekday", "Weekend"' in (planned.reason or "")
