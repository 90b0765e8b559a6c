"""Celery's side, run by the bench with its own interpreter: a chain of five tasks that do nothing.

`celery_chain.py REDIS_URL JOBS LONE` prints {"p50": seconds, "jobs_per_second": …}; the same file is the worker's
application. A task is acknowledged after its work, as ours are, so that a killed worker loses nothing.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

from celery import Celery, chain

URL = os.environ["BENCH_REDIS_URL"]
app = Celery("celery_chain", broker=URL, backend=URL)
app.conf.update(task_acks_late=True, broker_connection_retry_on_startup=True, worker_hijack_root_logger=False)


@app.task(name="bench.pass_on")
def pass_on(text: str) -> str:
    return text


def five() -> chain:
    text = "a question about the figures of a document, of ordinary length"
    return chain(pass_on.s(text), *(pass_on.s() for _ in range(4)))


def lone() -> float:
    started = time.perf_counter()
    five().apply_async().get(timeout=30)
    return time.perf_counter() - started


def burst(jobs: int) -> float:
    started = time.perf_counter()
    waiting = [five().apply_async() for _ in range(jobs)]
    for job in waiting:
        job.get(timeout=120)
    return jobs / (time.perf_counter() - started)


def measure(jobs: int, lone_jobs: int) -> dict[str, float]:
    options = ["--loglevel=ERROR", "--concurrency=2", "--without-gossip", "--without-mingle"]
    worker = subprocess.Popen(
        [sys.executable, "-m", "celery", "-A", "celery_chain", "worker", *options],
        cwd=Path(__file__).parent,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        five().apply_async().get(timeout=60)
        burst(50)
        p50 = median(lone() for _ in range(lone_jobs))
        return {"p50": p50, "jobs_per_second": median(burst(jobs) for _ in range(3))}
    finally:
        worker.terminate()
        worker.wait(timeout=30)


if __name__ == "__main__":
    print(json.dumps(measure(int(sys.argv[1]), int(sys.argv[2]))))
