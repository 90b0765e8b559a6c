"""The bubblewrap backend as a whole: its root tree, its control groups, its janitor and its probe."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from sandbox import canary
from sandbox.backend import Capabilities, Progress, silent
from sandbox.bubblewrap import Bubblewrap
from sandbox.bubblewrap_box import NAME, BubblewrapBox
from sandbox.cgroups import Parent, find_parents, sweep
from sandbox.limits import Limits
from sandbox.root_tree import build_root, sweep_trees
from sandbox.spawner import Spawner
from schemas.errors import SandboxUnavailable


class BubblewrapBackend:
    """Boxes of bubblewrap, whose root tree is built under `data_dir` by the first probe.

    Without control groups nothing is available, unless `allow_degraded`.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        allow_degraded: bool = False,
        control_groups: Callable[[], tuple[Parent, ...]] = find_parents,
    ) -> None:
        self._data_dir = data_dir
        self._allow_degraded = allow_degraded
        self._control_groups = control_groups
        self._spawner = Spawner()
        self._bubblewrap: Bubblewrap | None = None

    @property
    def name(self) -> str:
        return NAME

    def probe(self, progress: Progress = silent) -> Capabilities:
        missing: tuple[str, ...] = ()
        parents: tuple[Parent, ...] = ()
        try:
            try:
                parents = self._control_groups()
            except SandboxUnavailable as error:
                missing = (str(error),)
                if not self._allow_degraded:
                    raise
            bubblewrap = Bubblewrap(build_root(self._data_dir, progress), parents, spawner=self._spawner)
            sweep(parents, bubblewrap.root.boxes)
            sweep_trees(bubblewrap.root)
            controls = canary.try_in(bubblewrap.prepare(canary.LIMITS))
        except SandboxUnavailable as error:
            return Capabilities(NAME, available=False, controls=(), missing=missing, detail=str(error))
        self._bubblewrap = bubblewrap
        return Capabilities(NAME, available=True, controls=controls, missing=missing)

    def prepare(self, limits: Limits, preload: Sequence[str] = ()) -> BubblewrapBox:
        if self._bubblewrap is None:
            raise SandboxUnavailable("the sandbox was not probed")
        return self._bubblewrap.prepare(limits, preload)

    def close(self) -> None:
        self._bubblewrap = None
        self._spawner.close()
