"""The two networks of PP-OCR as shipped in RapidOCR's wheel: text detection and text recognition, on the CPU.

They are opened from the wheel by path, so nothing is ever downloaded. Scaling, thresholds and decoding are ours
because tables need what RapidOCR's own pipeline drops: the place and the certainty of every character.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import onnxruntime
from rapidocr.ch_ppocr_det.utils import DBPostProcess

Pixels = npt.NDArray[np.uint8]
Quad = npt.NDArray[np.float32]

_DETECTION = "PP-OCRv6_det_small.onnx"
_RECOGNITION = "PP-OCRv6_rec_small.onnx"
_LINE_HEIGHT = 48
_MIN_WIDTH, _MAX_WIDTH = 96, 2400
# Pixels of line crops recognised at once: bounds the memory of one call.
_BATCH_WIDTH = 2400
_STEPS = np.array([1.0], dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Reading:
    """One line crop as read: characters, where each stands (0..1 of the crop's width) and how certain each is."""

    text: str
    places: tuple[float, ...]
    certainties: tuple[float, ...]

    @property
    def confidence(self) -> float:
        return sum(self.certainties) / len(self.certainties) if self.certainties else 0.0


class TextNetworks:
    """Both networks, loaded once. `threads` bounds the CPU threads of each."""

    def __init__(self, threads: int) -> None:
        models = files("rapidocr") / "models"
        self._detection = _session(str(models / _DETECTION), threads)
        self._recognition = _session(str(models / _RECOGNITION), threads)
        self._boxes = DBPostProcess(
            thresh=0.3, box_thresh=0.5, max_candidates=1500, unclip_ratio=1.6, use_dilation=True
        )
        known = self._recognition.get_modelmeta().custom_metadata_map["character"].splitlines()
        self._characters = ["", *known, " "]

    def find(self, image: Pixels, longest: int) -> list[Quad]:
        """Quadrilaterals around lines of text, corners clockwise from top left, in pixels of `image` (BGR).

        The picture is scaled so that its longer side is about `longest` pixels before it is looked at.
        """
        height, width = image.shape[:2]
        scale = longest / max(height, width)
        size = (max(32, round(width * scale / 32) * 32), max(32, round(height * scale / 32) * 32))
        scaled = cv2.resize(image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
        batch = (scaled.astype(np.float32) / 127.5 - 1.0).transpose(2, 0, 1)[np.newaxis]
        prediction = self._detection.run(None, {self._detection.get_inputs()[0].name: batch})[0]
        boxes, _ = self._boxes(prediction, (height, width))
        return [np.asarray(box, dtype=np.float32) for box in boxes]

    def read(self, crops: Sequence[Pixels]) -> list[Reading]:
        """The text of each crop (one line each, BGR)."""
        readings = [Reading("", (), ())] * len(crops)
        for width, chosen in _batches(crops):
            batch = np.zeros((len(chosen), 3, _LINE_HEIGHT, width), dtype=np.float32)
            used = []
            for row, index in enumerate(chosen):
                own = min(width, _scaled_width(crops[index]))
                line = cv2.resize(crops[index], (own, _LINE_HEIGHT))
                batch[row, :, :, :own] = (line.astype(np.float32) / 127.5 - 1.0).transpose(2, 0, 1)
                used.append(own / width)
            output = self._recognition.run(None, {self._recognition.get_inputs()[0].name: batch})[0]
            for row, index in enumerate(chosen):
                readings[index] = self._decode(output[row], used[row])
        return readings

    def _decode(self, scores: npt.NDArray[np.float32], used: float) -> Reading:
        """Greedy CTC: one character per run of equal best classes, blanks dropped."""
        best = scores.argmax(axis=1)
        certain = scores.max(axis=1)
        text: list[str] = []
        places: list[float] = []
        certainties: list[float] = []
        start = 0
        for step in range(1, len(best) + 1):
            if step < len(best) and best[step] == best[start]:
                continue
            if best[start] != 0:
                text.append(self._characters[best[start]])
                places.append(min(1.0, (start + step) / 2 / len(best) / used))
                certainties.append(float(certain[start:step].max()))
            start = step
        return Reading("".join(text), tuple(places), tuple(certainties))


def _session(path: str, threads: int) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Threads that wait for each other by spinning took 8.5 s of processor time for a page that takes 5.9 s without, and
    # were no sooner done where others want the processor too.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # Without the arena, memory of one large page goes back to the system when it is done.
    options.enable_cpu_mem_arena = False
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def _scaled_width(crop: Pixels) -> int:
    height, width = crop.shape[:2]
    return int(min(_MAX_WIDTH, max(16, round(_LINE_HEIGHT * width / max(height, 1)))))


def _batches(crops: Sequence[Pixels]) -> Iterator[tuple[int, list[int]]]:
    """Crops of like width together: (width of the batch, indices)."""
    order = sorted(range(len(crops)), key=lambda index: _scaled_width(crops[index]))
    batch: list[int] = []
    for index in order:
        width = max(_MIN_WIDTH, -(-_scaled_width(crops[index]) // 32) * 32)
        if batch and width * (len(batch) + 1) > _BATCH_WIDTH:
            yield max(_MIN_WIDTH, -(-_scaled_width(crops[batch[-1]]) // 32) * 32), batch
            batch = []
        batch.append(index)
    if batch:
        yield max(_MIN_WIDTH, -(-_scaled_width(crops[batch[-1]]) // 32) * 32), batch
