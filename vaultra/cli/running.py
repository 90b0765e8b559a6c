"""What every command begins with: its settings, where it logs, a client or the log, and its exit code."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.status import Status

from schemas.errors import SetupError
from vaultra.settings import Settings, load

AsJson = Annotated[bool, typer.Option("--json", help="for machines")]
# Of commands that show every tenant's without it.
OneTenant = Annotated[str | None, typer.Option("--tenant", help="one tenant only")]
# Of commands that ask an instance, which knows by the key who asks.
AskingTenant = Annotated[
    str | None,
    typer.Option("--tenant", help="whose data, on this machine; without it, VAULTRA_API_KEY says"),
]

# Seconds to wait for another command that holds the data directory.
_WAIT_FOR_OTHERS = 600.0


def settings_of(**overrides: Any) -> Settings:
    """The settings of this command; options that were not given leave them as they are. Raises SetupError."""
    return load({name: value for name, value in overrides.items() if value is not None})


def run(work: Coroutine[Any, Any, int | None]) -> None:
    """Run to the end; what it returns is the exit code."""
    code = asyncio.run(work)
    if code:
        raise typer.Exit(code)


def logs_to_stderr(settings: Settings) -> None:
    """Commands that print answers keep stdout for them, and say only what matters beside it."""
    from vaultra.observability import configure

    quiet = settings if "log_level" in settings.model_fields_set else settings.model_copy(update={"log_level": "error"})
    configure(quiet, stream=sys.stderr)


@asynccontextmanager
async def client_of(settings: Settings, console: Console | None, tenant: str | None = None) -> AsyncIterator[Any]:
    """A client of the running instance that is named or found, else of one started for this command alone.

    With `tenant` it asks as that one, whose key is made here: that takes this machine's database.
    """
    from vaultra.client import VaultraClient
    from vaultra.instance import InstanceRunning, running_url

    own = settings.model_copy(update={"host": "127.0.0.1", "port": 0})
    status = Status("starting", console=console) if console is not None and console.is_terminal else None

    def progress(words: str, done: float | None) -> None:
        if status is not None:
            status.update(words if done is None else f"{words} {done:.0%}")

    async with AsyncExitStack() as stack:
        if status is not None:
            stack.enter_context(status)
        deadline = time.monotonic() + _WAIT_FOR_OTHERS
        while True:
            url = settings.url or running_url(settings.data_dir)
            if url:
                key = await _key(settings, tenant, stack)
                client = await stack.enter_async_context(VaultraClient(url, api_key=key))
                break
            # Only an instance of one's own needs the whole program: importing it takes longer than most questions do.
            from vaultra.serving import serving

            try:
                _, own_url = await stack.enter_async_context(serving(own, progress, shared=False))
                key = await _key(own, tenant, stack) if tenant else None
                client = await stack.enter_async_context(VaultraClient(own_url, api_key=key))
                break
            except InstanceRunning:
                # Another command's own instance, or one that is just starting: it ends, or says where it is.
                if time.monotonic() > deadline:
                    raise
                progress("waiting for another command to finish", None)
                await asyncio.sleep(0.2)
        if status is not None:
            status.stop()
        yield client


async def _key(settings: Settings, tenant: str | None, stack: AsyncExitStack) -> str | None:
    """The configured key, or one of a tenant that lasts as long as the stack."""
    if tenant is None:
        return settings.api_key.get_secret_value() or None
    if settings.url:
        raise SetupError(f"the instance at {settings.url} knows a tenant by its key: set VAULTRA_API_KEY, not --tenant")
    from adapters.api_keys import passing_key
    from vaultra.stores import open_log

    database, _ = await stack.enter_async_context(open_log(settings))
    return await stack.enter_async_context(
        passing_key(database.pool, tenant=tenant, name="vaultra --tenant", randomness=os.urandom)
    )


def table_console() -> Console:
    """For tables: as wide as the terminal, and wide enough for whole ids where there is none to measure."""
    return Console(width=None if sys.stdout.isatty() else 160)


def on_log(work: Callable[[Any, Any], Awaitable[int | None]]) -> None:
    """Run with the database and the log open, beside a running instance or without one."""
    from vaultra.stores import open_log

    settings = settings_of()
    logs_to_stderr(settings)

    async def inside() -> int | None:
        async with open_log(settings) as (database, log):
            return await work(database, log)

    run(inside())


def with_client(work: Callable[[Any, Console], Awaitable[int]], *, quiet: bool, tenant: str | None = None) -> None:
    """Run with a client of the running instance, or of one started for this command alone."""
    settings = settings_of()
    logs_to_stderr(settings)
    console = table_console()

    async def inside() -> int:
        async with client_of(settings, None if quiet else console, tenant) as client:
            return await work(client, console)

    run(inside())
