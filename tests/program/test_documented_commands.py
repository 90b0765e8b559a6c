"""Every command that README and docs show exists, with the options they show."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer

from vaultra.cli import app

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
_CODE = re.compile(r"```[^\n]*\n(.*?)```|`([^`\n]+)`", re.DOTALL)


def shown(program: str) -> list[tuple[str, str]]:
    """(page, command line) of every line of code that starts with a program, settings before it aside."""
    found = []
    for page in PAGES:
        for block, inline in _CODE.findall(page.read_text()):
            for line in (block or inline).replace("\\\n", " ").splitlines():
                match = re.match(rf"(?:\$ )?(?:[A-Z_]+=\S* )*(?:\.venv/bin/)?({program} .+)", line.strip())
                if match:
                    found.append((page.name, match.group(1).split("#")[0].strip()))
    return found


def test_documents_show_commands_at_all() -> None:
    assert len(shown("vaultra")) > 5
    assert len(shown("make")) > 5


@pytest.mark.parametrize(("page", "line"), shown("vaultra"))
def test_command_is_there_when_a_page_shows_it(page: str, line: str) -> None:
    command: Any = typer.main.get_command(app)
    words = shlex.split(line.replace("…", "").replace("|", " | "))[1:]
    while words and hasattr(command, "commands"):
        if words[0].startswith("-") or not re.fullmatch(r"[a-z-]+", words[0]):
            break
        found = command.commands.get(words[0])
        assert found is not None, f"{page} shows `{line}`: there is no {words[0]}"
        command, words = found, words[1:]
    options = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    for word in words:
        name = word.strip("[](),;.").partition("=")[0]
        if re.fullmatch(r"--[a-z-]+", name):
            assert name in options | {"--help"}, f"{page} shows `{line}`: there is no {name}"


@pytest.mark.parametrize(("page", "line"), shown("make"))
def test_make_target_is_there_when_a_page_shows_it(page: str, line: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    wanted = re.findall(r"[a-z][a-z-]*", line.split(" ", 1)[1].split("&&")[0].split("=")[0].split("[")[0])[:1]
    assert set(wanted) <= targets, f"{page} shows `{line}`"
