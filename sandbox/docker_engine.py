"""The Docker engine: whether it can enforce what is required, and the boxes that killed processes left on it."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import docker
from docker.errors import DockerException, NotFound
from requests.exceptions import RequestException

from sandbox.cgroups import is_leftover
from sandbox.engine import Engine
from schemas.errors import SandboxUnavailable

LABEL = "vaultra.box"
_PATIENCE = 60  # s for one answer of the engine
_LEFTOVER_AGE = 60.0  # s; an ended container of another process namespace is nobody's after that


def connect(engine: Engine) -> docker.APIClient:
    """A connection of one's own: they are not shared between threads. Raises SandboxUnavailable."""
    place = engine.url.removeprefix("unix://")
    if not engine.url.startswith("unix://"):
        raise SandboxUnavailable("the Docker engine must be on this machine (a unix:// address)")
    if not Path(place).is_socket():
        raise SandboxUnavailable(f"no Docker engine listens on {place}")
    with unavailable("does not answer"):
        return docker.APIClient(base_url=engine.url, version="auto", timeout=_PATIENCE)


@contextmanager
def unavailable(what: str) -> Iterator[None]:
    """Turns the client's exceptions into SandboxUnavailable."""
    try:
        yield
    except (DockerException, RequestException) as error:
        raise SandboxUnavailable(f"the Docker engine {what}: {error}") from error


def check(engine: Engine, info: Mapping[str, Any]) -> tuple[str, ...]:
    """What the engine says it can enforce, from its `info`. Raises SandboxUnavailable for what it cannot."""
    options = {option.split(",")[0].removeprefix("name=") for option in info.get("SecurityOptions") or ()}
    if os.geteuid() != 0:
        raise SandboxUnavailable("the docker backend needs root, to limit /tmp and to read back what is enforced")
    if info.get("OSType") != "linux":
        raise SandboxUnavailable(f"the Docker engine runs {info.get('OSType')} containers, not Linux ones")
    if engine.runtime not in (info.get("Runtimes") or {}):
        raise SandboxUnavailable(
            f"the Docker engine has no runtime {engine.runtime}: install gVisor and add it to daemon.json "
            '("runtimes": {"runsc": {"path": "/usr/bin/runsc", "runtimeArgs": ["--network=none", "--oci-seccomp"]}})'
        )
    if "seccomp" not in options:
        raise SandboxUnavailable("the Docker engine has no system call filters (seccomp)")
    if info.get("CgroupDriver") in (None, "", "none"):
        raise SandboxUnavailable("the Docker engine has no control groups, so it limits nothing (CgroupDriver: none)")
    if "rootless" in options and str(info.get("CgroupVersion")) == "1":
        raise SandboxUnavailable("a rootless Docker engine on cgroup v1 ignores every limit without a word")
    limits = {"MemoryLimit": "memory", "PidsLimit": "processes", "CpuCfsQuota": "CPU"}
    missing = [name for key, name in limits.items() if not info.get(key)]
    if not info.get("SwapLimit") and _has_swap():
        missing.append("swap")
    if missing:
        raise SandboxUnavailable(f"the Docker engine cannot limit {', '.join(missing)} on this kernel")
    return ("apparmor",) if "apparmor" in options else ()


def _has_swap() -> bool:
    return len(Path("/proc/swaps").read_text().splitlines()) > 1


def reap(client: docker.APIClient) -> int:
    """Remove the containers of boxes whose owner is gone, running or not. Returns how many went."""
    gone = 0
    for container in client.containers(all=True, filters={"label": LABEL}):
        if is_leftover(Path(container["Labels"][LABEL])) or _forgotten(client, container["Id"]):
            with suppress(NotFound):
                client.remove_container(container["Id"], force=True, v=True)
                gone += 1
    return gone


def _forgotten(client: docker.APIClient, container: str) -> bool:
    """Ended a while ago: whoever waits for the end of a box removes it at once."""
    with suppress(NotFound, ValueError):
        state = client.inspect_container(container)["State"]
        if state["Status"] in ("exited", "dead"):
            finished = datetime.fromisoformat(state["FinishedAt"].split(".")[0] + "+00:00")
            return time.time() - finished.timestamp() > _LEFTOVER_AGE
    return False
