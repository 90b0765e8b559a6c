"""The command line of a bubblewrap box: what is in it, what it is cut off from."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from sandbox.inside import COMMAND, INSIDE_ID, OUTPUT, environment, rlimits
from sandbox.limits import MIB, Limits
from sandbox.root_tree import RootTree

# Named one by one: --unshare-all means "those that happen to work".
NAMESPACES = ("user", "pid", "net", "ipc", "uts", "cgroup")
# What no namespace keeps from telling about the machine: how it was started, its hardware, its keys, its name for
# this start.
_TELLING = ("cmdline", "config.gz", "diskstats", "interrupts", "iomem", "ioports", "key-users", "keys", "modules")
_HIDDEN = (*_TELLING, "partitions", "sys/kernel/random/boot_id")

# Descriptors of the process that becomes bwrap, after the standard three. The last two are read by the bootstrap.
ARGUMENTS, STATUS, BLOCK, SECCOMP, CHANNEL, NOTIFIER = range(3, 9)


@cache
def _hidden() -> tuple[str, ...]:
    """Paths of those files that this kernel has."""
    return tuple(f"/proc/{name}" for name in _HIDDEN if Path(f"/proc/{name}").exists())


def options(root: RootTree, slot: Path, limits: Limits) -> list[str]:
    """Every option in order; given to bwrap through a descriptor so that no process list shows them."""
    args = [f"--unshare-{name}" for name in NAMESPACES]
    args += ["--disable-userns", "--die-with-parent", "--new-session", "--as-pid-1"]
    args += ["--uid", str(INSIDE_ID), "--gid", str(INSIDE_ID), "--cap-drop", "ALL", "--hostname", "box"]
    args += ["--ro-bind", str(root.tree), "/"]
    args += ["--proc", "/proc"]
    for name in _hidden():
        # A device where no devices are: it cannot be opened.
        args += ["--ro-bind", "/dev/null", name]
    args += ["--remount-ro", "/proc"]
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
    for name, value in environment(limits).items():
        args += ["--setenv", name, value]
    args += ["--seccomp", str(SECCOMP), "--block-fd", str(BLOCK), "--json-status-fd", str(STATUS)]
    return args


def command(root: RootTree, limits: Limits, notify: int | None, preload: Sequence[str]) -> list[str]:
    """What is started: bwrap with its options elsewhere, and in the box the bootstrap with its arguments.

    `notify` is the number of the call that installs the filter which tells of refused calls, None for no such filter.
    """
    channel = f"{CHANNEL}" if notify is None else f"{CHANNEL}:{NOTIFIER}:{notify}"
    return [str(root.launcher), "--args", str(ARGUMENTS), "--", *COMMAND, channel, rlimits(limits), *preload]
