"""`vaultra rebuild`: a projection built anew beside the one that serves."""

from __future__ import annotations

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from adapters.database import Database
from projections import builds
from projections.catalogue import PROJECTIONS, named
from projections.rebuild import RebuildDiffers
from projections.rebuild import rebuild as build_anew
from projections.rebuild import rollback as go_back
from streams.log import EventLog
from vaultra.garbage import settle_garbage_collection


async def rebuild(
    database: Database, log: EventLog, name: str, *, rollback: bool, accept: bool, console: Console
) -> int:
    """Rebuild or roll back a projection, showing progress; 1 when the rebuilt rows differ."""
    projection = named(name)
    if not rollback:
        # Going back is for older code too, which must not touch the builds of newer code.
        await builds.prepare(database.pool, PROJECTIONS)
    settle_garbage_collection()
    words = "going back" if rollback else f"rebuilding {name}"
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(words, total=None)

        def advance(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total)

        try:
            if rollback:
                result = await go_back(database.pool, log, projection, on_progress=advance)
            else:
                result = await build_anew(database.pool, log, projection, accept_difference=accept, on_progress=advance)
        except RebuildDiffers as error:
            console.print(f"{error}", style="red", markup=False)
            return 1
    agreed = f", rows agree ({result.rows_hash[:12]})" if result.rows_hash else ""
    console.print(
        f"{name}: build {result.build.schema} serves now; {result.applied} events applied{agreed}.", highlight=False
    )
    return 0
