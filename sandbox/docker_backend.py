"""The backend `docker`: containers of a Docker engine on this machine, by default with gVisor as their kernel."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sandbox import canary
from sandbox.backend import Capabilities, Progress, silent
from sandbox.cgroups import sweep
from sandbox.docker_box import NAME, DockerBox
from sandbox.docker_container import Recipe
from sandbox.docker_engine import check, connect, reap, unavailable
from sandbox.docker_image import image_of
from sandbox.docker_start import DockerBoxes
from sandbox.engine import Engine
from sandbox.limits import Limits
from sandbox.root_tree import build_root
from sandbox.tmp_mount import unmount_leftovers
from schemas.errors import SandboxUnavailable


class DockerBackend:
    """Containers from the same root tree as every other box. Needs root and an engine that limits what it runs."""

    def __init__(self, data_dir: Path, engine: Engine) -> None:
        self._data_dir = data_dir
        self._engine = engine
        self._boxes: DockerBoxes | None = None

    @property
    def name(self) -> str:
        return NAME

    def probe(self, progress: Progress = silent) -> Capabilities:
        try:
            boxes = self._find(progress)
            controls = canary.try_in(boxes.prepare(canary.LIMITS))
        except SandboxUnavailable as error:
            return Capabilities(NAME, available=False, controls=(), detail=str(error))
        self._boxes = boxes
        return Capabilities(NAME, available=True, controls=controls)

    def _find(self, progress: Progress) -> DockerBoxes:
        client = connect(self._engine)
        try:
            with unavailable("cannot be used"):
                extra = check(self._engine, client.info())
                root = build_root(self._data_dir, progress)
                reap(client)
                unmount_leftovers(root.boxes)
                sweep((), root.boxes)
                image = image_of(client, root, progress)
        finally:
            client.close()
        return DockerBoxes(self._engine, Recipe(image, self._engine.runtime), root, extra)

    def prepare(self, limits: Limits, preload: Sequence[str] = ()) -> DockerBox:
        if self._boxes is None:
            raise SandboxUnavailable("the sandbox was not probed")
        return self._boxes.prepare(limits, preload)

    def close(self) -> None:
        self._boxes = None
