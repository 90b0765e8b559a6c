"""Messages over pipes between the program and its picture processes: a JSON head and bytes, both with their length."""

from __future__ import annotations

import asyncio
import json
import struct
from typing import Any, BinaryIO

_LENGTHS = struct.Struct(">IQ")
MOST_HEAD = 64 * 1024
MOST_BODY = 256 * 1024 * 1024

Head = dict[str, Any]


class BrokenFrame(Exception):
    """What came over the pipe is not a message."""


def packed(head: Head, body: bytes | memoryview = b"") -> list[bytes | memoryview]:
    """The pieces to write, in order."""
    encoded = json.dumps(head).encode()
    return [_LENGTHS.pack(len(encoded), len(body)), encoded, body]


def _lengths(raw: bytes) -> tuple[int, int]:
    head, body = _LENGTHS.unpack(raw)
    if head > MOST_HEAD or body > MOST_BODY:
        raise BrokenFrame(f"a message of {head} + {body} bytes is too long")
    return head, body


def _parsed(raw: bytes) -> Head:
    try:
        head = json.loads(raw)
    except ValueError as error:
        raise BrokenFrame("the head is not JSON") from error
    if not isinstance(head, dict):
        raise BrokenFrame("the head is no object")
    return head


async def receive(stream: asyncio.StreamReader) -> tuple[Head, bytes]:
    """The next message. Raises IncompleteReadError at the end of the stream, BrokenFrame for anything else."""
    head, body = _lengths(await stream.readexactly(_LENGTHS.size))
    return _parsed(await stream.readexactly(head)), await stream.readexactly(body)


def read_frame(stream: BinaryIO) -> tuple[Head, bytes] | None:
    """The next message, None at the end of the stream. Blocking; for the child's side."""
    raw = stream.read(_LENGTHS.size)
    if len(raw) < _LENGTHS.size:
        return None
    head, body = _lengths(raw)
    return _parsed(stream.read(head)), stream.read(body)


def write_frame(stream: BinaryIO, head: Head, body: bytes = b"") -> None:
    """Write and flush one message. Blocking; for the child's side."""
    for piece in packed(head, body):
        stream.write(piece)
    stream.flush()
