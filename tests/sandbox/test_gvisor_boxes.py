"""Boxes of Docker and of runsc: results, limits, and what is left when their owner is killed."""

from __future__ import annotations

import asyncio
import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from sandbox.backends import BackendName, make_backend
from sandbox.engine import Engine, Runtime
from sandbox.limits import MIB
from sandbox.root_tree import RootTree
from sandbox.runner import PooledSandbox
from tests.sandbox.gvisor import started
from tests.sandbox.quick import QUICK


@dataclass(frozen=True)
class Kind:
    backend: BackendName
    runtime: Runtime = "runsc"


_KINDS = [Kind("docker"), Kind("runsc"), Kind("docker", "runc")]


@pytest.fixture(scope="module", params=_KINDS, ids=lambda kind: f"{kind.backend}-{kind.runtime}")
def kind(request: pytest.FixtureRequest) -> Kind:
    chosen: Kind = request.param
    return chosen


@pytest.fixture(scope="module")
async def box(kind: Kind, sandbox_data: Path, engine_url: str) -> AsyncIterator[PooledSandbox]:
    sandbox = await started(kind.backend, sandbox_data, engine_url, kind.runtime)
    yield sandbox
    await sandbox.close()


async def test_run_returns_result_output_and_artefacts_when_the_program_is_ordinary(box: PooledSandbox) -> None:
    code = (
        "import json, os, sys, threading\n"
        "import numpy, pandas\n"
        "document = json.load(open('/inputs/document.json'))\n"
        "json.dump({'total': document['total']}, open(os.environ['SBX_OUT'] + '/result.json', 'w'))\n"
        "open('/tmp/out/table.csv', 'w').write('a,b\\n')\n"
        "print('done', os.environ['ADDED'], sys.stdin.read()); print('beware', file=sys.stderr); sys.exit(3)\n"
    )
    outcome = await box.run(code, {"document.json": b'{"total": "12.50"}'}, env={"ADDED": "x"})
    result = outcome.result
    assert (result.reason, result.exit_code, result.stdout, result.stderr) == ("error", 3, "done x \n", "beware\n")
    assert json.loads(result.result or "") == {"total": "12.50"}
    assert outcome.artefacts == {"table.csv": b"a,b\n"}
    assert result.backend == box.name
    assert any(control.startswith("memory: 512 MiB") for control in result.controls)
    assert result.peak_memory


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("print(1)", "ok"),
        ("1 / 0", "error"),
        ("import os; os.kill(os.getpid(), 9)", "killed"),
        ("while True: print('x' * 10_000)", "output_limit"),
        ("x = []\nwhile True: x.append(bytearray(b'1' * (8 << 20)))", "oom"),
        ("open('/tmp/filler', 'wb').write(bytes(120 << 20))", "disk_full"),
        ("while True: pass", "timeout"),
        ("import os\nos.closerange(0, 100)\nwhile True: pass", "timeout"),
    ],
    ids=["ok", "error", "killed", "output limit", "oom", "disk full", "timeout", "closed streams"],
)
async def test_reason_names_the_limit_when_the_program_passes_it(box: PooledSandbox, code: str, reason: str) -> None:
    limits = replace(QUICK, memory=256 * MIB, timeout=3.0)
    result = (await box.run(code, {}, limits=limits)).result
    assert result.reason == reason, (result.detail, result.stderr)
    assert result.detail or reason == "ok"
    assert result.wall_seconds < limits.timeout + 1


async def test_cpu_time_of_many_processes_is_summed_when_it_is_limited(box: PooledSandbox) -> None:
    limits = replace(QUICK, cpu_time=2.0)
    code = "import os\nfor _ in range(3): os.fork()\nwhile True: pass"
    result = (await box.run(code, {}, limits=limits)).result
    assert result.reason == "cpu_limit", (result.detail, result.stderr)
    assert result.cpu_seconds >= 2.0


async def test_processes_are_limited_when_a_program_starts_ever_more(box: PooledSandbox, kind: Kind) -> None:
    """gVisor's own threads count too, so more of them fit there before a limit ends it (docs/SECURITY.md)."""
    code = "import os, time\nfor _ in range(900): os.fork() or time.sleep(60)\nprint('all of them')"
    result = (await box.run(code, {}, limits=replace(QUICK, memory=256 * MIB))).result
    assert result.reason in ({"pids_limit"} if kind.runtime == "runc" else {"pids_limit", "oom"}), result.detail
    assert "all of them" not in result.stdout


async def test_box_is_gone_when_the_run_is_cancelled(box: PooledSandbox, boxes_left: Callable[[], list[Path]]) -> None:
    run = asyncio.ensure_future(box.run("while True: pass", {}))
    while not boxes_left():
        await asyncio.sleep(0)
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    assert boxes_left() == []


async def test_descriptors_are_back_when_many_boxes_have_run(
    box: PooledSandbox, boxes_left: Callable[[], list[Path]]
) -> None:
    await asyncio.gather(*(box.run("pass", {}) for _ in range(4)))
    before = len(list(Path("/proc/self/fd").iterdir()))
    await asyncio.gather(*(box.run("import os; os.fork()", {}) for _ in range(12)))
    assert len(list(Path("/proc/self/fd").iterdir())) <= before
    assert boxes_left() == []


_HOLD = """
import sys
from pathlib import Path
from sandbox.backends import make_backend
from sandbox.engine import Engine
from sandbox.limits import Limits
backend = make_backend(sys.argv[1], Path(sys.argv[2]), engine=Engine(sys.argv[3], sys.argv[4]))
assert backend.probe().available
box = backend.prepare(Limits(timeout=60))
pid = box.process.pid if sys.argv[1] == "runsc" else box.client.inspect_container(box.container)["State"]["Pid"]
print(pid, flush=True)
box.run("while True: pass", {}, {})
"""


async def test_box_dies_and_its_traces_are_swept_when_its_owner_is_killed(
    kind: Kind, box: PooledSandbox, sandbox_data: Path, engine_url: str, boxes_left: Callable[[int], list[Path]]
) -> None:
    arguments = [kind.backend, str(sandbox_data), engine_url, kind.runtime]
    owner = subprocess.Popen([sys.executable, "-c", _HOLD, *arguments], stdout=subprocess.PIPE)
    assert owner.stdout is not None
    with owner.stdout as answers:
        process = os.pidfd_open(int(answers.readline()))
    owner.send_signal(signal.SIGKILL)
    owner.wait()
    assert select.select([process], [], [], 20)[0], "the box lives on without its owner"
    os.close(process)
    assert boxes_left(owner.pid)
    backend = make_backend(kind.backend, sandbox_data, engine=Engine(engine_url, kind.runtime))
    assert backend.probe().available
    backend.close()
    assert boxes_left(owner.pid) == []
    assert f"-{owner.pid}-" not in Path("/proc/self/mountinfo").read_text()


async def test_nothing_else_may_be_chosen_when_the_root_tree_is_the_box(
    root_tree: RootTree, box: PooledSandbox
) -> None:
    """The same tree everywhere: the program cannot tell the backends apart by what it may import."""
    listed = (await box.run("import os; print(sorted(os.listdir('/usr/lib/python3.11/site-packages')))", {})).result
    here = sorted(path.name for path in (root_tree.tree / "usr/lib/python3.11/site-packages").iterdir())
    assert listed.stdout.strip() == str(here)
