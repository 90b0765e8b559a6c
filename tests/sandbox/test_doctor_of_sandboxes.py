"""`vaultra doctor` says of each backend what holds here, or why it does not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sandbox.backends import BACKENDS
from sandbox.root_tree import RootTree
from vaultra.commands.doctor import sandbox_checks
from vaultra.settings import load


async def _checks(**settings: Any) -> dict[str, tuple[bool | None, str]]:
    return {check.name: (check.ok, check.detail) async for check in sandbox_checks(load(settings))}


async def test_doctor_names_every_backend_with_its_walls_when_all_are_possible(
    sandbox_data: Path, root_tree: RootTree, engine_url: str
) -> None:
    found = await _checks(data_dir=sandbox_data, sandbox={"docker_url": engine_url})
    for name in BACKENDS:
        title, walls = ("sandbox", "walls") if name == "bubblewrap" else (f"sandbox {name}", f"walls of {name}")
        assert found[title][0], found[title]
        assert "controls hold" in found[title][1]
        for wall in ("seccomp", "network: none", "refuses internet sockets", "refuses writing to /usr"):
            assert wall in found[walls][1], (name, found[walls])
    assert found["limits"] == (True, "2048 MiB, 2 cores, 120 s a program")


async def test_doctor_says_why_a_backend_is_not_possible_and_fails_only_when_it_was_chosen(
    sandbox_data: Path, root_tree: RootTree, tmp_path: Path
) -> None:
    nowhere = f"unix://{tmp_path}/docker.sock"
    beside = await _checks(data_dir=sandbox_data, sandbox={"docker_url": nowhere})
    assert beside["sandbox docker"][0] is None
    assert "not possible here: " in beside["sandbox docker"][1]
    assert "docker.sock" in beside["sandbox docker"][1]
    chosen = await _checks(data_dir=sandbox_data, sandbox={"docker_url": nowhere, "backend": "docker"})
    assert chosen["sandbox"][0] is False
    assert chosen["sandbox"][1].startswith("docker: ")
    assert chosen["sandbox bubblewrap"][0]
