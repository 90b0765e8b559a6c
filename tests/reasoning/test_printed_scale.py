"""Documents whose numbers stand for thousands: the answer keeps what is printed and says so."""

from __future__ import annotations

import pytest

from adapters.planning.embedding import EmbeddingPlanner
from processors.printed_scale import printed_scale
from reasoning.judging import answer
from reasoning.papers import figure, lines, paper


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Visits (thousands)", "thousands"),
        ("Amounts in thousands of US dollars", "in thousands of US dollars"),
        ("Revenue ($m)", "$m"),
        ("Umsatz in Mio. EUR", "in Mio. EUR"),
        ("Ergebnis TEUR", "TEUR"),
        ("£'000", "£'000"),
        ("401(k) plan", None),
        ("Height (m)", None),
        ("Paid in full, 2 million users, driven in miles", None),
        ("Total EUR 2,000", None),
    ],
)
def test_scale_is_found_when_the_document_says_one(text: str, said: str | None) -> None:
    assert printed_scale(paper("chart", lines=lines(text))) == said


async def test_answer_says_the_scale_when_it_is_about_an_amount(planner: EmbeddingPlanner) -> None:
    figures = (figure("May", "172", "data_point"), figure("June", "148", "data_point"))
    document = paper("chart", figures=figures, lines=lines("Visits (thousands)"))
    said = await answer(planner, "How many visits were there in May?", document)
    assert said.text.endswith('Numbers are as printed; the document says "thousands".')
    share = await answer(planner, "What percentage of the total is May?", document)
    assert "as printed" not in share.text
