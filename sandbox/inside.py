"""What a program finds inside any box: its environment, how Python is started, and its rlimits."""

from __future__ import annotations

import resource

from sandbox.limits import Limits

INSIDE_ID = 65534
OUTPUT = "/tmp/out"
COMMAND = ("/usr/bin/python3", "-I", "-S", "-B", "-X", "utf8", "/usr/lib/bootstrap.pyc")
# Soft and hard limit on core dumps, set before a box's first instruction and not to be changed in it. Not 0: where the
# host pipes crashes to a program (Ubuntu's apport, systemd-coredump), the kernel heeds a limit of 1 alone
# (fs/coredump.c), and would otherwise run that program, as the host's root, on a hostile process's memory.
CORE = 1
_GRACE = 30.0  # s
_ENVIRONMENT = {
    "HOME": "/tmp",
    "LANG": "C.UTF-8",
    "MPLBACKEND": "Agg",
    "MPLCONFIGDIR": "/tmp/.matplotlib",
    "PATH": "/usr/bin",
    "SBX_OUT": OUTPUT,
    "TZ": "UTC",
}


def environment(limits: Limits) -> dict[str, str]:
    """Libraries start a thread a core of the machine; on a large one that is more than the box may have."""
    threads = str(max(1, round(limits.cpus)))
    return {**_ENVIRONMENT, "OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads}


def rlimits(limits: Limits, *, without: frozenset[str] = frozenset()) -> str:
    """The backstop behind the control groups, as the bootstrap reads it; soft and hard limits alike."""
    values = {
        "RLIMIT_AS": limits.address_space,
        "RLIMIT_CPU": limits.cpu_seconds,
        # Wider than the control group's limit: only that one leaves evidence of having been hit.
        "RLIMIT_NPROC": 2 * limits.pids,
        "RLIMIT_NOFILE": limits.open_files,
        "RLIMIT_FSIZE": limits.tmp,
        "RLIMIT_MEMLOCK": 0,
        "RLIMIT_MSGQUEUE": 0,
        # Timers and queued signals of a box of an ordinary user count against that user.
        "RLIMIT_SIGPENDING": 1024,
    }
    # Where a hard limit is lower already, it stays.
    return ",".join(f"{name}={_at_most(name, value)}" for name, value in values.items() if name not in without)


def _at_most(name: str, value: int) -> int:
    hard = resource.getrlimit(getattr(resource, name))[1]
    return value if hard == resource.RLIM_INFINITY else min(value, hard)


def standard_streams(limits: Limits) -> str:
    """The bootstrap's channel in a box that has no other: past its time-out it ends by itself, should nobody be left
    to end it."""
    return f"stdin:{limits.timeout + _GRACE:g}"
