"""Attacks bounce off the box; and the negative control: off a careless one they do not, so the suite can fail."""

from __future__ import annotations

import os
import re
import socket
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from sandbox.limits import Limits
from sandbox.root_tree import RootTree
from sandbox.runner import PooledSandbox
from tests.sandbox.quick import QUICK

_OWN = sorted((Path(__file__).parent / "attacks").glob("*.py"))
_SHARED_PLACE = Path(__file__).parents[2].parent / "shared" / "sandbox" / "attacks"
_SHARED = sorted(_SHARED_PLACE.glob("*.py"))
_SECRET = "SBXCANARYSECRET"
# These never end by themselves.
_SHORT = {"infinite_loop", "sigterm_ignored", "atexit_bomb", "stopped", "name_flood"}
_HEAVY = {"mem_bomb", "inodes"}


@dataclass(frozen=True)
class Host:
    """What an escape would touch: a file with a secret, listeners that count."""

    env: dict[str, str]
    hits: Callable[[], int]
    canary: Path


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    canary = Path(f"/tmp/sbx-canary-{os.getpid()}")
    canary.write_text(_SECRET)
    abstract = f"sbx-{os.getpid()}"
    with (
        socket.create_server(("127.0.0.1", 0)) as tcp,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp,
        socket.socket(socket.AF_UNIX) as unix,
    ):
        udp.bind(("127.0.0.1", 0))
        unix.bind(f"\0{abstract}")
        unix.listen()
        for listener in (tcp, udp, unix):
            listener.setblocking(False)
        monkeypatch.setenv("SBX_PARENT_SECRET", _SECRET)
        env = {
            "SBX_ATTACK": "1",
            "SBX_NO_EXTERNAL": "1",
            "SBX_HOST_IP": "127.0.0.1",
            "SBX_TCP_PORT": str(tcp.getsockname()[1]),
            "SBX_UDP_PORT": str(udp.getsockname()[1]),
            "SBX_ABSTRACT": abstract,
            "SBX_CANARY_PATH": str(canary),
        }

        def hits() -> int:
            count = 0
            for attempt in (tcp.accept, unix.accept, lambda: udp.recv(1)):
                try:
                    answer = attempt()
                except BlockingIOError:
                    continue
                count += 1
                if isinstance(answer, tuple):
                    answer[0].close()
            return count

        yield Host(env, hits, canary)
    canary.unlink()


def _escapes(output: str) -> list[str]:
    return [line for line in output.splitlines() if line.startswith("RESULT") and " ESCAPED" in line]


def _expected(code: str) -> list[str]:
    match = re.search(r"^# EXPECT-REASON: (.+)$", code, re.MULTILINE)
    assert match
    return match[1].split(",")


def _limits(script: Path) -> Limits:
    limits = replace(QUICK, timeout=2.0) if script.stem in _SHORT else QUICK
    return replace(limits, memory=256 << 20) if script.stem in _HEAVY else limits


def _env(script: Path, host: Host, limits: Limits) -> dict[str, str]:
    return {**host.env, "SBX_MEM_MB": str(limits.memory >> 20)} if script in _SHARED else host.env


@pytest.mark.parametrize("script", [*_SHARED, *_OWN], ids=lambda path: path.stem)
async def test_attack_bounces_when_run_in_the_box(
    script: Path, sandbox: PooledSandbox, host: Host, boxes_left: Callable[[], list[Path]]
) -> None:
    code = script.read_text()
    limits = _limits(script)
    result = (await sandbox.run(code, {}, env=_env(script, host, limits), limits=limits)).result
    assert _escapes(result.stdout + result.stderr) == []
    assert result.reason in _expected(code), (result.detail, result.stderr)
    assert result.wall_seconds < limits.timeout + 1
    assert host.hits() == 0
    assert host.canary.read_text() == _SECRET
    assert boxes_left() == []


async def test_dishonest_output_is_named_and_left_when_files_are_collected(sandbox: PooledSandbox, host: Host) -> None:
    script = Path(__file__).parent / "attacks" / "output_tree.py"
    outcome = await sandbox.run(script.read_text(), {}, env=host.env)
    rejected = " | ".join(outcome.result.rejected_artefacts)
    for name in ("link.txt", "environ.txt", "fifo.txt", "hard.txt", "sparse.csv", "fake.png", "page.html", "a/b/c"):
        assert name in rejected
    assert outcome.result.result is None
    assert set(outcome.artefacts) <= {f"many{number:02}.txt" for number in range(40)}
    assert len(outcome.artefacts) == QUICK.artefact_count


def test_shared_attacks_are_run_when_they_are_there() -> None:
    if not _SHARED_PLACE.is_dir():
        pytest.skip(f"no shared attack scripts in {_SHARED_PLACE}")
    assert len(_SHARED) >= 20


# Harmless where they succeed: they read a canary, knock at our own listener, or make a namespace of their own.
_CARELESS = ["read_host_files", "net_tcp", "net_unix", "env_secrets", "ns_mount"]


def _run_carelessly(code: str, root: RootTree, env: dict[str, str]) -> str:
    """In a box as people hastily build them: a process namespace, the host's network, files and environment."""
    command = [root.launcher, "--unshare-user", "--unshare-pid", "--die-with-parent", "--ro-bind", root.tree, "/"]
    command += ["--proc", "/proc", "--dev", "/dev", "--bind", "/tmp", "/tmp"]
    command += ["--", "/usr/bin/python3", "-I", "-S", "-c", code]
    user = {"user": 65534, "group": 65534, "extra_groups": []} if os.geteuid() == 0 else {}
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=30, check=False, **user)
    return done.stdout


@pytest.mark.parametrize("name", _CARELESS)
def test_shared_attack_escapes_when_the_box_is_careless(name: str, root_tree: RootTree, host: Host) -> None:
    script = _SHARED_PLACE / f"{name}.py"
    if not script.is_file():
        pytest.skip(f"no shared attack scripts in {_SHARED_PLACE}")
    environment = {**host.env, "SBX_PARENT_SECRET": _SECRET}
    assert _escapes(_run_carelessly(script.read_text(), root_tree, environment))


@pytest.mark.parametrize("name", ["sockets", "syscalls", "x32_abi", "process_one"])
def test_own_attack_escapes_when_the_box_is_careless(name: str, root_tree: RootTree, host: Host) -> None:
    script = Path(__file__).parent / "attacks" / f"{name}.py"
    assert _escapes(_run_carelessly(script.read_text(), root_tree, host.env))
