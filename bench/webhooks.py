"""Webhook ingest against the same server storing nothing, and against one INSERT a request.

One server process, 32 keep-alive connections, signed events of 3 KB.
"""

from __future__ import annotations

import json
import subprocess
import sys

from bench.http_load import Load
from bench.result import Result
from bench.three_ways import CONNECTIONS, WAYS, Loads, server, taking_turns

SECONDS = 2.5


def post(port: int, seconds: float) -> Load:
    command = [sys.executable, "-m", "bench.webhook_load", str(port), str(CONNECTIONS), str(seconds)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return Load(**json.loads(done.stdout))


def measure() -> Loads:
    with server("bench.webhook_server") as said:
        ports = dict(zip(WAYS, json.loads(said), strict=True))
        return taking_turns(lambda way, seconds: post(ports[way], seconds), SECONDS)


def run() -> list[Result]:
    loads = measure()
    to_nothing, to_insert = loads.ratio("nothing"), loads.ratio("insert")
    p50, p99 = loads.percentile("p50"), loads.percentile("p99")
    return [
        Result(
            "webhook appended ÷ verified and not stored",
            round(to_nothing, 2),
            0.85,
            "×",
            to_nothing >= 0.85,
            f"{loads.rate('append'):.0f}/s of {loads.rate('nothing'):.0f}/s",
        ),
        Result(
            "webhook appended ÷ one INSERT a request",
            round(to_insert, 2),
            1.25,
            "×",
            to_insert >= 1.25,
            f"insert: {loads.rate('insert'):.0f}/s",
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
