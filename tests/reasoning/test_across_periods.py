"""Questions about one row of a table whose columns are periods: its change, sum, mean and extreme over time."""

from __future__ import annotations

from decimal import Decimal

import pytest

from adapters.planning.embedding import EmbeddingPlanner
from reasoning.judging import answer
from reasoning.papers import lines, paper, table
from schemas.documents import DocumentDescription


def accounts() -> DocumentDescription:
    columns = (("", "text"), ("FY2022", "number"), ("FY2023", "number"), ("FY2024", "number"))
    rows = (
        ("Turnover", "8,000", "9,000", "9,900"),
        ("Wages", "-3,100", "-3,400", "-3,300"),
        ("Rent", "600", "600", "750"),
        ("Operating profit", "1,200", "1,500", "1,350"),
    )
    return paper("table", tables=(table(columns, rows),), lines=lines("Income statement"))


def balance_sheet() -> DocumentDescription:
    columns = (("Assets", "text"), ("31 Dec 2023", "number"), ("31 Dec 2024", "number"))
    rows = (("Cash", "400", "500"), ("Stock", "250", "200"), ("Vehicles", "900", "840"))
    return paper("table", tables=(table(columns, rows),), lines=lines("Balance sheet"))


def regions() -> DocumentDescription:
    columns = (("Region", "text"), ("Q1", "number"), ("Q2", "number"), ("Q3", "number"), ("Q4", "number"))
    rows = (("North", "214", "232", "198", "260"), ("East", "142", "167", "181", "175"))
    return paper("table", tables=(table(columns, rows, name="Regional sales 2025"),))


ANSWERED = (
    (accounts(), "By how much did turnover grow from FY2022 to FY2023?", "1000"),
    (accounts(), "What was the growth of turnover in percent from FY2023 to FY2024?", "10"),
    (accounts(), "In which year was operating profit highest?", "1500"),
    (accounts(), "What is the average turnover over the three years?", "8966.67"),
    (accounts(), "What was the total rent over the three years?", "1950"),
    (balance_sheet(), "By how much did cash increase?", "100"),
    (balance_sheet(), "By how many percent did cash increase?", "25"),
    (balance_sheet(), "By how much did stock fall from 2023 to 2024?", "-50"),
    (regions(), "How much did East grow from Q1 to Q4?", "33"),
    (regions(), "Which quarter was the worst for North?", "198"),
    (regions(), "What were the total sales of North over the year?", "904"),
    (regions(), "What is the average of East over the four quarters?", "166.25"),
    (regions(), "What percent more did North sell than East in Q1?", "50.7"),
)


@pytest.mark.parametrize(("document", "question", "expected"), ANSWERED, ids=[case[1] for case in ANSWERED])
async def test_row_is_answered_across_periods_when_it_is_named(
    planner: EmbeddingPlanner, document: DocumentDescription, question: str, expected: str
) -> None:
    given = await answer(planner, question, document)
    assert given is not None
    assert (given.verdict, given.value) == ("answered", Decimal(expected)), given.text


REFUSED = (
    (accounts(), "What is the average turnover over the five years?"),
    (accounts(), "By how much did interest grow from FY2022 to FY2023?"),
    (accounts(), "By how much did turnover grow from FY2019 to FY2023?"),
    (balance_sheet(), "What was the total cash over the two years?"),
    (regions(), "What was the total profit of North over the year?"),
)


@pytest.mark.parametrize(("document", "question"), REFUSED, ids=[case[1] for case in REFUSED])
async def test_row_is_refused_across_periods_when_the_table_has_no_such_thing(
    planner: EmbeddingPlanner, document: DocumentDescription, question: str
) -> None:
    assert await answer(planner, question, document) is None


async def test_change_is_unverified_when_no_periods_of_three_are_named(planner: EmbeddingPlanner) -> None:
    given = await answer(planner, "By how much did turnover grow?", accounts())
    assert given is not None
    assert (given.verdict, given.value) == ("unverified", Decimal(1900))


async def test_change_is_unverified_when_amounts_are_printed_as_negative(planner: EmbeddingPlanner) -> None:
    given = await answer(planner, "By how much did wages grow from FY2022 to FY2023?", accounts())
    assert given is not None
    assert given.verdict == "unverified", given.text
