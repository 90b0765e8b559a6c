"""`vaultra demo`: the main job on the samples that come with the program."""

from __future__ import annotations

import json
import time
from importlib.resources import files

from rich.console import Console
from rich.rule import Rule
from rich.text import Text

from vaultra.client import VaultraClient
from vaultra.commands.analyze import Picture, analyze_one
from vaultra.presentation import show_answer, show_cost


def samples() -> list[Picture]:
    """The shipped pictures with a question each."""
    folder = files("vaultra") / "samples"
    entries = json.loads((folder / "samples.json").read_text(encoding="utf-8"))
    return [Picture(entry["file"], (folder / entry["file"]).read_bytes(), entry["question"]) for entry in entries]


async def demo(client: VaultraClient, *, console: Console, started: float) -> int:
    """Analyse every sample with live progress; 0 when all were completed."""
    console.print(
        Text.from_markup(
            "[bold]Vaultra[/] reads documents and shows its work: every step below is an event on a durable log,\n"
            "the code it writes is checked and run in a sandbox, and every figure keeps its place in the picture.\n"
        )
    )
    good = 0
    first: float | None = None
    pictures = samples()
    for picture in pictures:
        report, detail = await analyze_one(client, picture, business_id=None, console=console)
        first = first or time.monotonic() - started
        show_answer(console, detail)
        show_cost(console, detail)
        console.print()
        good += report["status"] == "completed"
    console.print(Rule(style="dim"))
    console.print(
        f"{good} of {len(pictures)} analyses completed; first answer {first or 0:.1f} s after start, "
        f"all in {time.monotonic() - started:.1f} s.",
        highlight=False,
    )
    console.print(
        'Next: [bold]vaultra analyze PICTURE --question "…"[/], or [bold]make up[/] for the page and the API.'
    )
    return 0 if good == len(pictures) else 1
