"""What is enforced on a container, read from the kernel's own files about it and, second, from the engine."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from sandbox.attestation import require, status_of
from sandbox.cgroups import Cgroup
from sandbox.docker_container import process_limit
from sandbox.engine import Runtime
from sandbox.gvisor import sentry_controls
from sandbox.identity import Identity
from sandbox.limits import MIB, Limits

_NAMESPACES = ("pid", "net", "ipc", "uts", "mnt")


def attest(
    pid: int, facts: Mapping[str, Any], cgroup: Cgroup, identity: Identity, limits: Limits, runtime: Runtime
) -> tuple[str, ...]:
    """The controls that hold for the container whose first process is `pid`. `facts` is the engine's inspection.

    Raises SandboxUnavailable naming the first one that does not.
    """
    kernel = sentry_controls(pid) if runtime == "runsc" else _process_controls(pid, identity)
    return (*kernel, *_settings(facts, runtime), *_limits(cgroup, limits, runtime))


def _process_controls(pid: int, identity: Identity) -> Iterator[str]:
    for name in _NAMESPACES:
        ours, its = (os.readlink(f"/proc/{who}/ns/{name}") for who in ("self", pid))
        require(ours != its, f"the {name} namespace is the host's")
    yield "kernel: the host's, in namespaces " + ", ".join(_NAMESPACES)
    status = status_of(pid)
    require(set(status["Uid"].split()) == {str(identity.uid)}, f"it runs as user {status['Uid']}")
    yield "user: unprivileged, its own"
    for capabilities in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        require(int(status[capabilities], 16) == 0, f"{capabilities} is {status[capabilities]}")
    yield "capabilities: none"
    require(status["NoNewPrivs"] == "1", "it may gain privileges")
    yield "no new privileges"
    require(status["Seccomp"] == "2", "no system call filter is loaded")
    yield "seccomp: allowlist"
    devices = Path(f"/proc/{pid}/net/dev").read_text().splitlines()[2:]
    require(all(line.split(":")[0].strip() == "lo" for line in devices), "it has a network device")
    yield "network: none"


def _settings(facts: Mapping[str, Any], runtime: Runtime) -> Iterator[str]:
    """What only the engine knows."""
    host = facts["HostConfig"]
    require(host["Runtime"] == runtime, f"the engine chose the runtime {host['Runtime']}")
    require(host["NetworkMode"] == "none", "it has a network")
    require(host["ReadonlyRootfs"] is True, "its root is writable")
    require(not host["Privileged"] and not host["CapAdd"] and not host["Devices"], "it has privileges")
    require(host["IpcMode"] in ("private", "none"), "it shares memory with others")
    require(all(mount["Destination"] == "/tmp" or not mount["RW"] for mount in facts["Mounts"]), "a mount is writable")
    yield f"runtime: {runtime}"
    yield "file systems: read-only but /tmp and /dev/shm"


def _limits(cgroup: Cgroup, limits: Limits, runtime: Runtime) -> Iterator[str]:
    enforced = replace(limits, pids=process_limit(limits, runtime))
    require(set(cgroup.groups) >= {"memory", "pids", "cpu"}, "it is in no control groups")
    require(cgroup.enforces(enforced), "its control groups do not limit it")
    own = "swap and gVisor included" if runtime == "runsc" else "swap included"
    yield f"memory: {limits.memory // MIB} MiB, {own}"
    yield f"cpu: {limits.cpus:g} cores"
    yield f"processes: {enforced.pids}" + (" threads, gVisor's own included" if runtime == "runsc" else "")
    yield f"/tmp: {limits.tmp // MIB} MiB"
    yield f"time: {limits.timeout:g} s"
    yield "rlimits"
