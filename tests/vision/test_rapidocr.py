"""The real reader on drawn pictures: text in, document out."""

from __future__ import annotations

import io
from decimal import Decimal

import pytest
from PIL import Image, ImageDraw, ImageFont

from adapters.vision.rapidocr import RapidOcrVision
from bench.drawn.samples import SAMPLES
from schemas.errors import ModelFault
from tests.contracts.vision_model import VisionModelContract


class TestRapidOcrVision(VisionModelContract):
    @pytest.fixture
    async def model(self, rapidocr: RapidOcrVision) -> RapidOcrVision:
        return rapidocr


def png(picture: Image.Image) -> bytes:
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


def receipt() -> Image.Image:
    picture = Image.new("RGB", (520, 420), "white")
    draw = ImageDraw.Draw(picture)
    face = ImageFont.load_default(24)
    rows = [("RECEIPT", ""), ("Coffee beans", "$12.00"), ("Oat milk", "$3.50"), ("Subtotal", "$15.50"),
            ("Sales Tax", "$1.24"), ("Total", "$16.74")]  # fmt: skip
    for index, (label, amount) in enumerate(rows):
        draw.text((40, 40 + 52 * index), label, font=face, fill="black")
        draw.text((480, 40 + 52 * index), amount, font=face, fill="black", anchor="ra")
    return picture


@pytest.mark.parametrize("turn", [90, 180, 270])
async def test_receipt_is_read_when_the_page_lies_on_any_side(rapidocr: RapidOcrVision, turn: int) -> None:
    picture = receipt().rotate(turn, expand=True)
    document = await rapidocr.describe(png(picture))
    assert (document.kind, document.total, document.currency) == ("receipt", Decimal("16.74"), "USD")
    assert (document.width, document.height) == picture.size
    assert document.total_figure is not None
    box = document.figures[document.total_figure].box
    # The total stands at the lower right of the upright page, wherever that is now.
    upright = {
        90: (picture.height - box.y, box.x),
        180: (picture.width - box.x, picture.height - box.y),
        270: (box.y, picture.width - box.x),
    }[turn]
    assert upright[0] > 300
    assert 250 < upright[1] < 360


async def test_receipt_is_read_when_it_is_white_on_dark_and_pale(rapidocr: RapidOcrVision) -> None:
    inverted = receipt().point([255 - value for value in range(256)] * 3)
    pale = receipt().point([130 + value // 3 for value in range(256)] * 3)
    for picture in (inverted, pale):
        assert (await rapidocr.describe(png(picture))).total == Decimal("16.74")


@pytest.mark.parametrize("sample", SAMPLES, ids=[sample.file for sample in SAMPLES])
async def test_sample_is_understood_when_it_is_shipped(rapidocr: RapidOcrVision, sample: object) -> None:
    (wanted,) = [s for s in SAMPLES if s is sample]
    drawn = wanted.draw()
    document = await rapidocr.describe(png(drawn.picture))
    truth = drawn.truth
    assert (document.kind, document.total) == (truth.kind, truth.total)
    assert document.currency == truth.currency
    assert document.date == truth.date
    if truth.points:
        assert {f.label: f.value for f in document.figures} == truth.points
    if truth.rows is not None:
        (table,) = [t for t in document.tables if len(t.rows) == truth.rows]
        assert sum(row[-1].value or 0 for row in table.rows) == truth.column


async def test_describe_raises_model_fault_and_goes_on_when_bytes_are_no_picture(rapidocr: RapidOcrVision) -> None:
    with pytest.raises(ModelFault):
        await rapidocr.describe(b"no picture")
    assert (await rapidocr.describe(png(Image.new("RGB", (64, 64), "white")))).total is None


async def test_photograph_has_no_figures_when_it_has_no_text(rapidocr: RapidOcrVision) -> None:
    noise = Image.effect_noise((400, 300), 90).convert("RGB").resize((800, 600), Image.Resampling.BICUBIC)
    document = await rapidocr.describe(png(noise))
    assert document.kind in ("photo", "text")
    assert (document.total, document.figures, document.tables) == (None, (), ())
