"""Looking at the event log, checking it, and building projections anew from it."""

from __future__ import annotations

import json
import sys
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from schemas.errors import SetupError
from vaultra.cli.running import AsJson, on_log, table_console

events_app = typer.Typer(help="Look at the event log.", no_args_is_help=True)
rebuild_app = typer.Typer()


@rebuild_app.command()
def rebuild(
    name: Annotated[
        str, typer.Argument(help="projection: jobs, lineage, costs, ledger, businesses, readiness", show_default=False)
    ],
    rollback: Annotated[bool, typer.Option("--rollback", help="go back to the build before the last")] = False,
    accept: Annotated[bool, typer.Option("--accept-difference", help="switch even if the rows differ")] = False,
) -> None:
    """Build a projection anew from the log beside the one that serves, compare, and switch."""
    from vaultra.commands import rebuild as command

    on_log(
        lambda database, log: command.rebuild(database, log, name, rollback=rollback, accept=accept, console=Console())
    )


def _topics(topic: str | None) -> list[str]:
    from streams.topics import TOPICS
    from vaultra.catalogue import all_topics

    names = [known.name for known in all_topics()]
    if topic is None:
        return names
    if topic not in names:
        # Each stage has two more, for retries and dead letters: too many to list for a slip of the pen.
        near = get_close_matches(topic, names)
        there = f"did you mean {near[0]}?" if near else f"there are {', '.join(known.name for known in TOPICS)}"
        raise SetupError(f"there is no topic {topic}; {there}")
    return [topic]


Topic = Annotated[str | None, typer.Option(help="one topic only")]


@events_app.command("list")
def events_list(
    topic: Topic = None,
    job: Annotated[str | None, typer.Option(help="one job only")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="the newest so many")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="JSON Lines with data")] = False,
) -> None:
    """The newest events, oldest first."""
    from vaultra.commands import events

    topics = _topics(topic)
    on_log(
        lambda _, log: events.list_events(log, topics, job=job, limit=limit, console=table_console(), machine=as_json)
    )


@events_app.command("show")
def events_show(event_id: Annotated[str, typer.Argument(help="id of the event", show_default=False)]) -> None:
    """One event, whole."""
    from vaultra.commands import events

    async def work(_: Any, log: Any) -> None:
        print(json.dumps(await events.show_event(log, _topics(None), event_id), indent=2, ensure_ascii=False))

    on_log(work)


@events_app.command("tail")
def events_tail(topic: Topic = None) -> None:
    """Every event from now on, as JSON Lines, until Ctrl-C."""
    from vaultra.commands import events

    topics = _topics(topic)

    async def work(_: Any, log: Any) -> None:
        async for record in events.tail(log, topics):
            print(json.dumps(events.as_json(record)), flush=True)

    on_log(work)


@events_app.command("export")
def events_export(
    out: Annotated[Path, typer.Argument(help="file for the JSON Lines; - for stdout", show_default=False)],
    topic: Topic = None,
) -> None:
    """Every event of the log to a file."""
    from vaultra.commands import events

    topics = _topics(topic)

    async def work(_: Any, log: Any) -> None:
        if str(out) == "-":
            await events.export(log, topics, sys.stdout)
            return
        try:
            with out.open("w", encoding="utf-8") as file:
                count = await events.export(log, topics, file)
        except OSError as error:
            raise SetupError(f"{out}: {error.strerror}") from error
        Console(stderr=True).print(f"{count} events written to {out}", highlight=False)

    on_log(work)


@events_app.command("verify")
def events_verify(topic: Topic = None, as_json: AsJson = False) -> None:
    """Check every record (gapless, once, parseable) and print a hash a topic."""
    from vaultra.commands import events

    topics = _topics(topic)

    async def work(_: Any, log: Any) -> int:
        hashes, wrong = await events.verify(log, topics)
        if as_json:
            print(json.dumps({"hashes": hashes, "wrong": wrong}))
        else:
            for name, digest in hashes.items():
                print(f"{digest[:16]}  {name}")
            for line in wrong:
                print(f"wrong: {line}")
            print("the log is whole" if not wrong else f"{len(wrong)} records are wrong")
        return 1 if wrong else 0

    on_log(work)
