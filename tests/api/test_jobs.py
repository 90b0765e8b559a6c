"""Reading jobs, and reading them right after their upload."""

from __future__ import annotations

import asyncio
import base64
import json

import pytest

from projections import jobs, lineage
from projections.projection import Projection
from projections.runner import ProjectionRunner
from tests.api.harness import Api
from tests.api.parts import png

PROBLEM = "application/problem+json"
UNKNOWN = "01990000-0000-7000-8000-000000000000"


async def test_job_is_told_from_its_upload_to_its_answer(api: Api) -> None:
    async with api.client() as client:
        job = await api.upload(client, question="How much?")
        await api.project()
        queued = (await client.get(f"/v1/jobs/{job}")).json()
        events = await api.analyse(job)
        await api.project()
        done = (await client.get(f"/v1/jobs/{job}", params={"wait_for": events[-1].id})).json()
        nodes = (await client.get(f"/v1/jobs/{job}/lineage")).json()
    assert (queued["status"], queued["question"], queued["filename"]) == ("queued", "How much?", "a.png")
    assert (done["status"], done["answer"]["text"], done["program"]["author"]) == ("completed", "It is 1.", "compiled")
    assert [node["id"] for node in nodes] == [event.id for event in events]
    assert [node["causation_id"] for node in nodes] == [None, *(event.id for event in events[:-1])]


async def test_status_url_is_never_a_404_right_after_the_upload(api: Api) -> None:
    patient = api.with_services(limits=api.services.limits.__class__(wait_for=10.0))
    async with patient.client() as client:
        job = await patient.upload(client)
        routes = [asyncio.create_task(client.get(f"/v1/jobs/{job}{rest}")) for rest in ("", "/lineage", "/picture")]
        while patient.log.reads_of_uploads == 0:
            await asyncio.sleep(0)
        await patient.project()
        assert [(await route).status_code for route in routes] == [200, 200, 200]


@pytest.mark.parametrize("first", [lineage.PROJECTION, jobs.PROJECTION], ids=lambda one: one.name)
async def test_job_is_a_503_when_one_of_its_projections_is_behind_another(api: Api, first: Projection) -> None:
    async with api.client() as client:
        await api.project()
        job = await api.upload(client)
        runner = ProjectionRunner(api.pool, api.log, [first])
        await runner.start()
        assert await runner.caught_up(within=10)
        await runner.stop()
        behind = [(await client.get(f"/v1/jobs/{job}/{rest}")).status_code for rest in ("lineage", "events")]
        await api.project()
        seen = await client.get(f"/v1/jobs/{job}/lineage")
    assert (behind, seen.status_code) == ([503, 503], 200)


async def test_job_is_a_503_when_the_projections_do_not_catch_up(api: Api) -> None:
    async with api.client() as client:
        job = await api.upload(client)
        response = await client.get(f"/v1/jobs/{job}")
        assert (response.status_code, response.headers["content-type"]) == (503, PROBLEM)
        assert int(response.headers["retry-after"]) > 0
        behind = await client.get(f"/v1/jobs/{job}", params={"wait_for": job})
        await api.project()
        seen = await client.get(f"/v1/jobs/{job}", params={"wait_for": job})
        unknown = await client.get(f"/v1/jobs/{job}", params={"wait_for": UNKNOWN})
    assert [response.status_code for response in (behind, seen, unknown)] == [503, 200, 404]


UNKNOWN_JOBS = (UNKNOWN, "nope", "%00", "..%2f..", UNKNOWN.upper(), f"{{{UNKNOWN}}}", "\u00e9" * 300)
ROUTES = ("", "/lineage", "/events", "/picture", "/artefacts/a.png", f"?wait_for={UNKNOWN}")


async def test_unknown_job_is_a_404_at_once(api: Api) -> None:
    async with api.client() as client:
        for path in (f"/v1/jobs/{job}{rest}" for job in UNKNOWN_JOBS for rest in ROUTES):
            response = await client.get(path)
            assert (response.status_code, response.headers["content-type"]) == (404, PROBLEM), path


async def test_jobs_are_paged_newest_first(api: Api) -> None:
    async with api.client() as client:
        made = [await api.upload(client, question=str(number)) for number in range(5)]
        await client.post("/v1/uploads", files={"file": ("b.png", b"no")})
        await api.project()
        seen: list[str] = []
        page = (await client.get("/v1/jobs", params={"limit": 2})).json()
        seen += [job["job_id"] for job in page["jobs"]]
        while page["after"]:
            page = (await client.get("/v1/jobs", params={"limit": 2, "after": page["after"]})).json()
            seen += [job["job_id"] for job in page["jobs"]]
        refused = (await client.get("/v1/jobs", params={"status": "refused"})).json()["jobs"]
    assert len(seen) == len(set(seen)) == 6
    assert set(made) < set(seen)
    assert [job["status"] for job in refused] == ["refused"]


