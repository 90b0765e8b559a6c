"""Warm boxes: started beforehand, without an untrusted byte in them, each used once.

A warm box has what programs mostly import loaded already, so that a run costs its own time only. Boxes for other
limits than the pool's are started when they are asked for.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence

import structlog

from sandbox.backend import Box, SandboxBackend
from sandbox.limits import Limits
from schemas.errors import SandboxUnavailable

log = structlog.get_logger(__name__)

_GRACE = 0.1  # s that a run which has just got its box has the processors to itself
_PAUSE = 5.0  # s before a machine that could not start a box is asked again


class Pool:
    """Keeps up to `size` boxes of one backend for one set of limits, started by a thread of its own.

    `start` begins to fill it, `close` drains it. Safe to use from several threads.
    """

    def __init__(self, backend: SandboxBackend, limits: Limits, size: int, preload: Sequence[str] = ()) -> None:
        self._backend = backend
        self._limits = limits
        self._size = size
        self._preload = tuple(preload)
        self._warm: deque[Box] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Fill it in the background. Does nothing where no box is to be kept, or when it was started before."""
        with self._changed:
            if self._size and self._thread is None and not self._closed:
                self._thread = threading.Thread(target=self._fill, name="sandbox pool", daemon=True)
                self._thread.start()

    def take(self, limits: Limits) -> Box:
        """A box for these limits, which is the caller's to destroy: a warm one where there is one, else a new one.

        Raises SandboxUnavailable when none can be started.
        """
        while limits == self._limits:
            with self._changed:
                if not self._warm:
                    break
                box = self._warm.popleft()
                self._changed.notify_all()
            if box.alive():
                return box
            box.destroy()  # the kernel ended it, for want of memory perhaps
        return self._backend.prepare(limits)

    def _fill(self) -> None:
        while True:
            with self._changed:
                full = len(self._warm) >= self._size
                while not self._closed and len(self._warm) >= self._size:
                    self._changed.wait()
                if full:
                    self._changed.wait_for(lambda: self._closed, _GRACE)
                if self._closed:
                    return
            try:
                box = self._backend.prepare(self._limits, preload=self._preload)
            except SandboxUnavailable as error:
                log.warning("no warm box can be started", reason=str(error))
                with self._changed:
                    self._changed.wait_for(lambda: self._closed, _PAUSE)
                continue
            with self._changed:
                if not self._closed:
                    self._warm.append(box)
                    self._changed.notify_all()
                    continue
            box.destroy()

    @property
    def warm(self) -> int:
        """Boxes that wait now."""
        with self._changed:
            return len(self._warm)

    def wait_until_full(self, timeout: float) -> bool:
        """Whether it was full within so many seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: len(self._warm) >= self._size, timeout)

    def close(self) -> None:
        """Destroy what waits, and start nothing more. Boxes that were taken stay their takers'."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join()
        while self._warm:
            self._warm.popleft().destroy()
