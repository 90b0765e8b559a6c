"""The child process: late, dead, cancelled, closed, and never in the way of the event loop."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from adapters.vision.frames import BrokenFrame, receive
from adapters.vision.worker import PictureWorker, WorkerDied, WorkerLate

ROOT = Path(__file__).parents[2]
CHILD = "tests.vision.slow_child"


@pytest.fixture
async def worker() -> AsyncIterator[PictureWorker]:
    worker = PictureWorker(CHILD)
    yield worker
    await worker.close()


async def test_answer_comes_back_when_the_child_echoes(worker: PictureWorker) -> None:
    body = os.urandom(3_000_000)
    head, answer = await worker.call({"op": "echo", "n": 7}, body, timeout=10)
    assert (head["n"], answer) == (7, body)


async def test_requests_take_turns_when_many_come_at_once(worker: PictureWorker) -> None:
    answers = await asyncio.gather(*(worker.call({"op": "echo", "n": n}, b"%d" % n, timeout=10) for n in range(20)))
    assert [(head["n"], body) for head, body in answers] == [(n, b"%d" % n) for n in range(20)]


async def test_child_is_killed_and_replaced_when_it_is_late(worker: PictureWorker) -> None:
    await worker.start()
    first = worker.pid
    with pytest.raises(WorkerLate):
        await worker.call({"op": "hang"}, b"", timeout=0.2)
    assert worker.pid is None
    assert first is not None
    assert not psutil.pid_exists(first)
    assert (await worker.call({"op": "echo", "n": 1}, b"x", timeout=10))[1] == b"x"


@pytest.mark.parametrize("op", ["exit", "abort", "garbage", "devour"])
async def test_death_is_told_and_survived_when_the_child_crashes(worker: PictureWorker, op: str) -> None:
    if op == "devour":
        # Memory beyond the limit is an exception in the child, which it answers with.
        head, _ = await worker.call({"op": op}, b"", timeout=20)
        assert head["failed"] == "MemoryError"
    else:
        with pytest.raises(WorkerDied):
            await worker.call({"op": op}, b"", timeout=10)
    assert (await worker.call({"op": "echo", "n": 1}, b"x", timeout=10))[1] == b"x"


async def test_next_answer_is_its_own_when_a_request_was_cancelled(worker: PictureWorker) -> None:
    await worker.start()
    task = asyncio.create_task(worker.call({"op": "hang"}, b"", timeout=10))
    while not worker._turn.locked():
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    head, _ = await worker.call({"op": "echo", "n": 2}, b"", timeout=10)
    assert head["n"] == 2


async def test_child_is_gone_when_the_worker_was_closed(worker: PictureWorker) -> None:
    await worker.start()
    pid = worker.pid
    assert pid is not None
    await worker.close()
    assert not psutil.pid_exists(pid)
    with pytest.raises(WorkerDied):
        await worker.call({"op": "echo"}, b"", timeout=1)
    await worker.close()


async def test_child_knows_no_secret_when_the_program_has_some(
    worker: PictureWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAULTRA_SECRET", "swordfish")
    head, _ = await worker.call({"op": "environment"}, b"", timeout=10)
    assert "VAULTRA_SECRET" not in head["names"]


async def test_child_dies_when_its_parent_is_killed() -> None:
    script = textwrap.dedent(f"""
        import asyncio
        from adapters.vision.worker import PictureWorker
        async def main():
            worker = PictureWorker("{CHILD}")
            await worker.start()
            print(worker.pid, flush=True)
            await asyncio.sleep(60)
        asyncio.run(main())
    """)
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, stdout=subprocess.PIPE, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    assert parent.stdout is not None
    child = psutil.Process(int(await parent.stdout.readline()))
    parent.send_signal(signal.SIGKILL)
    await parent.wait()
    _, alive = await asyncio.to_thread(psutil.wait_procs, [child], 5)
    assert not [process for process in alive if process.status() != psutil.STATUS_ZOMBIE]


async def test_frame_is_refused_when_it_claims_to_be_endless() -> None:
    stream = asyncio.StreamReader()
    stream.feed_data(b"\xff" * 12)
    with pytest.raises(BrokenFrame):
        await receive(stream)
