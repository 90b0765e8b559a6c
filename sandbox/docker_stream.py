"""A container's standard streams over one connection to the engine: frames of 8 bytes of head and a payload."""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass, field

from sandbox.capture import Capture

_CHUNK = 1 << 16
_HEAD = struct.Struct(">BxxxI")
_STDERR = 2


@dataclass(slots=True)
class DockerStream:
    """Takes frames apart into standard output and standard error. `total` is the larger of the two."""

    connection: socket.socket
    stdout: Capture
    stderr: Capture
    open: bool = True
    _rest: bytearray = field(default_factory=bytearray)
    _left: int = 0  # bytes of the present frame that are still to come
    _kind: int = 0

    @property
    def descriptor(self) -> int:
        return self.connection.fileno()

    @property
    def total(self) -> int:
        return max(self.stdout.total, self.stderr.total)

    def pump(self) -> None:
        """Take what is there now, at most one chunk."""
        try:
            data = self.connection.recv(_CHUNK, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.open = False
            return
        self._rest += data
        while self._rest:
            if not self._left:
                if len(self._rest) < _HEAD.size:
                    return
                self._kind, self._left = _HEAD.unpack_from(self._rest)
                del self._rest[: _HEAD.size]
            payload = bytes(self._rest[: self._left])
            del self._rest[: len(payload)]
            self._left -= len(payload)
            (self.stderr if self._kind == _STDERR else self.stdout).take(payload)
