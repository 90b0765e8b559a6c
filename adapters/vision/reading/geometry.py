"""Quadrilaterals around lines of text: sides, crops, skew, and the way back to the picture as given."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from adapters.vision.reading.models import Pixels, Quad
from schemas.documents import Box

Level = tuple[float, float, float, float]


def sides(quad: Quad) -> tuple[float, float]:
    """Length along and across the text's first direction (top left to top right), in pixels."""
    along = max(float(np.linalg.norm(quad[0] - quad[1])), float(np.linalg.norm(quad[2] - quad[3])))
    across = max(float(np.linalg.norm(quad[0] - quad[3])), float(np.linalg.norm(quad[1] - quad[2])))
    return along, across


def upright_size(quad: Quad) -> tuple[float, float]:
    """Width and height of the upright rectangle around it."""
    return float(np.ptp(quad[:, 0])), float(np.ptp(quad[:, 1]))


def area(quad: Quad) -> float:
    along, across = sides(quad)
    return along * across


def grown(quad: Quad, share: float) -> Quad:
    """The quadrilateral widened on all sides by a share of its height."""
    centre = quad.mean(axis=0)
    along, across = sides(quad)
    more = share * min(along, across)
    factor = np.array([1 + 2 * more / max(upright_size(quad)[0], 1), 1 + 2 * more / max(upright_size(quad)[1], 1)])
    return np.asarray(centre + (quad - centre) * factor, dtype=np.float32)


def crop(image: Pixels, quad: Quad, *, turn: bool = True) -> Pixels:
    """The line cut out level; with `turn`, one much taller than wide is turned a quarter counter-clockwise."""
    along, across = sides(quad)
    width, height = max(2, int(along)), max(2, int(across))
    target = np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=np.float32)
    matrix = cv2.getPerspectiveTransform(quad.astype(np.float32), target)
    cut = cv2.warpPerspective(image, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE, flags=cv2.INTER_CUBIC)
    return np.ascontiguousarray(np.rot90(cut)) if turn and height >= 1.5 * width else np.asarray(cut, dtype=np.uint8)


def skew(quads: Sequence[Quad]) -> float:
    """Typical slope of the text in radians, weighted by length; 0.0 when there is too little to tell."""
    slopes: list[tuple[float, float]] = []
    for quad in quads:
        along, across = sides(quad)
        if along > 4 * across and along > 60:
            delta = quad[1] + quad[2] - quad[0] - quad[3]
            slopes.append((math.atan2(float(delta[1]), float(delta[0])), along))
    slopes = [(angle, weight) for angle, weight in slopes if abs(angle) < 0.35]
    if len(slopes) < 3:
        return 0.0
    slopes.sort()
    half, passed = sum(weight for _, weight in slopes) / 2, 0.0
    for angle, weight in slopes:
        passed += weight
        if passed >= half:
            return angle if abs(angle) > 0.003 else 0.0
    return 0.0


def without_doubles(quads: Sequence[Quad]) -> list[Quad]:
    """One quadrilateral where overlapping bands found the same line twice (the larger one)."""
    kept: list[tuple[float, float, float, float, Quad]] = []
    for quad in sorted(quads, key=lambda q: -area(q)):
        x0, y0 = quad.min(axis=0)
        x1, y1 = quad.max(axis=0)
        own = max((x1 - x0) * (y1 - y0), 1.0)
        for a0, b0, a1, b1, _ in kept:
            shared = max(0.0, min(x1, a1) - max(x0, a0)) * max(0.0, min(y1, b1) - max(y0, b0))
            if shared > 0.5 * own:
                break
        else:
            kept.append((float(x0), float(y0), float(x1), float(y1), quad))
    return [entry[4] for entry in kept]


@dataclass(frozen=True, slots=True)
class Upright:
    """How the page as read relates to the picture as given: quarter turns counter-clockwise, then a skew.

    `width` and `height` are the picture's as given.
    """

    width: int
    height: int
    turns: int
    angle: float

    def level(self, quad: Quad) -> Level:
        """x0, y0, x1, y1 of the line once the page is level: the skew taken out around the page's centre."""
        turned = (self.width, self.height) if self.turns % 2 == 0 else (self.height, self.width)
        centre = np.array(turned) / 2
        cos, sin = math.cos(-self.angle), math.sin(-self.angle)
        points = (quad - centre) @ np.array([[cos, sin], [-sin, cos]]) + centre
        left, right = points[[0, 3], 0].mean(), points[[1, 2], 0].mean()
        top, bottom = points[[0, 1], 1].mean(), points[[2, 3], 1].mean()
        return float(min(left, right)), float(min(top, bottom)), float(max(left, right)), float(max(top, bottom))

    def source(self, quad: Quad) -> Box:
        """The upright rectangle around the line in the picture as given."""
        x0, y0 = quad.min(axis=0)
        x1, y1 = quad.max(axis=0)
        corners = [self._back(float(x0), float(y0)), self._back(float(x1), float(y1))]
        left, right = sorted(x for x, _ in corners)
        top, bottom = sorted(y for _, y in corners)
        left, top = max(0, round(left)), max(0, round(top))
        right, bottom = min(self.width, round(right)), min(self.height, round(bottom))
        return Box(x=left, y=top, width=max(1, right - left), height=max(1, bottom - top))

    def _back(self, x: float, y: float) -> tuple[float, float]:
        match self.turns % 4:
            case 1:
                return self.width - y, x
            case 2:
                return self.width - x, self.height - y
            case 3:
                return y, self.height - x
            case _:
                return x, y
