"""The sandbox's price: a program in a box with everything on, against the bare interpreter, in the same run.

What passes is the ratio to bare `python -I -S`, so that a slow or busy machine judges as a quiet one does: the limits
in milliseconds are for one on which that takes 9 ms.
"""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from bench.docker_run import docker_run, is_possible
from bench.result import Result
from sandbox.bubblewrap_backend import BubblewrapBackend
from sandbox.limits import MIB, Limits
from sandbox.pool import Pool
from sandbox.root_tree import build_root
from sandbox.runner import PRELOAD, PooledSandbox

_ROUNDS = 30
_BARE = 9.0  # ms of the bare interpreter where the limits below were set
_LIMITS = Limits(timeout=30.0, memory=1024 * MIB)
_IDLE = 60.0  # MiB
_TO_DOCKER = 0.35
_TRIVIAL = "print(1)"
_TABLES = "import numpy, pandas\nprint(pandas.DataFrame({'a': numpy.arange(10)}).a.sum())"


async def _nothing() -> None:
    """No preparation."""


@dataclass(slots=True)
class Subject:
    """Something measured turn by turn with others; `before` is not measured. `most` is its limit in milliseconds."""

    name: str
    perform: Callable[[], Awaitable[object]]
    most: float | None = None
    rounds: int = _ROUNDS
    before: Callable[[], Awaitable[object]] = _nothing
    times: list[float] = field(default_factory=list)

    def percentile(self, percent: int) -> float:
        """Milliseconds."""
        return round(statistics.quantiles(self.times, n=100, method="inclusive")[percent - 1], 1)


def run() -> list[Result]:
    return asyncio.run(_measure())


async def _measure() -> list[Result]:
    backend = BubblewrapBackend(Path(".cache"))
    runner = PooledSandbox(backend, _LIMITS, parallel=8)
    capabilities = await runner.start()
    if not capabilities.available:
        await runner.close()
        return [Result("sandbox", 0, None, "", False, f"unavailable: {capabilities.detail}")]
    pool = Pool(backend, _LIMITS, 1, PRELOAD)
    pool.start()

    async def cold(code: str) -> None:
        _check((await runner.run(code, {})).result.reason)

    async def full() -> None:
        if not await asyncio.to_thread(pool.wait_until_full, 60):
            raise RuntimeError("no warm box within a minute")

    def warm(code: str) -> None:
        box = pool.take(_LIMITS)
        try:
            _check(box.run(code, {}, {}).result.reason)
        finally:
            box.destroy()

    bare = Subject("bare python -I -S", _bare)
    boxed = Subject("bubblewrap cold", lambda: cold(_TRIVIAL), 60)
    subjects = [
        bare,
        boxed,
        Subject("bubblewrap warm", lambda: asyncio.to_thread(warm, _TRIVIAL), 15, before=full),
        Subject("numpy and pandas warm", lambda: asyncio.to_thread(warm, _TABLES), 100, before=full),
        Subject("numpy and pandas cold", lambda: cold(_TABLES), rounds=5),
        Subject("eight at once", lambda: asyncio.gather(*(cold(_TRIVIAL) for _ in range(8))), rounds=5),
    ]
    with ExitStack() as engine:
        docker = None
        if is_possible():
            container = engine.enter_context(docker_run(build_root(Path(".cache")), _TRIVIAL))
            docker = Subject("docker run with runc", lambda: asyncio.to_thread(container))
            subjects.append(docker)
        await interleave(subjects)
    await full()
    idle = _idle_memory(backend)
    await asyncio.to_thread(pool.close)
    await runner.close()
    results = [result for subject in subjects for result in _results(subject, bare)]
    results.append(_against(boxed, docker))
    return [*results, Result("memory of an idle warm box", idle, _IDLE, "MiB", idle <= _IDLE, "of its control group")]


async def interleave(subjects: Sequence[Subject]) -> None:
    """Take turns, so that a slow moment of the machine meets all."""
    for turn in range(max(subject.rounds for subject in subjects)):
        for subject in subjects:
            if turn < subject.rounds:
                await subject.before()
                started = time.perf_counter()
                await subject.perform()
                subject.times.append((time.perf_counter() - started) * 1000)


def _results(subject: Subject, bare: Subject) -> list[Result]:
    found = []
    for percent in (50, 95):
        taken, yardstick = subject.percentile(percent), bare.percentile(percent)
        found.append(Result(f"{subject.name}, p{percent}", taken, None, "ms", True))
        if subject is not bare:
            most = round(subject.most / _BARE, 1) if subject.most is not None and percent == 50 else None
            ratio = round(taken / yardstick, 1)
            note = f"{subject.most:g} ms where bare takes {_BARE:g} ms" if most is not None else ""
            within = most is None or ratio <= most
            found.append(Result(f"{subject.name} to bare, p{percent}", ratio, most, "times", within, note))
    return found


def _against(boxed: Subject, docker: Subject | None) -> Result:
    name = "bubblewrap cold to docker run, p50"
    if docker is None:
        return Result(name, 0, None, "times", True, "not measured: no Docker engine is installed")
    ratio = round(boxed.percentile(50) / docker.percentile(50), 2)
    return Result(name, ratio, _TO_DOCKER, "times", ratio <= _TO_DOCKER, "in the same run")


def _check(reason: str) -> None:
    if reason != "ok":
        raise RuntimeError(f"a run ended with {reason}")


def _idle_memory(backend: BubblewrapBackend) -> float:
    box = backend.prepare(_LIMITS, PRELOAD)
    try:
        usage = box.cgroup.usage() if box.cgroup is not None else None
        return round((usage.peak or 0) / MIB, 1) if usage else 0.0
    finally:
        box.destroy()


async def _bare() -> None:
    await asyncio.to_thread(
        subprocess.run, [sys.executable, "-I", "-S", "-c", _TRIVIAL], check=True, stdout=subprocess.DEVNULL
    )
