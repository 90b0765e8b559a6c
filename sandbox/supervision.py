"""Waits for the end of a run, bringing it about when a limit is passed."""

from __future__ import annotations

import select
import selectors
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Protocol

from sandbox.limits import Limits
from sandbox.verdict import Kill

CPU_TICK = 0.2  # s between two looks at the CPU time that was used
DEATH = 10.0  # s a killed process may take to be gone (it may be deep in a system call)


class Stream(Protocol):
    """Output of the box behind a descriptor."""

    @property
    def descriptor(self) -> int: ...

    @property
    def open(self) -> bool:
        """False once its end was read."""

    @property
    def total(self) -> int:
        """Bytes that came so far."""

    def pump(self) -> None:
        """Take what is there now, at most one chunk; never wait."""


def supervise(
    streams: Sequence[Stream],
    limits: Limits,
    *,
    monitor: int | None,
    deadline: float,
    cancelled: int | None,
    kill: Callable[[], None],
    watch: Callable[[], Kill | None] | None = None,
    tick: float = 0.05,
    hear: Mapping[int, Callable[[], bool]] = MappingProxyType({}),
) -> Kill | None:
    """Why the box was killed, None when it ended by itself.

    The box has ended when `monitor` is readable, or without one when every stream is at its end. `watch` is asked
    every `tick` seconds whether something else speaks against going on. `deadline` is on the monotonic clock. `hear`
    answers further descriptors that become readable; one whose answer is False is not watched any more.
    """
    killed_for: Kill | None = None
    with selectors.DefaultSelector() as selector:
        for stream in streams:
            selector.register(stream.descriptor, selectors.EVENT_READ)
        for other in (monitor, cancelled, *hear):
            if other is not None:
                selector.register(other, selectors.EVENT_READ)
        while monitor is not None or any(stream.open for stream in streams):
            left = max(deadline - time.monotonic(), 0.0)
            files = {key.fd for key, _ in selector.select(min(left, tick) if watch else left)}
            _pump(streams, files, selector)
            for descriptor in files & hear.keys():
                if not hear[descriptor]():
                    selector.unregister(descriptor)
            if monitor in files:
                break
            if any(stream.total >= limits.output_kill for stream in streams):
                killed_for = "output_limit"
            elif cancelled in files:
                killed_for = "cancelled"
            elif time.monotonic() >= deadline:
                killed_for = "timeout"
            elif watch:
                killed_for = watch()
            if killed_for is not None:
                kill()
                break
    _wait_for_death(streams, limits, monitor)
    return killed_for


def _pump(streams: Sequence[Stream], files: set[int], selector: selectors.BaseSelector) -> None:
    for stream in streams:
        if stream.descriptor in files:
            stream.pump()
            if not stream.open:
                selector.unregister(stream.descriptor)


def _wait_for_death(streams: Sequence[Stream], limits: Limits, monitor: int | None) -> None:
    """Wait until the box has ended for good, with what it still had to say."""
    deadline = time.monotonic() + DEATH
    # Without a monitor the end of the streams is the only sign of death: all that comes before it is read.
    most = limits.output_kill if monitor is not None else None
    while time.monotonic() < deadline and (monitor is not None or any(stream.open for stream in streams)):
        open_ = [stream.descriptor for stream in streams if stream.open]
        ready = readable([monitor] if monitor is not None else open_, 0.01)
        for stream in streams:
            _drain(stream, most)
        if monitor in ready:
            break


def readable(descriptors: Iterable[int], seconds: float) -> set[int]:
    """Those with something to read, or at their end; `poll`, as `select` ends at descriptor 1023."""
    poll = select.poll()
    for descriptor in descriptors:
        poll.register(descriptor, select.POLLIN)
    return {descriptor for descriptor, _ in poll.poll(max(seconds, 0) * 1000)}


def _drain(stream: Stream, most: int | None) -> None:
    """Take what is waiting, but not for ever from a writer that is still alive."""
    while stream.open and (most is None or stream.total < most):
        before = stream.total
        stream.pump()
        if stream.total == before:
            return
