"""Legends: names beside a swatch of the colour that a chart draws them in."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from adapters.vision.layout.words import Run
from adapters.vision.reading.models import Pixels

Colour = npt.NDArray[np.int16]

SAME_COLOUR = 28
# The part of the patch left of a name that a swatch covers at least, and of that the part in its one colour.
_LEAST_COVERED = 0.12
_ONE_COLOUR = 0.5


def commonest(pixels: Pixels) -> Colour:
    """The median of the pixels whose coarse colour is the commonest."""
    coarse = (pixels // 12).astype(np.int32)
    _, inverse, counts = np.unique(
        coarse[:, 0] * 1024 + coarse[:, 1] * 32 + coarse[:, 2], return_inverse=True, return_counts=True
    )
    return np.asarray(np.median(pixels[inverse == counts.argmax()], axis=0), dtype=np.int16)


def same(a: Colour, b: Colour) -> bool:
    return bool(np.abs(a - b).max() < SAME_COLOUR)


def swatches(names: Sequence[Run], image: Pixels) -> list[tuple[Run, Colour]]:
    """The names that stand on the page's own colour with another one right before them."""
    step = max(1, max(image.shape[:2]) // 300)
    background = commonest(image[::step, ::step].reshape(-1, 3))
    found: list[tuple[Run, Colour]] = []
    for name in names:
        rows = slice(max(0, int(name.cy - 0.2 * name.height)), int(name.cy + 0.2 * name.height) + 1)
        columns = slice(max(0, int(name.x0 - 2.2 * name.height)), max(1, int(name.x0 - 0.25 * name.height)))
        patch = image[rows, columns].reshape(-1, 3)
        drawn = patch[np.abs(patch.astype(np.int16) - background).max(axis=1) >= SAME_COLOUR] if len(patch) else patch
        box = image[rows, int(name.x0) : int(name.x1) + 1].reshape(-1, 3)
        if not len(box) or not same(commonest(box), background) or len(drawn) < max(4, _LEAST_COVERED * len(patch)):
            continue
        colour = commonest(drawn)
        if (np.abs(drawn.astype(np.int16) - colour).max(axis=1) < SAME_COLOUR).mean() >= _ONE_COLOUR:
            found.append((name, colour))
    return found
