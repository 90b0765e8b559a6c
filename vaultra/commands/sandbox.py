"""`vaultra sandbox run`: one program through the whole wall, and what came of it."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Sequence
from dataclasses import fields, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from adapters.ports import SandboxOutcome
from sandbox.backends import BACKENDS, BackendName
from sandbox.limits import Limits
from sandbox.runner import PooledSandbox
from schemas.analyses import ExecutionResult
from schemas.errors import SetupError
from vaultra.settings import Settings
from vaultra.stage_ports import make_sandbox, sandbox_limits

_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
_NUMBER = re.compile(r"(\d+(?:\.\d+)?)([KMG]?)(?:i?B)?", re.IGNORECASE)
# What a terminal would obey: escape sequences, carriage returns and the like, and marks that turn text around; of
# control characters, only line ends and tabs stay.
_OBEYED = (*range(0x20), *range(0x7F, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A))
_COMMANDS = {code: 0xFFFD for code in _OBEYED if code not in (0x09, 0x0A)}
_UNAVAILABLE = 69


def parse_limits(given: Sequence[str], usual: Limits) -> Limits:
    """`memory=256M`, `timeout=2` … over the usual limits. Raises SetupError naming what is possible."""
    known = {field.name: field.type for field in fields(Limits)}
    changed: dict[str, Any] = {}
    for entry in given:
        name, _, value = entry.partition("=")
        number = _NUMBER.fullmatch(value.strip())
        if name not in known:
            raise SetupError(f"there is no limit {name}; there are {', '.join(sorted(known))}")
        amount = float(number[1]) * _UNITS[number[2].upper()] if number else 0.0
        if amount <= 0:
            raise SetupError(f"limit {name}: {value!r} is no positive number; sizes may end in K, M or G")
        if known[name] == "int" and amount < 1:
            raise SetupError(f"limit {name}: {value!r} is no whole number")
        changed[name] = int(amount) if known[name] == "int" else amount
    return replace(usual, **changed)


def parse_backend(name: str | None) -> BackendName | None:
    """Raises SetupError for a backend there is none of."""
    for known in BACKENDS:
        if known == name:
            return known
    if name is None:
        return None
    raise SetupError(f"there is no backend {name}; there are {', '.join(BACKENDS)}")


def parse_environment(given: Sequence[str]) -> dict[str, str]:
    """`NAME=value` entries. Raises SetupError for one without a name."""
    pairs = [entry.partition("=") for entry in given]
    for name, equals, _ in pairs:
        if not name or not equals:
            raise SetupError("--env takes NAME=VALUE")
    return {name: value for name, _, value in pairs}


def read_program(path: Path, limits: Limits) -> bytes:
    """The program's bytes, `-` from standard input; no more than it takes to see that there are too many."""
    if str(path) == "-":
        return sys.stdin.buffer.read(limits.code + 1)
    with path.open("rb") as file:
        return file.read(limits.code + 1)


def read_inputs(paths: Sequence[Path], limits: Limits) -> dict[str, bytes]:
    """Input files by name. Raises SetupError when two have one name."""
    inputs: dict[str, bytes] = {}
    for path in paths:
        if path.name in inputs:
            raise SetupError(f"two inputs are called {path.name}")
        with path.open("rb") as file:
            inputs[path.name] = file.read(limits.inputs + 1)
    return inputs


async def run(
    settings: Settings,
    program: Path,
    *,
    backend: str | None,
    env: Sequence[str],
    inputs: Sequence[Path],
    limits: Sequence[str],
    out: Path | None,
    as_json: bool,
    console: Console,
) -> int:
    """0 when the program ended well, 1 when not, 69 when nothing can be run here."""
    allowed = parse_limits(limits, sandbox_limits(settings))
    environment = parse_environment(env)
    try:
        code, files = read_program(program, allowed), read_inputs(inputs, allowed)
    except OSError as error:
        raise SetupError(f"{error.filename}: {error.strerror}") from error
    sandbox = make_sandbox(settings, parse_backend(backend))
    try:
        outcome = await _run(sandbox, code, files, environment, allowed, None if as_json else console)
    finally:
        await sandbox.close()
    saved = _save(outcome, out) if out is not None else {}
    if as_json:
        print(json.dumps(_document(outcome, saved)))
    else:
        show(outcome, saved, console)
    reason = outcome.result.reason
    return 0 if reason == "ok" else _UNAVAILABLE if reason == "sandbox_unavailable" else 1


