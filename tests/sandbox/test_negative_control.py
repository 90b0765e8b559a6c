"""The suite can fail: the same scripts, run with little care, must report escapes. Only harmless ones are: they read a
canary, knock at our own listeners, look around, or change things of their own."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from sandbox.artefacts import collect
from sandbox.root_tree import RootTree
from tests.sandbox.quick import QUICK
from tests.sandbox.suite import OWN_PLACE, SECRET, SHARED_PLACE, Host, escapes

_USER = {"user": 65534, "group": 65534, "extra_groups": []} if os.geteuid() == 0 else {}
_SHARED = ["read_host_files", "net_tcp", "net_unix", "env_secrets", "ns_mount"]
_OWN = ["sockets", "syscalls", "x32_abi", "process_one", "proc_files", "net_tables", "host_identity", "limits_raised"]
_OWN += ["shells", "shared_files", "core_dump", "kernel_files", "namespace_calls"]
_OWN += ["timers", "pipe_buffers", "socket_buffers"]
# What a plain process of another user can see and reach; it has no walls at all.
_PLAIN = [
    "read_host_files",
    "net_tcp",
    "net_unix",
    "env_secrets",
    "proc_files",
    "host_identity",
    "ids",
    "shells",
    "sockets",
    "shared_files",
    "core_dump",
    "kernel_files",
]


def _script(name: str) -> Path:
    own = OWN_PLACE / f"{name}.py"
    script = own if own.is_file() else SHARED_PLACE / f"{name}.py"
    if not script.is_file():
        pytest.skip(f"no shared attack scripts in {SHARED_PLACE}")
    return script


@pytest.mark.parametrize("name", [*_SHARED, *_OWN])
def test_attack_escapes_when_the_box_is_careless(name: str, root_tree: RootTree, host: Host) -> None:
    """A box as people hastily build them: a process namespace, the host's network, files and environment."""
    command = [root_tree.launcher, "--unshare-user", "--unshare-pid", "--die-with-parent", "--ro-bind", root_tree.tree]
    command += ["/", "--proc", "/proc", "--dev", "/dev", "--bind", "/tmp", "/tmp", "--ro-bind-try", "/etc", "/etc"]
    command += ["--", "/usr/bin/python3", "-I", "-S", "-c", _script(name).read_text()]
    assert escapes(_run(command, host))


@pytest.mark.parametrize("name", _PLAIN)
def test_attack_escapes_when_there_is_no_box(name: str, root_tree: RootTree, host: Host) -> None:
    python = root_tree.tree / "usr" / "bin" / "python3"
    command = [python, "-I", "-S", "-c", _script(name).read_text()]
    assert escapes(_run(command, host))


def test_secret_is_collected_when_the_collection_is_careless(host: Host, tmp_path: Path) -> None:
    (tmp_path / "link.txt").symlink_to(host.canary)
    (tmp_path / "hard.txt").hardlink_to(host.canary)
    careless = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert careless == dict.fromkeys(("link.txt", "hard.txt"), SECRET)
    directory = os.open(tmp_path, os.O_RDONLY | os.O_DIRECTORY)
    collected = collect(directory, QUICK)
    os.close(directory)
    assert collected.files == {}
    assert len(collected.rejected) == 2


def _run(command: list[str | Path], host: Host) -> str:
    environment = {**host.env, "SBX_PARENT_SECRET": SECRET, "PYTHONDONTWRITEBYTECODE": "1", "SBX_OUT": "/tmp"}
    environment["SBX_MEM_MB"] = "16"  # what there is no limit on is taken, a little of it
    done = subprocess.run(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=30,
        check=False,
        cwd="/",
        **_USER,
    )
    return done.stdout + done.stderr
