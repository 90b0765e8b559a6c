"""Control groups for boxes, on v1 hierarchies, on v2, or on both at once as the machine has them."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from sandbox.limits import Limits
from schemas.errors import SandboxUnavailable

NEEDED = ("memory", "pids", "cpu")
_PREFIX = "vaultra-box-"
_PERIOD = 100_000  # µs; the kernel's default for the CPU quota
_DEATH = 2.0  # s that killed processes may take to be gone
_LEFTOVER_AGE = 60.0  # s; younger empty groups may be another instance's that is just starting a box


@dataclass(frozen=True, slots=True)
class Usage:
    """What a box used, read once it is dead. Seconds and bytes; `peak` None where the kernel does not say."""

    cpu_seconds: float | None
    peak: int | None
    oom_kills: int
    pids_refused: int


@dataclass(frozen=True, slots=True)
class Parent:
    """A group that boxes' groups can be made in, and the controllers it governs."""

    directory: Path
    version: int
    controllers: tuple[str, ...]


def _mounts() -> Iterator[tuple[Path, str, tuple[str, ...]]]:
    """(mount point, "cgroup" or "cgroup2", options) of every mounted hierarchy."""
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        before, _, after = line.partition(" - ")
        kind, _, options = after.split(" ", 2)
        if kind in ("cgroup", "cgroup2"):
            yield Path(before.split()[4]), kind, tuple(options.split(","))


