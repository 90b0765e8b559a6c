"""Deliveries that were given up."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from vaultra.cli.running import AsJson, on_log, table_console

dead_letters_app = typer.Typer(help="Deliveries that were given up: see why, and try them again.", no_args_is_help=True)

StageName = Annotated[str, typer.Argument(help="name of the stage", show_default=False)]


@dead_letters_app.command("list")
def dead_list(as_json: AsJson = False) -> None:
    """Dead letters, grouped by stage and cause."""
    from vaultra.commands import dead_letters

    on_log(lambda _, log: dead_letters.list_groups(log, table_console(), machine=as_json))


@dead_letters_app.command("show")
def dead_show(
    stage: StageName, offset: Annotated[int, typer.Argument(help="as `list` shows it", show_default=False)]
) -> None:
    """One dead letter: reason, trace, position and content."""
    from vaultra.commands import dead_letters

    on_log(lambda _, log: dead_letters.show_letter(log, stage, offset))


@dead_letters_app.command("replay")
def dead_replay(
    stage: StageName,
    offset: Annotated[int | None, typer.Option(help="only this one; all of the stage's without")] = None,
) -> None:
    """Give dead letters back to their stage, in the order they died."""
    from vaultra.commands import dead_letters

    on_log(lambda _, log: dead_letters.replay_letters(log, stage, offset, Console()))
