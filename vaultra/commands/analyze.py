"""`vaultra analyze`: pictures in, answers out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from vaultra.client import VaultraClient
from vaultra.presentation import show_answer, show_cost, show_progress
from vaultra.report import job_report, refused_report

# Exit codes of analyze: the worst of its pictures.
EXIT_OK, EXIT_REFUSED, EXIT_FAILED = 0, 3, 4


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture to analyse: its name for people, its bytes, and what is asked of it."""

    name: str
    data: bytes
    question: str | None


def read_pictures(paths: Sequence[Path], question: str | None) -> list[Picture]:
    """The files, read before anything is started. Raises OSError for the first that cannot be read."""
    return [Picture(path.name, path.read_bytes(), question) for path in paths]


async def analyze(
    client: VaultraClient, pictures: Sequence[Picture], *, business_id: str | None, as_json: bool, console: Console
) -> int:
    """Send the pictures one after the other and show each answer; the exit code.

    With `as_json`, stdout gets one JSON object a picture, a line each, and nothing else.
    """
    worst = EXIT_OK
    for number, picture in enumerate(pictures):
        if number and not as_json:
            console.print()
        report, detail = await analyze_one(
            client, picture, business_id=business_id, console=None if as_json else console
        )
        if as_json:
            print(json.dumps(report, ensure_ascii=False), flush=True)
        else:
            show_answer(console, detail)
            show_cost(console, detail)
        worst = max(worst, {"completed": EXIT_OK, "refused": EXIT_REFUSED}.get(str(report["status"]), EXIT_FAILED))
    return worst


async def analyze_one(
    client: VaultraClient, picture: Picture, *, business_id: str | None, console: Console | None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """One picture from upload to outcome: its report and the job's detail. Shows progress on `console`, if any."""
    upload = await client.upload(picture.name, picture.data, question=picture.question, business_id=business_id)
    if upload.refusal is not None or upload.job_id is None:
        report = refused_report(upload.job_id, picture.name, picture.question, upload.refusal or {})
        if console is not None:
            console.print(_title(picture))
        return report, report
    if console is None:
        final = None
        async for event in client.follow(upload.job_id):
            final = event
    else:
        final = await show_progress(console, _title(picture), client.follow(upload.job_id))
    detail = await client.job(upload.job_id, wait_for=final.id if final else None)
    return job_report(detail), detail


def _title(picture: Picture) -> str:
    """The picture's name and question, as markup."""
    asked = f" [dim]·[/] [italic]{escape(picture.question)}[/]" if picture.question else ""
    return f"[bold]{escape(picture.name)}[/]{asked}"
