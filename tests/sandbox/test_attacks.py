"""Attacks bounce off the bubblewrap box, whether root starts it or an ordinary user with control groups of his own."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from sandbox.bubblewrap import Bubblewrap
from sandbox.root_tree import RootTree
from sandbox.runner import PooledSandbox
from tests.sandbox.ordinary_user import as_ordinary_user, ordinary_boxes
from tests.sandbox.quick import QUICK
from tests.sandbox.suite import (
    OWN,
    OWN_PLACE,
    SCRIPTS,
    SECRET,
    SHARED,
    SHARED_PLACE,
    Host,
    env_for,
    escapes,
    expected,
    limits_for,
    watched_host,
)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
async def test_attack_bounces_when_run_in_the_box(
    script: Path, sandbox: PooledSandbox, host: Host, boxes_left: Callable[[], list[Path]]
) -> None:
    result = (await sandbox.run(script.read_text(), {}, env=env_for(script, host), limits=limits_for(script))).result
    assert escapes(result.stdout + result.stderr) == []
    assert result.reason in expected(script), (result.detail, result.stderr)
    assert result.wall_seconds < limits_for(script).timeout + 1
    assert host.hits() == 0
    assert host.canary.read_text() == SECRET
    assert boxes_left() == []


async def test_dishonest_output_is_named_and_left_when_files_are_collected(sandbox: PooledSandbox, host: Host) -> None:
    outcome = await sandbox.run((OWN_PLACE / "output_tree.py").read_text(), {}, env=host.env)
    rejected = " | ".join(outcome.result.rejected_artefacts)
    for name in ("link.txt", "environ.txt", "fifo.txt", "hard.txt", "sparse.csv", "fake.png", "page.html", "a/b/c"):
        assert name in rejected
    assert outcome.result.result is None
    assert set(outcome.artefacts) <= {f"many{number:02}.txt" for number in range(40)}
    assert len(outcome.artefacts) == QUICK.artefact_count


@pytest.mark.parametrize("name", ["output_race", "output_replaced"])
async def test_nothing_of_the_host_is_collected_when_the_output_directory_is_played_with(
    name: str, sandbox: PooledSandbox, host: Host
) -> None:
    outcome = await sandbox.run((OWN_PLACE / f"{name}.py").read_text(), {}, env=host.env)
    assert {"honest.txt", "kept.txt"} & set(outcome.artefacts)
    assert not any(SECRET.encode() in data for data in outcome.artefacts.values())


async def test_picture_is_left_when_it_unfolds_into_too_much_or_is_none(sandbox: PooledSandbox, host: Host) -> None:
    outcome = await sandbox.run((OWN_PLACE / "picture_bombs.py").read_text(), {}, env=host.env)
    assert set(outcome.artefacts) == {"honest.png", "honest.jpg"}
    reasons = dict(entry.rsplit(": ", 1) for entry in outcome.result.rejected_artefacts if "pixels" not in entry)
    large = {entry.partition(":")[0] for entry in outcome.result.rejected_artefacts if "pixels" in entry}
    assert large == {"wide.png", "square.png", "square.jpg", "untold.jpeg"}
    assert set(reasons) == {"headless.png", "short.png", "headless.jpg", "right\\u202egnp.exe.png"}


def test_every_attack_is_there() -> None:
    assert len(OWN) >= 24
    if not SHARED_PLACE.is_dir():
        pytest.skip(f"no shared attack scripts in {SHARED_PLACE}")
    assert len(SHARED) >= 20


@pytest.fixture(scope="module")
def ordinary(sandbox: PooledSandbox, root_tree: RootTree) -> Iterator[Mapping[str, Any]]:
    """What each script ended with, run by a user without privileges whose service manager gave him control groups."""
    if os.geteuid() != 0:
        pytest.skip("the rest of the suite runs as an ordinary user already")
    with ordinary_boxes(root_tree, delegated=True) as boxes, watched_host() as host, tempfile.TemporaryFile() as file:
        assert as_ordinary_user(lambda: _attack(boxes, host, file.fileno())) == ""
        file.seek(0)
        yield {**json.loads(file.read()), "hits": host.hits(), "canary": host.canary.read_text()}


def _attack(boxes: Bubblewrap, host: Host, results: int) -> None:
    def run(script: Path) -> dict[str, Any]:
        box = boxes.prepare(limits_for(script))
        try:
            result = box.run(script.read_text(), {}, env_for(script, host)).result
        finally:
            box.destroy()
        found = escapes(result.stdout + result.stderr)
        return {"reason": result.reason, "escapes": found, "seconds": result.wall_seconds}

    with ThreadPoolExecutor(4) as threads:
        found = dict(zip([script.stem for script in SCRIPTS], threads.map(run, SCRIPTS), strict=True))
    boxes.spawner.close()
    os.write(results, json.dumps(found).encode())


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_attack_bounces_when_an_ordinary_user_runs_the_box(script: Path, ordinary: Mapping[str, Any]) -> None:
    found = ordinary[script.stem]
    assert found["escapes"] == []
    assert found["reason"] in expected(script)
    assert found["seconds"] < limits_for(script).timeout + 1
    assert (ordinary["hits"], ordinary["canary"]) == (0, SECRET)
