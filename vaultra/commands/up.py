"""`vaultra up`: everything in one process, until told to stop; `stage`, `project`, `api`: a part of it."""

from __future__ import annotations

import asyncio
from typing import Any

import structlog
from rich.console import Console

from schemas.errors import Unavailable
from vaultra.composition import Parts, Program
from vaultra.serving import serving, stop_signals
from vaultra.settings import Settings

log = structlog.get_logger(__name__)


# A short command beside it may stop the database it owns just while this one starts on it.
_STARTS = 3

# This process cannot go on and must be started again (sysexits' EX_SOFTWARE).
STUCK = 70


async def up(settings: Settings, console: Console) -> int:
    """Serve until SIGINT or SIGTERM, then finish or give back what is under way. 70 when it cannot go on."""
    stop = asyncio.Event()
    up = asyncio.Event()
    with stop_signals(stop.set):
        for start in range(1, _STARTS + 1):
            try:
                return await _serve(settings, console, stop, up)
            except Unavailable as error:
                if up.is_set() or start == _STARTS:
                    raise
                log.warning("starting again", reason=str(error))
                await asyncio.sleep(1.0)
    return 0


async def run_parts(settings: Settings, console: Console, parts: Parts) -> int:
    """Run a part of the whole until SIGINT or SIGTERM. 70 when it cannot go on."""
    stop = asyncio.Event()
    with stop_signals(stop.set):
        async with serving(settings, parts=parts) as (program, url):
            names = [*(stage.name for stage in parts.stages), *(one.name for one in parts.projections)]
            what = "api" if parts.api else " ".join(names)
            console.print(f"{what}: {url}", highlight=False, soft_wrap=True)
            log.info("up", parts=what, url=url)
            code = await _until_told(program, stop)
    log.info("stopped", parts=what)
    return code


async def _until_told(program: Program, stop: asyncio.Event) -> int:
    stopping = asyncio.ensure_future(stop.wait())
    ends: list[asyncio.Future[Any]] = [stopping, program.failure]
    await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    if stopping.done():
        return 0
    stopping.cancel()
    log.critical("this process cannot go on", reason=str(program.failure.exception()))
    return STUCK


async def _serve(settings: Settings, console: Console, stop: asyncio.Event, up: asyncio.Event) -> int:
    def progress(words: str, done: float | None) -> None:
        if done is None:
            console.print(f"· {words}", style="dim", highlight=False)

    async with serving(settings, progress) as (program, url):
        up.set()
        console.print(f"\n[bold]Vaultra is up[/] on [cyan]{url}[/]", highlight=False)
        console.print(f"  page     {url}/", highlight=False)
        console.print(f"  API      {url}/docs", highlight=False)
        console.print(f"  health   {url}/readyz", highlight=False)
        console.print(f"  metrics  {url}/metrics", highlight=False)
        console.print('  try      vaultra analyze PICTURE --question "What is the total?"', highlight=False)
        console.print(f"  data     {program.settings.data_dir.resolve()}\n", highlight=False)
        log.info("up", url=url, data_dir=str(program.settings.data_dir))
        code = await _until_told(program, stop)
        console.print("· stopping: finishing what is under way", style="dim")
    log.info("stopped")
    return code
