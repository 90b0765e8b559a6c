"""Boxes of a user without any privilege, with the control groups a service manager would give him."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from sandbox import spawner_process
from sandbox.bubblewrap import Bubblewrap
from sandbox.cgroups import Parent, find_parents
from sandbox.root_tree import RootTree
from sandbox.spawner import Spawner

# A user id nobody has, of this run alone: the kernel counts much per user, over all runs.
_USER = 1_800_000_000 + os.getpid()


def as_ordinary_user(work: Callable[[], None]) -> str:
    """What `work` raised in a child process that has given up root for good; empty when nothing."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.setgroups([])
            os.setresgid(_USER, _USER, _USER)
            os.setresuid(_USER, _USER, _USER)
            work()
            status = 0
        except BaseException as error:
            os.write(writing, repr(error).encode()[:4000])
        finally:
            os._exit(status)
    os.close(writing)
    os.waitpid(child, 0)
    said = os.read(reading, 4096).decode()
    os.close(reading)
    return said


@contextmanager
def ordinary_boxes(root: RootTree, *, delegated: bool) -> Iterator[Bubblewrap]:
    """How that user makes boxes, for use inside `as_ordinary_user`. Afterwards nothing of them may be left."""
    mine = root.boxes.parent / f"boxes-of-ordinary-user-{os.getpid()}"
    mine.mkdir()
    os.chown(mine, _USER, _USER)
    program = Path(shutil.copy(spawner_process.__file__, root.boxes.parent))
    parents = _delegate() if delegated else ()
    # Root's own interpreter and sources may be closed to this user.
    spawner = Spawner(root.tree / "usr" / "bin" / "python3", program)
    try:
        yield Bubblewrap(replace(root, boxes=mine), parents, spawner=spawner)
        assert list(mine.iterdir()) == []
    finally:
        program.unlink()
        shutil.rmtree(mine)
        for parent in parents:
            parent.directory.rmdir()


def _delegate() -> tuple[Parent, ...]:
    """Control groups given to the ordinary user, as a service manager does."""
    given = []
    for parent in find_parents():
        directory = parent.directory / f"delegated-{os.getpid()}"
        directory.mkdir()
        for path in (directory, *directory.iterdir()):
            os.chown(path, _USER, _USER)
        given.append(replace(parent, directory=directory))
    return tuple(given)
