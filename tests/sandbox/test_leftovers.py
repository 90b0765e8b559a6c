"""What a killed process leaves behind dies with it or is swept up; and boxes of an ordinary user."""

from __future__ import annotations

import asyncio
import errno
import os
import resource
import select
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sandbox import canary
from sandbox.bubblewrap_backend import BubblewrapBackend
from sandbox.cgroups import box_name, find_parents, sweep
from sandbox.root_tree import RootTree, sweep_trees
from sandbox.runner import PooledSandbox
from sandbox.slot import provide
from tests.sandbox.ordinary_user import as_ordinary_user, ordinary_boxes
from tests.sandbox.quick import QUICK

_HOLD = """
import sys
from pathlib import Path
from sandbox.bubblewrap import Bubblewrap
from sandbox.cgroups import find_parents
from sandbox.limits import Limits
from sandbox.root_tree import build_root
box = Bubblewrap(build_root(Path(sys.argv[1])), find_parents()).prepare(Limits(timeout=60))
print(box.init_pid, flush=True)
box.run("while True: pass", {}, {})
"""


async def test_box_dies_and_its_traces_are_swept_when_its_owner_is_killed(
    sandbox: PooledSandbox, sandbox_data: Path, root_tree: RootTree, boxes_left: Callable[[int], list[Path]]
) -> None:
    owner = subprocess.Popen([sys.executable, "-c", _HOLD, sandbox_data], stdout=subprocess.PIPE)
    assert owner.stdout is not None
    with owner.stdout as answers:
        init = os.pidfd_open(int(answers.readline()))
    owner.send_signal(signal.SIGKILL)
    owner.wait()
    assert _ended(init)
    os.close(init)
    assert boxes_left(owner.pid)
    sweep(find_parents(), root_tree.boxes)
    assert boxes_left(owner.pid) == []


def _ended(pidfd: int) -> bool:
    """A pidfd becomes readable when its process has ended."""
    return bool(select.select([pidfd], [], [], 10)[0])


async def test_sweep_leaves_boxes_alone_when_their_owner_lives(sandbox: PooledSandbox, root_tree: RootTree) -> None:
    mine = root_tree.boxes / box_name()
    mine.mkdir()
    strange = root_tree.boxes / "something-else"
    strange.mkdir()
    sweep((), root_tree.boxes)
    assert mine.is_dir()
    assert strange.is_dir()
    mine.rmdir()
    strange.rmdir()


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.parametrize("delegated", [False, True], ids=["degraded", "delegated groups"])
async def test_box_holds_when_started_by_an_ordinary_user(
    sandbox: PooledSandbox, root_tree: RootTree, delegated: bool
) -> None:
    if os.geteuid() != 0:
        pytest.skip("the rest of the suite runs as an ordinary user already")
    with ordinary_boxes(root_tree, delegated=delegated) as boxes:

        def work() -> None:
            box = boxes.prepare(QUICK)
            try:
                canary.check(box.run(canary.PROGRAM, {}, {}))
            finally:
                box.destroy()
                boxes.spawner.close()
            assert "user: the invoking one" in box.controls
            assert any("swap included" in control for control in box.controls) == delegated

        assert as_ordinary_user(work) == ""


# The kernel counts descriptors that are on their way through sockets per user, over all of its boxes.
_DESCRIPTORS_ON_THEIR_WAY = """
import socket, threading, time
def flood():
    while True:
        left, right = socket.socketpair()
        held.append(right)
        left.setblocking(False)
        try:
            socket.send_fds(left, [b"x"], [left.fileno()] * 253)
        except OSError as error:
            return refused.append(error.errno)
held, refused = [], []
threads = [threading.Thread(target=flood) for _ in range(16)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
time.sleep(0.5)
print(set(refused))
"""


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
async def test_boxes_start_when_another_of_the_same_user_has_all_descriptors_on_their_way(
    sandbox: PooledSandbox, root_tree: RootTree
) -> None:
    if os.geteuid() != 0:
        pytest.skip("root becomes an ordinary user here")
    with ordinary_boxes(root_tree, delegated=False) as boxes:

        def work() -> None:
            _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
            resource.setrlimit(resource.RLIMIT_NOFILE, (QUICK.open_files, hard))
            hostile = boxes.prepare(QUICK)
            with ThreadPoolExecutor(1) as thread:
                attack = thread.submit(hostile.run, _DESCRIPTORS_ON_THEIR_WAY, {}, {})
                while not attack.done():
                    boxes.prepare(QUICK).destroy()
            hostile.destroy()
            boxes.spawner.close()
            assert attack.result().result.stdout.strip() == str({errno.ETOOMANYREFS})

        assert as_ordinary_user(work) == ""


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
async def test_box_is_closed_to_other_users_of_the_machine_while_it_runs(
    sandbox: PooledSandbox, sandbox_data: Path
) -> None:
    """Program, inputs and output are whoever's document it is, not whoever's machine it is."""
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    backend = BubblewrapBackend(sandbox_data)
    assert (await asyncio.to_thread(backend.probe)).available
    box = backend.prepare(QUICK)
    provide(box.slot, "print(1)", {"document.json": b"{}"})
    inside = f"/proc/{box.init_pid}"
    places = [box.slot, box.slot / "program" / "main.py", box.slot / "inputs" / "document.json"]
    places += [Path(f"{inside}/{name}") for name in ("root/tmp/out", "environ", "fd", "mem", "cwd")]

    def work() -> None:
        for place in places:
            with pytest.raises(PermissionError):
                list(place.iterdir()) if place.name in (box.slot.name, "out", "fd", "cwd") else place.read_bytes()
        arguments = Path(f"{inside}/cmdline").read_text()
        assert "document" not in arguments
        assert str(box.slot) not in arguments

    try:
        assert as_ordinary_user(work) == ""
    finally:
        box.destroy()
        backend.close()


def test_sweep_removes_unused_and_half_built_trees_but_not_ours(tmp_path: Path) -> None:
    ours, recent, unused, half = (tmp_path / f"sandbox-root-{name}" for name in ("a", "b", "c", "d.building"))
    for tree in (ours, recent, unused, half):
        (tree / "tree").mkdir(parents=True)
    for old in (ours, unused):
        os.utime(old, (0, 0))
    assert sweep_trees(RootTree(home=ours, boxes=tmp_path)) == 2
    assert (ours.is_dir(), recent.is_dir(), unused.exists(), half.exists()) == (True, True, False, False)
