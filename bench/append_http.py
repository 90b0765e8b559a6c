"""Durable appends over HTTP against the same server storing nothing, and against one INSERT a request.

One server process, 32 keep-alive connections, events of about 300 bytes, fsync on. The three take turns, so that
each ratio is of neighbours in time.
"""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from adapters.database import Database
from bench.append_server import message, new_id
from bench.http_load import BODY, Load, post_from_another_process
from bench.result import Result
from streams.postgres_log import PostgresEventLog

CONNECTIONS = 32
SECONDS = 2.5
ROUNDS = 7
WAYS = ("nothing", "append", "insert")
BURST = 30_000


@contextmanager
def server(data_dir: Path) -> Iterator[int]:
    """The server's port."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.append_server", str(data_dir)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        yield int(process.stdout.readline())
    finally:
        process.terminate()
        process.communicate(timeout=30)


def measure_http() -> dict[str, list[Load]]:
    loads: dict[str, list[Load]] = {way: [] for way in WAYS}
    with tempfile.TemporaryDirectory(prefix="vaultra-append-", dir=_cache()) as folder, server(Path(folder)) as port:
        for way in WAYS:
            post_from_another_process(port, f"/{way}", CONNECTIONS, 1.0)
        for turn in range(ROUNDS):
            for index in range(len(WAYS)):
                way = WAYS[(turn + index) % len(WAYS)]
                loads[way].append(post_from_another_process(port, f"/{way}", CONNECTIONS, SECONDS))
    return loads


async def measure_direct() -> tuple[float, float]:
    """Appends per second of a burst without HTTP (256 callers), and the seconds one lone append takes (p50)."""
    with tempfile.TemporaryDirectory(prefix="vaultra-burst-", dir=_cache()) as folder:
        database = await Database.open(data_dir=Path(folder))
        log = await PostgresEventLog.open(database)
        lone: list[float] = []
        for _ in range(300):
            one = message(new_id(), BODY)
            started = time.perf_counter()
            await log.append([one])
            lone.append(time.perf_counter() - started)
        messages = iter([message(new_id(), BODY) for _ in range(BURST)])

        async def append() -> None:
            for one in messages:
                await log.append([one])

        started = time.perf_counter()
        await asyncio.gather(*(append() for _ in range(256)))
        rate = BURST / (time.perf_counter() - started)
        await log.close()
        await database.close()
        return rate, statistics.median(lone)


def _cache() -> Path:
    cache = Path(".cache").resolve()
    cache.mkdir(exist_ok=True)
    return cache


def run() -> list[Result]:
    loads = measure_http()
    rate, lone = asyncio.run(measure_direct())
    rates = {way: statistics.median(load.rate for load in loads[way]) for way in WAYS}

    def ratio(other: str) -> float:
        pairs = zip(loads["append"], loads[other], strict=True)
        return statistics.median(ours.rate / theirs.rate for ours, theirs in pairs)

    to_nothing, to_insert = ratio("nothing"), ratio("insert")
    p50 = statistics.median(load.p50 for load in loads["append"])
    p99 = statistics.median(load.p99 for load in loads["append"])
    return [
        Result(
            "durable append over HTTP ÷ storing nothing",
            round(to_nothing, 2),
            0.75,
            "×",
            to_nothing >= 0.75,
            f"{rates['append']:.0f}/s (p50 {p50 * 1000:.1f} ms, p99 {p99 * 1000:.1f} ms) of {rates['nothing']:.0f}/s",
        ),
        Result(
            "durable append over HTTP ÷ one INSERT a request",
            round(to_insert, 2),
            1.3,
            "×",
            to_insert >= 1.3,
            f"insert: {rates['insert']:.0f}/s",
        ),
        Result("direct appends in a burst", round(rate), None, "/s", True, f"a lone one: {lone * 1000:.2f} ms"),
    ]


if __name__ == "__main__":
    from bench.__main__ import main

    sys.exit(main(["append_http"]))