def _paths(process: int | str = "self") -> Mapping[str, str]:
    """The groups of a process (ours by default) by controller; "" is v2."""
    paths = {}
    for line in Path(f"/proc/{process}/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        for controller in controllers.split(","):
            paths[controller] = path
    return paths


def _usable(directory: Path) -> bool:
    """Whether groups can be made there: tried, because permissions alone do not tell (read-only mounts)."""
    trial = directory / f"{_PREFIX}trial-{os.getpid()}-{secrets.token_hex(4)}"
    try:
        trial.mkdir()
        trial.rmdir()
    except OSError:
        return False
    return True


def _v2_parent(mount: Path, own: str, wanted: tuple[str, ...]) -> Parent | None:
    """A v2 group whose children get the wanted controllers: our own, its parent, or the root of the hierarchy."""
    home = mount / own.lstrip("/")
    for directory in dict.fromkeys((home, home.parent, mount)):
        if not directory.is_relative_to(mount) or not (directory / "cgroup.subtree_control").exists():
            continue
        control = directory / "cgroup.subtree_control"
        with suppress(OSError):
            # Refused (EBUSY) in a group that has processes of its own, such as ours, unless it is the root.
            control.write_text(" ".join(f"+{name}" for name in wanted))
        if set(wanted) <= set(control.read_text().split()) and _usable(directory):
            return Parent(directory, 2, wanted)
    return None


def find_parents() -> tuple[Parent, ...]:
    """Groups that together govern memory, processes and CPU.

    Raises SandboxUnavailable with what is missing and what to do.
    """
    own = _paths()
    parents: dict[Path, Parent] = {}
    missing = set(NEEDED)
    unified: Path | None = None
    for mount, kind, options in _mounts():
        if kind == "cgroup2":
            unified = unified or mount
            continue
        here = tuple(name for name in (*NEEDED, "cpuacct") if name in options)
        for directory in (mount / own.get(here[0], "/").lstrip("/"), mount) if here else ():
            if directory.is_dir() and _usable(directory):
                parents.setdefault(mount, Parent(directory, 1, here))
                missing -= set(here)
                break
    if missing and unified is not None:
        parent = _v2_parent(unified, own.get("", "/"), tuple(name for name in NEEDED if name in missing))
        if parent is not None:
            parents[unified] = parent
            missing.clear()
    if missing:
        raise SandboxUnavailable(
            f"no control group for {', '.join(sorted(missing))} can be made here, so these cannot be limited. Run as "
            "root, or as a user with delegated groups (systemd-run --user --scope -p Delegate=yes …); in a container, "
            "mount /sys/fs/cgroup writable"
        )
    return tuple(parents.values())


def _started(pid: int) -> str | None:
    """Start time of a process in clock ticks; with the pid it names a process for good."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (FileNotFoundError, ProcessLookupError):
        return None


def box_name() -> str:
    """A name for a box's group and directory that says whose it is, for the janitor of a later process."""
    namespace = os.stat("/proc/self/ns/pid").st_ino
    return f"{_PREFIX}{namespace}-{os.getpid()}-{_started(os.getpid())}-{secrets.token_hex(6)}"


def is_leftover(path: Path) -> bool:
    """Whether a group or directory of a box belongs to a process that is gone."""
    if not path.name.startswith(_PREFIX):
        return False
    parts = path.name.removeprefix(_PREFIX).split("-")
    if len(parts) == 4 and parts[0] == str(os.stat("/proc/self/ns/pid").st_ino) and parts[1].isdigit():
        return _started(int(parts[1])) != parts[2]
    # Of another process namespace: whether its owner lives cannot be seen, only that the group is old and empty.
    with suppress(OSError):
        procs = path / "cgroup.procs"
        return procs.exists() and not procs.read_text() and time.time() - path.stat().st_mtime > _LEFTOVER_AGE
    return False


def sweep(parents: tuple[Parent, ...], boxes: Path | None) -> int:
    """Kill and remove what boxes of dead processes left. Returns how many groups and directories went."""
    gone = 0
    for parent in parents:
        for path in parent.directory.glob(f"{_PREFIX}*"):
            if path.is_dir() and is_leftover(path):
                gone += _remove(path)
    for path in boxes.glob(f"{_PREFIX}*") if boxes else ():
        if is_leftover(path):
            shutil.rmtree(path, ignore_errors=True)
            gone += 1
    return gone


def _pids(group: Path) -> list[int]:
    try:
        return [int(pid) for pid in (group / "cgroup.procs").read_text().split()]
    except OSError:
        return []


def _remove(group: Path) -> bool:
    """Remove a group, killing what is in it. False when something in it does not die in time."""
    deadline = time.monotonic() + _DEATH
    while True:
        try:
            group.rmdir()
        except FileNotFoundError:
            return True
        except OSError:
            for pid in _pids(group):
                with suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
            if time.monotonic() > deadline:
                return False
            time.sleep(0.005)
        else:
            return True


@dataclass(slots=True)
class Cgroup:
    """One box's groups: limited before anything is in them."""

    name: str
    parents: tuple[Parent, ...]
    groups: dict[str, tuple[Path, int]] = field(default_factory=dict)

    @classmethod
    def create(cls, name: str, parents: tuple[Parent, ...], limits: Limits) -> Cgroup:
        """Raises OSError where a limit cannot be set; nothing is left behind then."""
        cgroup = cls(name, parents)
        try:
            for parent in parents:
                directory = parent.directory / name
                directory.mkdir()
                for controller in parent.controllers:
                    cgroup.groups[controller] = (directory, parent.version)
            cgroup._limit(limits)
        except OSError:
            cgroup.remove()
            raise
        return cgroup

    def _write(self, controller: str, v1: str | None, v2: str | None, value: str, *, optional: bool = False) -> None:
        directory, version = self.groups[controller]
        name = v1 if version == 1 else v2
        if name is None or (optional and not (directory / name).exists()):
            return
        (directory / name).write_text(value)

    def _limit(self, limits: Limits) -> None:
        memory = str(limits.memory)
        self._write("memory", "memory.limit_in_bytes", "memory.max", memory)
        # Swap included on v1, swap alone on v2; the files are absent where the kernel does not account for swap.
        self._write("memory", "memory.memsw.limit_in_bytes", None, memory, optional=True)
        self._write("memory", "memory.swappiness", None, "0", optional=True)
        self._write("memory", None, "memory.swap.max", "0", optional=True)
        self._write("pids", "pids.max", "pids.max", str(limits.pids))
        quota = int(limits.cpus * _PERIOD)
        self._write("cpu", "cpu.cfs_period_us", None, str(_PERIOD))
        self._write("cpu", "cpu.cfs_quota_us", "cpu.max", str(quota))

    def enforces(self, limits: Limits) -> bool:
        """Whether the kernel's files say so: memory, processes and CPU, read back."""
        quota, period = self._quota()
        return (
            (self._number("memory", "memory.limit_in_bytes", "memory.max") or limits.memory + 1) <= limits.memory
            and (self._number("pids", "pids.max", "pids.max") or limits.pids + 1) <= limits.pids
            and 0 < quota <= limits.cpus * period
        )

    def _quota(self) -> tuple[float, float]:
        if self.groups["cpu"][1] == 2:
            quota, _, period = self._read("cpu", "", "cpu.max").partition(" ")
            return (float(quota), float(period)) if quota.isdigit() else (-1.0, 1.0)
        quota, period = (self._read("cpu", f"cpu.cfs_{name}_us", None) for name in ("quota", "period"))
        return float(quota or -1), float(period or 1)

    def admit(self, pid: int) -> None:
        """Move a process, with all it will ever start, into the groups."""
        for directory in {directory for directory, _ in self.groups.values()}:
            (directory / "cgroup.procs").write_text(str(pid))

    def entrances(self) -> tuple[Path, ...]:
        """Files that a process writes "0" to in order to move itself, with all it will ever start, into the groups."""
        names = {1: "tasks", 2: "cgroup.procs"}
        return tuple({directory: directory / names[version] for directory, version in self.groups.values()}.values())

    def holds(self, pid: int) -> bool:
        """Whether the kernel says the process is in every one of the groups."""
        text = Path(f"/proc/{pid}/cgroup").read_text()
        return text.count(f"/{self.name}\n") >= len(self.parents)

    def usage(self) -> Usage:
        return Usage(
            cpu_seconds=self.cpu_seconds(),
            peak=self._number("memory", "memory.max_usage_in_bytes", "memory.peak"),
            oom_kills=self._entry("memory", "memory.oom_control", "memory.events", "oom_kill"),
            pids_refused=self._entry("pids", "pids.events", "pids.events", "max"),
        )

    def cpu_seconds(self) -> float | None:
        """CPU time used so far by everything in the groups."""
        if "cpuacct" in self.groups:
            nanoseconds = self._number("cpuacct", "cpuacct.usage", None)
            return None if nanoseconds is None else nanoseconds / 1e9
        return self._entry("cpu", "cpu.stat", "cpu.stat", "usage_usec") / 1e6

    def overspent(self, limits: Limits) -> bool:
        """Whether everything in the groups together used up its CPU time: a limit of processes counts each alone."""
        return (self.cpu_seconds() or 0.0) >= limits.cpu_seconds

    def _read(self, controller: str, v1: str, v2: str | None) -> str:
        directory, version = self.groups[controller]
        name = v1 if version == 1 else v2
        try:
            return (directory / name).read_text() if name else ""
        except OSError:
            return ""

    def _number(self, controller: str, v1: str, v2: str | None) -> int | None:
        text = self._read(controller, v1, v2)
        return int(text) if text.strip().isdigit() else None

    def _entry(self, controller: str, v1: str, v2: str, key: str) -> int:
        for line in self._read(controller, v1, v2).splitlines():
            name, _, value = line.partition(" ")
            if name == key:
                return int(value)
        return 0

    def kill(self) -> None:
        """End every process in the groups, and whatever they start meanwhile; waits until none is left."""
        deadline = time.monotonic() + _DEATH
        while pids := {pid for directory, _ in self.groups.values() for pid in _pids(directory)}:
            for pid in pids:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            if time.monotonic() > deadline:
                return
            time.sleep(0.002)

    def remove(self) -> bool:
        """Remove the groups; True when all are gone."""
        removed = [_remove(parent.directory / self.name) for parent in self.parents]
        return all(removed)


def groups_of(pid: int) -> Cgroup:
    """The groups a process is in, made by somebody else: for looking and killing only."""
    own = _paths(pid)
    cgroup = Cgroup(name="", parents=())
    for mount, kind, options in _mounts():
        version = 2 if kind == "cgroup2" else 1
        for controller in (*NEEDED, "cpuacct"):
            path = own.get("" if version == 2 else controller)
            if path in (None, "/") or (version == 1 and controller not in options):
                continue
            directory = mount / str(path).lstrip("/")
            if directory.is_dir() and (version == 1 or controller != "cpuacct"):
                cgroup.groups.setdefault(controller, (directory, version))
    return cgroup
