"""The process that starts boxes: what it starts, what it tells, and what happens when it is gone."""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.identity import Identity
from sandbox.spawner import Spawned, Spawner
from schemas.errors import SandboxUnavailable

_OURSELVES = Identity(os.geteuid(), os.getegid(), own=True)


@pytest.fixture
def spawner() -> Iterator[Spawner]:
    started = Spawner()
    yield started
    started.close()


def _spawn(spawner: Spawner, *command: str, joins: tuple[Path, ...] = ()) -> tuple[Spawned, str]:
    """Run to the end; also what it wrote."""
    output, theirs = os.pipe()
    null = os.open("/dev/null", os.O_RDONLY)
    try:
        spawned = spawner.spawn(command, (null, theirs, theirs), joins, _OURSELVES)
    finally:
        os.close(theirs)
        os.close(null)
    with os.fdopen(output) as said:
        return spawned, said.read()


def _report(spawned: Spawned) -> str:
    assert select.select([spawned.report], [], [], 10)[0]
    text = os.read(spawned.report, 100).decode()
    os.close(spawned.report)
    os.close(spawned.process)
    return text


def test_process_has_nothing_of_ours_when_it_is_spawned(spawner: Spawner) -> None:
    spawned, said = _spawn(spawner, "/bin/ls", "/proc/self/fd")
    assert said.split() == ["0", "1", "2", "3"]  # the last is the listing itself
    status, seconds = _report(spawned).split()
    assert status == "0"
    assert float(seconds) >= 0
    spawned, said = _spawn(spawner, "/usr/bin/env")
    assert said == ""
    _report(spawned)


def test_failure_is_told_on_standard_error_when_the_command_cannot_be_started(spawner: Spawner) -> None:
    for command, joins in (("/nowhere", ()), ("/bin/ls", (Path("/nowhere/tasks"),))):
        spawned, said = _spawn(spawner, command, joins=joins)
        assert "the box cannot be started" in said
        assert os.waitstatus_to_exitcode(int(_report(spawned).split()[0])) == 127


def test_spawner_starts_again_when_its_process_was_killed(spawner: Spawner) -> None:
    first, _ = _spawn(spawner, "/bin/true")
    _report(first)
    parent = int(_spawn(spawner, "/bin/sh", "-c", "echo $PPID")[1])
    gone = os.pidfd_open(parent)
    os.kill(parent, signal.SIGKILL)
    assert select.select([gone], [], [], 10)[0]
    os.close(gone)
    again, said = _spawn(spawner, "/bin/echo", "again")
    assert said == "again\n"
    _report(again)


def test_spawn_is_unavailable_when_the_process_cannot_be_started() -> None:
    broken = Spawner(Path("/nowhere/python"))
    with pytest.raises(SandboxUnavailable, match="no process can be started"):
        _spawn(broken, "/bin/true")
    broken.close()
