"""How many rows: those a word of a heading picks, those that several words pick, and the kinds under a heading."""

from __future__ import annotations

from decimal import Decimal

import pytest

from adapters.planning.embedding import EmbeddingPlanner
from reasoning.judging import answer
from reasoning.papers import paper, table
from schemas.documents import DocumentDescription


def notices() -> DocumentDescription:
    columns = (("Company", "text"), ("City", "text"), ("Staff", "number"), ("Layoff/Closure", "text"))
    rows = (
        ("Alder Mills", "Fresno", "150", "Closure Permanent"),
        ("Birch Foods", "Culver City", "137", "Layoff Permanent"),
        ("Cedar Labs", "Fresno", "90", "Layoff Temporary"),
        ("Dogwood Air", "Oxnard", "72", "Closure Permanent"),
        ("Elm Print", "Oxnard", "41", "Layoff Permanent"),
    )
    return paper("table", tables=(table(columns, rows),))


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("How many closures are there?", 2),
        ("How many layoffs are permanent?", 2),
        ("How many permanent layoffs are there?", 2),
        ("How many layoffs and closures are there?", 5),
        ("How many cities are there?", 3),
        ("How many layoffs are in Oxnard?", 1),
    ],
)
async def test_rows_are_counted_when_words_pick_them(planner: EmbeddingPlanner, question: str, expected: int) -> None:
    given = await answer(planner, question, notices())
    assert given is not None
    assert (given.verdict, given.value) == ("answered", Decimal(expected)), given.text
