"""The commands that run a part of the whole as a process of its own: stages, projections, the API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, TypeVar

import typer
from rich.console import Console

from vaultra.cli.running import run, settings_of

if TYPE_CHECKING:
    from vaultra.composition import Parts

T = TypeVar("T")
parts_app = typer.Typer()

Host = Annotated[str | None, typer.Option(help="address to listen on")]
Port = Annotated[int | None, typer.Option(help="port of health and metrics; a free one without")]


@parts_app.command("stage")
def run_stages(
    names: Annotated[list[str] | None, typer.Argument(help="names of stages", show_default=False)] = None,
    every: Annotated[bool, typer.Option("--all", help="every stage")] = False,
    host: Host = None,
    port: Port = None,
) -> None:
    """Run stages in this process until told to stop; start more processes for more of them."""
    from vaultra.catalogue import STAGES
    from vaultra.composition import Parts

    stages = _chosen(names, every, {stage.name: stage for stage in STAGES}, "stage")
    _run_parts(Parts(stages=stages, projections=(), api=False), host, port or 0)


@parts_app.command("project")
def run_projections(
    names: Annotated[list[str] | None, typer.Argument(help="names of projections; all without")] = None,
    host: Host = None,
    port: Port = None,
) -> None:
    """Keep projections up to date in this process until told to stop."""
    from projections.catalogue import PROJECTIONS
    from vaultra.composition import Parts

    chosen = _chosen(names, not names, {projection.name: projection for projection in PROJECTIONS}, "projection")
    _run_parts(Parts(stages=(), projections=chosen, api=False), host, port or 0)


@parts_app.command("api")
def run_api(
    host: Annotated[str | None, typer.Option(help="address to listen on; not loopback needs API keys")] = None,
    port: Annotated[int | None, typer.Option(help="port to listen on; 0 takes a free one")] = None,
) -> None:
    """Serve the API in this process; stages and projections run elsewhere."""
    from vaultra.composition import Parts

    _run_parts(Parts(stages=(), projections=(), api=True), host, port)


def _chosen(names: list[str] | None, every: bool, known: dict[str, T], what: str) -> tuple[T, ...]:
    from schemas.errors import SetupError

    if every == bool(names):
        raise SetupError(f"name at least one {what}, or --all: there are {', '.join(known)}")
    for name in names or ():
        if name not in known:
            raise SetupError(f"there is no {what} {name}; there are {', '.join(known)}")
    return tuple(known[name] for name in dict.fromkeys(names or known))


def _run_parts(parts: Parts, host: str | None, port: int | None) -> None:
    from vaultra.commands.up import run_parts
    from vaultra.observability import configure

    settings = settings_of(host=host, port=port)
    configure(settings)
    run(run_parts(settings, Console(stderr=True), parts))
