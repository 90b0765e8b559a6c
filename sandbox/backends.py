"""Which backends there are. One is chosen by name; none ever stands in for another."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal, get_args

from sandbox.backend import SandboxBackend

BackendName = Literal["bubblewrap"]
BACKENDS: tuple[BackendName, ...] = get_args(BackendName)


def _bubblewrap(data_dir: Path, *, allow_degraded: bool) -> SandboxBackend:
    from sandbox.bubblewrap_backend import BubblewrapBackend

    return BubblewrapBackend(data_dir, allow_degraded=allow_degraded)


# Each imports its own dependencies only when it is chosen.
_FACTORIES: dict[BackendName, Callable[..., SandboxBackend]] = {"bubblewrap": _bubblewrap}


def make_backend(name: BackendName, data_dir: Path, *, allow_degraded: bool = False) -> SandboxBackend:
    """The backend of that name, not probed yet. What it builds or caches goes under `data_dir`.

    `allow_degraded` lets a backend that knows a weaker way without control groups use it; others ignore it.
    """
    return _FACTORIES[name](data_dir, allow_degraded=allow_degraded)
