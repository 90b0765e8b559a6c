"""Backends with gVisor as the tests use them."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.backends import BackendName, make_backend
from sandbox.engine import Engine, Runtime
from sandbox.runner import PooledSandbox
from tests.sandbox.quick import QUICK


async def started(name: BackendName, data_dir: Path, url: str, runtime: Runtime = "runsc") -> PooledSandbox:
    """A sandbox that is ready. Fails where the engine runs and the backend still is not available."""
    backend = make_backend(name, data_dir, engine=Engine(url, runtime))
    sandbox = PooledSandbox(backend, QUICK, parallel=4)
    capabilities = await sandbox.start()
    if not capabilities.available:
        await sandbox.close()
        pytest.fail(f"{name}: {capabilities.detail}")
    return sandbox
