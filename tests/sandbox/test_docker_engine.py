"""Engines that cannot enforce what is required are refused with what to do about it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sandbox import docker_engine
from sandbox.backends import make_backend
from sandbox.docker_engine import check, connect
from sandbox.engine import Engine
from schemas.errors import SandboxUnavailable

_GOOD: dict[str, Any] = {
    "OSType": "linux",
    "CgroupDriver": "systemd",
    "CgroupVersion": "2",
    "SecurityOptions": ["name=seccomp,profile=default", "name=apparmor"],
    "Runtimes": {"runc": {}, "runsc": {}},
    "MemoryLimit": True,
    "SwapLimit": True,
    "PidsLimit": True,
    "CpuCfsQuota": True,
}


@pytest.fixture(autouse=True)
def _as_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(docker_engine.os, "geteuid", lambda: 0)


def test_engine_is_accepted_with_its_extras_when_it_can_do_everything() -> None:
    assert check(Engine(), _GOOD) == ("apparmor",)


@pytest.mark.parametrize(
    ("info", "why"),
    [
        ({"Runtimes": {"runc": {}}}, "no runtime runsc"),
        ({"SecurityOptions": []}, "seccomp"),
        ({"CgroupDriver": "none"}, "CgroupDriver: none"),
        ({"SecurityOptions": ["name=seccomp", "name=rootless"], "CgroupVersion": "1"}, "rootless"),
        ({"MemoryLimit": False}, "memory"),
        ({"PidsLimit": False, "CpuCfsQuota": False}, "processes, CPU"),
        ({"OSType": "windows"}, "windows"),
    ],
)
def test_engine_is_refused_with_the_reason_when_it_cannot_enforce_a_control(info: dict[str, Any], why: str) -> None:
    with pytest.raises(SandboxUnavailable, match=why):
        check(Engine(), {**_GOOD, **info})


def test_engine_is_refused_when_it_is_on_another_machine() -> None:
    with pytest.raises(SandboxUnavailable, match="on this machine"):
        connect(Engine("tcp://10.0.0.1:2375"))


def test_engine_is_refused_when_we_are_not_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(docker_engine.os, "geteuid", lambda: 1000)
    with pytest.raises(SandboxUnavailable, match="needs root"):
        check(Engine(), _GOOD)


def test_runc_is_taken_only_when_it_was_chosen() -> None:
    without = {**_GOOD, "Runtimes": {"runc": {}}}
    assert check(Engine(runtime="runc"), without)
    with pytest.raises(SandboxUnavailable):
        check(Engine(), without)


def test_probe_says_so_when_no_engine_answers(tmp_path: Path) -> None:
    backend = make_backend("docker", tmp_path, engine=Engine(f"unix://{tmp_path}/none.sock"))
    capabilities = backend.probe()
    assert not capabilities.available
    assert "no Docker engine listens" in str(capabilities.detail)
