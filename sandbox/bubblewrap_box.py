"""One started bubblewrap box: from "ready" to the result, and to nothing left behind."""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from socket import socket

from adapters.ports import SandboxOutcome
from sandbox import watchdog
from sandbox.capture import Capture
from sandbox.cgroups import Cgroup
from sandbox.identity import Identity
from sandbox.limits import Limits
from sandbox.outcome import Ended, conclude
from sandbox.slot import order, provide
from sandbox.supervision import DEATH, supervise
from sandbox.verdict import Kill

NAME = "bubblewrap"


@dataclass(slots=True)
class BubblewrapBox:
    """Everything the host holds of a box. Belongs to the thread that made it (the box dies with that thread)."""

    limits: Limits
    identity: Identity
    slot: Path
    cgroup: Cgroup | None
    descriptors: list[int] = field(default_factory=list)
    process: subprocess.Popen[bytes] | None = None
    channel: socket | None = None
    status: int = -1
    init: int = -1
    init_pid: int = -1
    monitor: int = -1
    output: int = -1
    controls: tuple[str, ...] = ()

    def own(self, descriptor: int) -> int:
        """Close this descriptor when the box is destroyed."""
        self.descriptors.append(descriptor)
        return descriptor

    def alive(self) -> bool:
        """Whether it still waits for its program."""
        return self.monitor >= 0 and not select.select([self.monitor], [], [], 0)[0]

    def kill(self) -> None:
        """End every process in the box: the kernel does so when process 1 of the namespace dies."""
        if self.init >= 0:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self.init, signal.SIGKILL)
        elif self.process is not None and self.process.returncode is None:
            self.process.kill()

    def run(
        self, code: str, inputs: Mapping[str, bytes], env: Mapping[str, str], cancelled: int | None = None
    ) -> SandboxOutcome:
        """Let the program run to its end. `cancelled` is a descriptor that becomes readable to stop it."""
        assert self.process is not None
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        assert self.channel is not None
        provide(self.slot, code, inputs)
        stdout, stderr = (
            Capture(pipe.fileno(), self.limits.output_keep) for pipe in (self.process.stdout, self.process.stderr)
        )
        started = time.monotonic()
        # It may have died before it is released: its status, or the absence of one, tells.
        with suppress(OSError):
            self.channel.sendall(order(env))
        self.channel.close()
        killed_for = supervise(
            (stdout, stderr),
            self.limits,
            # bwrap ends after process 1, which ends after everything else in the box.
            monitor=self.monitor,
            deadline=started + self.limits.timeout,
            cancelled=cancelled,
            kill=self.kill,
            watch=self._watch_memory if self.cgroup is None else None,
            tick=watchdog.TICK,
        )
        wall = time.monotonic() - started
        usage = self.cgroup.usage() if self.cgroup else None
        waited_for = self._reap()
        cpu_seconds = waited_for if usage is None or usage.cpu_seconds is None else usage.cpu_seconds
        ended = Ended(killed_for, self._exit_status(), usage, cpu_seconds, wall, self.output, stdout, stderr)
        return conclude(ended, limits=self.limits, backend=NAME, controls=self.controls)

    def _watch_memory(self) -> Kill | None:
        return "oom" if watchdog.memory_of(self.init_pid) > self.limits.memory else None

    def _reap(self) -> float:
        """Collect bwrap; returns the CPU seconds of everything that was waited for below it."""
        assert self.process is not None
        if self.process.returncode is not None:
            return 0.0
        _, status, usage = os.wait4(self.process.pid, 0)
        self.process.returncode = os.waitstatus_to_exitcode(status)
        return usage.ru_utime + usage.ru_stime

    def _exit_status(self) -> int | None:
        """What process 1 ended with, as bwrap reports it on a descriptor that was never inside the box."""
        text = b""
        with suppress(BlockingIOError):
            while part := os.read(self.status, 65536):
                text += part
        for line in text.splitlines():
            with suppress(ValueError):
                document = json.loads(line)
                if "exit-code" in document:
                    return int(document["exit-code"])
        return None

    def destroy(self) -> None:
        """Kill what is left, then remove every trace. Safe at any stage of the box's life, and twice."""
        self.kill()
        if self.process is not None:
            if self.process.returncode is None:
                with suppress(subprocess.TimeoutExpired):
                    self.process.wait(DEATH)
            for pipe in (self.process.stdout, self.process.stderr):
                if pipe is not None:
                    pipe.close()
        if self.channel is not None:
            self.channel.close()
        for descriptor in self.descriptors:
            with suppress(OSError):
                os.close(descriptor)
        self.descriptors.clear()
        self.init = -1
        if self.cgroup is not None:
            self.cgroup.remove()
        shutil.rmtree(self.slot, ignore_errors=True)
