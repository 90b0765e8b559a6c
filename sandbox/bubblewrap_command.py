"""The command line of a bubblewrap box: what is in it, what it is cut off from."""

from __future__ import annotations

import resource
from collections.abc import Sequence
from pathlib import Path

from sandbox.limits import MIB, Limits
from sandbox.root_tree import RootTree

INSIDE_ID = 65534
OUTPUT = "/tmp/out"
ENVIRONMENT = {
    "HOME": "/tmp",
    "LANG": "C.UTF-8",
    "MPLBACKEND": "Agg",
    "MPLCONFIGDIR": "/tmp/.matplotlib",
    "PATH": "/usr/bin",
    "SBX_OUT": OUTPUT,
    "TZ": "UTC",
}
# Named one by one: --unshare-all means "those that happen to work".
NAMESPACES = ("user", "pid", "net", "ipc", "uts", "cgroup")


# Descriptors of the process that becomes bwrap, after the standard three. The last two are read by the bootstrap.
ARGUMENTS, STATUS, BLOCK, SECCOMP, CHANNEL, NOTIFIER = range(3, 9)


def options(root: RootTree, slot: Path, limits: Limits) -> list[str]:
    """Every option in order; given to bwrap through a descriptor so that no process list shows them."""
    args = [f"--unshare-{name}" for name in NAMESPACES]
    args += ["--disable-userns", "--die-with-parent", "--new-session", "--as-pid-1"]
    args += ["--uid", str(INSIDE_ID), "--gid", str(INSIDE_ID), "--cap-drop", "ALL", "--hostname", "box"]
    args += ["--ro-bind", str(root.tree), "/"]
    args += ["--proc", "/proc", "--remount-ro", "/proc"]
    args += ["--size", str(MIB // 4), "--tmpfs", "/dev"]
    for device in ("null", "zero", "random", "urandom"):
        args += ["--dev-bind", f"/dev/{device}", f"/dev/{device}"]
    args += ["--symlink", "/proc/self/fd", "/dev/fd", "--dir", "/dev/shm"]
    args += ["--remount-ro", "/dev"]
    args += ["--size", str(limits.shared_memory), "--tmpfs", "/dev/shm"]
    args += ["--size", str(limits.tmp), "--tmpfs", "/tmp", "--dir", OUTPUT, "--dir", "/tmp/.matplotlib"]
    args += ["--symlink", f"/usr/share/matplotlib/{root.font_list}", f"/tmp/.matplotlib/{root.font_list}"]
    args += ["--ro-bind", str(slot / "inputs"), "/inputs", "--ro-bind", str(slot / "program"), "/program"]
    args += ["--chdir", "/tmp", "--clearenv"]
    # Libraries start a thread a core of the machine; on a large one that is more than the box may have.
    threads = str(max(1, round(limits.cpus)))
    for name, value in {**ENVIRONMENT, "OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads}.items():
        args += ["--setenv", name, value]
    args += ["--seccomp", str(SECCOMP), "--block-fd", str(BLOCK), "--json-status-fd", str(STATUS)]
    return args


_BOOTSTRAP = ("/usr/bin/python3", "-I", "-S", "-B", "-X", "utf8", "/usr/lib/bootstrap.pyc")


def command(root: RootTree, limits: Limits, notify: int | None, preload: Sequence[str]) -> list[str]:
    """What is started: bwrap with its options elsewhere, and in the box the bootstrap with its arguments.

    `notify` is the number of the call that installs the filter which tells of refused calls, None for no such filter.
    """
    channel = f"{CHANNEL}" if notify is None else f"{CHANNEL}:{NOTIFIER}:{notify}"
    return [str(root.launcher), "--args", str(ARGUMENTS), "--", *_BOOTSTRAP, channel, rlimits(limits), *preload]


def rlimits(limits: Limits) -> str:
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
        "RLIMIT_CORE": 0,
    }
    # Where a hard limit is lower already, it stays.
    return ",".join(f"{name}={_at_most(name, value)}" for name, value in values.items())


def _at_most(name: str, value: int) -> int:
    hard = resource.getrlimit(getattr(resource, name))[1]
    return value if hard == resource.RLIM_INFINITY else min(value, hard)
