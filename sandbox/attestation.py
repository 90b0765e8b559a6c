"""What is enforced on a box, read from the kernel's own files about it while it is still ours alone."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from sandbox.bubblewrap_command import NAMESPACES
from sandbox.cgroups import Cgroup
from sandbox.identity import Identity
from sandbox.limits import MIB, Limits
from schemas.errors import SandboxUnavailable

_KERNEL_NAMES = {**{name: name for name in NAMESPACES}, "mount": "mnt"}


def status_of(pid: int) -> dict[str, str]:
    """The fields of `/proc/PID/status`."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def attest(pid: int, identity: Identity, cgroup: Cgroup | None, output: int, limits: Limits) -> tuple[str, ...]:
    """The controls that hold for the box whose process 1 is `pid` on the host.

    Raises SandboxUnavailable naming the first one that does not.
    """
    return tuple(_checks(pid, identity, cgroup, output, limits))


def _checks(pid: int, identity: Identity, cgroup: Cgroup | None, output: int, limits: Limits) -> Iterator[str]:
    for name, kernel_name in _KERNEL_NAMES.items():
        ours, its = (os.readlink(f"/proc/{who}/ns/{kernel_name}") for who in ("self", pid))
        require(ours != its, f"the {name} namespace is the host's")
    yield "namespaces: " + ", ".join(_KERNEL_NAMES)
    status = status_of(pid)
    require(set(status["Uid"].split()) == {str(identity.uid)}, f"it runs as user {status['Uid']}")
    require(identity.uid != 0, "it runs as root")
    yield "user: the invoking one" if identity.own else "user: unprivileged, its own"
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
    yield from _mounts(pid)
    size = os.fstatvfs(output)
    require(size.f_blocks * size.f_frsize <= limits.tmp, "/tmp is not limited")
    yield f"/tmp: {limits.tmp // MIB} MiB"
    if cgroup is None:
        yield f"memory: {limits.memory // MIB} MiB by watchdog (degraded: no control group)"
    else:
        require(cgroup.holds(pid), "it is not in its control groups")
        yield f"memory: {limits.memory // MIB} MiB, swap included"
        yield f"cpu: {limits.cpus:g} cores"
        yield f"processes: {limits.pids}"
    yield f"time: {limits.timeout:g} s"
    yield "rlimits"


def _mounts(pid: int) -> Iterator[str]:
    writable = {"/tmp", "/dev/shm"}
    devices = {"/dev/null", "/dev/zero", "/dev/random", "/dev/urandom"}
    for line in Path(f"/proc/{pid}/mountinfo").read_text().splitlines():
        point, flags = line.split()[4:6]
        if point not in devices | writable:
            require("ro" in flags.split(","), f"{point} is writable")
        require("nosuid" in flags.split(","), f"{point} honours set-id bits")
    yield "file systems: read-only but /tmp and /dev/shm"


def require(holds: bool, otherwise: str) -> None:
    """Raises SandboxUnavailable with what is the case instead."""
    if not holds:
        raise SandboxUnavailable(f"the sandbox does not hold: {otherwise}")
