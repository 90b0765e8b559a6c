"""Pie and doughnut charts: a disc, the percentages printed at its slices, and the name that belongs to each.

Slices are told apart by colour; how much of the disc a colour takes confirms the percentage printed on it. Names stand
beside their slice or in a legend with a swatch of its colour. Without percentages nothing is measured.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from adapters.vision.layout.notation import Notation
from adapters.vision.layout.numbers import Number
from adapters.vision.layout.words import Page, Run
from adapters.vision.reading.legends import SAME_COLOUR, Colour, commonest, same, swatches
from adapters.vision.reading.models import Pixels
from schemas.documents import Figure

Point = npt.NDArray[np.float64]

_LEAST_SLICES = 3
# Printed percentages are rounded.
_SUMS_TO = (97, 103)
# The part of its enclosing circle that a pie fills; with a slice pulled out it is less.
_ROUND = 0.8
# How far a colour's part of the disc may be from the percentage: its letters hide some of it.
_FITS = 0.04
_DOUBT = 0.55


@dataclass(frozen=True, slots=True)
class _Disc:
    centre: Point
    radius: float
    inside: npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class _Slice:
    """`rim` is the place just outside the middle of its arc, where a name is expected."""

    run: Run
    number: Number
    colour: Colour
    share: float
    rim: Point


def pie_of(page: Page, image: Pixels, notation: Notation) -> tuple[Figure, ...] | None:
    """A figure in per cent for each slice; empty where names cannot be told, None where there is no pie."""
    numbers = [(run, notation.number(run.text)) for run in page.runs]
    percents = [(run, number) for run, number in numbers if number is not None and number.unit == "%"]
    low, high = _SUMS_TO
    if len(percents) < _LEAST_SLICES or not low <= sum(number.value for _, number in percents) <= high:
        return None
    disc = _disc(image)
    if disc is None:
        return None
    slices = [_slice(run, number, disc, image) for run, number in percents]
    names = [run for run, number in numbers if number is None and sum(c.isalpha() for c in run.text) >= 2]
    found = _by_legend(slices, names, image) or _by_place(slices, names, disc)
    return tuple(_figure(each, name) for each, name in zip(slices, found, strict=True)) if found else ()


def _background(image: Pixels) -> Colour:
    step = max(1, max(image.shape[:2]) // 300)
    return commonest(image[::step, ::step].reshape(-1, 3))


def _near(image: Pixels, colour: Colour) -> npt.NDArray[np.bool_]:
    return np.asarray(np.abs(image.astype(np.int16) - colour).max(axis=2) < SAME_COLOUR)


def _disc(image: Pixels) -> _Disc | None:
    """The largest filled round shape, if it takes a good part of the picture."""
    background = _background(image)
    drawn = ~_near(image, background)
    height, width = drawn.shape
    # Lines between slices are closed, then gaps of slices pulled out; letters and thin lines are dropped.
    for part in (60, 15):
        gap = max(3, min(height, width) // part)
        closed = cv2.morphologyEx(drawn.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((gap, gap), np.uint8))
        clean = cv2.morphologyEx(closed, cv2.MORPH_OPEN, np.ones((2 * gap, 2 * gap), np.uint8))
        contours, _ = cv2.findContours(clean, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
        for contour in sorted(contours, key=cv2.contourArea, reverse=True)[:3]:
            (x, y), radius = cv2.minEnclosingCircle(contour)
            if radius < 0.12 * min(height, width) or cv2.contourArea(contour) < _ROUND * np.pi * radius**2:
                continue
            filled = np.zeros((height, width), np.uint8)
            cv2.drawContours(filled, [contour], -1, 1, thickness=cv2.FILLED)
            return _Disc(np.array([x, y]), float(radius), filled.astype(bool) & drawn)
    return None


def _slice(run: Run, number: Number, disc: _Disc, image: Pixels) -> _Slice:
    place = np.array([run.cx, run.cy])
    away = place - disc.centre
    if float(np.hypot(*away)) > 0.95 * disc.radius:
        place = disc.centre + away / max(float(np.hypot(*away)), 1.0) * 0.75 * disc.radius
    colour = _colour_around(place, run.width / 2, run.height, disc, image)
    own = _near(image, colour) & disc.inside
    ys, xs = np.nonzero(own)
    middle = np.array([xs.mean(), ys.mean()]) - disc.centre if len(xs) else away
    direction = middle / max(float(np.hypot(*middle)), 1.0)
    return _Slice(
        run, number, colour, len(xs) / max(int(disc.inside.sum()), 1), disc.centre + 1.08 * disc.radius * direction
    )


def _colour_around(place: Point, reach: float, height: float, disc: _Disc, image: Pixels) -> Colour:
    """The commonest colour of the disc around the letters at a place."""
    x, y = place
    rows = slice(max(0, int(y - 1.2 * height)), int(y + 1.2 * height) + 1)
    columns = slice(max(0, int(x - reach - 0.4 * height)), int(x + reach + 0.4 * height) + 1)
    patch = image[rows, columns][disc.inside[rows, columns]]
    return commonest(patch if len(patch) else image[rows, columns].reshape(-1, 3))


def _by_legend(slices: Sequence[_Slice], names: Sequence[Run], image: Pixels) -> list[Run]:
    """Names with a swatch of a slice's colour to their left; empty unless every slice has one of its own."""
    keys = swatches(names, image)
    found: list[Run] = []
    for each in slices:
        fitting = [name for name, colour in keys if same(colour, each.colour)]
        if len(fitting) != 1 or fitting[0] in found:
            return []
        found.append(fitting[0])
    return found


def _by_place(slices: Sequence[_Slice], names: Sequence[Run], disc: _Disc) -> list[Run]:
    """The name nearest to each slice's rim (or to the percentage, above or below it); empty unless all differ."""
    found: list[Run] = []
    for each in slices:
        ranked = sorted((min(_distance(each.rim, name), _beside(each.run, name)), i) for i, name in enumerate(names))
        if not ranked or ranked[0][0] > 0.35 * disc.radius or names[ranked[0][1]] in found:
            return []
        found.append(names[ranked[0][1]])
    return found


def _distance(place: Point, name: Run) -> float:
    x, y = place
    return float(np.hypot(max(name.x0 - x, x - name.x1, 0.0), max(name.y0 - y, y - name.y1, 0.0)))


def _beside(percent: Run, name: Run) -> float:
    """Nothing where a name stands right above or below its percentage, far otherwise."""
    stacked = abs(name.cx - percent.cx) < percent.width and abs(name.cy - percent.cy) < 1.6 * percent.height
    return 0.0 if stacked else np.inf


def _figure(each: _Slice, name: Run) -> Figure:
    fits = abs(each.share - float(each.number.value) / 100) <= _FITS + 0.1 * float(each.number.value) / 100
    confidence = min(each.run.confidence, each.run.weakest, name.confidence) * each.number.doubt
    return Figure(
        label=name.text,
        value=each.number.value,
        unit="%",
        role="data_point",
        text=each.run.text,
        confidence=round(confidence * (1.0 if fits else _DOUBT), 3),
        box=each.run.box,
    )
