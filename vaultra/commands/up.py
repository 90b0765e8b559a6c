"""`vaultra up`: everything in one process, until told to stop."""

from __future__ import annotations

import asyncio

import structlog
from rich.console import Console

from schemas.errors import Unavailable
from vaultra.serving import serving, stop_signals
from vaultra.settings import Settings

log = structlog.get_logger(__name__)


# A short command beside it may stop the database it owns just while this one starts on it.
_STARTS = 3


async def up(settings: Settings, console: Console) -> int:
    """Serve until SIGINT or SIGTERM, then finish or give back what is under way."""
    stop = asyncio.Event()
    up = asyncio.Event()
    with stop_signals(stop.set):
        for start in range(1, _STARTS + 1):
            try:
                await _serve(settings, console, stop, up)
                break
            except Unavailable as error:
                if up.is_set() or start == _STARTS:
                    raise
                log.warning("starting again", reason=str(error))
                await asyncio.sleep(1.0)
    return 0


async def _serve(settings: Settings, console: Console, stop: asyncio.Event, up: asyncio.Event) -> None:
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
        await stop.wait()
        console.print("· stopping: finishing what is under way", style="dim")
    log.info("stopped")
