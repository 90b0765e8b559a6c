"""kill -9 at any moment, and start again: every acknowledged upload has exactly one outcome, no model is paid twice."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.instance import VAULTRA, Instance

FINAL = {"vaultra.analysis.completed.v1", "vaultra.analysis.failed.v1"}
# The instance dies when the job's live feed has shown this event: at every step of the chain.
STEPS = ("document.received", "document.described", "analysis.planned", "code.generated", "code.executed")


def all_events(data_dir: Path) -> list[dict[str, Any]]:
    done = subprocess.run(
        [VAULTRA, "events", "export", "-"],
        capture_output=True,
        text=True,
        timeout=60,
        env={"VAULTRA_DATA_DIR": str(data_dir), "PATH": "/usr/bin:/bin"},
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def kill_at(instance: Instance, job_id: str, event: str) -> None:
    with instance.client() as client, client.stream("GET", f"/v1/jobs/{job_id}/events") as response:
        for line in response.iter_lines():
            if line.strip() == f"event: {event}":
                break
    instance.kill()


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_every_upload_ends_once_when_the_instance_is_killed_at_every_step(
    data_dir: Path, receipt: Callable[[int], bytes]
) -> None:
    instance = Instance(data_dir)
    jobs: list[str] = []
    for round_number, step in enumerate(STEPS):
        instance.start()
        with instance.client() as client:
            for number in range(3):
                accepted = client.post("/v1/uploads", files={"file": ("r.png", receipt(round_number * 10 + number))})
                assert accepted.status_code == 202
                jobs.append(accepted.json()["job_id"])
        kill_at(instance, jobs[-3], step)
    instance.start()
    details = instance.wait_finished(jobs)
    assert {detail["status"] for detail in details.values()} == {"completed"}
    assert instance.stop() < 10
    assert instance.returncode == 0

    events = all_events(data_dir)
    finals = Counter(event["correlationid"] for event in events if event["type"] in FINAL)
    assert finals == Counter(dict.fromkeys(jobs, 1))
    # A reading is a model call. What was answered once is answered from the memo ever after.
    paid = Counter(
        event["correlationid"]
        for event in events
        if event["topic"] == "costs"
        for use in event["data"]["models"]
        if not use["memoized"]
    )
    assert max(paid.values()) == 1
