"""The deployed parts on a real broker: the API dies in a burst, and each upload stands, and ends, once."""

from __future__ import annotations

import io
import json
import signal
import subprocess
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

import httpx2
import pytest
from PIL import Image, ImageDraw

from deploy.kafka.cluster import KafkaCluster
from tests.adapters.postgres_by_url import OwnPostgres, installed, own_postgres
from tests.end_to_end.instance import VAULTRA
from tests.kafka.length import FULL
from tests.kafka.parts import Part, environment_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

FINAL = {"vaultra.analysis.completed.v1", "vaultra.analysis.failed.v1"}
UPLOADS = 8


@pytest.fixture
def postgres(tmp_path: Path) -> Iterator[OwnPostgres]:
    with own_postgres(installed()["16"], tmp_path / "postgres") as server:
        yield server


def receipt(number: int) -> bytes:
    page = Image.new("RGB", (420, 220), "white")
    pen = ImageDraw.Draw(page)
    for row, line in enumerate((f"RECEIPT {number:05d}", "Coffee      3.50", "TOTAL USD   3.50")):
        pen.text((30, 30 + row * 55), line, fill="black", font_size=26)
    out = io.BytesIO()
    page.save(out, "PNG")
    return out.getvalue()


def upload(url: str, number: int) -> str | None:
    """The job's id once the upload is acknowledged; None when nobody answered, which says nothing either way."""
    try:
        answer = httpx2.post(
            f"{url}/v1/uploads",
            files={"file": ("r.png", receipt(number))},
            headers={"Idempotency-Key": f"upload-{number}"},
            timeout=60,
        )
    except httpx2.HTTPError:
        return None
    return answer.json()["job_id"] if answer.status_code == 202 else None


def final_state(url: str, job_id: str) -> dict[str, Any]:
    """The job's detail once its live feed has come to its end."""
    with httpx2.stream("GET", f"{url}/v1/jobs/{job_id}/events", timeout=300) as feed:
        last = [line[4:] for line in feed.iter_lines() if line.startswith("id: ")][-1]
    return httpx2.get(f"{url}/v1/jobs/{job_id}", params={"wait_for": last}, timeout=60).json()


def exported(environment: dict[str, str]) -> list[dict[str, Any]]:
    """Every event on the log."""
    done = subprocess.run(
        [VAULTRA, "events", "export", "-"], env=environment, check=True, capture_output=True, text=True, timeout=120
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_every_upload_ends_once_when_the_api_was_killed_in_a_burst(
    kafka: KafkaCluster, prefix: str, tmp_path: Path, postgres: OwnPostgres
) -> None:
    """In full length every part is also restarted, and the database killed, in the middle of the work."""
    environment = environment_of(kafka.bootstrap_servers, prefix, postgres.url("postgres"), tmp_path / "data")
    subprocess.run([VAULTRA, "topics", "create"], env=environment, check=True, capture_output=True, timeout=120)
    api, stages, projections = parts = [
        Part(*arguments, environment=environment, folder=tmp_path)
        for arguments in (("api",), ("stage", "--all"), ("project",))
    ]
    try:
        api.start()
        with ThreadPoolExecutor(UPLOADS) as pool:
            burst = [pool.submit(upload, api.url, number) for number in range(UPLOADS)]
            wait(burst, timeout=60, return_when=FIRST_COMPLETED)
            assert api.end(signal.SIGKILL) == -signal.SIGKILL
            before = [done.result() for done in burst]
        api.start()
        jobs = [upload(api.url, number) for number in range(UPLOADS)]
        assert None not in jobs
        assert all(earlier in (None, job) for earlier, job in zip(before, jobs, strict=True)), "the same upload"
        once = Counter(dict.fromkeys(map(str, jobs), 1))
        stages.start()
        projections.start()
        if FULL:
            for part in (stages, projections, api):
                assert part.end(signal.SIGTERM) == 0, part.log()
                part.start()
            postgres.kill()
            assert httpx2.get(f"{api.url}/readyz", timeout=30).status_code == 503
            postgres.start()
        details = [final_state(api.url, str(job)) for job in jobs]
        assert {detail["status"] for detail in details} == {"completed"}
        events = exported(environment)
        assert Counter(event["correlationid"] for event in events if event["topic"] == "uploads") == once
        assert Counter(event["correlationid"] for event in events if event["type"] in FINAL) == once
    finally:
        for part in parts:
            if part.process is not None and part.process.poll() is None:
                part.end(signal.SIGKILL)
