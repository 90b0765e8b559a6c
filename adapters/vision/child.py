"""What the picture processes have in common: limits first, then requests until the input ends."""

from __future__ import annotations

import contextlib
import ctypes
import resource
import signal
import sys
from collections.abc import Callable

from adapters.vision.frames import Head, read_frame, write_frame

_PR_SET_PDEATHSIG = 1
Handler = Callable[[Head, bytes], tuple[Head, bytes]]


def confine(memory: int) -> None:
    """Limit this process: `memory` bytes of address space, no core dumps, no files; die with the parent."""
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # Nothing here writes files.
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        # Should the parent be gone before this call, the end of the input tells (see `serve`).
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def serve(handler: Handler, failed: Callable[[Exception], Head]) -> None:
    """Answer requests one by one until the input ends. `failed` turns an exception into the answer's head."""
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    # Whatever a library prints must not get between the frames.
    sys.stdout = sys.stderr
    write_frame(sink, {"ready": True})
    trim = _trimmer()
    while (frame := read_frame(source)) is not None:
        try:
            head, body = handler(*frame)
        except Exception as error:  # the entry point of untrusted work: every failure is an answer
            head, body = failed(error), b""
        with contextlib.suppress(BrokenPipeError):
            write_frame(sink, head, body)
        del frame, body
        trim()


def _trimmer() -> Callable[[], object]:
    """Gives freed memory back to the system where the C library can."""
    with contextlib.suppress(OSError, AttributeError):
        function = ctypes.CDLL(None).malloc_trim
        return lambda: function(0)
    return lambda: None
