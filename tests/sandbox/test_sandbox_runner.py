"""The runner: ordinary programs, limits, bad input, cancellation, and nothing left behind."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from sandbox.bubblewrap_backend import BubblewrapBackend
from sandbox.cgroups import Parent
from sandbox.limits import MIB, Limits
from sandbox.runner import PooledSandbox
from sandbox.watchdog import descendants
from schemas.errors import SandboxUnavailable
from tests.sandbox.quick import QUICK
from tests.sandbox.suite import mounts_of_boxes

Left = Callable[[], list[Path]]
_RUNS = int(os.environ.get("SANDBOX_RUNS", "150"))  # `make sandbox-long` has 5000


async def test_run_returns_result_output_and_artefacts_when_the_program_is_ordinary(sandbox: PooledSandbox) -> None:
    code = (
        "import json, os, sys\n"
        "document = json.load(open('/inputs/document.json'))\n"
        "out = os.environ['SBX_OUT']\n"
        "json.dump({'total': document['total']}, open(f'{out}/result.json', 'w'))\n"
        "open(f'{out}/table.csv', 'w').write('a,b\\n')\n"
        "print('done'); print('beware', file=sys.stderr)\n"
    )
    outcome = await sandbox.run(code, {"document.json": b'{"total": "12.50"}'})
    result = outcome.result
    assert (result.reason, result.exit_code, result.stdout, result.stderr) == ("ok", 0, "done\n", "beware\n")
    assert json.loads(result.result or "") == {"total": "12.50"}
    assert outcome.artefacts == {"table.csv": b"a,b\n"}
    assert result.peak_memory is not None
    assert "seccomp: allowlist" in result.controls


async def test_run_shows_only_the_programs_own_frames_when_it_raises(sandbox: PooledSandbox) -> None:
    result = (await sandbox.run("def f():\n    return 1 / 0\n\nf()\n", {})).result
    assert (result.reason, result.exit_code) == ("error", 1)
    assert "return 1 / 0" in result.stderr
    assert "bootstrap" not in result.stderr


@pytest.mark.parametrize(
    ("code", "status"),
    [("raise SystemExit(3)", 3), ("exit(4)", 4), ("import sys; sys.exit('no')", 1), ("def f(:", 1)],
)
async def test_run_reports_the_exit_code_when_the_program_ends_itself(
    sandbox: PooledSandbox, code: str, status: int
) -> None:
    result = (await sandbox.run(code, {})).result
    assert (result.reason, result.exit_code) == ("error", status)


@pytest.mark.parametrize(
    ("code", "inputs"),
    [
        ("", {}),
        ("print(1)\0", {}),
        ("print('\ud800')", {}),
        ("#" * (2 * MIB), {}),
        ("print(1)", {"../escape": b""}),
        ("print(1)", {"a": bytes(65 * MIB)}),
    ],
    ids=["empty", "nul", "surrogate", "too long", "path as name", "inputs too large"],
)
async def test_run_is_rejected_with_a_sentence_when_code_or_inputs_are_unusable(
    sandbox: PooledSandbox, code: str, inputs: dict[str, bytes]
) -> None:
    result = (await sandbox.run(code, inputs)).result
    assert result.reason == "rejected"
    assert result.detail


@pytest.mark.parametrize(
    ("code", "why"),
    [
        (b"print(1)\xff", "not UTF-8: invalid start byte at byte 8"),
        ("print(1)".encode("utf-16"), "not UTF-8"),
        (b"print(1)\0", "NUL"),
        (b"#" * (10 << 20), "larger than 1024 KiB"),
        (b" \n", "no code"),
        ("# coding: utf-7\nprint(1) # +AAo-print(2)\n", "encoding utf-7 in line 1"),
        (b"#!/usr/bin/python\n# -*- coding: latin-1 -*-\n", "encoding latin-1 in line 2"),
    ],
    ids=["bad byte", "utf-16", "nul", "10 MiB", "blank", "utf-7", "latin-1"],
)
async def test_run_is_rejected_with_the_reason_when_the_bytes_are_no_program(
    sandbox: PooledSandbox, code: str | bytes, why: str
) -> None:
    result = (await sandbox.run(code, {})).result
    assert result.reason == "rejected"
    assert why in (result.detail or "")


@pytest.mark.parametrize("env", [{"A=B": "c"}, {"A": "b\0c"}, {"": "x"}, {"A": "x" * 40_000}])
async def test_run_is_rejected_when_the_environment_is_none(sandbox: PooledSandbox, env: dict[str, str]) -> None:
    assert (await sandbox.run("print(1)", {}, env=env)).result.reason == "rejected"


async def test_bytes_run_as_utf8_when_they_begin_with_its_mark(sandbox: PooledSandbox) -> None:
    assert (await sandbox.run(b"\xef\xbb\xbfprint('\xc3\xa9')", {})).result.stdout == "é\n"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("'{not json'", "not acceptable JSON"),
        ("'[NaN]'", "not acceptable JSON"),
        ("'[' * 100000", "not acceptable JSON"),
        ("'1' * 1100000", "larger than"),
        ("bytes([255])", "not acceptable JSON"),
    ],
    ids=["not json", "not a number", "too deep", "too large", "not text"],
)
async def test_result_is_left_out_with_the_reason_when_it_is_no_result(
    sandbox: PooledSandbox, text: str, why: str
) -> None:
    code = f"data = {text}\nopen('/tmp/out/result.json', 'wb').write(data.encode() if data == str(data) else data)"
    result = (await sandbox.run(code, {})).result
    assert (result.reason, result.result) == ("ok", None)
    assert "result.json" in result.rejected_artefacts[0]
    assert why in result.rejected_artefacts[0]


async def test_cpu_time_of_many_processes_is_summed_when_it_is_limited(sandbox: PooledSandbox) -> None:
    limits = replace(QUICK, cpu_time=2.0)
    code = "import os\nfor _ in range(3): os.fork()\nwhile True: pass"
    result = (await sandbox.run(code, {}, limits=limits)).result
    assert result.reason == "cpu_limit"
    assert 2.0 <= result.cpu_seconds < 5.0


async def test_output_is_cut_and_still_text_when_it_is_long_and_binary(sandbox: PooledSandbox) -> None:
    result = (await sandbox.run("import os\nos.write(1, b'\\0\\xff' * (1 << 20))", {})).result
    assert result.reason == "ok"
    assert result.truncated
    assert "\0" not in result.stdout
    assert len(result.stdout) == 1 * MIB


async def test_timeout_keeps_what_was_printed_when_the_program_hangs(sandbox: PooledSandbox) -> None:
    limits = replace(QUICK, timeout=1.0)
    result = (await sandbox.run("print('begun')\nwhile True: pass", {}, limits=limits)).result
    assert (result.reason, result.stdout) == ("timeout", "begun\n")
    assert result.wall_seconds < 2.0


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("x = bytearray(1 << 30)\nfor i in range(0, len(x), 4096): x[i] = 1", "oom"),
        ("open('/tmp/a', 'wb').write(bytes(120 << 20))", "disk_full"),
        ("import resource as r\nr.setrlimit(r.RLIMIT_CPU, (1, 9))\nwhile True: pass", "cpu_limit"),
        ("import os, time\nfor _ in range(99): os.fork() or time.sleep(60)", "pids_limit"),
        ("import os\nwhile True: os.write(2, bytes(1 << 20))", "output_limit"),
        ("import os\nos._exit(137)", "killed"),
        ("import os\nos.kill(os.getpid(), 11)", "killed"),
    ],
)
async def test_reason_names_the_limit_when_the_program_passes_it(
    sandbox: PooledSandbox, code: str, reason: str
) -> None:
    result = (await sandbox.run(code, {}, limits=replace(QUICK, memory=256 * MIB))).result
    assert result.reason == reason
    assert result.detail


async def test_box_and_program_are_gone_when_the_run_is_cancelled(sandbox: PooledSandbox, boxes_left: Left) -> None:
    run = asyncio.ensure_future(sandbox.run("while True: pass", {}))
    while not boxes_left():
        await asyncio.sleep(0)
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    assert boxes_left() == []


async def test_reason_is_internal_error_when_the_box_ends_without_a_status(
    sandbox: PooledSandbox, sandbox_data: Path, boxes_left: Left
) -> None:
    backend = BubblewrapBackend(sandbox_data)
    await asyncio.to_thread(backend.probe)
    box = backend.prepare(QUICK)
    run = asyncio.ensure_future(asyncio.to_thread(box.run, "open('/tmp/out/a.txt', 'w')\nwhile True: pass", {}, {}))
    while not os.listdir(box.output):  # noqa: PTH208 - a descriptor
        await asyncio.sleep(0)
    assert box.process is not None
    signal.pidfd_send_signal(box.process.process, signal.SIGKILL)  # bwrap itself, which nobody inside can reach
    outcome = await run
    box.destroy()
    backend.close()
    assert outcome.result.reason == "internal_error"
    assert outcome.result.detail
    assert boxes_left() == []


async def test_reason_is_cancelled_when_the_sandbox_is_closed_meanwhile(
    sandbox: PooledSandbox, sandbox_data: Path, boxes_left: Left
) -> None:
    runner = PooledSandbox(BubblewrapBackend(sandbox_data), QUICK)
    await runner.start()
    run = asyncio.ensure_future(runner.run("while True: pass", {}))
    while not boxes_left():
        await asyncio.sleep(0)
    await runner.close()
    assert (await run).result.reason == "cancelled"
    assert boxes_left() == []


async def test_all_runs_end_well_when_eight_run_at_once(sandbox: PooledSandbox) -> None:
    codes = [f"print({number})" for number in range(8)]
    outcomes = await asyncio.gather(*(sandbox.run(code, {}) for code in codes))
    assert [outcome.result.stdout for outcome in outcomes] == [f"{number}\n" for number in range(8)]


def _traces() -> dict[str, object]:
    """What boxes could leave: descriptors here and in the process that starts boxes, its children, mounts."""
    starters = [
        pid for pid in descendants(os.getpid()) if "spawner_process" in Path(f"/proc/{pid}/cmdline").read_text()
    ]
    return {
        "descriptors": [len(os.listdir(f"/proc/{pid}/fd")) for pid in (os.getpid(), *starters)],  # noqa: PTH208
        "processes": [len(descendants(pid)) for pid in starters],
        "mounts": mounts_of_boxes(),
    }


@pytest.mark.timeout(60 + _RUNS)
async def test_nothing_is_left_on_the_host_when_many_boxes_have_run(sandbox: PooledSandbox, boxes_left: Left) -> None:
    await sandbox.run("pass", {})
    before = _traces()
    codes = ["pass", "1 / 0", "import os; os.fork() or os.execv('/usr/bin/python3', ['python3', '-c', 'input()'])"]
    await asyncio.gather(*(sandbox.run(codes[number % len(codes)], {}) for number in range(_RUNS)))
    deadline = time.monotonic() + 10
    while _traces() != before and time.monotonic() < deadline:
        await asyncio.sleep(0)  # the process that starts boxes closes its end after it has told us
    assert _traces() == before
    assert boxes_left() == []


def _no_groups() -> tuple[Parent, ...]:
    raise SandboxUnavailable("no control group here")


async def test_run_is_refused_with_the_reason_when_a_control_cannot_be_enforced(sandbox_data: Path) -> None:
    runner = PooledSandbox(BubblewrapBackend(sandbox_data, control_groups=_no_groups))
    result = (await runner.run("print(1)", {})).result
    await runner.close()
    assert (result.reason, result.detail) == ("sandbox_unavailable", "no control group here")


async def test_watchdog_ends_a_memory_bomb_when_degraded_running_was_allowed(
    sandbox_data: Path, sandbox: PooledSandbox
) -> None:
    limits = Limits(timeout=20.0, memory=256 * MIB)
    runner = PooledSandbox(BubblewrapBackend(sandbox_data, allow_degraded=True, control_groups=_no_groups), limits)
    capabilities = await runner.start()
    result = (await runner.run("x = []\nwhile True: x.append(bytearray(b'1' * (8 << 20)))", {})).result
    await runner.close()
    assert capabilities.available
    assert capabilities.missing == ("no control group here",)
    assert result.reason == "oom"
    assert any("degraded" in control for control in result.controls)


async def test_run_is_refused_when_the_root_tree_cannot_be_built() -> None:
    runner = PooledSandbox(BubblewrapBackend(Path("/proc/vaultra")))
    result = (await runner.run("print(1)", {})).result
    await runner.close()
    assert result.reason == "sandbox_unavailable"
    assert "root tree" in (result.detail or "")
