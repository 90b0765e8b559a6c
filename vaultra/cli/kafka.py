"""The commands of the Kafka runtime: its topics, and moving a history onto it."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Annotated, Literal

import typer
from rich.console import Console

from vaultra.cli.running import AsJson, settings_of
from vaultra.settings import Settings

topics_app = typer.Typer(help="The topics on Kafka: as declared, or not.", no_args_is_help=True)
log_app = typer.Typer(help="The event log as a whole.", no_args_is_help=True)


def _errors_only() -> Settings:
    """Errors are one line, ours; the Kafka client's own warnings go nowhere."""
    from vaultra.observability import configure

    settings = settings_of()
    configure(settings.model_copy(update={"log_level": "error"}), stream=sys.stderr)
    return settings


def _console() -> Console:
    return Console(highlight=False, soft_wrap=True)


@topics_app.command("check")
def topics_check(as_json: AsJson = False) -> None:
    """Compare the topics on Kafka with the declared ones. Exit code 2 when one is missing or has too few partitions."""
    from vaultra.commands import topics

    settings = _errors_only()
    states = asyncio.run(topics.check(settings))
    if as_json:
        print(json.dumps(topics.as_json(states)))
    else:
        topics.show(states, _console())
    if not all(state.usable for state in states):
        raise typer.Exit(2)


@topics_app.command("create")
def topics_create(
    add_partitions: Annotated[
        bool, typer.Option("--add-partitions", help="also where topics have fewer: moves keys, see OPERATIONS")
    ] = False,
) -> None:
    """Make the declared topics that are missing."""
    from vaultra.commands import topics

    settings = _errors_only()
    asyncio.run(topics.create(settings, _console(), add_partitions=add_partitions))


@log_app.command("copy")
def log_copy(
    source: Annotated[Literal["embedded", "kafka"], typer.Option("--from", help="embedded or kafka")],
    target: Annotated[Literal["embedded", "kafka"], typer.Option("--to", help="the other one")],
) -> None:
    """Carry the whole history with its positions to another log and compare both by hash. Run again, it goes on."""
    from vaultra.commands import log_copy as command

    settings = _errors_only()
    asyncio.run(command.copy(settings, source, target, _console()))
