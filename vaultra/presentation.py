"""How the command line shows a job to a person: a live line a stage, then the answer and what it rests on."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.padding import Padding
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from vaultra.client import LiveEvent

# Event of the live feed → (the stage it ends, words for it). In the order of the chain.
STEPS = (
    ("document.received", "received"),
    ("document.described", "vision"),
    ("analysis.planned", "reasoning"),
    ("code.generated", "codegen"),
    ("code.reviewed", "critic"),
    ("code.executed", "sandbox"),
    ("analysis.completed", "conclusion"),
)
_NAMES = [step for _, step in STEPS]
_BY_EVENT = {**dict(STEPS), "analysis.failed": "conclusion"}
_MARKS = {
    "answered": "[green]●[/]",
    "unverified": "[yellow]●[/]",
    "not_found": "[blue]○[/]",
    "not_understood": "[blue]○[/]",
}


@dataclass(slots=True)
class _Line:
    seconds: float
    detail: str
    failed: bool = False


@dataclass(slots=True)
class Progress:
    """What has happened to one job so far. Rendered again after every event."""

    title: str
    started: float = field(default_factory=time.monotonic)
    last: float = field(default_factory=time.monotonic)
    lines: dict[str, _Line] = field(default_factory=dict)
    over: bool = False

    def note(self, event: LiveEvent) -> str | None:
        """Take in an event; the step it ends, or None for an event that ends none."""
        step = _BY_EVENT.get(event.name)
        if step is None:
            return None
        now = time.monotonic()
        failed = event.name == "analysis.failed" or event.data.get("approved") is False
        self.lines[step] = _Line(now - self.last, describe_event(event), failed)
        self.last = now
        self.over = self.over or event.name in ("analysis.completed", "analysis.failed")
        return step

    def __rich__(self) -> RenderableType:
        table = Table.grid(padding=(0, 1))
        table.add_column(width=1)
        table.add_column(width=10)
        table.add_column(justify="right", width=8)
        table.add_column(overflow="ellipsis", no_wrap=True)
        waiting = next((name for name in _NAMES if name not in self.lines), None)
        for name in _NAMES:
            line = self.lines.get(name)
            if line is not None:
                mark = Text("✗", "red") if line.failed else Text("✓", "green")
                table.add_row(mark, name, Text(_duration(line.seconds), "dim"), Text(line.detail, "dim"))
            elif self.over:
                continue
            elif name == waiting:
                table.add_row(Spinner("dots", style="cyan"), Text(name, "bold"), "", "")
            else:
                table.add_row(Text("·", "dim"), Text(name, "dim"), "", "")
        return Group(Text.from_markup(self.title), Padding(table, (0, 0, 0, 2)))


def describe_event(event: LiveEvent) -> str:
    """A few words about an event, from the summary the live feed sends; none that stand above or below it anyway."""
    summary = event.data.get("summary") or event.data
    if event.name == "document.received":
        return ""
    if event.name == "analysis.completed" and isinstance(summary, dict):
        return str(summary.get("verdict", "")).replace("_", " ")
    if isinstance(summary, str):
        return summary
    parts = [
        f"{name.replace('_', ' ')} {value}"
        if isinstance(value, int | float) and not isinstance(value, bool)
        else str(value)
        for name, value in summary.items()
        if value not in (None, "", [], {}) and not isinstance(value, dict | list | bool)
    ]
    return " · ".join(part.replace("\n", " ") for part in parts)[:160]


def _duration(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


async def show_progress(console: Console, title: str, events: AsyncIterator[LiveEvent]) -> LiveEvent | None:
    """Show a job's live feed until it ends and return its last event. Off a terminal, a plain line an event."""
    progress = Progress(title)
    final: LiveEvent | None = None
    if not console.is_terminal:
        console.print(Text.from_markup(title))
        async for event in events:
            step = progress.note(event)
            if step:
                line = progress.lines[step]
                mark = "✗" if line.failed else "✓"
                console.print(
                    f"  {mark} {step:<10} {_duration(line.seconds):>8} {line.detail}",
                    highlight=False,
                    markup=False,
                    soft_wrap=True,
                )
            final = event
        return final
    with Live(progress, console=console, refresh_per_second=12, transient=False) as live:
        async for event in events:
            progress.note(event)
            live.refresh()
            final = event
    return final


def show_answer(console: Console, detail: dict[str, Any]) -> None:
    """The answer of a finished job, what it rests on, and what to be careful about."""
    status = detail.get("status")
    if status == "refused":
        refusal = detail.get("refusal") or {}
        _print(console, "[red]●[/]", "refused", str(refusal.get("reason")))
        return
    if status == "failed":
        failure = detail.get("failure") or {}
        _print(console, "[red]●[/]", f"failed in {failure.get('stage')}", str(failure.get("reason")))
        return
    if status != "completed":
        _print(console, "[yellow]●[/]", str(status), "the analysis has not ended")
        return
    answer = detail.get("answer") or {}
    verdict = str(answer.get("verdict"))
    words = verdict.replace("_", " ")
    # Answers that say nothing begin with their verdict already.
    text = str(answer.get("text"))
    text = text[len(words) + 2 :] if text.lower().startswith(f"{words}: ") else text
    _print(console, _MARKS.get(verdict, "●"), words, text)
    evidence = Table.grid(padding=(0, 2))
    for item in (answer.get("evidence") or [])[:6]:
        box = item.get("box")
        where = f"at {box['x']},{box['y']}" if box else ""
        value = f"{item.get('value')} {item.get('unit') or ''}".strip()
        evidence.add_row(
            Text(str(item.get("label"))[:48], "dim"),
            Text(value),
            Text(f"{item.get('confidence', 0):.2f}", "dim"),
            Text(where, "dim"),
        )
    if evidence.row_count:
        console.print(Padding(evidence, (0, 0, 0, 4)))
    for artefact in (detail.get("execution") or {}).get("artefacts") or []:
        where = f"/v1/jobs/{detail.get('job_id')}/artefacts/{artefact.get('name')}"
        console.print(Text(f"    {artefact.get('name')}  {where}", "dim"), soft_wrap=True)
    more = len(answer.get("evidence") or []) - 6
    if more > 0:
        console.print(Text(f"    and {more} more", "dim"))
    for warning in (detail.get("document") or {}).get("warnings") or []:
        console.print(Padding(Text(f"! {warning}", "yellow"), (0, 0, 0, 2)))


def _print(console: Console, mark: str, verdict: str, text: str) -> None:
    line = Text("  ")
    line.append_text(Text.from_markup(mark)).append(f" {verdict}: ", "bold").append(text)
    console.print(line, soft_wrap=not console.is_terminal)


def show_cost(console: Console, detail: dict[str, Any]) -> None:
    """One line on what the job cost, when it is known."""
    program = detail.get("program") or {}
    cost = detail.get("cost") or {}
    parts = [f"code by {program['author']}" if program.get("author") else None]
    execution = detail.get("execution")
    if execution:
        controls = execution.get("controls") or []
        degraded = ", without control groups" if any("degraded" in control for control in controls) else ""
        parts.append(f"ran in {execution.get('backend')} with {len(controls)} controls{degraded}")
    if cost.get("seconds") is not None:
        parts.append(f"{float(cost['seconds']):.2f} s of work")
    for currency, amount in (cost.get("money") or {}).items():
        parts.append(f"{amount} {currency}")
    line = " · ".join(part for part in parts if part)
    if line:
        console.print(Text(f"    {line}", "dim"))
