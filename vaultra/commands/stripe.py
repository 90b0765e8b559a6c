"""`vaultra stripe`: events from files, or the history of an account, onto the log; connecting accounts."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table

from adapters.database import Database
from adapters.stripe.accounts import access_to
from adapters.stripe.api import StripeApi
from adapters.stripe.event_files import Broken, event_files
from projections.catalogue import PROJECTIONS
from projections.runner import ProjectionRunner
from projections.waiting import Progress as Projected
from schemas.errors import Unavailable
from streams.embedded import EmbeddedRuntime
from streams.log import EventLog
from streams.stripe_backfill import LISTS, SINGLE, StripeBackfill
from streams.stripe_import import StripeImport, Tally
from streams.stripe_reader import reading
from vaultra.catalogue import ledger_runner
from vaultra.client import VaultraClient
from vaultra.garbage import settle_garbage_collection
from vaultra.instance import InstanceRunning, exclusive
from vaultra.settings import Settings
from vaultra.stores import make_secrets, open_log

# Broken places that are printed one by one; all are counted.
_SHOWN = 20
# Where in a list something stands is of the place, not of the reason.
_ELEMENT = re.compile(r"^element \d+: ")
# Seconds the tables may take to catch up with what was imported.
_PATIENCE = 3600.0


CaughtUp = Callable[[], Awaitable[None]]


async def import_files(
    settings: Settings, paths: Sequence[Path], *, tenant: str, console: Console, as_json: bool
) -> int:
    """Import every event of the files; 1 when something was broken or could not be read."""
    files = event_files(paths)
    broken: list[Broken] = []
    # The process that reads starts while the database opens.
    async with reading(files, tenant=tenant) as found, _tables(settings) as (_, log, alone, caught_up):
        with _progress(console, DownloadColumn(), shown=not as_json) as progress:
            task = progress.add_task("importing", total=sum(file.stat().st_size for file in files))
            importing = StripeImport(
                log, ledger_runner(), tenant=tenant, endpoint="file", clock=lambda: datetime.now(UTC), alone=alone
            )
            settle_garbage_collection()
            async for read in found:
                progress.advance(task, read.size)
                broken += read.broken
                for mapped in read.events:
                    await importing.add_mapped(mapped)
            tally = await importing.finish()
            progress.update(task, description="folding into tables")
            await caught_up()
    return _report(tally, broken, console, as_json)


async def connect(client: VaultraClient) -> int:
    """Print the link, alone on stdout."""
    async with client:
        print((await client.post("/v1/stripe/connect"))["url"])
    return 0


async def import_account(
    settings: Settings, account: str | None, *, tenant: str, console: Console, as_json: bool
) -> int:
    """Import an account's history through the List APIs, from where an earlier import broke off."""
    access = access_to(make_secrets(settings), tenant, account)
    async with _tables(settings) as (database, log, alone, caught_up), AsyncExitStack() as stack:
        api = StripeApi(api_base=settings.stripe.api_base, connect_base=settings.stripe.connect_base)
        stack.push_async_callback(api.close)
        backfill = StripeBackfill(api, log, ledger_runner(), database.pool, alone=alone)
        with _progress(console, MofNCompleteColumn(), shown=not as_json) as progress:
            task = progress.add_task("importing", total=len(SINGLE) + len(LISTS))
            order = (*SINGLE, *LISTS)

            def on_page(path: str, objects: int, done: bool) -> None:
                name = path.rpartition("/")[2].replace("_", " ")
                progress.update(task, completed=order.index(path) + done, description=f"{name}: {objects:,}")

            tally = await backfill.account(tenant, access, account, on_page)
            progress.update(task, description="folding into tables")
            await caught_up()
    return _report(tally, [], console, as_json)


@asynccontextmanager
async def _tables(settings: Settings) -> AsyncIterator[tuple[Database, EventLog, bool, CaughtUp]]:
    """The log, whether no stage runs on it meanwhile, and a way to wait until the tables are up to date.

    Beside a running instance its projections do the tables; without one, they are done here.
    """
    async with AsyncExitStack() as stack:
        try:
            stack.enter_context(exclusive(settings.data_dir))
            alone = settings.runtime == "embedded"
        except InstanceRunning:
            alone = False
        database, log = await stack.enter_async_context(open_log(settings))
        projected = Projected(database.pool, PROJECTIONS)
        if alone:
            # What an import that was killed put onto the log and made no facts of: no stage runs here to do it.
            async with EmbeddedRuntime(log, [ledger_runner()]) as left_over:
                await left_over.wait_idle()
            runner = ProjectionRunner(database.pool, log)
            await runner.start()
            stack.push_async_callback(runner.stop)
            projected = runner.progress

        async def caught_up() -> None:
            topics = sorted({topic for projection in PROJECTIONS for topic in projection.topics})
            latest = {(place.topic, place.partition): end for place, end in (await log.latest(topics)).items()}
            if not await projected.wait_until(latest, within=_PATIENCE):
                raise Unavailable("everything is on the log, but the tables did not catch up: `vaultra up` goes on")

        yield database, log, alone, caught_up


def _report(tally: Tally, broken: Sequence[Broken], console: Console, as_json: bool) -> int:
    if as_json:
        print(json.dumps(counts(tally, broken), ensure_ascii=False))
    else:
        _show(tally, broken, console)
    return 1 if broken or tally.dead else 0


def counts(tally: Tally, broken: Sequence[Broken]) -> dict[str, Any]:
    """What a machine is told at the end. Broken lines are named, the first hundred of them."""
    return {
        **asdict(tally),
        "unhandled": dict(tally.unhandled.most_common()),
        "dead": dict(tally.dead.most_common()),
        "broken": len(broken),
        "broken_at": [asdict(one) for one in broken[:100]],
    }


def _show(tally: Tally, broken: Sequence[Broken], console: Console) -> None:
    table = Table.grid(padding=(0, 2))
    table.add_column()
    table.add_column(justify="right")
    for name in ("read", "appended", "duplicates", "facts"):
        table.add_row(name, f"{getattr(tally, name):,}")
    for title, found in (("unhandled", tally.unhandled), ("dead", tally.dead)):
        for name, count in found.most_common():
            table.add_row(f"{title}: {name}", f"{count:,}")
    if broken:
        table.add_row("broken", f"{len(broken):,}")
    console.print(table)
    by_reason: dict[str, list[Broken]] = {}
    for one in broken:
        by_reason.setdefault(_ELEMENT.sub("", one.reason), []).append(one)
    for same in list(by_reason.values())[:_SHOWN]:
        more = f" (and {len(same) - 1:,} more like it)" if len(same) > 1 else ""
        console.print(f"{same[0]}{more}", style="red", markup=False, highlight=False, soft_wrap=True)
    if len(by_reason) > _SHOWN:
        console.print(f"… and {len(by_reason) - _SHOWN} other reasons: --json lists them", style="red")


def _progress(console: Console, amount: ProgressColumn, *, shown: bool) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), amount, TimeElapsedColumn())
    return Progress(*columns, console=console, disable=not shown, transient=True)
