"""Stripe events in files: JSON or JSON Lines, plain or gzipped; single events, arrays, Stripe's list envelopes.

A file of lines is read line by line, so its size does not matter; another is read whole.
"""

from __future__ import annotations

import gzip
import io
import re
import zlib
from codecs import BOM_UTF8
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

from pydantic_core import from_json, to_json

from adapters.stripe.reading import StripeEvent, read_event
from schemas.errors import SetupError, WebhookRefused

ENDINGS = (".json", ".jsonl", ".ndjson", ".json.gz", ".jsonl.gz", ".ndjson.gz")
_BY_LINES = (".jsonl", ".ndjson", ".jsonl.gz", ".ndjson.gz")
# A file that is not one of lines is parsed whole, which takes several times its size in memory.
LARGEST_DOCUMENT = 256 * 1024**2
_OBJECT_KIND = re.compile(r"[a-z0-9_.]{1,60}")


@dataclass(frozen=True, slots=True)
class Broken:
    """What is no event. `line` counts from 1; None where the file as a whole cannot be read."""

    file: str
    line: int | None
    reason: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.reason}" if self.line else f"{self.file}: {self.reason}"


def event_files(paths: Sequence[Path]) -> list[Path]:
    """The files themselves, and those below folders whose names end like events. Raises SetupError for none."""
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            below = sorted(found for found in path.rglob("*") if found.name.endswith(ENDINGS) and found.is_file())
            if not below:
                raise SetupError(f"there is no file of events ({', '.join(ENDINGS)}) in {path}")
            files += below
        elif path.exists():
            files.append(path)
        else:
            raise SetupError(f"{path} does not exist")
    return files


def read_events(
    files: Iterable[Path], on_bytes: Callable[[int], None] = lambda count: None
) -> Iterator[StripeEvent | Broken]:
    """Every event of the files, and in their place whatever is none. `on_bytes` is told of bytes read from disk."""
    for path in files:
        try:
            with path.open("rb") as raw:
                counting = _Counting(raw, on_bytes)
                packed = path.name.endswith(".gz")
                plain = io.BufferedReader(counting)
                file = cast(BinaryIO, gzip.GzipFile(fileobj=counting) if packed else plain)
                yield from _of_file(path, file)
        except (OSError, EOFError, zlib.error) as error:
            yield Broken(str(path), None, f"cannot be read: {error}")


class _Counting(io.RawIOBase):
    def __init__(self, raw: BinaryIO, on_bytes: Callable[[int], None]) -> None:
        self._raw = raw
        self._on_bytes = on_bytes

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._raw.read(len(buffer))
        buffer[: len(data)] = data
        self._on_bytes(len(data))
        return len(data)


def _of_file(path: Path, file: BinaryIO) -> Iterator[StripeEvent | Broken]:
    name = str(path)
    first = file.readline(LARGEST_DOCUMENT).removeprefix(BOM_UTF8)
    if path.name.endswith(_BY_LINES) or _is_whole(first):
        number = 1
        line = first
        while line:
            if not line.isspace():
                yield from _of_value(name, number, line.rstrip(b"\r\n"))
            line = file.readline(LARGEST_DOCUMENT)
            number += 1
        return
    document = first + file.read(LARGEST_DOCUMENT + 1)
    if len(document) > LARGEST_DOCUMENT:
        yield Broken(name, None, f"more than {LARGEST_DOCUMENT // 1024**2} MB in one JSON document: use JSON Lines")
    elif document.strip():
        yield from _of_value(name, 1, document)


def _is_whole(line: bytes) -> bool:
    """Whether a first line is a JSON value for itself, or was meant to be: a pretty-printed one begins with a brace."""
    if len(line.strip()) <= 2:
        return False
    try:
        from_json(line)
    except ValueError:
        return line.lstrip().startswith(b"{")
    return True


def _of_value(name: str, line: int, value: bytes) -> Iterator[StripeEvent | Broken]:
    """The events in one JSON value: an event (byte for byte), an array of them, or a list envelope."""
    try:
        yield read_event(value)
        return
    except WebhookRefused as refused:
        parsed = _parsed(value) if refused.code in ("not_an_event", "too_large") else None
        members = _members(parsed)
        if members is None:
            yield Broken(name, line, _no_event(parsed, refused))
            return
    for number, member in enumerate(members, 1):
        try:
            yield read_event(to_json(member))
        except WebhookRefused as refused:
            yield Broken(name, line, f"element {number}: {_no_event(member, refused)}")


def _parsed(value: bytes) -> Any:
    try:
        return from_json(value, allow_inf_nan=False)
    except ValueError:
        return None


def _members(parsed: Any) -> list[Any] | None:
    if isinstance(parsed, dict) and parsed.get("object") == "list":
        parsed = parsed.get("data")
    return parsed if isinstance(parsed, list) else None


def _no_event(found: Any, refused: WebhookRefused) -> str:
    """Why something is no event; of a bare Stripe object, what to do: alone it does not say when it became so."""
    kind = found.get("object") if isinstance(found, dict) else None
    if not isinstance(kind, str) or kind in ("event", "list", "v2.core.event") or not _OBJECT_KIND.fullmatch(kind):
        return str(refused)
    return (
        f"this is an object ({kind}), not an event: import the events about it (Stripe's /v1/events), "
        "or all objects of an account with `vaultra stripe import --account`"
    )
