"""Durable appends over HTTP against the same server storing nothing, and against one INSERT a request.

One server process, 32 keep-alive connections, events of about 300 bytes.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time

from adapters.database import Database
from bench.append_server import message, new_id
from bench.http_load import BODY, post_from_another_process
from bench.result import Result
from bench.three_ways import CONNECTIONS, Loads, data_dir, server, taking_turns
from streams.postgres_log import PostgresEventLog

SECONDS = 2.5
BURST = 30_000


def measure_http() -> Loads:
    with server("bench.append_server") as said:
        port = int(said)
        return taking_turns(
            lambda way, seconds: post_from_another_process(port, f"/{way}", CONNECTIONS, seconds), SECONDS
        )


async def measure_direct() -> tuple[float, float]:
    """Appends per second of a burst without HTTP (256 callers), and the seconds one lone append takes (p50)."""
    with data_dir() as folder:
        database = await Database.open(data_dir=folder)
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


def run() -> list[Result]:
    loads = measure_http()
    rate, lone = asyncio.run(measure_direct())
    to_nothing, to_insert = loads.ratio("nothing"), loads.ratio("insert")
    p50, p99 = loads.percentile("p50") * 1000, loads.percentile("p99") * 1000
    return [
        Result(
            "durable append over HTTP ÷ storing nothing",
            round(to_nothing, 2),
            0.75,
            "×",
            to_nothing >= 0.75,
            f"{loads.rate('append'):.0f}/s (p50 {p50:.1f} ms, p99 {p99:.1f} ms) of {loads.rate('nothing'):.0f}/s",
        ),
        Result(
            "durable append over HTTP ÷ one INSERT a request",
            round(to_insert, 2),
            1.3,
            "×",
            to_insert >= 1.3,
            f"insert: {loads.rate('insert'):.0f}/s",
        ),
        Result("direct appends in a burst", round(rate), None, "/s", True, f"a lone one: {lone * 1000:.2f} ms"),
    ]


if __name__ == "__main__":
    from bench.__main__ import main

    sys.exit(main(["append_http"]))
