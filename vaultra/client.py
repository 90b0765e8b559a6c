"""A client of the HTTP API, as the command line uses it: the same way in for a local and a remote instance."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx2

from schemas.errors import NotFound, SetupError, Unavailable

# A job waits behind others and may run three programs of two minutes each.
JOB_TIMEOUT = 900.0
# How long an instance may be away in the middle of a job: restarts take a few seconds.
_RECONNECTS, _RECONNECT_PAUSE = 40, 0.5

# The events that end a job.
FINAL_EVENTS = frozenset({"analysis.completed", "analysis.failed", "document.refused"})


@dataclass(frozen=True, slots=True)
class Upload:
    """What an upload became: accepted (`refusal` None) or refused, with the problem document's words."""

    job_id: str | None
    refusal: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class LiveEvent:
    """One event of a job's live feed. `name` is the type without vaultra and version, e.g. `document.received`."""

    id: str
    name: str
    data: dict[str, Any]


class VaultraClient:
    """Talks to one instance. Use as an async context manager. Raises Unavailable when it does not answer."""

    def __init__(self, url: str, *, api_key: str | None = None) -> None:
        headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self.url = url.rstrip("/")
        parts = urlsplit(self.url)
        try:
            usable = (
                parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
            )
        except ValueError:
            usable = False
        if not usable:
            raise SetupError(f"{url!r} is no address of an instance; it looks like http://127.0.0.1:8321")
        self._http = httpx2.AsyncClient(base_url=self.url, headers=headers, timeout=httpx2.Timeout(60.0, connect=5.0))

    async def __aenter__(self) -> VaultraClient:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def upload(
        self, filename: str, data: bytes, *, question: str | None, business_id: str | None = None
    ) -> Upload:
        """Send a picture. A refused picture is an outcome, not an error."""
        form = {k: v for k, v in (("question", question), ("business_id", business_id)) if v is not None}
        response = await self._send("POST", "/v1/uploads", data=form, files={"file": (filename, data)})
        body = self._json(response)
        if response.status_code == 202:
            return Upload(job_id=body["job_id"], refusal=None)
        if response.status_code in (413, 415, 422) and "code" in body:
            reason = body.get("reason") or body.get("detail")
            return Upload(job_id=body.get("job_id"), refusal={"code": body["code"], "reason": reason})
        raise self._error(response, body)

    async def follow(self, job_id: str) -> AsyncIterator[LiveEvent]:
        """Every event of a job as it happens, from the first to the one that ends it; reconnects where it left."""
        last: str | None = None
        for attempt in range(_RECONNECTS):
            if attempt:
                await asyncio.sleep(_RECONNECT_PAUSE)
            headers = {"Last-Event-ID": last} if last else {}
            try:
                async with self._http.stream(
                    "GET", f"/v1/jobs/{job_id}/events", headers=headers, timeout=httpx2.Timeout(JOB_TIMEOUT, connect=5)
                ) as response:
                    if response.status_code == 204:
                        return
                    if response.status_code != 200:
                        await response.aread()
                        raise self._error(response, self._json(response))
                    async for event in _server_sent_events(response.aiter_lines()):
                        last = event.id
                        yield event
                        if event.name in FINAL_EVENTS:
                            return
            except httpx2.TransportError:
                # The server went away or was restarted: what it acknowledged goes on, so the feed does too.
                continue
        raise Unavailable(f"{self.url} stopped answering before job {job_id} ended; it goes on when the instance does")

    async def job(self, job_id: str, *, wait_for: str | None = None) -> dict[str, Any]:
        """The job's detail; with `wait_for`, not older than that event."""
        response = await self._send("GET", f"/v1/jobs/{job_id}", params={"wait_for": wait_for} if wait_for else None)
        body = self._json(response)
        if response.status_code != 200:
            raise self._error(response, body)
        return body

    async def ready(self) -> dict[str, Any]:
        """The readiness document, whatever it says."""
        return self._json(await self._send("GET", "/readyz"))

    async def get(self, path: str, **query: str | None) -> dict[str, Any]:
        """What a GET answers. Raises NotFound for a 404."""
        asked = {name: value for name, value in query.items() if value is not None}
        return self._answered(await self._send("GET", path, params=asked))

    async def put(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """What a PUT of JSON answers. Raises NotFound for a 404."""
        return self._answered(await self._send("PUT", path, json=body))

    async def post(self, path: str) -> dict[str, Any]:
        """What a POST without a body answers. Raises NotFound for a 404."""
        return self._answered(await self._send("POST", path))

    async def post_webhook(self, path: str, body: bytes, headers: dict[str, str]) -> None:
        """Send a webhook as Stripe does. Raises SetupError when it is refused, Unavailable when it must come again."""
        response = await self._send("POST", path, content=body, headers=headers)
        if not response.is_success:
            raise self._error(response, self._json(response))

    def _answered(self, response: httpx2.Response) -> dict[str, Any]:
        body = self._json(response)
        if response.status_code == 404:
            raise NotFound(str(body.get("detail") or "there is no such thing"))
        if not response.is_success:
            raise self._error(response, body)
        return body

    async def _send(self, method: str, path: str, **kwargs: Any) -> httpx2.Response:
        try:
            return await self._http.request(method, path, **kwargs)
        except httpx2.HTTPError as error:
            raise Unavailable(f"{self.url} does not answer: {error or type(error).__name__}") from error

    def _json(self, response: httpx2.Response) -> dict[str, Any]:
        try:
            body = response.json()
        except ValueError:
            body = None
        if not isinstance(body, dict):
            raise Unavailable(f"{self.url} answered {response.status_code} with something that is no Vaultra answer")
        return body

    def _error(self, response: httpx2.Response, body: dict[str, Any]) -> Exception:
        detail = body.get("detail") or body.get("title") or "no detail"
        if response.status_code in (401, 403):
            return SetupError(f"{self.url} refused the key: {detail.rstrip('.')}. Set VAULTRA_API_KEY.")
        if response.status_code >= 500 or response.status_code == 429:
            return Unavailable(f"{self.url} answered {response.status_code}: {detail}")
        return SetupError(f"{self.url} answered {response.status_code}: {detail}")


async def _server_sent_events(lines: AsyncIterator[str]) -> AsyncIterator[LiveEvent]:
    fields: dict[str, str] = {}
    async for line in lines:
        if line == "":
            if "data" in fields:
                yield LiveEvent(fields.get("id", ""), fields.get("event", "message"), json.loads(fields["data"]))
            fields = {}
        elif not line.startswith(":"):
            name, _, value = line.partition(":")
            value = value.removeprefix(" ")
            fields[name] = f"{fields[name]}\n{value}" if name == "data" and "data" in fields else value
