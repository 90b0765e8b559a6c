"""The main job as a user meets it: a process, HTTP, the command line, real parts throughout."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.conftest import SAMPLES
from tests.end_to_end.instance import VAULTRA, Instance

KEYS = {
    "job_id", "status", "file", "question", "document", "answer", "author", "attempts", "findings", "execution",
    "refusal", "failure", "cost",
}  # fmt: skip


def analyze(instance: Instance, *arguments: str) -> tuple[int, list[dict[str, Any]], str]:
    done = subprocess.run(
        [VAULTRA, "analyze", "--json", "--url", instance.url, *arguments], capture_output=True, text=True, timeout=110
    )
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr


def test_samples_are_all_answered_as_expected(instance: Instance, samples: list[dict[str, str]]) -> None:
    for sample in samples:
        code, (report,), stderr = analyze(instance, str(SAMPLES / sample["file"]), "--question", sample["question"])
        assert (code, stderr) == (0, "")
        assert set(report) == KEYS
        assert report["status"] == "completed"
        assert report["answer"]["verdict"] == "answered", report["answer"]
        said = {report["answer"]["text"], str(report["answer"]["value"])}
        assert any(sample["expect"] in text for text in said), (sample, report["answer"])
        assert report["author"] == "compiled"
        assert report["execution"]["reason"] == "ok"


def test_analyze_prints_a_line_each_when_given_many_pictures(
    instance: Instance, receipt: Callable[[int], bytes], tmp_path: Path
) -> None:
    paths = [tmp_path / f"{number}.png" for number in (1, 2)]
    for number, path in enumerate(paths):
        path.write_bytes(receipt(number))
    (tmp_path / "page.png").write_text("<html>not a picture</html>")
    code, reports, _ = analyze(instance, *map(str, paths), str(tmp_path / "page.png"), "-q", "What is the total?")
    assert code == 3
    assert [report["status"] for report in reports] == ["completed", "completed", "refused"]
    assert [report["file"] for report in reports] == ["1.png", "2.png", "page.png"]
    for report in reports[:2]:
        assert Decimal(report["document"]["total"]) == Decimal("7.75")
        assert report["document"]["currency"] == "USD"
        assert Decimal(report["answer"]["value"]) == Decimal("7.75")
    assert reports[2]["refusal"]["code"] == "unsupported_type"
    assert "PNG" in reports[2]["refusal"]["reason"]


def test_analyze_exits_with_usage_when_a_file_is_not_there(instance: Instance) -> None:
    done = subprocess.run(
        [VAULTRA, "analyze", "--url", instance.url, "no-such.png"], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 2
    assert "no-such.png" in done.stderr
    assert "Traceback" not in done.stderr


def test_analyze_says_so_when_nothing_answers() -> None:
    done = subprocess.run(
        [VAULTRA, "analyze", "--url", "http://127.0.0.1:9", str(SAMPLES / "samples.json")],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 69
    assert "does not answer" in done.stderr
    assert "Traceback" not in done.stderr


def test_trace_reaches_every_event_when_the_upload_has_one(instance: Instance, receipt: Callable[[int], bytes]) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    with instance.client(traceparent=f"00-{trace}-00f067aa0ba902b7-01") as client:
        accepted = client.post("/v1/uploads", files={"file": ("r.png", receipt(77))}).json()
    instance.wait_finished([accepted["job_id"]])
    listed = subprocess.run(
        [VAULTRA, "events", "list", "--json", "--job", accepted["job_id"]],
        capture_output=True,
        text=True,
        timeout=60,
        env={"VAULTRA_DATA_DIR": str(instance.data_dir), "PATH": "/usr/bin:/bin"},
    )
    assert listed.returncode == 0, listed.stderr
    events = [json.loads(line) for line in listed.stdout.splitlines()]
    assert {event["type"].split(".")[2] for event in events} >= {"received", "described", "planned", "completed"}
    assert {event["traceparent"].split("-")[1] for event in events} == {trace}
    assert {event["tenantid"] for event in events} == {"local"}


@pytest.mark.parametrize(
    "command", [["events", "verify"], ["rebuild", "jobs"], ["rebuild", "lineage"], ["keys", "list"]]
)
def test_command_succeeds_when_run_beside_the_instance(instance: Instance, command: list[str]) -> None:
    done = subprocess.run(
        [VAULTRA, *command],
        capture_output=True,
        text=True,
        timeout=60,
        env={"VAULTRA_DATA_DIR": str(instance.data_dir), "PATH": "/usr/bin:/bin"},
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_log_lines_hold_ids_and_no_payload_when_jobs_ran(instance: Instance, receipt: Callable[[int], bytes]) -> None:
    with instance.client() as client:
        accepted = client.post(
            "/v1/uploads", files={"file": ("r.png", receipt(5150))}, data={"question": "secretquestion total?"}
        ).json()
    instance.wait_finished([accepted["job_id"]])
    assert "secretquestion" not in instance.log()
