"""Uploads through the parts the program really runs on: PostgreSQL log, local blobs, decoding in its own process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from adapters.blob_store import LocalBlobStore
from adapters.database import Database
from adapters.vision.intake import PillowPictureReader
from schemas.documents import DocumentReceived, DocumentRefused
from schemas.wire import decode
from streams.postgres_log import PostgresEventLog
from streams.topics import TOPICS
from tests.api.harness import Api
from tests.api.parts import png


@pytest.fixture
async def real(api: Api, database: Database, tmp_path: Path) -> AsyncIterator[Api]:
    log = await PostgresEventLog.open(database, TOPICS)
    pictures = PillowPictureReader()
    yield api.with_services(log=log, blobs=LocalBlobStore(tmp_path / "blobs"), pictures=pictures)
    await pictures.close()
    await log.close()


async def stored(real: Api) -> dict[str, Any]:
    log = real.services.log
    records = await log.read(await log.earliest(["uploads"]), limit=1000)
    return {record.attributes["id"]: decode(record.attributes, record.value).data for record in records}


async def test_every_hostile_file_becomes_a_job_or_a_recorded_refusal(real: Api, shared_data: Path) -> None:
    answers = {}
    async with real.client() as client:
        for path in sorted((shared_data / "hostile").iterdir()):
            response = await client.post("/v1/uploads", files={"file": (path.name, path.read_bytes())})
            answers[path.name] = response
        assert (await client.get("/readyz")).status_code == 200
    facts = await stored(real)
    for name, response in answers.items():
        assert response.status_code in (202, 413, 415, 422), (name, response.text)
        fact = facts[response.json()["job_id"]]
        assert isinstance(fact, DocumentReceived if response.status_code == 202 else DocumentRefused), name
        if isinstance(fact, DocumentReceived):
            assert (await real.services.blobs.get(fact.picture.blob)).startswith(b"\x89PNG")
        else:
            assert fact.code == response.json()["code"]
            assert fact.reason == response.json()["detail"]
    assert answers["gen_empty.png"].json()["code"] == "empty"
    assert answers["gen_svg_xxe.svg"].status_code == 415
    assert answers["gen_bomb_900MP_1bit.png"].json()["code"] == "too_many_pixels"
    assert answers["gen_png_named.jpg"].status_code == 202


async def test_repeated_upload_is_one_job_on_the_durable_log(real: Api) -> None:
    async with real.client() as client:
        answers = [
            await client.post("/v1/uploads", files={"file": ("a.png", png(40, 30))}, headers={"Idempotency-Key": "k"})
            for _ in range(2)
        ]
        conflict = await client.post(
            "/v1/uploads", files={"file": ("a.png", png(41, 30))}, headers={"Idempotency-Key": "k"}
        )
    assert [answer.status_code for answer in (*answers, conflict)] == [202, 202, 422]
    assert answers[0].json() == answers[1].json()
    assert len(await stored(real)) == 1
