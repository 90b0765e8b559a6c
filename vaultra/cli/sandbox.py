"""Untrusted programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vaultra.cli.running import logs_to_stderr, run, settings_of, table_console

sandbox_app = typer.Typer(help="Untrusted programs.", no_args_is_help=True)


@sandbox_app.command("run")
def sandbox_run(
    program: Annotated[Path, typer.Argument(help="Python 3.11; - for standard input", show_default=False)],
    backend: Annotated[str | None, typer.Option(help="what the walls are made of (VAULTRA_SANDBOX__BACKEND)")] = None,
    env: Annotated[list[str] | None, typer.Option(help="NAME=VALUE for the program; may be repeated")] = None,
    inputs: Annotated[list[Path] | None, typer.Option("--input", help="file to find in /inputs; repeatable")] = None,
    limits: Annotated[
        list[str] | None, typer.Option("--limit", help="NAME=NUMBER, such as timeout=2 or memory=256M; repeatable")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="directory to save artefacts in")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="the result as one JSON object")] = False,
) -> None:
    """Run one program in the sandbox and say what came of it."""
    from vaultra.commands import sandbox as command

    settings = settings_of()
    logs_to_stderr(settings)
    work = command.run(
        settings,
        program,
        backend=backend,
        env=env or (),
        inputs=inputs or (),
        limits=limits or (),
        out=out,
        as_json=as_json,
        console=table_console(),
    )
    run(work)
