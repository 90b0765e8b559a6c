"""The command line. Each command reads its arguments, calls one function, and turns errors into exit codes.

Exit codes: 0 done · 1 found something wrong · 2 wrong usage or set-up · 3 a picture was refused · 4 an analysis
failed · 69 something needed does not answer · 70 this process cannot go on, start it again · 130 interrupted.
"""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer
from rich.console import Console

from schemas.errors import NotFound, SetupError, Unavailable, VaultraError
from vaultra.cli.business import business_app, compare_app
from vaultra.cli.dead_letters import dead_letters_app
from vaultra.cli.events import events_app, rebuild_app
from vaultra.cli.everyday import everyday_app
from vaultra.cli.kafka import log_app, topics_app
from vaultra.cli.keys import keys_app
from vaultra.cli.parts import parts_app
from vaultra.cli.sandbox import sandbox_app
from vaultra.cli.stripe import stripe_app

app = typer.Typer(
    help="Vaultra turns document pictures into checked, executed analyses whose every figure can be followed.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        print(f"vaultra {version('vaultra')}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="say which version this is, and end")
    ] = False,
) -> None: ...


for group, name in (
    (everyday_app, None),
    (business_app, "business"),
    (compare_app, None),
    (stripe_app, "stripe"),
    (events_app, "events"),
    (rebuild_app, None),
    (dead_letters_app, "dead-letters"),
    (keys_app, "keys"),
    (sandbox_app, "sandbox"),
    (parts_app, None),
    (topics_app, "topics"),
    (log_app, "log"),
):
    app.add_typer(group, name=name)

_EXITS: tuple[tuple[type[VaultraError], int], ...] = ((Unavailable, 69), (SetupError, 2), (NotFound, 1))


def main() -> None:
    """Entry point of the `vaultra` program."""
    try:
        app()
    except VaultraError as error:
        Console(stderr=True).print(f"vaultra: {error}", style="red", markup=False, highlight=False, soft_wrap=True)
        sys.exit(next((code for kind, code in _EXITS if isinstance(error, kind)), 1))
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        # The reader of a pipe went away (`vaultra events list | head`); nothing more can be said to it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
