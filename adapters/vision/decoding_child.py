"""The process that decodes uploads: `python -m adapters.vision.decoding_child`. One gigabyte of memory, no files."""

from __future__ import annotations

import signal

from adapters.vision import child
from adapters.vision.decoding import normalised
from adapters.vision.frames import Head
from schemas.errors import PictureRefused

MEMORY = 1024**3
CPU_SECONDS = 1.8


def _handle(_: Head, body: bytes) -> tuple[Head, bytes]:
    # Processor time, not the clock: on a busy machine a sound picture may wait. The signal ends the process.
    signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS)
    try:
        png, width, height = normalised(body)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    return {"width": width, "height": height}, png


def _failed(error: Exception) -> Head:
    if isinstance(error, PictureRefused):
        return {"refused": error.code, "reason": str(error)}
    return {"refused": "broken", "reason": "The picture is damaged and cannot be read."}


if __name__ == "__main__":
    child.confine(MEMORY)
    child.serve(_handle, _failed)
