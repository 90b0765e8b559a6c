"""Reads a whole page: finds lines of text, turns the page upright, reads them, cuts them into words and runs."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

import cv2
import numpy as np

from adapters.vision.layout.words import Page, Run
from adapters.vision.reading import geometry, missed
from adapters.vision.reading.models import Pixels, Quad, Reading, TextNetworks
from adapters.vision.reading.splitting import runs_of

# Pixels looked at in one pass of the detector: bounds its time (about 0.4 s) and its memory (about 400 MB).
_PASS_PIXELS = 1_300_000
_MAX_ENLARGEMENT = 3.0
# Below this height in the detector's picture small letters are missed: look again, closer.
_LEAST_TEXT_HEIGHT = 15.0
_MAX_LINES = 1200
_DOUBTFUL = 0.86
_UNREADABLE = 0.5
_SAMPLE = 6


class PageReader:
    """Reads upright or turned pages. Not thread-safe; lives in the reading process."""

    def __init__(self, threads: int) -> None:
        self._networks = TextNetworks(threads)

    def read(self, image: Pixels) -> tuple[Page, Pixels]:
        """The page's text, and the picture turned upright (BGR) that layout coordinates refer to."""
        height, width = image.shape[:2]
        image = _with_contrast(image)
        quads = self._find(image)
        turns = self._turns(image, quads)
        if turns:
            image = np.ascontiguousarray(np.rot90(image, turns))
            quads = self._find(image)
        quads = _plausible(quads, image)
        readings = self._read(image, quads)
        kept = [(quad, reading) for quad, reading in zip(quads, readings, strict=True) if _credible(reading)]
        for quad in missed.letters(image, [quad for quad, _ in kept], [reading for _, reading in kept]):
            (reading,) = self._networks.read([geometry.crop(image, quad, turn=False)])
            if missed.credible(reading):
                kept.append((quad, reading))
        upright = geometry.Upright(width, height, turns, geometry.skew([quad for quad, _ in kept]))
        runs: list[Run] = []
        for quad, reading in kept:
            runs.extend(runs_of(reading, upright.level(quad), upright.source(quad)))
        runs.sort(key=lambda run: (run.cy, run.x0))
        return Page(width=width, height=height, runs=tuple(runs)), image

    def _find(self, image: Pixels) -> list[Quad]:
        """Lines of text; a second, closer look in bands where the letters turn out to be small."""
        height, width = image.shape[:2]
        scale = min(_MAX_ENLARGEMENT, (_PASS_PIXELS / (height * width)) ** 0.5)
        quads = self._networks.find(image, round(max(height, width) * scale))
        if not quads:
            return []
        typical = float(np.median([geometry.sides(quad)[1] for quad in quads])) * scale
        if typical >= _LEAST_TEXT_HEIGHT or scale >= _MAX_ENLARGEMENT:
            return quads
        closer = min(_MAX_ENLARGEMENT, scale * _LEAST_TEXT_HEIGHT * 1.3 / max(typical, 4.0), 2.0 * scale)
        band = max(200, int(_PASS_PIXELS / (width * closer * closer)))
        if band >= height:
            return self._networks.find(image, round(max(height, width) * closer))
        overlap = band // 6
        found: list[Quad] = []
        for top in range(0, height - overlap, band - overlap):
            piece = image[top : top + band]
            for quad in self._networks.find(piece, round(max(piece.shape[:2]) * closer)):
                cut_above = top > 0 and quad[:, 1].min() <= 2
                cut_below = top + band < height and quad[:, 1].max() >= len(piece) - 2
                if not cut_above and not cut_below:
                    found.append(quad + np.array([0, top], dtype=np.float32))
        return geometry.without_doubles(found)

    def _turns(self, image: Pixels, quads: Sequence[Quad]) -> int:
        """Quarter turns (counter-clockwise) that make the text upright, decided by reading the longest lines."""
        if not quads:
            return 0
        tall = sum(max(geometry.upright_size(q)) for q in quads if _is_tall(q))
        flat = sum(max(geometry.upright_size(q)) for q in quads if not _is_tall(q))
        sideways = tall > flat
        sample = sorted((q for q in quads if _is_tall(q) == sideways), key=lambda q: -max(geometry.upright_size(q)))
        crops = [geometry.crop(image, quad) for quad in sample[:_SAMPLE]]
        straight = _mean_confidence(self._networks.read(crops))
        if not sideways and straight >= _DOUBTFUL:
            return 0
        turned = _mean_confidence(self._networks.read([np.ascontiguousarray(crop[::-1, ::-1]) for crop in crops]))
        if sideways:
            # `crop` turns tall lines counter-clockwise already.
            return 1 if straight >= turned else 3
        return 2 if turned > straight + 0.05 else 0

    def _read(self, image: Pixels, quads: Sequence[Quad]) -> list[Reading]:
        """Readings of all lines; doubtful ones are tried again with more of their surroundings."""
        if not quads:
            return []
        # A lone `1` or `I` is taller than wide too; only what is taller than a line stands on its side.
        line = float(np.median([min(geometry.sides(quad)) for quad in quads]))
        turned = [geometry.sides(quad)[1] > 2.2 * line for quad in quads]
        readings = self._networks.read([geometry.crop(image, q, turn=t) for q, t in zip(quads, turned, strict=True)])
        doubtful = [i for i, reading in enumerate(readings) if 0.2 < reading.confidence < _DOUBTFUL][:80]
        again = self._networks.read(
            [geometry.crop(image, geometry.grown(quads[i], 0.12), turn=turned[i]) for i in doubtful]
        )
        for index, second in zip(doubtful, again, strict=True):
            if second.confidence > readings[index].confidence and len(second.text) >= len(readings[index].text):
                readings[index] = second
        return readings


def _with_contrast(image: Pixels) -> Pixels:
    """The picture with its grey values stretched when it uses only a part of them."""
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    low, high = np.percentile(grey[::4, ::4], (0.5, 99.5))
    if not 4 < high - low < 110:
        return image
    return np.asarray(np.clip((image.astype(np.float32) - low) * (255.0 / (high - low)), 0, 255), dtype=np.uint8)


def _plausible(quads: Sequence[Quad], image: Pixels) -> list[Quad]:
    height, width = image.shape[:2]
    kept = [q for q in quads if min(geometry.sides(q)) >= 4 and geometry.area(q) < 0.5 * height * width]
    return sorted(kept, key=lambda q: float(q[:, 1].mean()))[:_MAX_LINES]


def _credible(reading: Reading) -> bool:
    text = reading.text.strip()
    if not text or reading.confidence < _UNREADABLE:
        return False
    # Icons and textures come out as single odd characters.
    letter = text.isalnum() and unicodedata.name(text[0], "").startswith(("LATIN", "DIGIT"))
    return len(text) > 1 or (letter and reading.confidence >= 0.85)


def _is_tall(quad: Quad) -> bool:
    width, height = geometry.upright_size(quad)
    return height > 1.5 * width


def _mean_confidence(readings: Sequence[Reading]) -> float:
    letters = sum(len(reading.text) for reading in readings)
    return sum(reading.confidence * len(reading.text) for reading in readings) / letters if letters else 0.0
