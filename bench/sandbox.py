"""The sandbox's price: a program in a box with everything on, against the bare interpreter, in the same run."""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from bench.result import Result
from sandbox.bubblewrap_backend import BubblewrapBackend
from sandbox.limits import MIB, Limits
from sandbox.runner import PooledSandbox

_ROUNDS = 30
_RATIO = 6.7
_TRIVIAL = "print(1)"
_TABLES = "import numpy, pandas\nprint(pandas.DataFrame({'a': numpy.arange(10)}).a.sum())"


def run() -> list[Result]:
    return asyncio.run(_measure())


async def _measure() -> list[Result]:
    runner = PooledSandbox(BubblewrapBackend(Path(".cache")), Limits(timeout=30.0, memory=1024 * MIB), parallel=8)
    capabilities = await runner.start()
    if not capabilities.available:
        await runner.close()
        return [Result("sandbox", 0, None, "", False, f"unavailable: {capabilities.detail}")]

    async def boxed(code: str) -> None:
        result = (await runner.run(code, {})).result
        if result.reason != "ok":
            raise RuntimeError(f"{result.reason}: {result.detail}")

    async def eight() -> None:
        await asyncio.gather(*(boxed(_TRIVIAL) for _ in range(8)))

    bare, cold, tables, together = await _interleaved(
        [_bare, lambda: boxed(_TRIVIAL), lambda: boxed(_TABLES), eight], [_ROUNDS, _ROUNDS, 10, 5]
    )
    await runner.close()
    p50 = _percentile(cold, 50)
    ratio = round(p50 / _percentile(bare, 50), 1)
    return [
        Result("bare python -I -S, p50", _percentile(bare, 50), None, "ms", True, "the yardstick"),
        Result("bubblewrap cold, p50", p50, None, "ms", True, ""),
        Result("bubblewrap cold to bare, p50", ratio, _RATIO, "times", ratio <= _RATIO, "60 ms where bare takes 9 ms"),
        Result("bubblewrap cold, p95", _percentile(cold, 95), None, "ms", True, ""),
        Result("numpy and pandas cold, p50", _percentile(tables, 50), None, "ms", True, ""),
        Result("eight at once, p50", _percentile(together, 50), None, "ms", True, "all eight, none failed"),
    ]


async def _bare() -> None:
    await asyncio.to_thread(
        subprocess.run, [sys.executable, "-I", "-S", "-c", _TRIVIAL], check=True, stdout=subprocess.DEVNULL
    )


async def _interleaved(subjects: list[Callable[[], Awaitable[None]]], rounds: list[int]) -> list[list[float]]:
    """Milliseconds of each subject, taken turn by turn, so that a slow moment of the machine meets all."""
    times: list[list[float]] = [[] for _ in subjects]
    for turn in range(max(rounds)):
        for subject, most, taken in zip(subjects, rounds, times, strict=True):
            if turn < most:
                started = time.perf_counter()
                await subject()
                taken.append((time.perf_counter() - started) * 1000)
    return times


def _percentile(times: list[float], percent: int) -> float:
    return round(statistics.quantiles(times, n=100, method="inclusive")[percent - 1], 1)
