"""Starts boxes through a small process of our own, so that starting one costs the same however large we are.

Boxes die with the process that started them, which is that one: not with the thread of ours that asked.
"""

from __future__ import annotations

import os
import resource
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sandbox.identity import Identity
from schemas.errors import SandboxUnavailable

_PROCESS = Path(__file__).with_name("spawner_process.py")
_ANSWER = 10.0  # s to fork in


@dataclass(frozen=True, slots=True)
class Spawned:
    """A started process: a pidfd, and a descriptor that becomes readable when it has ended and been collected.

    `report` then gives wait status and CPU seconds, or nothing when the starting process itself is gone.
    """

    pid: int
    process: int
    report: int


class Spawner:
    """The process is started by the first request, and again when it is gone. Safe to use from several threads."""

    def __init__(self, python: Path = Path(sys.executable), program: Path = _PROCESS) -> None:
        self._command = (python, "-I", "-S", "-B", program)
        self._turn = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: socket.socket | None = None

    def spawn(
        self, command: Sequence[str], descriptors: Sequence[int], joins: Sequence[Path], identity: Identity
    ) -> Spawned:
        """Start a command as that user, in those control groups from its first instruction, without environment.

        `descriptors` become its 0, 1, 2 …; nothing else is open in it. Raises SandboxUnavailable.
        """
        user, group = ("", "") if identity.own else (str(identity.uid), str(identity.gid))
        fields = [user, group, str(len(joins)), *map(str, joins), *command]
        message = b"\0".join(map(os.fsencode, fields))
        report, kept = os.pipe()
        try:
            with self._turn:
                pid, process = self._ask(message, [*descriptors, kept])
        except BaseException as error:
            os.close(report)
            if isinstance(error, OSError):
                raise SandboxUnavailable(f"no process can be started for a box: {error}") from error
            raise
        finally:
            os.close(kept)
        return Spawned(pid, process, report)

    def _ask(self, message: bytes, descriptors: list[int]) -> tuple[int, int]:
        try:
            channel = self._channel
            if channel is None or self._process is None or self._process.poll() is not None:
                channel = self._start()
            socket.send_fds(channel, [message], descriptors)
            answer, received, _, _ = socket.recv_fds(channel, 64, 1, socket.MSG_CMSG_CLOEXEC)
            if not answer:
                raise ConnectionError("the process that starts boxes ended")
        except OSError:
            self._stop()
            raise
        return int(answer), received[0]

    def _start(self) -> socket.socket:
        self._stop()
        _allow_descriptors_on_their_way()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.settimeout(_ANSWER)
        self._channel = ours
        with theirs:
            self._process = subprocess.Popen(
                [*self._command, str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                cwd="/",
                env={},
                start_new_session=True,  # Ctrl-C is for us: we end it, and it ends the boxes
            )
        return ours

    def _stop(self) -> None:
        if self._channel is not None:
            self._channel.close()
            self._channel = None
        if self._process is not None:
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(1.0)
            self._process.kill()
            self._process.wait()
            self._process = None

    def close(self) -> None:
        """End the process, and with it every box it started. It starts again when asked again."""
        with self._turn:
            self._stop()


def _allow_descriptors_on_their_way() -> None:
    """Raise the soft limit on open files, for us and all that we start: the kernel refuses to send a descriptor where
    the processes of the user, hostile ones in boxes among them, have more on their way than that (unix(7))."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
