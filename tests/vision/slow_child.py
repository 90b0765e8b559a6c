"""A child for the worker's tests: echoes, hangs, dies and eats memory on request."""

from __future__ import annotations

import os
import signal
import sys

from adapters.vision import child
from adapters.vision.frames import Head

# A picture that takes all the processor time there is; any other makes the decoder crash.
PATIENT = b"\xff\xd8\xff patience"


def handle(head: Head, body: bytes) -> tuple[Head, bytes]:
    match head["op"]:
        case "echo":
            return head, body
        case "hang":
            signal.pause()
        case "normalise":
            signal.setitimer(signal.ITIMER_PROF, 0.2)
            while body == PATIENT:
                pass
            os.abort()
        case "exit":
            sys.exit(3)
        case "abort":
            os.abort()
        case "garbage":
            os.write(1, b"\xff" * 100)
            signal.pause()
        case "devour":
            return {}, bytes(900_000_000)
        case "environment":
            return {"names": sorted(os.environ)}, b""
    return {}, b""


if __name__ == "__main__":
    child.confine(512 * 1024**2)
    child.serve(handle, lambda error: {"failed": type(error).__name__})
