"""One sandbox for all tests that only run programs in it, and an engine of their own for those that need Docker."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from sandbox.bubblewrap_backend import BubblewrapBackend
from sandbox.cgroups import find_parents
from sandbox.root_tree import RootTree
from sandbox.runner import PooledSandbox
from tests.sandbox.docker_daemon import running_engine
from tests.sandbox.quick import QUICK
from tests.sandbox.suite import SECRET, Host, watched_host


@pytest.fixture(scope="session")
async def sandbox(sandbox_data: Path, root_tree: RootTree) -> AsyncIterator[PooledSandbox]:
    """The sandbox with everything on. Skips where the machine cannot: CI runs where it can."""
    runner = PooledSandbox(BubblewrapBackend(sandbox_data), QUICK, parallel=8)
    capabilities = await runner.start()
    if not capabilities.available:
        await runner.close()
        pytest.skip(f"no sandbox here: {capabilities.detail}")
    yield runner
    await runner.close()


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    """What an escape would touch, and a secret in this process's environment."""
    monkeypatch.setenv("SBX_PARENT_SECRET", SECRET)
    with watched_host() as watched:
        yield watched


@pytest.fixture(scope="session")
def engine_url() -> Iterator[str]:
    """A Docker engine of the tests' own. Skips where it or gVisor is not installed: CI installs both."""
    if os.geteuid() != 0:
        pytest.skip("a Docker engine of the tests' own needs root")
    for program in ("dockerd", "runsc"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    with running_engine() as url:
        yield url


@pytest.fixture
def boxes_left(root_tree: RootTree) -> object:
    """A function: what boxes of a process (this one by default) left on the host: directories and control groups.
    Other processes on the machine may be running boxes of theirs."""

    def left(owner: int = os.getpid()) -> list[Path]:
        places = [root_tree.boxes, *(parent.directory for parent in find_parents())]
        return [path for place in places for path in place.glob(f"vaultra-box-*-{owner}-*")]

    return left
