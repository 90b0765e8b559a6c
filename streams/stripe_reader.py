"""Files of Stripe events read and mapped in a process of their own, so that two processors share an import's work.

The pipe between the two is the queue, and bounded: the reader waits while the log is slower. It ends with its pipe, so
also when whoever started it is killed.
"""

from __future__ import annotations

import asyncio
import fcntl
import gc
import pickle
import signal
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from adapters.stripe.event_files import Broken, read_events
from adapters.stripe.reading import StripeEvent
from processors.ledger.stage import ledger
from schemas.errors import Unavailable
from schemas.wire import Message
from streams.outputs import StageOutputs
from streams.stripe_mapping import Mapped, StripeMapping

# Less is read here: a process takes about a second to start.
_WORTH_A_PROCESS = 4 * 1024**2
_FRAME_EVENTS = 100
_FRAME_BYTES = 1024**2
_PIPE_BYTES = 1024**2
_LENGTH = 4


class Read(NamedTuple):
    """Some of what files hold, in their order. `size` is how many bytes of the files were read for it."""

    events: Sequence[Mapped]
    broken: Sequence[Broken]
    size: int


@asynccontextmanager
async def reading(files: Sequence[Path], *, tenant: str) -> AsyncIterator[AsyncIterator[Read]]:
    """Everything in the files, mapped for an import. Raises Unavailable when the process that reads them dies."""
    if sum(file.stat().st_size for file in files) < _WORTH_A_PROCESS:
        yield _here(files, tenant)
        return
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", __name__, tenant, *map(str, files)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        limit=_PIPE_BYTES,
    )
    try:
        assert process.stdout is not None
        yield _frames(process.stdout)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _here(files: Sequence[Path], tenant: str) -> AsyncIterator[Read]:
    for read in _mapped(files, tenant):
        yield read


async def _frames(pipe: asyncio.StreamReader) -> AsyncIterator[Read]:
    try:
        while length := int.from_bytes(await pipe.readexactly(_LENGTH), "big"):
            # What our own process wrote into our own pipe.
            yield _unpacked(pickle.loads(await pipe.readexactly(length)))  # noqa: S301
    except asyncio.IncompleteReadError as error:
        raise Unavailable("the process that reads the files died: import again, nothing is done twice") from error


def _mapped(files: Sequence[Path], tenant: str) -> Iterator[Read]:
    """What the files hold, in portions of bounded size."""
    mapping = StripeMapping(StageOutputs(ledger), tenant=tenant, endpoint="file", clock=lambda: datetime.now(UTC))
    size = room = 0

    def count(read: int) -> None:
        nonlocal size
        size += read

    events: list[StripeEvent] = []
    broken: list[Broken] = []
    for found in read_events(files, count):
        if isinstance(found, Broken):
            broken.append(found)
        else:
            events.append(found)
            room += len(found.body)
        if len(events) + len(broken) >= _FRAME_EVENTS or room >= _FRAME_BYTES:
            yield Read(mapping.map(events), broken, size)
            events, broken, size, room = [], [], 0, 0
    yield Read(mapping.map(events), broken, size)


# Plain tuples: a class of its own takes several times as long to pickle.
_Plain = tuple[Any, ...]
_Event = tuple[_Plain, "tuple[_Plain, ...] | None", tuple[str, ...], str, "_Plain | None"]
_Packed = tuple[list[_Event], list[Broken], int]


def _packed(read: Read) -> bytes:
    events = [
        (tuple(received), None if facts is None else tuple(map(tuple, facts)), unhandled, dead, asked and tuple(asked))
        for received, facts, unhandled, dead, asked in read.events
    ]
    return pickle.dumps((events, read.broken, read.size), protocol=5)


def _unpacked(packed: _Packed) -> Read:
    events, broken, size = packed
    mapped = [
        Mapped(
            Message._make(received),
            None if facts is None else tuple(map(Message._make, facts)),
            unhandled,
            dead,
            None if asked is None else Message._make(asked),
        )
        for received, facts, unhandled, dead, asked in events
    ]
    return Read(mapped, broken, size)


def _write(files: Sequence[Path], tenant: str, pipe: BinaryIO) -> None:
    with suppress(OSError):  # of Linux's usual 64 KiB it would wait whenever the import's event loop is busy
        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
    for read in _mapped(files, tenant):
        frame = _packed(read)
        pipe.write(len(frame).to_bytes(_LENGTH, "big") + frame)
        pipe.flush()
    pipe.write(bytes(_LENGTH))
    pipe.flush()


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C is for the import, whose end closes the pipe
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    gc.freeze()
    gc.set_threshold(100_000, 50, 50)  # parsed events hold no cycles
    _write([Path(name) for name in sys.argv[2:]], sys.argv[1], sys.stdout.buffer)