def cursor(*parts: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


NO_CURSORS = (
    "",
    "x",
    "\u00e9",
    "====",
    "\0",
    cursor(1, 2),
    cursor("2026-01-01", "a"),
    cursor("0001-01-01T00:00:00+23:59", "a"),
    cursor("9999-12-31T23:59:59-23:59", "a"),
    cursor("2026-01-01T00:00:00+00:00", "\ud800"),
    cursor("2026-01-01T00:00:00+00:00", "a\0"),
)


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00+00:00", "9999-12-31T23:59:59.999999+00:00"])
async def test_page_is_read_when_its_cursor_is_at_an_end_of_time(api: Api, time: str) -> None:
    async with api.client() as client:
        assert (await client.get("/v1/jobs", params={"after": cursor(time, "a")})).status_code == 200


async def test_cursor_is_a_400_when_no_page_gave_it(api: Api) -> None:
    async with api.client() as client:
        for after in NO_CURSORS:
            response = await client.get("/v1/jobs", params={"after": after})
            assert (response.status_code, response.headers["content-type"]) == (400, PROBLEM), after
            assert response.json()["type"] == "urn:vaultra:problem:bad-cursor"


async def test_query_is_a_422_when_a_value_is_invalid(api: Api) -> None:
    async with api.client() as client:
        for query in ("limit=0", "limit=201", "limit=x", "limit=" + "9" * 30, "status=odd", "after=" + "a" * 201):
            response = await client.get(f"/v1/jobs?{query}")
            assert (response.status_code, response.headers["content-type"]) == (422, PROBLEM), query
            assert response.json()["errors"]


async def test_picture_and_files_of_a_job_are_served_harmlessly(api: Api) -> None:
    files = {
        "chart.png": png(),
        "data.csv": b"a,b\n",
        "data.json": b"{}",
        "fake.png": b"<script>alert(1)</script>",
        "page.html": b"<script>alert(1)</script>",
        'odd "n\u00e4me.svg': b"<svg/>",
    }
    async with api.client() as client:
        job = await api.upload(client)
        await api.analyse(job, files)
        await api.project()
        picture = await client.get(f"/v1/jobs/{job}/picture")
        got = {name: await client.get(f"/v1/jobs/{job}/artefacts/{name}") for name in files}
        again = await client.get(f"/v1/jobs/{job}/picture", headers={"if-none-match": picture.headers["etag"]})
        missing = [
            await client.get(f"/v1/jobs/{job}/artefacts/{name}") for name in ("other.png", "..%2f..%2fetc%2fpasswd")
        ]
    assert (picture.headers["content-type"], picture.content, again.status_code) == ("image/png", png(), 304)
    assert {name: response.headers["content-type"].partition(";")[0] for name, response in got.items()} == {
        "chart.png": "image/png",
        "data.csv": "text/csv",
        "data.json": "application/json",
        "fake.png": "application/octet-stream",
        "page.html": "application/octet-stream",
        'odd "n\u00e4me.svg': "application/octet-stream",
    }
    for name, response in got.items():
        assert response.content == files[name]
        assert response.headers["x-content-type-options"] == "nosniff"
        assert "sandbox" in response.headers["content-security-policy"]
        octets = response.headers["content-type"] == "application/octet-stream"
        assert response.headers["content-disposition"].startswith("attachment;" if octets else "inline;")
    assert [response.status_code for response in missing] == [404, 404]


async def test_picture_of_a_refused_upload_is_a_404(api: Api) -> None:
    async with api.client() as client:
        job = (await client.post("/v1/uploads", files={"file": ("b.png", b"no")})).json()["job_id"]
        await api.project()
        assert (await client.get(f"/v1/jobs/{job}/picture")).status_code == 404
        assert (await client.get(f"/v1/jobs/{job}")).json()["refusal"]["code"] == "unsupported_type"


async def test_reads_are_a_503_when_a_store_is_gone(api: Api) -> None:
    async with api.client() as client:
        job = await api.upload(client)
        await api.project()
        api.blobs.gone = True
        no_blob = await client.get(f"/v1/jobs/{job}/picture")
        await api.pool.close()
        gone = [await client.get(path) for path in ("/v1/jobs", f"/v1/jobs/{job}", f"/v1/jobs/{job}/events")]
    for response in (no_blob, *gone):
        assert (response.status_code, response.headers["content-type"]) == (503, PROBLEM)
        assert "secret-path" not in response.text
