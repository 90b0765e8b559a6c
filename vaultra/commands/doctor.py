"""`vaultra doctor`: what works on this machine, what does not, and what to do about it."""

from __future__ import annotations

import json
import platform
import shutil
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass

import httpx2
from rich.console import Console
from rich.table import Table
from rich.text import Text

from adapters.database import Database
from adapters.minilm import MiniLmEmbedder
from projections.runner import ProjectionRunner
from sandbox.backends import BACKENDS
from schemas.errors import VaultraError
from streams.lag import stage_lag
from streams.log import EventLog
from streams.stripe_parked import parked
from streams.topics import consumed_topics
from vaultra.catalogue import STAGES, all_topics
from vaultra.instance import running_url
from vaultra.settings import ModelServer, Settings
from vaultra.stage_ports import make_sandbox
from vaultra.stores import open_blobs, open_event_log

_LIMITS = ("memory:", "cpu:", "time:")
# An upload's blob, the database's write-ahead log and a sandbox root need room.
_DISK_LOW = 2 * 1024**3


@dataclass(frozen=True, slots=True)
class Check:
    """One line: `ok` True, False, or None for something that is not switched on."""

    name: str
    ok: bool | None
    detail: str


async def doctor(settings: Settings, console: Console, *, as_json: bool) -> int:
    """Print every check; 0 when nothing that is needed is missing."""
    checks: list[Check] = []
    table = Table(box=None, show_header=False, pad_edge=False)
    async for check in _checks(settings):
        checks.append(check)
        mark = Text("–", "dim") if check.ok is None else Text("✓", "green") if check.ok else Text("✗", "red")
        table.add_row(mark, check.name, Text(check.detail, "" if check.ok is False else "dim"))
    if as_json:
        print(json.dumps([asdict(check) for check in checks]))
    else:
        console.print(table)
    return 1 if any(check.ok is False for check in checks) else 0


async def _checks(settings: Settings) -> AsyncIterator[Check]:
    yield Check("python", True, f"{platform.python_version()} on {platform.platform(terse=True)}")
    url = running_url(settings.data_dir)
    yield Check("instance", None if url is None else True, url or "none runs on this data directory")
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        yield Check("data directory", False, f"{settings.data_dir} cannot be used: {error.strerror}")
        return
    free = shutil.disk_usage(settings.data_dir).free
    yield Check("disk", free > _DISK_LOW, f"{free >> 30} GiB free for {settings.data_dir}")
    async for check in _log(settings):
        yield check
    yield await _blobs(settings)
    async for check in sandbox_checks(settings):
        yield check
    try:
        await MiniLmEmbedder().embed(["ready"])
        yield Check("planner", True, "embedding model loads")
    except VaultraError as error:
        yield Check("planner", False, str(error))
    for name in ("planner", "code", "vision"):
        yield await _server(f"{name} model", getattr(settings, name))


async def sandbox_checks(settings: Settings) -> AsyncIterator[Check]:
    """Each backend's canary: only the one that was chosen has to hold, and none stands in for it."""
    chosen = settings.sandbox
    for name in BACKENDS:
        sandbox = make_sandbox(settings, name)
        try:
            found = await sandbox.start()
        finally:
            await sandbox.close()
        mine = name == chosen.backend
        title = "sandbox" if mine else f"sandbox {name}"
        if not found.available:
            detail = f"{name}: {found.detail}" if mine else f"not possible here: {found.detail}"
            yield Check(title, False if mine else None, detail)
            continue
        # Limits as the canary ran with them are smaller than a program's; what they are is in the settings.
        walls = ", ".join(control for control in found.controls if not control.startswith(_LIMITS))
        tried = sum(control.startswith("refuses ") for control in found.controls)
        yield Check(title, True, f"{name}: {len(found.controls) - tried} controls hold, {tried} attempts were refused")
        yield Check("walls" if mine else f"walls of {name}", True, walls)
        if mine:
            words = f"{chosen.memory >> 20} MiB, {chosen.cpus:g} cores, {chosen.timeout:g} s a program"
            yield Check("limits", True, words)
        for missing in found.missing:
            yield Check("degraded", False if mine else None, missing)


async def _log(settings: Settings) -> AsyncIterator[Check]:
    try:
        database = await Database.open(data_dir=settings.data_dir, url=settings.database_url.get_secret_value())
    except VaultraError as error:
        yield Check("database", False, str(error))
        return
    try:
        version = await database.pool.fetchval("SHOW server_version")
        fsync = await database.pool.fetchval("SHOW fsync")
        kind = "by URL" if settings.database_url.get_secret_value() else "embedded"
        yield Check("database", fsync == "on", f"PostgreSQL {version}, {kind}, fsync {fsync}")
        log = await open_event_log(settings, database)
        try:
            count = sum((await log.latest([topic.name for topic in all_topics()])).values())
            yield Check("log", await log.healthy(), f"{count} events, {settings.runtime}")
            yield await _lag(settings, database, log)
            yield await _parked(log)
        finally:
            await log.close()
    except VaultraError as error:
        yield Check("log", False, str(error))
    finally:
        await database.close()


async def _parked(log: EventLog) -> Check:
    """What was to be asked of Stripe and waits: for a key, or for somebody to look."""
    waiting = await parked(log)
    if not waiting:
        return Check("stripe", True, "nothing waits to be asked of Stripe")
    keyless = sum(one.needs_key for one in waiting)
    words = f"waiting to be asked of Stripe: {len(waiting)}, for want of VAULTRA_STRIPE__API_KEY: {keyless}"
    return Check("stripe", None, f"{words}; see `vaultra stripe parked`")


async def _lag(settings: Settings, database: Database, log: EventLog) -> Check:
    """Who is behind, and by how many events: stages and projections, wherever they run."""
    on_kafka = settings.runtime == "kafka"
    behind = {
        stage.name: await stage_lag(
            log, stage.name, [topic.name for topic in consumed_topics(stage.consumes)], on_kafka=on_kafka
        )
        for stage in STAGES
    }
    behind |= {f"projection {name}": lag for name, lag in (await ProjectionRunner(database.pool, log).lag()).items()}
    words = ", ".join(f"{name} {lag}" for name, lag in behind.items() if lag)
    return Check("lag", True if not words else None, words or "nobody is behind")


async def _blobs(settings: Settings) -> Check:
    try:
        blobs = await open_blobs(settings)
    except VaultraError as error:
        return Check("blobs", False, str(error))
    return Check("blobs", await blobs.healthy(), settings.blobs.url or f"in {settings.data_dir / 'blobs'}")


async def _server(name: str, server: ModelServer) -> Check:
    if not server.configured:
        return Check(name, None, "not configured; the embedded default is used")
    key = server.api_key.get_secret_value()
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    try:
        async with httpx2.AsyncClient(timeout=5.0, headers=headers) as client:
            response = await client.get(server.base_url.rstrip("/") + "/models")
    except httpx2.HTTPError as error:
        return Check(name, False, f"{server.base_url} does not answer: {error or type(error).__name__}")
    return Check(name, response.status_code == 200, f"{server.model} at {server.base_url}: HTTP {response.status_code}")
