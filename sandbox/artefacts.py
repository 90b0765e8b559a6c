"""Collects what a program left in its output directory, once every process of the box is dead.

The directory is reached through a descriptor held since before the program started, so no path the program made is
ever resolved: each component is opened beneath it without following links. What is taken is bytes; nothing is
unpickled or executed, and `result.json` is parsed with a limit on its size.
"""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice

from sandbox.limits import MIB, Limits
from sandbox.picture_size import JPEG, PNG, pixels

RESULT = "result.json"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,99}")
# What may be kept, and how its bytes must begin. Nothing a browser would run, so no SVG and no HTML.
_KINDS = {
    ".png": PNG,
    ".jpg": JPEG,
    ".jpeg": JPEG,
    ".csv": b"",
    ".json": b"",
    ".txt": b"",
    ".md": b"",
}
_ENTRIES = 1000  # directory entries looked at before the rest is left alone
_REJECTED = 50  # rejections reported


class Unacceptable(Exception):
    """A file breaks a rule; the message says which."""


@dataclass(slots=True)
class Collected:
    """`files` by relative path; `rejected` as "path: why"; `result` is the text of result.json, valid JSON."""

    files: dict[str, bytes] = field(default_factory=dict)
    rejected: list[str] = field(default_factory=list)
    result: str | None = None

    def reject(self, path: str, why: str) -> None:
        if len(self.rejected) < _REJECTED:
            self.rejected.append(f"{ascii(path)[1:-1][:200]}: {why}")


def collect(directory: int, limits: Limits) -> Collected:
    """Read the output directory behind the descriptor, in name order, within the limits."""
    collected = Collected()
    room = limits.artefacts
    for place, name, path in _walk(directory, limits.artefact_depth, collected):
        try:
            if path == RESULT:
                collected.result = _result(_read(place, name, limits.result))
                continue
            _check_name(path)
            if len(collected.files) >= limits.artefact_count:
                raise Unacceptable(f"more than {limits.artefact_count} files")
            data = _read(place, name, min(limits.artefact, room))
            _check_content(data, _KINDS[os.path.splitext(path)[1].lower()], limits)
        except Unacceptable as why:
            collected.reject(path, str(why))
        except OSError as error:
            collected.reject(path, error.strerror or "cannot be read")
        else:
            collected.files[path] = data
            room -= len(data)
    return collected


def _check_name(path: str) -> None:
    if not all(_NAME.fullmatch(part) for part in path.split("/")):
        raise Unacceptable("names may hold letters, digits, space, dot, dash and underscore")
    if os.path.splitext(path)[1].lower() not in _KINDS:
        raise Unacceptable(f"only {', '.join(sorted(_KINDS))} files are kept")


def _check_content(data: bytes, beginning: bytes, limits: Limits) -> None:
    size = pixels(data) if beginning else 0
    if size is None or not data.startswith(beginning):
        raise Unacceptable("its content is not what its name says")
    if size > limits.artefact_pixels:
        raise Unacceptable(f"a picture of {size} pixels: at most {limits.artefact_pixels} are kept")


def _walk(directory: int, depth: int, collected: Collected) -> Iterator[tuple[int, str, str]]:
    """(descriptor of its directory, name, path) of everything that is no directory."""
    pending = [("", os.dup(directory), depth)]
    seen = 0
    try:
        while pending:
            prefix, place, left = pending.pop()
            try:
                with os.scandir(place) as entries:
                    # Not listed whole: a program can make a million names.
                    names = sorted(entry.name for entry in islice(entries, _ENTRIES + 1))
                for name in names:
                    seen += 1
                    if seen > _ENTRIES:
                        collected.reject(prefix, f"more than {_ENTRIES} entries: the rest was left alone")
                        return
                    path = f"{prefix}{name}"
                    with suppress(OSError):
                        if stat.S_ISDIR(os.stat(name, dir_fd=place, follow_symlinks=False).st_mode):
                            if left <= 1:
                                collected.reject(path, f"directories deeper than {depth - 1} are left alone")
                                continue
                            flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
                            pending.append((f"{path}/", os.open(name, flags, dir_fd=place), left - 1))
                            continue
                    yield place, name, path
            finally:
                os.close(place)
    finally:
        for _, place, _ in pending:
            os.close(place)


def _read(place: int, name: str, limit: int) -> bytes:
    """The bytes of a regular file with one name. Not blocking: a FIFO must not hold us up."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    if not stat.S_ISREG(os.stat(name, dir_fd=place, follow_symlinks=False).st_mode):
        raise Unacceptable("not a regular file")
    descriptor = os.open(name, flags, dir_fd=place)
    with open(descriptor, "rb") as file:
        facts = os.fstat(descriptor)
        if not stat.S_ISREG(facts.st_mode):
            raise Unacceptable("not a regular file")
        if facts.st_nlink != 1:
            raise Unacceptable("has more than one name")
        if facts.st_size > limit:
            raise Unacceptable(f"larger than the {limit / MIB:.3g} MiB left for it")
        return file.read(limit)


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no JSON")  # though Python writes it


def _result(data: bytes) -> str:
    try:
        text = data.decode()
        json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise Unacceptable(f"not acceptable JSON ({type(error).__name__})") from error
    return text
