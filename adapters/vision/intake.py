"""The port `PictureReader`: checks an upload and normalises it in the decoding process."""

from __future__ import annotations

import signal

from adapters.ports import PictureReader
from adapters.vision.decoding import check_bytes
from adapters.vision.worker import PictureWorker, WorkerDied, WorkerLate
from schemas.errors import PictureRefused

# The decoding process ends itself after two seconds of processor time; this is for a machine that is overrun.
_SECONDS = 10.0


class PillowPictureReader(PictureReader):
    """Pillow behind a wall: decoding happens in a child process with a memory limit that is killed when late.

    Pictures are decoded one at a time; the child starts with the first. Call `close` at the end.
    """

    def __init__(self, worker: PictureWorker | None = None) -> None:
        self._worker = worker or PictureWorker("adapters.vision.decoding_child")

    @property
    def pid(self) -> int | None:
        return self._worker.pid

    async def normalise(self, data: bytes) -> tuple[bytes, int, int]:
        check_bytes(data)
        try:
            head, png = await self._worker.call({"op": "normalise"}, data, timeout=_SECONDS)
        except WorkerLate as error:
            raise PictureRefused("too_slow", "The picture takes too long to decode.") from error
        except WorkerDied as error:
            if error.status == -signal.SIGPROF:
                raise PictureRefused("too_slow", "The picture takes too long to decode.") from error
            raise PictureRefused("broken", "The picture makes the decoder fail and cannot be read.") from error
        if "refused" in head:
            raise PictureRefused(str(head["refused"]), str(head["reason"]))
        return png, int(head["width"]), int(head["height"])

    async def close(self) -> None:
        await self._worker.close()
