"""What an upload leaves on the log, and what it answers."""

from __future__ import annotations

import asyncio
import hashlib
import io
from collections.abc import AsyncIterator

import pytest

from api.intake import clean_filename
from schemas.documents import DocumentReceived, DocumentRefused
from schemas.errors import PictureRefused
from schemas.wire import decode
from tests.api.harness import NOW, Api
from tests.api.parts import png

PROBLEM = "application/problem+json"
FORM = {"content-type": "multipart/form-data; boundary=xx"}


def file_of(data: bytes, name: str = "a.png") -> dict[str, tuple[str, io.BytesIO, str]]:
    return {"file": (name, io.BytesIO(data), "image/png")}


async def test_upload_is_one_event_with_its_picture_stored(api: Api) -> None:
    async with api.client() as client:
        response = await client.post(
            "/v1/uploads",
            files=file_of(png(), "C:\\Users\\me\\in\u202evoice.png"),
            data={"question": "  What is the total?\n", "business_id": "acme:1"},
            headers={"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"},
        )
    assert response.status_code == 202
    body = response.json()
    assert response.headers["location"] == body["status_url"] == f"/v1/jobs/{body['job_id']}"
    event = await api.received(body["job_id"])
    assert (event.id, event.subject, event.partitionkey, event.correlationid) == (body["event_id"],) * 4
    assert event.id[14] == "7"
    assert (event.source, event.tenantid, event.time, event.causationid) == ("vaultra/api", "local", NOW, None)
    assert event.traceparent == "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    data = event.data
    assert (data.question, data.business_id) == ("What is the total?", "acme:1")
    assert (data.original.filename, data.original.media_type) == ("invoice.png", "image/png")
    assert data.original.sha256 == hashlib.sha256(png()).hexdigest()
    assert (data.picture.width, data.picture.height) == (4, 3)
    assert await api.blobs.get(data.picture.blob) == png()


@pytest.mark.parametrize(
    ("data", "status", "code"),
    [(b"", 422, "empty"), (b"<svg/>", 415, "unsupported_type"), (b"x" * (20 * 1024**2 + 1), 413, "too_large")],
)
async def test_upload_is_recorded_and_answered_with_a_problem_when_the_picture_is_refused(
    api: Api, data: bytes, status: int, code: str
) -> None:
    async with api.client() as client:
        response = await client.post("/v1/uploads", files=file_of(data), data={"question": "q"})
    assert (response.status_code, response.headers["content-type"]) == (status, PROBLEM)
    body = response.json()
    assert (body["code"], body["status"], body["reason"]) == (code, status, body["detail"])
    event = await api.received(body["job_id"])
    assert isinstance(event.data, DocumentRefused)
    assert (event.data.code, event.data.question, event.data.original.size) == (code, "q", len(data))
    assert api.blobs.blobs == {}


async def test_upload_makes_one_job_when_it_is_repeated_with_its_key(api: Api) -> None:
    async with api.client() as client:
        answers = [
            await client.post(
                "/v1/uploads", files=file_of(png(), name), data={"question": "q"}, headers={"Idempotency-Key": "k-1"}
            )
            for name in ("a.png", "again.png")
        ]
    assert [answer.status_code for answer in answers] == [202, 202]
    assert answers[0].json() == answers[1].json()
    assert len(api.log.stored()) == 1


async def test_upload_makes_one_job_when_many_come_at_once_with_one_key(api: Api) -> None:
    async with api.client() as client:
        answers = await asyncio.gather(
            *(client.post("/v1/uploads", files=file_of(png()), headers={"Idempotency-Key": "k"}) for _ in range(10))
        )
    assert {(answer.status_code, answer.text) for answer in answers} == {(202, answers[0].text)}
    assert len(api.log.stored()) == 1


async def test_upload_conflicts_when_its_key_was_used_for_something_else(api: Api) -> None:
    headers = {"Idempotency-Key": "k"}
    others = (
        (png(shade=1), {"question": "q"}),
        (png(), {"question": "other"}),
        (png(), {"question": "q", "business_id": "b"}),
    )
    async with api.client() as client:
        await client.post("/v1/uploads", files=file_of(png()), data={"question": "q"}, headers=headers)
        for data, fields in others:
            response = await client.post("/v1/uploads", files=file_of(data), data=fields, headers=headers)
            assert (response.status_code, response.json()["type"]) == (422, "urn:vaultra:problem:idempotency-conflict")
    assert len(api.log.stored()) == 1


async def test_keys_of_two_tenants_do_not_meet(keyed: Api) -> None:
    jobs = []
    for tenant in ("one", "two"):
        async with keyed.client(await keyed.key(tenant)) as client:
            answer = await client.post("/v1/uploads", files=file_of(png()), headers={"Idempotency-Key": "k"})
            jobs.append(answer.json()["job_id"])
    assert len(set(jobs)) == len(keyed.log.stored()) == 2


async def test_upload_keeps_its_first_verdict_when_a_repeat_would_be_judged_otherwise(api: Api) -> None:
    headers = {"Idempotency-Key": "k"}
    async with api.client() as client:
        api.pictures.refuse = PictureRefused("too_slow", "Reading took too long.")
        first = await client.post("/v1/uploads", files=file_of(png()), headers=headers)
        api.pictures.refuse = None
        again = await client.post("/v1/uploads", files=file_of(png()), headers=headers)
    assert (first.status_code, first.text) == (422, again.text)
    assert again.status_code == 422
    assert len(api.log.stored()) == 1


