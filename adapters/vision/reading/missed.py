"""Single letters and digits the detector overlooks (a lone quantity `1`, an axis label `I`).

Ink of a letter's size that no found line covers, level with other text and standing in a column with other short
text, is handed to the recogniser on its own.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from adapters.vision.reading.geometry import sides
from adapters.vision.reading.models import Pixels, Quad, Reading

_MOST = 60
_CERTAIN = 0.85


def credible(reading: Reading) -> bool:
    text = reading.text.strip()
    return 0 < len(text) <= 3 and text.isascii() and text.isalnum() and reading.confidence >= _CERTAIN


def letters(image: Pixels, quads: Sequence[Quad], readings: Sequence[Reading]) -> list[Quad]:
    """Places of overlooked letters, at most a few dozen."""
    if len(quads) < 4 or image.shape[0] * image.shape[1] > 12_000_000:
        return []
    line = float(np.median([min(sides(quad)) for quad in quads]))
    if line < 6:
        return []
    ink = _ink(image, line)
    for quad in quads:
        x0, y0 = np.floor(quad.min(axis=0)).astype(int) - 1
        x1, y1 = np.ceil(quad.max(axis=0)).astype(int) + 1
        ink[max(0, y0) : y1, max(0, x0) : x1] = 0
    short = [
        quad.mean(axis=0)
        for quad, reading in zip(quads, readings, strict=True)
        if len(reading.text) <= 8 and (len(reading.text) <= 3 or reading.text[0].isdigit())
    ]
    spans = [(float(quad[:, 1].mean()), min(sides(quad))) for quad in quads]
    _, _, stats, _ = cv2.connectedComponentsWithStats(ink, connectivity=8)
    found: list[Quad] = []
    for x, y, width, height, area in stats[1:4000].tolist():
        if not 0.32 * line <= height <= 0.95 * line or width > 0.95 * line or width < 0.06 * line:
            continue
        if area > 0.92 * width * height and width > 0.3 * line:
            continue
        cx, cy = x + width / 2, y + height / 2
        level = any(abs(cy - other) < 0.3 * line for other, _ in spans)
        column = any(abs(cx - point[0]) < 0.6 * line and 0.8 * line < abs(cy - point[1]) < 6 * line for point in short)
        row = sum(
            1 for point in short if abs(cy - point[1]) < 0.3 * line and 0.8 * line < abs(cx - point[0]) < 6 * line
        )
        if level and (column or row >= 2):
            found.append(_box(x, y, width, height, line, image))
    return found[:_MOST]


def _ink(image: Pixels, line: float) -> Pixels:
    """1 where a pixel differs clearly from its surroundings."""
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    size = int(max(9, 2 * round(line) + 1))
    around = cv2.blur(grey, (size, size))
    return (cv2.absdiff(grey, around) > 55).astype(np.uint8)


def _box(x: int, y: int, width: int, height: int, line: float, image: Pixels) -> Quad:
    pad_x, pad_y = 0.28 * line, max(2.0, 0.2 * line)
    x0, y0 = max(0.0, x - pad_x), max(0.0, y - pad_y)
    x1, y1 = min(float(image.shape[1]), x + width + pad_x), min(float(image.shape[0]), y + height + pad_y)
    return np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], dtype=np.float32)
