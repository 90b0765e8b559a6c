"""Webhook ingest against the same server storing nothing, and against one INSERT a request.

One server process, 32 keep-alive connections, signed events of 3 KB, fsync on. The three take turns, so that each
ratio is of neighbours in time.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.http_load import Load
from bench.result import Result

CONNECTIONS = 32
SECONDS = 2.5
ROUNDS = 7
WAYS = ("append", "nothing", "insert")


@contextmanager
def server(data_dir: Path) -> Iterator[dict[str, int]]:
    """The server's port for each way of storing."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.webhook_server", str(data_dir)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        yield dict(zip(WAYS, json.loads(process.stdout.readline()), strict=True))
    finally:
        process.terminate()
        process.communicate(timeout=30)


def post(port: int, seconds: float) -> Load:
    command = [sys.executable, "-m", "bench.webhook_load", str(port), str(CONNECTIONS), str(seconds)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return Load(**json.loads(done.stdout))


def measure() -> dict[str, list[Load]]:
    loads: dict[str, list[Load]] = {way: [] for way in WAYS}
    cache = Path(".cache").resolve()
    cache.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="vaultra-webhooks-", dir=cache) as folder, server(Path(folder)) as ports:
        for way in WAYS:
            post(ports[way], 1.0)
        for turn in range(ROUNDS):
            for index in range(len(WAYS)):
                way = WAYS[(turn + index) % len(WAYS)]
                loads[way].append(post(ports[way], SECONDS))
    return loads


def run() -> list[Result]:
    loads = measure()
    rates = {way: statistics.median(load.rate for load in loads[way]) for way in WAYS}

    def ratio(other: str) -> float:
        pairs = zip(loads["append"], loads[other], strict=True)
        return statistics.median(ours.rate / theirs.rate for ours, theirs in pairs)

    to_nothing, to_insert = ratio("nothing"), ratio("insert")
    p50 = statistics.median(load.p50 for load in loads["append"])
    p99 = statistics.median(load.p99 for load in loads["append"])
    return [
        Result(
            "webhook appended ÷ verified and not stored",
            round(to_nothing, 2),
            0.85,
            "×",
            to_nothing >= 0.85,
            f"{rates['append']:.0f}/s of {rates['nothing']:.0f}/s",
        ),
        Result(
            "webhook appended ÷ one INSERT a request",
            round(to_insert, 2),
            1.25,
            "×",
            to_insert >= 1.25,
            f"insert: {rates['insert']:.0f}/s",
        ),
        Result(
            "webhook under load, p99 ÷ p50",
            round(p99 / p50, 2),
            3.0,
            "×",
            p99 <= 3 * p50,
            f"p50 {p50 * 1000:.1f} ms, p99 {p99 * 1000:.1f} ms",
        ),
    ]


if __name__ == "__main__":
    from bench.__main__ import main

    sys.exit(main(["webhooks"]))
