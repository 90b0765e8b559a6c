"""The backend `runsc`: gVisor without a daemon."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from sandbox import canary
from sandbox.backend import Capabilities, Progress, silent
from sandbox.cgroups import find_parents, sweep
from sandbox.limits import Limits
from sandbox.root_tree import build_root
from sandbox.runsc import Runsc, platform_of
from sandbox.runsc_box import NAME, RunscBox
from sandbox.tmp_mount import unmount_leftovers
from schemas.errors import SandboxUnavailable


class RunscBackend:
    """Boxes with a kernel of their own in user space. Needs root, control groups and `runsc` on the path."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._runsc: Runsc | None = None

    @property
    def name(self) -> str:
        return NAME

    def probe(self, progress: Progress = silent) -> Capabilities:
        try:
            runsc = self._find(progress)
            unmount_leftovers(runsc.root.boxes)
            sweep(runsc.parents, runsc.root.boxes)
            controls = canary.try_in(runsc.prepare(canary.LIMITS))
        except SandboxUnavailable as error:
            return Capabilities(NAME, available=False, controls=(), detail=str(error))
        self._runsc = runsc
        return Capabilities(NAME, available=True, controls=controls)

    def _find(self, progress: Progress) -> Runsc:
        if os.geteuid() != 0:
            raise SandboxUnavailable("gVisor without a daemon needs root: an ordinary user cannot limit it")
        binary = shutil.which("runsc")
        if binary is None:
            raise SandboxUnavailable("runsc is not installed (Debian: apt-get install runsc)")
        path = Path(binary).resolve()
        return Runsc(path, platform_of(path), build_root(self._data_dir, progress), find_parents())

    def prepare(self, limits: Limits, preload: Sequence[str] = ()) -> RunscBox:
        if self._runsc is None:
            raise SandboxUnavailable("the sandbox was not probed")
        return self._runsc.prepare(limits, preload)

    def close(self) -> None:
        self._runsc = None
