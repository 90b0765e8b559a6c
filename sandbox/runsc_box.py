"""One started gVisor box without a daemon: from "ready" to the result, and to nothing left behind."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from adapters.ports import SandboxOutcome
from sandbox.capture import Capture
from sandbox.cgroups import Cgroup
from sandbox.limits import Limits
from sandbox.outcome import Ended, conclude
from sandbox.slot import order, provide
from sandbox.supervision import CPU_TICK, DEATH, readable, supervise
from sandbox.tmp_mount import unmount_tmp

NAME = "runsc"
_FATAL = 128  # what runsc itself ends with when it failed, and nothing tells from a program that chose this number


@dataclass(slots=True)
class RunscBox:
    """Everything the host holds of a box. runsc, gVisor's kernel, its file server and the program are all in
    `cgroup`, which alone is enough to end them."""

    limits: Limits
    slot: Path
    cgroup: Cgroup
    process: subprocess.Popen[bytes] | None = None
    monitor: int = -1
    messages: int = -1
    output: int = -1
    controls: tuple[str, ...] = ()

    @property
    def log(self) -> Path:
        """A pipe for what runsc says itself: the program cannot say anything there, nor fill a disk through it."""
        return self.slot / "runsc.log"

    def alive(self) -> bool:
        return self.monitor >= 0 and not readable([self.monitor], 0)

    def kill(self) -> None:
        self.cgroup.kill()

    def run(
        self, code: str, inputs: Mapping[str, bytes], env: Mapping[str, str], cancelled: int | None = None
    ) -> SandboxOutcome:
        """As in `sandbox.backend.Box`."""
        process = self.process
        assert process is not None
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        provide(self.slot, code, inputs)
        stdout, stderr = (Capture(pipe.fileno(), self.limits.output_keep) for pipe in (process.stdout, process.stderr))
        started = time.monotonic()
        # It may have died before it is released: its status, or the absence of one, tells. The stream stays open: the
        # box ends with it, so also when we are killed.
        with suppress(OSError):
            os.write(process.stdin.fileno(), order(env))
        killed_for = supervise(
            (stdout, stderr),
            self.limits,
            monitor=self.monitor,
            deadline=started + self.limits.timeout,
            cancelled=cancelled,
            kill=self.kill,
            watch=lambda: "cpu_limit" if self.cgroup.overspent(self.limits) else None,
            tick=CPU_TICK,
        )
        wall = time.monotonic() - started
        # The file server may outlive runsc by a moment: nobody may write while artefacts are read.
        self.kill()
        usage = self.cgroup.usage()
        ended = Ended(
            killed_for, self._exit_status(), usage, usage.cpu_seconds or 0.0, wall, self.output, stdout, stderr
        )
        return conclude(ended, limits=self.limits, backend=NAME, controls=self.controls)

    def _exit_status(self) -> int | None:
        """What process 1 ended with, as runsc passes it on; None when runsc was killed or gave up."""
        assert self.process is not None
        status = self.process.wait(DEATH)
        if status < 0 or (status == _FATAL and "FATAL ERROR" in self.said()):
            return None
        return status

    def said(self) -> str:
        """The end of it, once."""
        text = b""
        with suppress(BlockingIOError):
            while part := os.read(self.messages, 65536):
                text += part
        return text[-4000:].decode(errors="replace")

    def destroy(self) -> None:
        """Kill what is left, then remove every trace. Safe at any stage of the box's life, and twice."""
        self.kill()
        if self.process is not None:
            self.process.kill()
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(DEATH)
            for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
                if pipe is not None:
                    pipe.close()
        for descriptor in (self.monitor, self.messages, self.output):
            if descriptor >= 0:
                os.close(descriptor)
        self.monitor = self.messages = self.output = -1
        self.cgroup.remove()
        unmount_tmp(self.slot / "tmp")
        shutil.rmtree(self.slot, ignore_errors=True)
