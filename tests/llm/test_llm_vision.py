"""Descriptions from a vision model: clipped, checked, never sure."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.llm.vision import CONFIDENCE_CAP, LlmVision, png_size, read_description
from schemas.errors import ModelFault
from tests.llm.scripted_model import ScriptedModel

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + (200).to_bytes(4, "big") + (100).to_bytes(4, "big")


def figure(**changes: Any) -> dict[str, Any]:
    plain = {"label": "Total", "text": "$1,234.50", "value": "1234.5", "unit": "USD", "role": "total"}
    return {**plain, "box": [10, 10, 60, 30], **changes}


def seen(**changes: Any) -> str:
    plain = {"kind": "invoice", "currency": "USD", "date": "2024-03-01", "total_figure": 0, "figures": [figure()]}
    return json.dumps({**plain, **changes})


async def test_picture_is_described_when_the_model_sees() -> None:
    table = {
        "columns": [{"name": "Item", "kind": "text"}, {"name": "Price", "kind": "money", "unit": "USD"}],
        "rows": [[{"text": "Desk"}, {"text": "$1,234.50", "value": "1234.50"}]],
    }
    model = ScriptedModel(seen(tables=[table], lines=[{"text": "Invoice 7", "box": [0, 0, 50, 10]}]))
    described = await LlmVision(model).describe(PNG)
    assert (described.width, described.height) == (200, 100)
    assert described.total == Decimal("1234.5")
    assert described.tables[0].rows[0][1].value == Decimal("1234.50")
    assert described.lines[0].text == "Invoice 7"
    assert described.figures[0].confidence == CONFIDENCE_CAP
    assert described.warnings == ()
    assert model.asked[0].images == (PNG,)
    assert "200 pixels wide and 100 pixels high" in model.asked[0].prompt


def test_box_is_clipped_when_it_reaches_out_of_the_picture() -> None:
    described = read_description(seen(figures=[figure(box=[-5, 90.4, 999, 120])]), 200, 100)
    assert described.figures[0].box.model_dump() == {"x": 0, "y": 90, "width": 200, "height": 10}


@pytest.mark.parametrize("box", [[300, 10, 400, 20], [50, 50, 40, 60], [10, 10, 10, 20], [-50, -50, -1, -1]])
def test_figure_is_left_out_when_its_box_is_not_in_the_picture(box: list[int]) -> None:
    described = read_description(
        seen(figures=[figure(box=box), figure(label="Tax", role="tax")], total_figure=0), 200, 100
    )
    assert [one.label for one in described.figures] == ["Tax"]
    assert described.total is None
    assert described.total_figure is None
    assert "left out" in described.warnings[0]


def test_total_index_follows_its_figure_when_an_earlier_one_is_left_out() -> None:
    described = read_description(seen(figures=[figure(box=[300, 0, 400, 9]), figure()], total_figure=1), 200, 100)
    assert described.total_figure == 0
    assert described.total == described.figures[0].value


@pytest.mark.parametrize("value", ["9234.50", "0", "12345"])
def test_total_is_not_stated_when_the_value_is_not_what_is_printed(value: str) -> None:
    described = read_description(seen(figures=[figure(value=value)]), 200, 100)
    assert described.total is None
    assert described.figures[0].confidence < 0.5
    assert "differs" in described.warnings[0]


def test_currency_is_unknown_when_the_model_makes_one_up() -> None:
    assert read_description(seen(currency="dollars"), 200, 100).currency is None


@pytest.mark.parametrize(
    "answer",
    [
        "[]",
        seen(kind="spaceship"),
        seen(figures=[{"label": "Total", "value": "1", "text": "1"}]),
        seen(figures=[figure(value="1E+999999999")]),
        seen(figures=[figure(value="a lot")]),
        seen(figures=[figure(box=[0, 0, 1e300, 1])]),
        seen(tables=[{"columns": [{"name": "A", "kind": "text"}], "rows": [[{"text": "1"}, {"text": "2"}]]}]),
    ],
)
async def test_answer_is_a_fault_when_it_is_no_description_twice(answer: str) -> None:
    model = ScriptedModel(answer)
    with pytest.raises(ModelFault, match="twice"):
        await LlmVision(model).describe(PNG)


async def test_nothing_is_sent_when_the_bytes_are_no_png() -> None:
    model = ScriptedModel(seen())
    with pytest.raises(ValueError, match="PNG"):
        await LlmVision(model).describe(b"GIF89a")
    assert model.asked == []
    assert png_size(PNG) == (200, 100)


@given(box=st.tuples(*[st.floats(-1e5, 1e5)] * 4), width=st.integers(1, 8000), height=st.integers(1, 8000))
def test_every_kept_box_lies_in_the_picture(box: tuple[float, ...], width: int, height: int) -> None:
    for one in read_description(seen(figures=[figure(box=box)]), width, height).figures:
        assert 0 <= one.box.x < one.box.x + one.box.width <= width
        assert 0 <= one.box.y < one.box.y + one.box.height <= height


@pytest.mark.parametrize(
    ("text", "value", "printed"),
    [
        ("$1,234.50", "1234.5", True),
        ("1.234,50 €", "1234.50", True),
        ("1 234,50", "1234.50", True),
        ("(1,234.50)", "-1234.50", True),
        ("1,234", "1234", True),
        ("1,234", "1.234", True),
        ("1,234,567", "1234567", True),
        ("12.5M", "12500000", True),
        ("1234.50 BRL", "1234.50", True),
        ("5 m", "5", True),
        ("8%", "8", True),
        (".75", "0.75", True),
        ("0.00", "0", True),
        ("1,234.50", "123450", False),
        ("1,234.50", "1.2345", False),
        ("1,234,567", "1234.567", False),
        ("1234", "0.1234", False),
        ("5", "0.5", False),
        ("12.5M", "12.5", False),
        ("five", "5", False),
        ("", "0", False),
    ],
)
def test_figure_is_doubted_unless_its_text_reads_as_its_value(text: str, value: str, printed: bool) -> None:
    (one,) = read_description(seen(figures=[figure(text=text, value=value)]), 200, 100).figures
    assert (one.confidence == CONFIDENCE_CAP) is printed


@given(text=st.text(max_size=30))
def test_any_printed_text_is_read_or_doubted(text: str) -> None:
    (one,) = read_description(seen(figures=[figure(text=text)]), 200, 100).figures
    assert 0 < one.confidence <= CONFIDENCE_CAP
