"""Whether a picture is a photograph, by its colours."""

from __future__ import annotations

import cv2
import numpy as np

from adapters.vision.reading.models import Pixels


def photographic(image: Pixels) -> bool:
    """Whether colours vary everywhere, as in photographs: the commonest colours cover little of it."""
    small = cv2.resize(image, (200, 200), interpolation=cv2.INTER_NEAREST)
    coarse = (small // 16).astype(np.int32)
    codes = coarse[..., 0] * 256 + coarse[..., 1] * 16 + coarse[..., 2]
    _, counts = np.unique(codes, return_counts=True)
    return bool(np.sort(counts)[::-1][:2].sum() < 0.55 * codes.size)
