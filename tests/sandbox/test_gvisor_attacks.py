"""Attacks bounce off gVisor, through Docker's engine and without a daemon; and nothing of them stays on the host."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from pathlib import Path

import docker
import pytest

from sandbox.backends import BackendName
from sandbox.docker_engine import LABEL
from schemas.analyses import ExecutionResult
from tests.sandbox.gvisor import started
from tests.sandbox.suite import SCRIPTS, SECRET, env_for, escapes, expected, limits_for, watched_host

_BACKENDS: tuple[BackendName, ...] = ("docker", "runsc")


@pytest.fixture(scope="module", params=_BACKENDS)
async def attacked(
    request: pytest.FixtureRequest, sandbox_data: Path, engine_url: str
) -> Mapping[str, ExecutionResult]:
    """How each script ended, and that the host is as it was."""
    sandbox = await started(request.param, sandbox_data, engine_url)
    before = _traces(engine_url)
    with watched_host() as host:

        async def run(script: Path) -> ExecutionResult:
            env = env_for(script, host, gvisor=True)
            return (await sandbox.run(script.read_text(), {}, env=env, limits=limits_for(script))).result

        results = await asyncio.gather(*map(run, SCRIPTS))
        assert host.hits() == 0
        assert host.canary.read_text() == SECRET
    await sandbox.close()
    assert _traces(engine_url) == before
    return dict(zip([script.stem for script in SCRIPTS], results, strict=True))


def _traces(engine_url: str) -> dict[str, list[str]]:
    """What could be left of boxes of this process: mounts, processes, containers."""
    client = docker.APIClient(base_url=engine_url, version="auto")
    containers = [container["Id"] for container in client.containers(all=True, filters={"label": LABEL})]
    client.close()
    mine = f"vaultra-box-{Path('/proc/self/ns/pid').stat().st_ino}-{os.getpid()}-"
    mounts = [line for line in Path("/proc/self/mountinfo").read_text().splitlines() if mine in line]
    return {"containers": containers, "mounts": mounts, "processes": [*_processes(mine)]}


def _processes(name: str) -> list[str]:
    found = []
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if name.encode() in process.read_bytes():
                found.append(str(process))
        except OSError:
            continue
    return found


@pytest.mark.timeout(300)
@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
async def test_attack_bounces_when_run_in_gvisor(
    script: Path, attacked: Mapping[str, ExecutionResult], boxes_left: Callable[[], list[Path]]
) -> None:
    result = attacked[script.stem]
    assert escapes(result.stdout + result.stderr) == []
    assert result.reason in expected(script, gvisor=True), (result.detail, result.stderr)
    assert result.wall_seconds < limits_for(script).timeout + 1
    assert boxes_left() == []
