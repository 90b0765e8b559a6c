"""The port `VisionModel` on PP-OCR (RapidOCR's models) and layout analysis: no GPU, no network, no language model."""

from __future__ import annotations

from pydantic import ValidationError

from adapters.ports import VisionModel
from adapters.vision.worker import PictureWorker, WorkerDied, WorkerLate
from schemas.documents import DocumentDescription
from schemas.errors import ModelFault, RetryLater

# Raised whenever a picture may be described differently than before: part of the memo's key.
VERSION = 12
_SECONDS = 45.0


class RapidOcrVision(VisionModel):
    """Reads pictures in a child process of its own, one at a time. Call `close` at the end.

    `threads` bounds the CPU threads of the networks; `seconds` the time for one picture.
    """

    def __init__(self, threads: int = 2, *, seconds: float = _SECONDS) -> None:
        self._worker = PictureWorker("adapters.vision.reading_child", (str(threads),))
        self._seconds = seconds

    @property
    def name(self) -> str:
        return f"rapidocr-ppocr6/{VERSION}"

    @property
    def pid(self) -> int | None:
        return self._worker.pid

    async def start(self) -> None:
        """Load the networks ahead of the first picture (about a second)."""
        await self._worker.start()

    async def describe(self, png: bytes) -> DocumentDescription:
        """Text, tables, figures and kind. Raises RetryLater (the process died), ModelFault (it cannot be read)."""
        try:
            head, body = await self._worker.call({"op": "describe"}, png, timeout=self._seconds)
        except WorkerLate as error:
            raise ModelFault(f"reading the picture took longer than {self._seconds:g} s") from error
        except WorkerDied as error:
            raise RetryLater(str(error)) from error
        if "failed" in head:
            raise ModelFault(f"the picture could not be read: {head['failed']}")
        try:
            return DocumentDescription.model_validate_json(body)
        except ValidationError as error:
            raise ModelFault("the reader answered with no document") from error

    async def close(self) -> None:
        await self._worker.close()
