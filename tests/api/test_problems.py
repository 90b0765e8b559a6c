"""Problem documents for everything that can go wrong, and what /healthz, /readyz and /metrics say."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence

import structlog
from opentelemetry.sdk.trace import TracerProvider

from adapters.ports import PictureReader
from schemas.wire import Message
from streams.log import Advance, Appended
from tests.api.harness import Api
from tests.api.parts import FailingLog, png

PROBLEM = "application/problem+json"
TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


async def test_everything_unknown_is_a_problem_document(api: Api) -> None:
    expected = {
        ("GET", "/nope"): 404,
        ("GET", "/v1/nope"): 404,
        ("GET", "/v1/jobs/"): 404,
        ("GET", "/pages/../app.py"): 404,
        ("GET", "/pages/..%2fapp.py"): 404,
        ("GET", "/jobs/nope"): 404,
        ("POST", "/v1/jobs"): 405,
        ("DELETE", "/v1/uploads"): 405,
        ("GET", "/v1/uploads"): 405,
        ("PUT", "/"): 405,
        ("BREW", "/v1/jobs"): 405,
        ("GET", "/%ff%00\u00e9"): 404,
    }
    async with api.client() as client:
        for (method, path), status in expected.items():
            response = await client.request(method, path)
            assert (response.status_code, response.headers["content-type"]) == (status, PROBLEM), (method, path)
            body = response.json()
            assert set(body) >= {"type", "title", "status", "detail", "instance"}
            assert (body["status"], body["type"].startswith("urn:vaultra:problem:")) == (status, True)
            assert body["instance"].isascii()
            assert status != 405 or response.headers["allow"]


class CrashingReader(PictureReader):
    async def normalise(self, data: bytes) -> tuple[bytes, int, int]:
        raise RuntimeError("secret-detail")


async def test_unexpected_error_is_a_logged_500_that_says_nothing(api: Api) -> None:
    broken = api.with_services(pictures=CrashingReader())
    with structlog.testing.capture_logs() as logged:
        async with broken.client() as client:
            response = await client.post("/v1/uploads", files={"file": ("a.png", png())})
    assert (response.status_code, response.headers["content-type"]) == (500, PROBLEM)
    assert "secret-detail" not in response.text
    (entry,) = logged
    assert (entry["log_level"], entry["error"], str(entry["exc_info"])) == ("error", "RuntimeError", "secret-detail")


async def test_health_and_readiness_tell_part_by_part(api: Api) -> None:
    async def lag() -> dict[str, int]:
        return {"vision": 3}

    async def never() -> bool:
        await asyncio.Event().wait()
        return True

    async def well() -> bool:
        return True

    told = api.with_services(lag=lag, checks={"sandbox": well})
    async with told.client() as client:
        ready = await client.get("/readyz")
        assert (ready.status_code, ready.json()) == (
            200,
            {
                "status": "ready",
                "checks": {name: {"ok": True, "detail": None} for name in ("log", "database", "blobs", "sandbox")},
                "lag": {"vision": 3},
            },
        )
    limits = api.services.limits.__class__(health=0.05)
    hanging = told.with_services(checks={"sandbox": never}, limits=limits)
    told.log.gone = told.blobs.gone = True
    await told.pool.close()
    async with hanging.client() as client:
        response = await client.get("/readyz")
        assert (response.status_code, response.json()["status"]) == (503, "not ready")
        assert {name: check["ok"] for name, check in response.json()["checks"].items()} == dict.fromkeys(
            ("log", "database", "blobs", "sandbox"), False
        )
        assert (await client.get("/healthz")).json() == {"status": "ok"}


async def test_metrics_name_route_templates_and_never_paths(api: Api) -> None:
    async with api.client() as client:
        job = await api.upload(client)
        await client.get(f"/v1/jobs/{job}")
        await client.get("/secret-looking/path")
        await client.request("BREW", "/v1/jobs")
        page = (await client.get("/metrics")).text
    assert 'vaultra_http_requests_total{method="GET",route="/v1/jobs/{job_id}",status="503"}' in page
    assert 'vaultra_http_requests_total{method="GET",route="none",status="404"}' in page
    assert 'method="other"' in page
    assert job not in page
    assert "secret-looking" not in page


async def test_upload_carries_the_span_of_its_request(api: Api) -> None:
    """A tracer provider given to the application makes each request a span under the client's trace."""
    provider = TracerProvider()
    traced = api.with_services(tracer_provider=provider)
    async with traced.client() as client:
        response = await client.post(
            "/v1/uploads", files={"file": ("a.png", png())}, headers={"traceparent": TRACEPARENT}
        )
    (attributes,) = traced.log.stored()
    version, trace_id, span_id, _ = attributes["traceparent"].split("-")
    assert response.status_code == 202
    assert (version, trace_id) == ("00", TRACEPARENT.split("-")[1])
    assert span_id != TRACEPARENT.split("-")[2]


async def test_malformed_trace_is_left_out(api: Api) -> None:
    async with api.client() as client:
        for given in ("", "garbage", "00-" + "0" * 32 + "-b7ad6b7169203331-01", TRACEPARENT + "-x"):
            await client.post("/v1/uploads", files={"file": ("a.png", png())}, headers={"traceparent": given})
    assert len(api.log.stored()) == 4
    assert not any("traceparent" in attributes for attributes in api.log.stored())


class SlowLog(FailingLog):
    """Tells when an append is under way and goes on when it may."""

    def __init__(self) -> None:
        super().__init__()
        self.under_way, self.may = asyncio.Event(), asyncio.Event()

    async def append(self, messages: Sequence[Message], *, advance: Advance | None = None) -> Sequence[Appended]:
        self.under_way.set()
        await self.may.wait()
        return await super().append(messages, advance=advance)


async def test_nothing_is_acknowledged_before_it_is_on_the_log(api: Api) -> None:
    log = SlowLog()
    slow = api.with_services(log=log)
    async with slow.client() as client:
        upload = asyncio.create_task(client.post("/v1/uploads", files={"file": ("a.png", png())}))
        await log.under_way.wait()
        await client.get("/healthz")
        assert not upload.done()
        log.may.set()
        assert (await upload).status_code == 202


async def test_pages_are_self_contained_and_strict(api: Api) -> None:
    async with api.client() as client:
        for path in ("/", "/docs", "/jobs/01990000-0000-7000-8000-000000000000"):
            response = await client.get(path)
            policy = response.headers["content-security-policy"]
            assert "default-src 'none'" in policy
            assert "unsafe" not in policy
            assert "<script>" not in response.text
            assert "style=" not in response.text
            for address in _addresses(response.text):
                assert address.startswith("/"), address
                found = await client.get(address)
                assert found.status_code == 200, address
        for script in ("api.js", "index.js", "job.js", "docs.js"):
            text = (await client.get(f"/pages/{script}")).text
            assert "innerHTML" not in text
            assert "http:" not in text.replace("http://www.w3.org/2000/svg", "")


def _addresses(html: str) -> list[str]:
    return [part.split('"')[0] for name in ('href="', 'src="') for part in html.split(name)[1:]]


async def test_openapi_is_complete(api: Api) -> None:
    async with api.client() as client:
        document = (await client.get("/openapi.json")).json()
    names = json.dumps(document)
    assert "HTTPValidationError" not in names
    for path, operations in document["paths"].items():
        for operation in operations.values():
            assert operation["summary"]
            if path.startswith("/v1/webhooks/") or path.endswith("/callback"):
                assert not operation.get("security")
            elif path.startswith("/v1/"):
                assert operation["security"] == [{"key": []}]
                assert PROBLEM in operation["responses"]["401"]["content"]
