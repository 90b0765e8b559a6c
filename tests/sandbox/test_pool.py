"""Warm boxes: used once, refilled, drained, and never for other limits than theirs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from sandbox.backend import Box, Capabilities, Progress, silent
from sandbox.bubblewrap_backend import BubblewrapBackend
from sandbox.bubblewrap_box import BubblewrapBox
from sandbox.limits import Limits
from sandbox.pool import Pool
from sandbox.runner import PooledSandbox
from schemas.errors import SandboxUnavailable
from tests.sandbox.quick import QUICK

Left = Callable[[], list[Path]]


class _Counting(BubblewrapBackend):
    """The real backend; remembers which boxes it made."""

    def __init__(self, data_dir: Path) -> None:
        super().__init__(data_dir)
        self.made: list[BubblewrapBox] = []

    def prepare(self, limits: Limits, preload: Sequence[str] = ()) -> BubblewrapBox:
        self.made.append(super().prepare(limits, preload))
        return self.made[-1]


@pytest.fixture
async def backend(sandbox: PooledSandbox, sandbox_data: Path) -> AsyncIterator[_Counting]:
    made = _Counting(sandbox_data)
    assert (await asyncio.to_thread(made.probe)).available
    yield made
    made.close()


async def test_box_is_warm_and_new_each_time_when_it_is_taken(backend: _Counting, boxes_left: Left) -> None:
    pool = Pool(backend, QUICK, 2)
    pool.start()
    boxes: list[Box] = []
    for number in range(4):
        assert await asyncio.to_thread(pool.wait_until_full, 20)
        boxes.append(pool.take(QUICK))
        result = boxes[-1].run("import os; print(os.listdir('/tmp/out')); open('/tmp/out/a.txt', 'w')", {}, {}).result
        assert (result.reason, result.stdout) == ("ok", "[]\n"), number
        boxes[-1].destroy()
    assert len({id(box) for box in boxes}) == 4
    await asyncio.to_thread(pool.close)
    assert boxes_left() == []


async def test_box_has_the_limits_asked_for_when_they_are_not_the_pools(backend: _Counting) -> None:
    pool = Pool(backend, QUICK, 1)
    pool.start()
    assert await asyncio.to_thread(pool.wait_until_full, 20)
    box = pool.take(replace(QUICK, pids=17))
    box.destroy()
    assert "processes: 17" in box.controls
    assert pool.warm == 1
    await asyncio.to_thread(pool.close)


async def test_dead_box_is_not_given_out_when_the_kernel_ended_it(backend: _Counting) -> None:
    pool = Pool(backend, QUICK, 1)
    pool.start()
    assert await asyncio.to_thread(pool.wait_until_full, 20)
    (victim,) = backend.made
    victim.kill()
    while victim.alive():
        await asyncio.sleep(0)
    box = pool.take(QUICK)
    assert box is not victim
    assert box.alive()
    box.destroy()
    await asyncio.to_thread(pool.close)


async def test_waiting_box_holds_nothing_untrusted_and_little_memory(backend: _Counting) -> None:
    box = backend.prepare(QUICK, ("numpy", "pandas"))
    assert list((box.slot / "program").iterdir()) == []
    assert box.cgroup is not None
    assert (box.cgroup.usage().peak or 0) <= 60 << 20
    box.destroy()


async def test_program_finds_what_was_loaded_and_ends_properly_when_its_box_was_warm(backend: _Counting) -> None:
    box = backend.prepare(QUICK, ("numpy", "pandas"))
    code = (
        "import atexit, sys, threading, time\n"
        "print('pandas' in sys.modules)\n"
        "atexit.register(print, 'at exit')\n"
        "threading.Thread(target=lambda: (time.sleep(0.05), print('thread'))).start()\n"
        "kept = open('/tmp/out/kept.txt', 'w'); kept.write('flushed')\n"
        "sys.exit(7)\n"
    )
    outcome = box.run(code, {}, {})
    box.destroy()
    assert outcome.result.stdout == "True\nthread\nat exit\n"
    assert (outcome.result.reason, outcome.result.exit_code) == ("error", 7)
    assert outcome.artefacts == {"kept.txt": b"flushed"}


async def test_runner_takes_warm_boxes_and_leaves_none_when_it_is_closed(backend: _Counting, boxes_left: Left) -> None:
    runner = PooledSandbox(backend, QUICK, warm=1)
    assert (await runner.start()).available
    assert await asyncio.to_thread(runner.pool.wait_until_full, 20)
    waiting = backend.made[-1]
    assert (await runner.run("print(1)", {})).result.stdout == "1\n"
    assert not waiting.alive()
    await runner.close()
    assert runner.pool.warm == 0
    assert boxes_left() == []


class _Failing(BubblewrapBackend):
    """Cannot start a box."""

    def probe(self, progress: Progress = silent) -> Capabilities:
        return Capabilities("failing", available=True, controls=())

    def prepare(self, limits: Limits, preload: Sequence[str] = ()) -> BubblewrapBox:
        raise SandboxUnavailable("no box today")


async def test_run_is_refused_and_the_pool_can_be_closed_when_no_box_starts(tmp_path: Path) -> None:
    runner = PooledSandbox(_Failing(tmp_path), QUICK, warm=2)
    result = (await runner.run("print(1)", {})).result
    assert (result.reason, result.detail) == ("sandbox_unavailable", "no box today")
    await runner.close()
