"""100,000 generated Stripe events from a file of JSON Lines to the tables of the projections, as the program does it.

Measured from when the log is open until every projection has everything, with the log and the tables on the embedded
PostgreSQL, fsync on. The process that reads starts while the log opens, and goes on to where its pipe is full, after
some 500 events. Memory is that of both processes, above what the importing one holds idle.
`python -m bench.import FILE DATA_DIR` is the importing process.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from adapters.database import Database
from bench.result import Result
from projections.runner import ProjectionRunner
from streams.postgres_log import PostgresEventLog
from streams.stripe_import import StripeImport
from streams.stripe_reader import Read, reading
from vaultra.catalogue import all_topics, ledger_runner
from vaultra.garbage import settle_garbage_collection

EVENTS = 100_000
FEWEST = 8_000.0
MOST_MEMORY = 300.0
BUSINESSES = 12
_CREATED = 1_700_000_000


def event(number: int) -> dict[str, Any]:
    """Charges, and a refund of every tenth; two years of a dozen connected accounts."""
    charge = {
        "id": f"ch_{number:08d}",
        "object": "charge",
        "amount": 1000 + number % 9000,
        "amount_captured": 1000 + number % 9000,
        "amount_refunded": 0,
        "balance_transaction": f"txn_{number:08d}",
        "captured": True,
        "created": _CREATED + number * 600,
        "currency": ("eur", "usd", "jpy", "kwd")[number % 4],
        "customer": f"cus_{number % 997}",
        "disputed": False,
        "livemode": True,
        "paid": True,
        "payment_method_details": {"card": {"brand": "visa", "country": "NL", "last4": "4242"}, "type": "card"},
        "refunded": False,
        "status": "succeeded",
    }
    refund = {
        "id": f"re_{number:08d}",
        "object": "refund",
        "amount": 500,
        "charge": f"ch_{number - 1:08d}",
        "created": _CREATED + number * 600,
        "currency": ("eur", "usd", "jpy", "kwd")[(number - 1) % 4],
        "status": "succeeded",
    }
    refunding = number % 10 == 9
    return {
        "id": f"evt_{number:08d}",
        "object": "event",
        "account": f"acct_{number // 10 % BUSINESSES}",
        "api_version": "2025-09-30.clover",
        "created": _CREATED + number * 600,
        "data": {"object": refund if refunding else charge},
        "livemode": True,
        "type": "refund.created" if refunding else "charge.succeeded",
    }


def resident(*processes: str) -> float:
    """MiB that processes hold now; pages that they share count for each."""
    pages = 0
    for process in processes:
        with suppress(OSError, IndexError):  # it has just ended
            pages += int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * 4096 / 1024**2


def readers() -> list[str]:
    found = []
    for child in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split():
        with suppress(OSError):  # it has just ended
            if b"streams.stripe_reader" in Path(f"/proc/{child}/cmdline").read_bytes():
                found.append(child)
    return found


async def measure(file: Path, data_dir: Path) -> dict[str, float]:
    async with reading([file], tenant="local") as found:
        return await imported(found, data_dir)


async def imported(found: AsyncIterator[Read], data_dir: Path) -> dict[str, float]:
    database = await Database.open(data_dir=data_dir)
    log = await PostgresEventLog.open(database, all_topics())
    projections = ProjectionRunner(database.pool, log)
    await projections.start()
    assert await projections.caught_up(within=60)
    settle_garbage_collection()  # as the program does
    idle = most = resident("self")

    async def watch() -> None:
        nonlocal most
        while True:
            most = max(most, resident("self", *readers()))
            await asyncio.sleep(0.2)

    watching = asyncio.create_task(watch())
    started = time.perf_counter()
    importing = StripeImport(
        log, ledger_runner(), tenant="local", endpoint="file", clock=lambda: datetime.now(UTC), alone=True
    )
    async for read in found:
        assert not read.broken, read.broken
        for mapped in read.events:
            await importing.add_mapped(mapped)
    tally = await importing.finish()
    on_log = time.perf_counter() - started
    assert await projections.caught_up(within=600)
    seconds = time.perf_counter() - started
    watching.cancel()
    await projections.stop()
    await log.close()
    await database.close()
    return {"appended": tally.appended, "seconds": seconds, "on_log": on_log, "memory": most - idle}


def run() -> list[Result]:
    cache = Path(".cache").resolve()
    with tempfile.TemporaryDirectory(prefix="vaultra-import-", dir=cache) as folder:
        file = Path(folder) / "events.jsonl"
        with file.open("w") as out:
            for number in range(EVENTS):
                out.write(json.dumps(event(number)) + "\n")
        command = [sys.executable, "-m", "bench.import", str(file), str(Path(folder) / "data")]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    measured = json.loads(done.stdout)
    assert measured["appended"] == EVENTS
    rate = EVENTS / measured["seconds"]
    note = f"{measured['seconds']:.1f} s, of these {measured['on_log']:.1f} s until on the log"
    memory = measured["memory"]
    return [
        Result("Stripe import, file to tables", round(rate), FEWEST, "events/s", rate >= FEWEST, note),
        Result(
            "Stripe import, memory above idle", round(memory), MOST_MEMORY, "MiB", memory <= MOST_MEMORY, "its peak"
        ),
    ]


if __name__ == "__main__":
    print(json.dumps(asyncio.run(measure(Path(sys.argv[1]), Path(sys.argv[2])))))
