"""Stripe's webhooks over HTTP: what is taken once and for ever, what is refused, what is not acknowledged."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx2
import pytest
from prometheus_client import REGISTRY

from adapters.stripe.reading import LARGEST_BODY
from adapters.stripe.signature import SigningSecret, sign
from schemas.stripe_events import WebhookReceived, business_id
from schemas.wire import decode
from streams.log import Record
from tests.api.harness import NOW, Api

PLATFORM = "/v1/webhooks/stripe"
CONNECT = "/v1/webhooks/stripe/connect"
OURS = SigningSecret("local", b"whsec_ours")
ROTATED = SigningSecret("local", b"whsec_next")
ACME = SigningSecret("acme", b"whsec_acme")
OF_CONNECT = SigningSecret("local", b"whsec_connect")
SECONDS = int(NOW.timestamp())


@pytest.fixture
def signed(keyed: Api) -> Api:
    """Open to others, keys needed: a webhook gets in by its signature alone."""
    return keyed.with_services(signing_secrets={"platform": (OURS, ROTATED, ACME), "connect": (OF_CONNECT,)})


def event(id: str = "evt_1", **changes: Any) -> bytes:
    """An event, pretty-printed as Stripe sends it. A change to None leaves the field out."""
    whole = {
        "id": id,
        "object": "event",
        "type": "charge.succeeded",
        "created": SECONDS - 5,
        "livemode": True,
        "api_version": "2025-09-30.clover",
        "pending_webhooks": 1,
        "data": {"object": {"id": "ch_1", "object": "charge", "amount": 100, "currency": "eur", "note": "é ✓ \u2028"}},
        **changes,
    }
    return json.dumps({name: value for name, value in whole.items() if value is not None}, indent=2).encode()


async def send(
    api: Api, body: bytes, *, path: str = PLATFORM, secret: SigningSecret = OURS, now: int = SECONDS
) -> httpx2.Response:
    async with api.client() as client:
        headers = {"stripe-signature": sign(body, secret, now=now).decode(), "host": "tunnel.example"}
        return await client.post(path, content=body, headers=headers)


async def records(api: Api) -> list[Record]:
    return list(await api.log.read(await api.log.earliest(["stripe-events"]), limit=1000))


async def stored(api: Api) -> list[WebhookReceived]:
    return [decode(record.attributes, record.value).data for record in await records(api)]


def counted(outcome: str, endpoint: str = "platform") -> float:
    labels = {"endpoint": endpoint, "outcome": outcome}
    return REGISTRY.get_sample_value("vaultra_stripe_webhooks_total", labels) or 0.0


async def test_webhook_is_stored_byte_for_byte_with_its_verdict(signed: Api) -> None:
    body = event()
    before = counted("appended")
    response = await send(signed, body, secret=ROTATED, now=SECONDS - 10)
    assert (response.status_code, response.json()) == (200, {"received": True, "duplicate": False})
    (record,) = await records(signed)
    (data,) = await stored(signed)
    assert data.body.encode() == body
    assert (record.attributes["id"], record.attributes["tenantid"], record.key) == ("evt_1", "local", data.business)
    assert data.business == business_id("local", None, True)
    assert (data.verdict.verified, data.verdict.secret, data.verdict.skew_seconds) == (True, 1, 10.0)
    assert data.headers["stripe-signature"] == sign(body, ROTATED, now=SECONDS - 10).decode()
    assert (data.stripe_type, data.api_version, data.endpoint) == ("charge.succeeded", "2025-09-30.clover", "platform")
    assert counted("appended") == before + 1


async def test_webhook_is_answered_and_not_stored_again_when_it_comes_twice(signed: Api) -> None:
    before = counted("duplicate")
    responses = [await send(signed, event(), now=SECONDS + attempt) for attempt in range(3)]
    responses += await asyncio.gather(*(send(signed, event("evt_2")) for _ in range(20)))
    assert {response.status_code for response in responses} == {200}
    assert [response.json()["duplicate"] for response in responses[:3]] == [False, True, True]
    assert sum(not response.json()["duplicate"] for response in responses[3:]) == 1
    assert len(await records(signed)) == 2
    assert counted("duplicate") == before + 21


async def test_webhook_belongs_to_the_tenant_whose_secret_signed_it(signed: Api) -> None:
    for secret in (OURS, ACME):
        assert (await send(signed, event(), secret=secret)).json()["duplicate"] is False
    assert {record.attributes["tenantid"] for record in await records(signed)} == {"local", "acme"}


async def test_connected_account_and_test_mode_are_businesses_of_their_own(signed: Api) -> None:
    await send(signed, event("evt_1"))
    await send(signed, event("evt_2", livemode=False))
    await send(signed, event("evt_3", account="acct_9"), path=CONNECT, secret=OF_CONNECT)
    assert {data.business for data in await stored(signed)} == {
        business_id("local", None, True),
        business_id("local", None, False),
        business_id("local", "acct_9", True),
    }


@pytest.mark.parametrize(
    "body",
    [
        event(livemode=None, api_version=None, pending_webhooks=None, created=None),
        event(type="unheard.of.things", data=None),
        event(request="req_1", api_version="2016-03-07; orders_beta=v3"),
        event(created="2026-05-04T12:00:00.000Z", object="v2.core.event", context="acct_9", data=None),
        event(created=10**30, account=7, api_version=["?"], livemode="yes"),
        event(padding="x" * (LARGEST_BODY - 700)),
    ],
)
async def test_event_is_kept_when_it_is_unusual(signed: Api, body: bytes) -> None:
    assert (await send(signed, body)).status_code == 200
    (data,) = await stored(signed)
    assert data.body.encode() == body


BAD_BODIES = {
    "not_utf8": b'{"id":"evt_1","object":"event","type":"a\xff"}',
    "too_large": event(padding="x" * LARGEST_BODY),
    "not_json": b'{"id":"evt_1",',
    "not_an_event": b'{"id":"ch_1","object":"charge"}',
}
NO_EVENTS = (
    b"",
    b"[1]",
    b"null",
    b'{"a":NaN}',
    b"[" * 100_000,
    b"\xef\xbb\xbf" + event(),
    event(None),
    event(id=""),
    event(id="../../etc"),
    event(id="evt_\\u0000"),
    event(type=None),
    event(type=7),
    event(object="list"),
)


@pytest.mark.parametrize("code", BAD_BODIES)
async def test_body_is_refused_with_its_reason_when_it_is_signed_and_no_event(signed: Api, code: str) -> None:
    before = counted(code)
    response = await send(signed, BAD_BODIES[code])
    assert (response.status_code, response.json()["code"]) == (400, code)
    assert response.headers["content-type"] == "application/problem+json"
    assert counted(code) == before + 1
    assert await records(signed) == []


@pytest.mark.parametrize("body", NO_EVENTS, ids=range(len(NO_EVENTS)))
async def test_body_is_refused_when_it_is_no_event(signed: Api, body: bytes) -> None:
    response = await send(signed, body)
    assert response.status_code == 400
    assert response.json()["detail"]
    assert await records(signed) == []


async def test_webhook_is_refused_when_its_signature_does_not_hold(signed: Api) -> None:
    body = event()
    good = sign(body, OURS, now=SECONDS).decode()
    wrong = {
        "bad_signature": [
            {"stripe-signature": sign(body, OF_CONNECT, now=SECONDS).decode()},
            {"stripe-signature": sign(body + b" ", OURS, now=SECONDS).decode()},
        ],
        "too_old": [{"stripe-signature": sign(body, OURS, now=SECONDS - 301).decode()}],
        "in_future": [{"stripe-signature": sign(body, OURS, now=SECONDS + 302).decode()}],
        "no_signature": [{}, {"stripe-signature": ""}, {"stripe-signature": good.replace("v1=", "v0=")}],
    }
    async with signed.client() as client:
        for code, cases in wrong.items():
            before = counted(code)
            for headers in cases:
                response = await client.post(PLATFORM, content=body, headers=headers)
                assert (response.status_code, response.json()["code"]) == (400, code), headers
            assert counted(code) == before + len(cases)
    assert await records(signed) == []


async def test_webhook_is_not_acknowledged_when_the_log_cannot_take_it(signed: Api) -> None:
    signed.log.gone = True
    response = await send(signed, event())
    assert response.status_code == 503
    assert response.headers["retry-after"]
    assert "10.0.0.7" not in response.text
    signed.log.gone = False
    signed.log.lose_acknowledgement = True
    assert (await send(signed, event())).status_code == 503
    signed.log.lose_acknowledgement = False
    # Stripe sends it again; it was written before the connection broke, and stands once.
    assert (await send(signed, event())).json() == {"received": True, "duplicate": True}
    assert len(await records(signed)) == 1


async def test_webhook_is_refused_when_no_secret_is_configured(api: Api) -> None:
    response = await send(api, event())
    assert (response.status_code, response.json()["code"]) == (400, "no_secret")
    assert (await send(api, event(), path="/v1/webhooks/other")).status_code == 404
    async with api.client() as client:
        assert (await client.get(PLATFORM)).status_code == 405


async def test_body_is_refused_when_it_comes_in_pieces_without_end(signed: Api) -> None:
    sent = 0

    async def pieces() -> Any:
        nonlocal sent
        while sent < 50 * LARGEST_BODY:
            sent += 65536
            yield b"x" * 65536

    async with signed.client() as client:
        response = await client.post(
            PLATFORM, content=pieces(), headers={"stripe-signature": sign(b"", OURS, now=SECONDS).decode()}
        )
    assert (response.status_code, response.json()["code"]) == (400, "too_large")
    assert sent < 65 * LARGEST_BODY


async def test_requests_are_counted_under_their_route(signed: Api) -> None:
    labels = {"method": "POST", "route": PLATFORM, "status": "200"}
    before = REGISTRY.get_sample_value("vaultra_http_requests_total", labels) or 0.0
    await send(signed, event())
    assert REGISTRY.get_sample_value("vaultra_http_requests_total", labels) == before + 1
