"""What is enforced on a gVisor box, read from the host kernel's files about gVisor's own processes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from sandbox.attestation import require, status_of
from sandbox.cgroups import Cgroup
from sandbox.gvisor import OWN_THREADS, sentry_controls
from sandbox.limits import MIB, Limits
from sandbox.watchdog import descendants


def attest(launcher: int, cgroup: Cgroup, limits: Limits) -> tuple[str, ...]:
    """The controls that hold for the box that the runsc process `launcher` started.

    Raises SandboxUnavailable naming the first one that does not.
    """
    return (*sentry_controls(_sentry(launcher)), *_groups(launcher, cgroup, limits))


def _sentry(launcher: int) -> int:
    """The process that is the box's kernel."""
    for pid in descendants(launcher):
        if b"boot" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0"):
            return pid
    require(False, "gVisor's kernel is not to be found")
    raise AssertionError


def _groups(launcher: int, cgroup: Cgroup, limits: Limits) -> Iterator[str]:
    outside = [pid for pid in descendants(launcher) if not _ended(pid) and not cgroup.holds(pid)]
    require(not outside, "a process is outside its control groups")
    require(cgroup.enforces(replace(limits, pids=limits.pids + OWN_THREADS)), "its control groups do not limit it")
    yield f"memory: {limits.memory // MIB} MiB, swap and gVisor included"
    yield f"cpu: {limits.cpus:g} cores"
    yield f"processes: {limits.pids + OWN_THREADS} threads, gVisor's own included"
    yield f"/tmp: {limits.tmp // MIB} MiB"
    yield f"time: {limits.timeout:g} s"
    yield "rlimits"


def _ended(pid: int) -> bool:
    """Ended processes are in no group, before and after they are collected."""
    try:
        return status_of(pid)["State"].startswith(("Z", "X"))
    except (FileNotFoundError, ProcessLookupError):
        return True
