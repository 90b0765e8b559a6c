"""One started bubblewrap box: from "ready" to the result, and to nothing left behind."""

from __future__ import annotations

import json
import os
import select
import selectors
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
from sandbox.artefacts import Collected, collect
from sandbox.capture import Capture
from sandbox.cgroups import Cgroup
from sandbox.identity import Identity
from sandbox.limits import Limits
from sandbox.verdict import Evidence, Kill, judge
from schemas.analyses import ExecutionResult

NAME = "bubblewrap"
_DEATH = 10.0  # s a killed process may take to be gone (it may be deep in a system call)
_FULL = 1 << 16  # bytes; a file system with less left counts as full


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
        self._provide(code, inputs)
        streams = [
            Capture(pipe.fileno(), self.limits.output_keep) for pipe in (self.process.stdout, self.process.stderr)
        ]
        started = time.monotonic()
        # It may have died before it is released: its status, or the absence of one, tells.
        with suppress(OSError):
            self.channel.sendall(b"".join(f"{name}={value}\0".encode() for name, value in env.items()) + b"go\0")
        self.channel.close()
        killed_for = self._supervise(streams, started + self.limits.timeout, cancelled)
        wall = time.monotonic() - started
        return self._outcome(streams, killed_for, wall)

    def _provide(self, code: str, inputs: Mapping[str, bytes]) -> None:
        for directory, name, data in (
            ("program", "main.py", code.encode()),
            *(("inputs", name, data) for name, data in inputs.items()),
        ):
            path = self.slot / directory / name
            path.write_bytes(data)
            path.chmod(0o444)

    def _supervise(self, streams: list[Capture], deadline: float, cancelled: int | None) -> Kill | None:
        """Wait for the end of the box, bringing it about when a limit is passed; says which."""
        killed_for: Kill | None = None
        peak_check = self.cgroup is None
        with selectors.DefaultSelector() as selector:
            for stream in streams:
                selector.register(stream.descriptor, selectors.EVENT_READ, stream)
            selector.register(self.monitor, selectors.EVENT_READ)
            if cancelled is not None:
                selector.register(cancelled, selectors.EVENT_READ)
            while True:
                wait = deadline - time.monotonic()
                ready = selector.select(min(wait, watchdog.TICK) if peak_check else max(wait, 0.0))
                files = {key.fd for key, _ in ready}
                for stream in streams:
                    if stream.descriptor in files:
                        stream.pump()
                        if not stream.open:
                            selector.unregister(stream.descriptor)
                if self.monitor in files:
                    break
                reason: Kill | None = None
                if any(stream.total >= self.limits.output_kill for stream in streams):
                    reason = "output_limit"
                elif cancelled is not None and cancelled in files:
                    reason = "cancelled"
                elif time.monotonic() >= deadline:
                    reason = "timeout"
                elif peak_check and watchdog.memory_of(self.init_pid) > self.limits.memory:
                    reason = "oom"
                if reason is not None:
                    killed_for = reason
                    self.kill()
                    break
        self._wait_for_death(streams)
        return killed_for

    def _wait_for_death(self, streams: list[Capture]) -> None:
        """Wait until bwrap is gone, which is after process 1, which is after everything else in the box."""
        deadline = time.monotonic() + _DEATH
        with selectors.DefaultSelector() as selector:
            selector.register(self.monitor, selectors.EVENT_READ)
            while not selector.select(0.01) and time.monotonic() < deadline:
                for stream in streams:
                    _drain(stream, self.limits.output_kill)
        for stream in streams:
            _drain(stream, self.limits.output_kill)

    def _outcome(self, streams: list[Capture], killed_for: Kill | None, wall: float) -> SandboxOutcome:
        usage = self.cgroup.usage() if self.cgroup else None
        cpu_seconds = self._reap()
        if usage and usage.cpu_seconds is not None:
            cpu_seconds = usage.cpu_seconds
        status = self._exit_status()
        room = os.fstatvfs(self.output)
        verdict = judge(
            Evidence(
                killed_for=killed_for,
                status=status,
                oom_kills=usage.oom_kills if usage else 0,
                pids_refused=usage.pids_refused if usage else 0,
                tmp_full=room.f_bavail * room.f_frsize < _FULL or (room.f_files > 0 and room.f_favail == 0),
                cpu_seconds=cpu_seconds,
            ),
            self.limits,
        )
        collected = collect(self.output, self.limits) if status is not None or killed_for else Collected()
        stdout, stderr = streams
        result = ExecutionResult(
            reason=verdict.reason,
            exit_code=verdict.exit_code,
            signal=verdict.signal,
            stdout=stdout.text,
            stderr=stderr.text,
            truncated=stdout.truncated or stderr.truncated,
            wall_seconds=round(wall, 4),
            cpu_seconds=round(cpu_seconds, 4),
            peak_memory=usage.peak if usage else None,
            rejected_artefacts=tuple(collected.rejected),
            backend=NAME,
            controls=self.controls,
            detail=verdict.detail,
            result=collected.result,
        )
        return SandboxOutcome(result=result, artefacts=collected.files)

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
                    self.process.wait(_DEATH)
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


def _drain(stream: Capture, most: int) -> None:
    """Take what is waiting, but not for ever from a writer that is still alive."""
    while stream.open and stream.total < most:
        before = stream.total
        stream.pump()
        if stream.total == before:
            return