async def _run(
    sandbox: PooledSandbox,
    code: bytes,
    inputs: dict[str, bytes],
    env: dict[str, str],
    limits: Limits,
    console: Console | None,
) -> SandboxOutcome:
    if console is None or not console.is_terminal:
        return await sandbox.run(code, inputs, env=env, limits=limits)
    with console.status("preparing the sandbox") as status:
        await sandbox.start(lambda words, done: status.update(f"{words} {done:.0%}"))
        status.update("running")
        return await sandbox.run(code, inputs, env=env, limits=limits)


def _save(outcome: SandboxOutcome, out: Path) -> dict[str, str]:
    """Write the artefacts under a directory; artefact name → where."""
    saved = {}
    try:
        for name, data in outcome.artefacts.items():
            place = out / name
            place.parent.mkdir(parents=True, exist_ok=True)
            # A link that lies there already leads to something that was not meant.
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
            with os.fdopen(os.open(place, flags, 0o644), "wb") as file:
                file.write(data)
            saved[name] = os.fspath(place)
    except OSError as error:
        raise SetupError(f"{error.filename}: {error.strerror}") from error
    return saved


def _document(outcome: SandboxOutcome, saved: dict[str, str]) -> dict[str, Any]:
    artefacts = [
        {"name": name, "size": len(data), "sha256": sha256(data).hexdigest(), "saved": saved.get(name)}
        for name, data in sorted(outcome.artefacts.items())
    ]
    return {**outcome.result.model_dump(mode="json"), "artefacts": artefacts}


def show(outcome: SandboxOutcome, saved: dict[str, str], console: Console) -> None:
    """For people. What the program said is text, never a command to the terminal."""
    result = outcome.result
    good = result.reason == "ok"
    heading = Text.assemble(("✓ " if good else "✗ ", "green" if good else "red"), (result.reason, "bold"))
    if result.detail:
        heading.append(f"  {_plain(result.detail)}")
    console.print(heading, highlight=False)
    facts = Table.grid(padding=(0, 2))
    for name, value in _facts(result):
        facts.add_row(Text(name, "dim"), Text(_plain(value)))
    for name, data in sorted(outcome.artefacts.items()):
        where = f"  saved as {saved[name]}" if name in saved else ""
        facts.add_row(Text("artefact", "dim"), Text(f"{name}  {len(data)} bytes  sha256 {_digest(data)}{where}"))
    for rejected in result.rejected_artefacts:
        facts.add_row(Text("left out", "dim"), Text(_plain(rejected)))
    for control in result.controls:
        facts.add_row(Text("enforced", "dim"), Text(control, "dim"))
    console.print(facts)
    for title, text in (("output", result.stdout), ("errors", result.stderr), ("result.json", result.result or "")):
        if text:
            console.rule(Text(title, "dim"), align="left", style="dim")
            console.print(Text(_plain(text.rstrip("\n"))), soft_wrap=True)


def _facts(result: ExecutionResult) -> list[tuple[str, str]]:
    facts = [("backend", result.backend)]
    if result.controls:
        memory = "" if result.peak_memory is None else f", {result.peak_memory / (1 << 20):.0f} MiB of memory at most"
        facts.append(("took", f"{result.wall_seconds:.2f} s, {result.cpu_seconds:.2f} s of processor time{memory}"))
    if result.exit_code is not None:
        facts.append(("exit code", str(result.exit_code)))
    if result.denied:
        facts.append(("denied", ", ".join(result.denied)))
    if result.truncated:
        facts.append(("cut", "it printed more than is kept"))
    return facts


def _digest(data: bytes) -> str:
    return f"{sha256(data).hexdigest()[:16]}…"


def _plain(text: str) -> str:
    return text.translate(_COMMANDS)
