"""Pie charts from drawn discs and the places of the words beside them."""

from __future__ import annotations

import math
from decimal import Decimal

import numpy as np
import pytest
from PIL import Image, ImageDraw

from adapters.vision.layout.describe import notation
from adapters.vision.layout.words import Page, Run
from adapters.vision.reading.models import Pixels
from adapters.vision.reading.pies import pie_of
from schemas.documents import Figure
from tests.vision.conftest import run_of

COLOURS = ["#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd"]
SIZE, CENTRE, RADIUS = (640, 480), (300, 240), 160


def drawn(shares: list[int], *, hole: int = 0, legend: bool = False) -> tuple[Pixels, list[tuple[float, float]]]:
    """A pie in the picture, and the direction of the middle of each slice."""
    image = Image.new("RGB", SIZE, "white")
    pen = ImageDraw.Draw(image)
    x, y = CENTRE
    start, middles = 0.0, []
    for share, colour in zip(shares, COLOURS, strict=False):
        end = start + 3.6 * share
        pen.pieslice(
            (x - RADIUS, y - RADIUS, x + RADIUS, y + RADIUS), start, end, fill=colour, outline="white", width=2
        )
        angle = math.radians((start + end) / 2)
        middles.append((math.cos(angle), math.sin(angle)))
        start = end
    if hole:
        pen.ellipse((x - hole, y - hole, x + hole, y + hole), fill="white")
    if legend:
        for position, colour in enumerate(COLOURS[: len(shares)]):
            pen.rectangle((505, 100 + 40 * position, 525, 116 + 40 * position), fill=colour)
    return np.asarray(image)[..., ::-1].copy(), middles


def text_at(text: str, x: float, y: float) -> Run:
    return run_of(text, x, y, height=16)


def read(
    shares: list[int], names: list[str], *, hole: int = 0, legend: bool = False, printed: list[int] | None = None
) -> tuple[Figure, ...] | None:
    pixels, middles = drawn(shares, hole=hole, legend=legend)
    runs = []
    for position, (cos, sin) in enumerate(middles):
        said = (printed or shares)[position]
        runs.append(text_at(f"{said}%", CENTRE[0] + 0.75 * RADIUS * cos - 15, CENTRE[1] + 0.75 * RADIUS * sin - 8))
        if legend:
            runs.append(text_at(names[position], 535, 100 + 40 * position))
        else:
            x = CENTRE[0] + 1.1 * RADIUS * cos
            runs.append(text_at(names[position], x if cos > 0 else x - 60, CENTRE[1] + 1.1 * RADIUS * sin - 8))
    page = Page(*SIZE, tuple(runs))
    return pie_of(page, pixels, notation(page))


def said(figures: tuple[Figure, ...] | None) -> dict[str, Decimal]:
    assert figures is not None
    return {figure.label: figure.value for figure in figures}


@pytest.mark.parametrize("hole", [0, 70])
def test_slices_get_the_names_beside_them_when_a_pie_or_a_ring_is_drawn(hole: int) -> None:
    figures = read([38, 27, 18, 12, 5], ["Rent", "Salaries", "Marketing", "Software", "Other"], hole=hole)
    assert said(figures) == {"Rent": 38, "Salaries": 27, "Marketing": 18, "Software": 12, "Other": 5}
    assert all(figure.confidence > 0.8 and figure.unit == "%" for figure in figures or ())


def test_slices_get_the_names_of_a_legend_when_swatches_have_their_colours() -> None:
    figures = read([45, 30, 15, 10], ["Search", "Direct", "Social", "E-mail"], legend=True)
    assert said(figures) == {"Search": 45, "Direct": 30, "Social": 15, "E-mail": 10}


def test_percentage_is_doubted_when_its_slice_has_another_size() -> None:
    figures = read([60, 25, 15], ["North", "South", "West"], printed=[15, 25, 60])
    doubts = {figure.label: figure.confidence for figure in figures or ()}
    assert doubts["South"] > 0.8
    assert doubts["North"] < 0.6
    assert doubts["West"] < 0.6


def test_names_are_left_out_when_they_do_not_tell_the_slices_apart() -> None:
    pixels, middles = drawn([50, 30, 20])
    runs = [
        text_at(f"{share}%", CENTRE[0] + 100 * cos - 15, CENTRE[1] + 100 * sin - 8)
        for share, (cos, sin) in zip([50, 30, 20], middles, strict=True)
    ]
    page = Page(*SIZE, (*runs, text_at("Costs", 20, 20)))
    assert pie_of(page, pixels, notation(page)) == ()


def test_nothing_is_a_pie_when_percentages_stand_in_a_table() -> None:
    page = Page(*SIZE, tuple(text_at(f"{share}%", 100, 100 + 30 * i) for i, share in enumerate([50, 30, 20])))
    blank = np.full((SIZE[1], SIZE[0], 3), 255, np.uint8)
    assert pie_of(page, blank, notation(page)) is None
