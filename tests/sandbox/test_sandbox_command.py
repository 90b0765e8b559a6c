"""`vaultra sandbox run`: programs, bad usage, and a terminal that obeys nobody inside."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from sandbox.limits import Limits
from sandbox.runner import PooledSandbox
from schemas.errors import SetupError
from vaultra.commands.sandbox import parse_backend, parse_environment, parse_limits, read_inputs, run
from vaultra.settings import load

_CODE = (
    "import json, os, socket\n"
    "print(os.environ['WHO'], open('/inputs/data.txt').read(), '\\x1b[2Jgone')\n"
    "open('/tmp/out/table.csv', 'w').write('1,2')\n"
    "json.dump({'total': '3'}, open('/tmp/out/result.json', 'w'))\n"
    "try: socket.socket()\n"
    "except PermissionError: pass\n"
)


@pytest.fixture
def call(sandbox: PooledSandbox, sandbox_data: Path, tmp_path: Path) -> Any:
    """Runs the command; gives exit code and what a person sees."""

    async def perform(code: bytes, **options: Any) -> tuple[int, str]:
        program = tmp_path / "program.py"
        program.write_bytes(code)
        console = Console(file=io.StringIO(), width=120)
        usual = {"backend": None, "env": (), "inputs": (), "limits": (), "out": None, "as_json": False}
        status = await run(load({"data_dir": sandbox_data}), program, **{**usual, **options}, console=console)
        return status, console.file.getvalue()

    return perform


async def test_command_shows_output_controls_and_saves_artefacts_when_the_program_is_ordinary(
    call: Any, tmp_path: Path
) -> None:
    given = tmp_path / "data.txt"
    given.write_text("given")
    status, shown = await call(
        _CODE.encode(), env=["WHO=me"], inputs=[given], limits=["memory=256M", "timeout=5"], out=tmp_path / "out"
    )
    assert status == 0
    assert "✓ ok" in shown
    assert "me given" in shown
    assert "\x1b" not in shown
    assert "socket(AF_INET)" in shown
    assert "memory: 256 MiB, swap included" in shown
    assert "time: 5 s" in shown
    assert '{"total": "3"}' in shown
    assert (tmp_path / "out" / "table.csv").read_text() == "1,2"


async def test_command_obeys_nothing_the_program_printed_when_it_shows_it(call: Any) -> None:
    code = r"print('\x1b]0;owned\x07 \x9b2J \r \u202eabc\u202c \u2066 \t end')"
    _, shown = await call(code.encode())
    assert "end" in shown
    assert not set(shown) & set("\x1b\x07\x9b\r\u202e\u202c\u2066")


async def test_command_follows_no_link_when_it_saves_artefacts(call: Any, tmp_path: Path) -> None:
    victim, out = tmp_path / "victim", tmp_path / "out"
    out.mkdir()
    victim.write_text("kept")
    (out / "a.csv").symlink_to(victim)
    with pytest.raises(SetupError, match=r"a\.csv"):
        await call(b"open('/tmp/out/a.csv', 'w').write('1')", out=out)
    assert victim.read_text() == "kept"


async def test_command_prints_one_json_object_when_asked(call: Any, capsys: pytest.CaptureFixture[str]) -> None:
    status, _ = await call(b"open('/tmp/out/a.txt', 'w').write('x'); 1 / 0", as_json=True)
    document = json.loads(capsys.readouterr().out)
    assert status == 1
    assert (document["reason"], document["exit_code"]) == ("error", 1)
    assert [(one["name"], one["size"]) for one in document["artefacts"]] == [("a.txt", 1)]
    assert document["controls"]


@pytest.mark.parametrize(
    ("code", "said"),
    [(b"\xff", "not UTF-8"), (b"", "no code"), (b"1\0", "NUL"), (b" " * (2 << 20), "larger than 1024 KiB")],
)
async def test_command_says_why_when_the_file_is_no_program(call: Any, code: bytes, said: str) -> None:
    status, shown = await call(code)
    assert status == 1
    assert "rejected" in shown
    assert said in shown


async def test_command_reads_standard_input_when_told(
    call: Any, sandbox_data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"print(6 * 7)")))
    options: dict[str, Any] = {"backend": None, "env": (), "inputs": (), "limits": (), "out": None, "as_json": True}
    assert await run(load({"data_dir": sandbox_data}), Path("-"), **options, console=Console()) == 0
    assert json.loads(capsys.readouterr().out)["stdout"] == "42\n"


@pytest.mark.parametrize("entry", ["speed=1", "memory", "memory=lots", "timeout=0", "timeout=-1", "pids=0.5"])
def test_limit_is_wrong_usage_when_it_is_none(entry: str) -> None:
    with pytest.raises(SetupError):
        parse_limits([entry], Limits())


def test_limits_are_read_with_their_units_when_they_have_some() -> None:
    limits = parse_limits(["memory=1.5G", "tmp=10M", "pids=8", "timeout=0.5", "cpu_time=3"], Limits())
    assert (limits.memory, limits.tmp, limits.pids, limits.timeout) == (3 << 29, 10 << 20, 8, 0.5)
    assert limits.cpu_seconds == 3
    assert limits.shared_memory == Limits().shared_memory


def test_usage_is_wrong_when_names_are(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="bubblewrap"):
        parse_backend("magic")
    with pytest.raises(SetupError, match="NAME=VALUE"):
        parse_environment(["NAME"])
    (tmp_path / "a").mkdir()
    for place in (tmp_path / "x", tmp_path / "a" / "x"):
        place.write_text("")
    with pytest.raises(SetupError, match="two inputs"):
        read_inputs([tmp_path / "x", tmp_path / "a" / "x"], Limits())
