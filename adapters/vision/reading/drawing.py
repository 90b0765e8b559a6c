"""What a picture shows besides text: whether it is a photograph, and the bars of a chart."""

from __future__ import annotations

import cv2
import numpy as np

from adapters.vision.layout.words import Page
from adapters.vision.reading.models import Pixels
from schemas.documents import Figure


def photographic(image: Pixels) -> bool:
    """Whether colours vary smoothly everywhere, as in photographs: few pixels share the commonest colours."""
    small = cv2.resize(image, (200, 200), interpolation=cv2.INTER_NEAREST)
    coarse = (small // 16).astype(np.int32)
    codes = coarse[..., 0] * 256 + coarse[..., 1] * 16 + coarse[..., 2]
    _, counts = np.unique(codes, return_counts=True)
    return bool(np.sort(counts)[::-1][:2].sum() < 0.55 * codes.size)


def data_points(page: Page, image: Pixels) -> list[Figure]:
    return []
