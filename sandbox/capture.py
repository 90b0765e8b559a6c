"""Reads an output stream of the box: keeps its beginning, counts the rest."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

_CHUNK = 1 << 16


@dataclass(slots=True)
class Capture:
    """One stream. `total` counts every byte; at most `keep` are kept. Without a descriptor (-1) it is given them."""

    descriptor: int
    keep: int
    total: int = 0
    kept: bytearray = field(default_factory=bytearray)
    open: bool = True

    def __post_init__(self) -> None:
        if self.descriptor >= 0:
            os.set_blocking(self.descriptor, False)

    def pump(self) -> None:
        """Take what is there now, at most one chunk."""
        try:
            data = os.read(self.descriptor, _CHUNK)
        except BlockingIOError:
            return
        if not data:
            self.open = False
            return
        self.take(data)

    def take(self, data: bytes) -> None:
        self.total += len(data)
        self.kept += data[: self.keep - len(self.kept)]

    @property
    def truncated(self) -> bool:
        return self.total > len(self.kept)

    @property
    def text(self) -> str:
        """What was kept, for people and databases: invalid UTF-8 replaced, NUL shown as the symbol for it."""
        return self.kept.decode(errors="replace").replace("\0", "\u2400")
