"""One started bubblewrap box: from "ready" to the result, and to nothing left behind."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from socket import socket

from adapters.ports import SandboxOutcome
from sandbox import watchdog
from sandbox.capture import Capture
from sandbox.cgroups import Cgroup
from sandbox.denials import Denials
from sandbox.identity import Identity
from sandbox.limits import Limits
from sandbox.outcome import Ended, conclude
from sandbox.slot import order, provide
from sandbox.spawner import Spawned
from sandbox.supervision import CPU_TICK, DEATH, readable, supervise
from sandbox.verdict import Kill

NAME = "bubblewrap"


@dataclass(slots=True)
class BubblewrapBox:
    """Everything the host holds of a box. `monitor` becomes readable when bwrap has ended and been collected."""

    limits: Limits
    identity: Identity
    slot: Path
    cgroup: Cgroup | None
    descriptors: list[int] = field(default_factory=list)
    process: Spawned | None = None
    channel: socket | None = None
    stdout: int = -1
    stderr: int = -1
    status: int = -1
    listener: int = -1
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
        return self.monitor >= 0 and not readable([self.monitor], 0)

    def kill(self) -> None:
        """End every process in the box: the kernel does so when process 1 of the namespace dies."""
        if self.init >= 0:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self.init, signal.SIGKILL)
        elif self.process is not None:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self.process.process, signal.SIGKILL)

    def run(
        self, code: str, inputs: Mapping[str, bytes], env: Mapping[str, str], cancelled: int | None = None
    ) -> SandboxOutcome:
        """Let the program run to its end. `cancelled` is a descriptor that becomes readable to stop it."""
        assert self.channel is not None
        provide(self.slot, code, inputs)
        stdout, stderr = (Capture(pipe, self.limits.output_keep) for pipe in (self.stdout, self.stderr))
        started = time.monotonic()
        # It may have died before it is released: its status, or the absence of one, tells.
        with suppress(OSError):
            self.channel.sendall(order(env))
        self.channel.close()
        denials = Denials(self.listener)
        killed_for = supervise(
            (stdout, stderr),
            self.limits,
            # bwrap ends after process 1, which ends after everything else in the box.
            monitor=self.monitor,
            deadline=started + self.limits.timeout,
            cancelled=cancelled,
            kill=self.kill,
            watch=self._watch,
            tick=watchdog.TICK if self.cgroup is None else CPU_TICK,
            hear={self.listener: partial(self._hear, denials)} if self.listener >= 0 else {},
        )
        wall = time.monotonic() - started
        usage = self.cgroup.usage() if self.cgroup else None
        waited_for = self._waited_cpu_seconds()
        cpu_seconds = waited_for if usage is None or usage.cpu_seconds is None else usage.cpu_seconds
        ended = Ended(
            killed_for, self._exit_status(), usage, cpu_seconds, wall, self.output, stdout, stderr, denials.denied
        )
        return conclude(ended, limits=self.limits, backend=NAME, controls=self.controls)

    def _watch(self) -> Kill | None:
        """What no limit of the kernel's ends: memory without control groups, CPU time of many processes together."""
        if self.cgroup is None:
            return "oom" if watchdog.memory_of(self.init_pid) > self.limits.memory else None
        return "cpu_limit" if self.cgroup.overspent(self.limits) else None

    def _hear(self, denials: Denials) -> bool:
        """Refuse a call and note its name; hang up when there were many, so that the kernel refuses by itself."""
        if denials.answer():
            return True
        self.descriptors.remove(self.listener)
        os.close(self.listener)
        return False

    def _waited_cpu_seconds(self) -> float:
        """CPU seconds of everything that was waited for below bwrap, as the process that started it counted them."""
        text = os.read(self.monitor, 100) if not self.alive() else b""
        return float(text.split()[1]) if text else 0.0

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
        if self.monitor >= 0:
            readable([self.monitor], DEATH)
        if self.channel is not None:
            self.channel.close()
        for descriptor in self.descriptors:
            with suppress(OSError):
                os.close(descriptor)
        self.descriptors.clear()
        self.init = self.monitor = -1
        self.process = None
        if self.cgroup is not None:
            self.cgroup.remove()
        shutil.rmtree(self.slot, ignore_errors=True)
