"""One started Docker container: from "ready" to the result, and to nothing left behind."""

from __future__ import annotations

import os
import shutil
import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from socket import SocketIO
from typing import Any

import docker
from docker.errors import DockerException
from requests.exceptions import RequestException

from adapters.ports import SandboxOutcome
from sandbox.capture import Capture
from sandbox.cgroups import Cgroup, Usage
from sandbox.docker_stream import DockerStream
from sandbox.limits import Limits
from sandbox.outcome import Ended, conclude
from sandbox.slot import order, provide
from sandbox.supervision import DEATH, supervise
from sandbox.tmp_mount import unmount_tmp
from sandbox.verdict import Kill

NAME = "docker"
_LOOK = 0.02  # s between looks at the control groups: the engine removes them with the container's last process


@dataclass(slots=True)
class DockerBox:
    """Everything the host holds of a box. `usage` is what its control groups said last."""

    limits: Limits
    slot: Path
    client: docker.APIClient
    container: str | None = None
    attached: SocketIO | None = None
    output: int = -1
    cgroup: Cgroup | None = None
    usage: Usage | None = None
    controls: tuple[str, ...] = ()

    @property
    def connection(self) -> socket.socket:
        """The container's standard streams; the client wraps the socket and gives no other way to it."""
        assert self.attached is not None
        connection: socket.socket = self.attached._sock  # type: ignore[attr-defined]  # private, so no type tells of it
        return connection

    def error(self) -> str:
        """What the engine says about a container that did not start."""
        return str(self._state().get("Error") or "it ended without a word")

    def alive(self) -> bool:
        return self.container is not None and bool(self._state().get("Running"))

    def kill(self) -> None:
        """End every process of the container by its control groups. The engine would do it only after somebody took
        all of the output."""
        if self.cgroup is not None:
            self.cgroup.kill()

    def run(
        self, code: str, inputs: Mapping[str, bytes], env: Mapping[str, str], cancelled: int | None = None
    ) -> SandboxOutcome:
        """As in `sandbox.backend.Box`."""
        provide(self.slot, code, inputs)
        stdout, stderr = Capture(-1, self.limits.output_keep), Capture(-1, self.limits.output_keep)
        stream = DockerStream(self.connection, stdout, stderr)
        started = time.monotonic()
        # It may have died before it is released: its state tells. The stream stays open: the box ends with it, so
        # also when we are killed.
        with suppress(OSError):
            self.connection.sendall(order(env))
        killed_for = supervise(
            (stream,),
            self.limits,
            monitor=None,
            deadline=started + self.limits.timeout,
            cancelled=cancelled,
            kill=self.kill,
            watch=self._look,
            tick=_LOOK,
        )
        wall = time.monotonic() - started
        status = self._exit_status() if killed_for is None else None
        usage = self.usage
        seconds = usage.cpu_seconds if usage and usage.cpu_seconds else 0.0
        ended = Ended(killed_for, status, usage, seconds, wall, self.output, stdout, stderr)
        return conclude(ended, limits=self.limits, backend=NAME, controls=self.controls)

    def _look(self) -> Kill | None:
        """Remember what the control groups say while they are there; also whether the CPU time is used up."""
        if self.cgroup is None:
            return None
        now = self.cgroup.usage()
        if now.peak is not None:
            self.usage = now
        return "cpu_limit" if self.cgroup.overspent(self.limits) else None

    def _exit_status(self) -> int | None:
        """What process 1 ended with, as the engine tells once it is over."""
        assert self.container is not None
        self._look()
        with suppress(DockerException, RequestException):
            status = self.client.wait(self.container, timeout=DEATH)["StatusCode"]
            state = self._state()
            if state.get("OOMKilled"):
                self._count_oom()
            # The engine's own words mean that the runtime failed, not the program.
            return None if state.get("Error") else int(status)
        return None

    def _count_oom(self) -> None:
        last = self.usage or Usage(cpu_seconds=None, peak=None, oom_kills=0, pids_refused=0)
        self.usage = Usage(last.cpu_seconds, last.peak, max(last.oom_kills, 1), last.pids_refused)

    def _state(self) -> Mapping[str, Any]:
        with suppress(DockerException, RequestException):
            state: Mapping[str, Any] = self.client.inspect_container(self.container)["State"]
            return state
        return {}

    def destroy(self) -> None:
        """Remove the container with whatever is in it, then every trace. Safe at any stage, and twice."""
        if self.container is not None:
            with suppress(DockerException, RequestException):
                self.client.remove_container(self.container, force=True, v=True)
            self.container = None
        if self.attached is not None:
            connection = self.connection
            self.attached.close()
            connection.close()  # the client's connection holds it, too, and never learns that it is over
            self.attached = None
        self.client.close()
        if self.output >= 0:
            os.close(self.output)
            self.output = -1
        unmount_tmp(self.slot / "tmp")
        shutil.rmtree(self.slot, ignore_errors=True)
