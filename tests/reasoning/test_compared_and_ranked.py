"""Two things set against each other and things put in order: in percent where percent is said, refused where what is
asked is left open."""

from __future__ import annotations

from decimal import Decimal

import pytest

from adapters.planning.embedding import EmbeddingPlanner
from reasoning.judging import answer
from reasoning.papers import figure, lines, months, paper, table
from schemas.documents import DocumentDescription


def quarters(unit: str | None = None) -> DocumentDescription:
    """As a drawn chart is read: its points once as figures and once as a table."""
    rows = (("Q1", "420"), ("Q2", "615"), ("Q3", "380"), ("Q4", "905"))
    points = tuple(figure(name, value, "data_point", unit=unit) for name, value in rows)
    kind = "percent" if unit else "number"
    grid = table((("Category", "text"), ("Value", kind)), rows, name="Chart")
    return paper("chart", figures=points, tables=(grid,), lines=lines("Units shipped by quarter, 2024"))


def orders() -> DocumentDescription:
    columns = (("Date", "date"), ("Item", "text"), ("Amount", "money"))
    return paper("table", tables=(table(columns, (("02 Jan 2024", "Oak", "5.00"), ("01 Jan 2024", "Elm", "9.00"))),))


ANSWERED = (
    ("What was the growth from Q3 to Q4 in percent?", "138.16"),
    ("What is the percentage change from Q3 to Q4?", "138.16"),
    ("By how many percent did it grow from Q3 to Q4?", "138.16"),
    ("How much did it fall from Q2 to Q3 as a percentage?", "-38.21"),
    ("What was the growth from Q1 to Q4 in percent?", "115.48"),
    ("How many percent more in Q4 than in Q3?", "138.16"),
    ("How much did it grow from Q3 to Q4?", "525"),
    ("How much more was shipped in Q4 than in Q3?", "525"),
    ("How many more units were shipped in Q4 than in Q3?", "525"),
    ("How much less was shipped in Q3 than in Q4?", "525"),
    ("Which quarter shipped the most, and how many?", "905"),
    ("Which quarter shipped the least, and how many units?", "380"),
)


@pytest.mark.parametrize(("question", "expected"), ANSWERED, ids=[case[0] for case in ANSWERED])
async def test_comparison_is_answered_for_what_it_asks(planner: EmbeddingPlanner, question: str, expected: str) -> None:
    given = await answer(planner, question, quarters())
    assert given is not None
    assert (given.verdict, given.value) == ("answered", Decimal(expected)), given.text
    assert (given.unit == "%") == ("percent" in question), given.text


async def test_growth_over_all_rows_is_in_percent_when_percent_is_asked(planner: EmbeddingPlanner) -> None:
    given = await answer(planner, "What was the percentage growth of revenue?", months())
    assert given is None or (given.value, given.unit) == (Decimal("75"), "%"), given.text


OPEN = (
    (quarters(), "What is the difference between Q3 and Q4 in percent?"),
    (quarters("%"), "What was the growth from Q3 to Q4 in percent?"),
    (quarters(), "Which quarter shipped the most, and how many quarters are there?"),
    (quarters(), "How many more units were shipped in Q4 2023 than in Q3?"),
    (quarters(), "Sort the units shipped by quarter"),
    (quarters(), "What rank is Q4?"),
    (orders(), "Sort the rows by date"),
    (orders(), "Sort the rows by item"),
)


@pytest.mark.parametrize(("document", "question"), OPEN, ids=[case[1] for case in OPEN])
async def test_comparison_is_refused_when_what_it_asks_is_open(
    planner: EmbeddingPlanner, document: DocumentDescription, question: str
) -> None:
    given = await answer(planner, question, document)
    assert given is None or given.verdict != "answered", given.text


@pytest.mark.parametrize(
    ("question", "order"),
    [
        ("Sort the quarters by units shipped", "Q4 (905), Q2 (615), Q1 (420), Q3 (380)"),
        ("Rank the quarters by units shipped, from lowest to highest", "Q3 (380), Q1 (420), Q2 (615), Q4 (905)"),
    ],
)
async def test_points_are_put_in_order_when_a_ranking_is_asked(
    planner: EmbeddingPlanner, question: str, order: str
) -> None:
    given = await answer(planner, question, quarters())
    assert given is not None
    assert given.verdict == "answered"
    assert order in given.text


@pytest.mark.parametrize("question", ["What share was Q4?", "What share of the total was Q4?"])
async def test_share_rests_on_each_point_once(planner: EmbeddingPlanner, question: str) -> None:
    given = await answer(planner, question, quarters())
    assert given is not None
    assert (given.verdict, given.value) == ("answered", Decimal("39.01"))
    assert sorted(each.label for each in given.evidence) == ["Q1", "Q2", "Q3", "Q4"]