async def test_upload_is_not_acknowledged_when_a_store_is_gone(api: Api) -> None:
    async with api.client() as client:
        api.blobs.gone = True
        no_blobs = await client.post("/v1/uploads", files=file_of(png()))
        api.blobs.gone, api.log.gone = False, True
        no_log = await client.post("/v1/uploads", files=file_of(png()))
    for response in (no_blobs, no_log):
        assert (response.status_code, response.headers["content-type"]) == (503, PROBLEM)
        assert int(response.headers["retry-after"]) > 0
        assert "10.0.0.7" not in response.text
        assert "secret-path" not in response.text
    assert api.log.stored() == []


async def test_upload_is_one_job_when_its_acknowledgement_was_lost(api: Api) -> None:
    headers = {"Idempotency-Key": "k"}
    async with api.client() as client:
        api.log.lose_acknowledgement = True
        lost = await client.post("/v1/uploads", files=file_of(png()), headers=headers)
        api.log.lose_acknowledgement = False
        again = await client.post("/v1/uploads", files=file_of(png()), headers=headers)
    assert (lost.status_code, again.status_code) == (503, 202)
    assert [stored["id"] for stored in api.log.stored()] == [again.json()["job_id"]]


def chunks(total: int) -> AsyncIterator[bytes]:
    async def produce() -> AsyncIterator[bytes]:
        yield b'--xx\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n'
        for _ in range(total // 2**20):
            yield b"y" * 2**20
        yield b"\r\n--xx--\r\n"

    return produce()


async def test_upload_is_refused_while_it_streams_when_it_has_no_length(api: Api) -> None:
    async with api.client() as client:
        response = await client.post("/v1/uploads", content=chunks(40 * 2**20), headers=FORM)
    assert (response.status_code, response.headers["content-type"]) == (413, PROBLEM)
    assert api.pictures.calls == 0
    assert api.log.stored() == []


async def test_upload_is_refused_when_its_length_says_too_much(api: Api) -> None:
    async with api.client() as client:
        response = await client.post("/v1/uploads", files=file_of(b"x" * (21 * 2**20)))
    assert (response.status_code, response.headers["content-type"]) == (413, PROBLEM)
    assert api.log.stored() == []


PART = b'--xx\r\nContent-Disposition: form-data; name="%s"%s\r\n\r\n%s\r\n'
FILE = PART % (b"file", b'; filename="a.png"', png())


XX = "multipart/form-data; boundary=xx"
WRONG_FORMS = (
    (b"{}", "application/json", 415),
    (b"", "", 415),
    (b"file=a", "application/x-www-form-urlencoded", 415),
    (b"garbage", XX, 400),
    (b"garbage", "multipart/form-data", 400),
    (b"", XX, 422),
    (PART % (b"file", b"", b"text") + b"--xx--", XX, 422),
    (FILE + FILE + b"--xx--", XX, 400),
    (FILE[:-20], XX, 422),
    (FILE + PART % (b"question", b"", b"q" * 501) + b"--xx--", XX, 422),
    (FILE + PART % (b"question", b"", b"q" * 20_000) + b"--xx--", XX, 400),
    (FILE + PART % (b"question", b"", b"nul\0") + b"--xx--", XX, 422),
    (FILE + PART % (b"question", b"", b"\\ud800") + b"--xx--", f"{XX}; charset=unicode_escape", 422),
    (FILE + PART % (b"business_id", b"", b"../x y") + b"--xx--", XX, 422),
    (FILE + PART % (b"n", b"", b"v") * 9 + b"--xx--", XX, 400),
)


# Starlette leaves the half-written file of a cut-off form to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_upload_is_a_problem_and_no_job_when_the_form_is_wrong(api: Api) -> None:
    async with api.client() as client:
        for content, content_type, status in WRONG_FORMS:
            response = await client.post("/v1/uploads", content=content, headers={"content-type": content_type})
            told = (content[-60:], content_type, response.text)
            assert (response.status_code, response.headers["content-type"]) == (status, PROBLEM), told
    assert api.log.stored() == []


async def test_upload_is_refused_when_its_key_is_unusable(api: Api) -> None:
    async with api.client() as client:
        for key in (b"", b"with space", b"x" * 256, b"\xc3\xa9"):
            response = await client.post("/v1/uploads", files=file_of(png()), headers=[(b"Idempotency-Key", key)])
            assert response.status_code == 422, key
    assert api.log.stored() == []


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (None, None),
        ("", None),
        ("../../etc/passwd", "passwd"),
        ("a\\b\\c.png", "c.png"),
        (".htaccess", "htaccess"),
        ("  \x00\x1b[31m.png ", "[31m.png"),
        ("r\u00e9sum\u00e9 \u2013 1.png", "r\u00e9sum\u00e9 \u2013 1.png"),
        ("x" * 300 + ".jpeg", "x" * 115 + ".jpeg"),
        ("y" * 300, "y" * 120),
        ("/", None),
    ],
)
def test_filename_is_a_printable_last_part(given: str | None, kept: str | None) -> None:
    assert clean_filename(given) == kept


async def test_stored_events_parse(api: Api) -> None:
    async with api.client() as client:
        await api.upload(client)
        await client.post("/v1/uploads", files=file_of(b"no"))
    records = await api.log.read(await api.log.earliest(["uploads"]))
    kinds = {type(decode(record.attributes, record.value).data) for record in records}
    assert kinds == {DocumentReceived, DocumentRefused}
