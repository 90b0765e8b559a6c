"""Which backends there are. One is chosen by name; none ever stands in for another."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal, get_args

from sandbox.backend import SandboxBackend
from sandbox.engine import Engine

BackendName = Literal["bubblewrap", "docker", "runsc"]
BACKENDS: tuple[BackendName, ...] = get_args(BackendName)


def _bubblewrap(data_dir: Path, *, allow_degraded: bool, engine: Engine) -> SandboxBackend:
    from sandbox.bubblewrap_backend import BubblewrapBackend

    return BubblewrapBackend(data_dir, allow_degraded=allow_degraded)


def _docker(data_dir: Path, *, allow_degraded: bool, engine: Engine) -> SandboxBackend:
    from sandbox.docker_backend import DockerBackend

    return DockerBackend(data_dir, engine)


def _runsc(data_dir: Path, *, allow_degraded: bool, engine: Engine) -> SandboxBackend:
    from sandbox.runsc_backend import RunscBackend

    return RunscBackend(data_dir)


_ENGINE = Engine()
# Each imports its own dependencies only when it is chosen.
_FACTORIES: dict[BackendName, Callable[..., SandboxBackend]] = {
    "bubblewrap": _bubblewrap,
    "docker": _docker,
    "runsc": _runsc,
}


def make_backend(
    name: BackendName, data_dir: Path, *, allow_degraded: bool = False, engine: Engine = _ENGINE
) -> SandboxBackend:
    """The backend of that name, not probed yet. What it builds or caches goes under `data_dir`.

    `allow_degraded` lets a backend that knows a weaker way without control groups use it, `engine` is Docker's; others
    ignore them.
    """
    return _FACTORIES[name](data_dir, allow_degraded=allow_degraded, engine=engine)
