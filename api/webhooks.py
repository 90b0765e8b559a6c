"""`POST /v1/webhooks/stripe` and `/v1/webhooks/stripe/connect`.

Plain ASGI: a webhook needs nothing of what FastAPI does for a request, and that would cost more than verifying it.
`api/openapi.py` adds the description.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from prometheus_client import Counter
from starlette.requests import ClientDisconnect
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from adapters.stripe.filing import filed, follow_up
from adapters.stripe.reading import LARGEST_BODY, read_event
from adapters.stripe.signature import verify
from api.problems import Kind, ProblemError, documented, respond, unavailable
from api.services import ApiServices
from api.telemetry import current_traceparent
from schemas.errors import Unavailable, WebhookRefused
from schemas.stripe_events import Endpoint, SignatureVerdict, WebhookReceived
from schemas.stripe_followups import FollowUp, FollowUpRequested
from schemas.wire import encode
from streams.topics import topic_of

SOURCE = "vaultra/api"
PREFIX = "/v1/webhooks/"
ENDPOINTS: dict[Endpoint, str] = {"platform": "/v1/webhooks/stripe", "connect": "/v1/webhooks/stripe/connect"}
WEBHOOKS = Counter(
    "vaultra_stripe_webhooks_total", "Webhooks by outcome: appended, duplicate, or why not", ("endpoint", "outcome")
)
_TOPIC = topic_of(WebhookReceived).name
_ASKING: dict[str, FollowUp] = {
    "account.application.deauthorized": "deauthorized",
    "v2.core.health.event_generation_failure.resolved": "missed",
}
_ANSWERS = {False: b'{"received":true,"duplicate":false}', True: b'{"received":true,"duplicate":true}'}


class StripeWebhook:
    """One endpoint as an ASGI application: verify, append durably, then answer 200.

    An event id that stands on the log is answered 200 and not appended again. 400 with a reason for what is no signed
    event (nothing is appended); 503 when the log cannot take it, so that Stripe sends it again.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self.path = ENDPOINTS[endpoint]
        self._endpoint = endpoint
        self._appended = WEBHOOKS.labels(endpoint, "appended")
        self._duplicate = WEBHOOKS.labels(endpoint, "duplicate")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["route"] = self  # for the metrics, which count by route
        services: ApiServices = scope["app"].state.services
        try:
            duplicate = await self._take_in(scope, receive, services)
        except WebhookRefused as refused:
            WEBHOOKS.labels(self._endpoint, refused.code).inc()
            problem = ProblemError(Kind.WEBHOOK_REFUSED, str(refused), code=refused.code)
            await respond(problem, scope)(scope, receive, send)
            return
        except Unavailable:
            WEBHOOKS.labels(self._endpoint, "unavailable").inc()
            problem = unavailable("The log does not take the event now. Nothing was acknowledged; send it again.")
            await respond(problem, scope)(scope, receive, send)
            return
        (self._duplicate if duplicate else self._appended).inc()
        answer = _ANSWERS[duplicate]
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(answer))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    async def _take_in(self, scope: Scope, receive: Receive, services: ApiServices) -> bool:
        """Whether the event stood on the log before. Raises WebhookRefused, Unavailable."""
        secrets = services.signing_secrets.get(self._endpoint, ())
        if not secrets:
            raise WebhookRefused("no_secret", "No signing secret is configured for this endpoint.")
        header = _signature(scope)
        body = await _read(receive)
        now = services.clock()
        seconds = now.timestamp()
        signed = verify(body, header, secrets, now=seconds)
        stripe = read_event(body)
        event = filed(
            stripe,
            tenant=signed.tenant,
            source=SOURCE,
            endpoint=self._endpoint,
            now=now,
            verdict=SignatureVerdict(
                checked=True,
                verified=True,
                signed_at=datetime.fromtimestamp(signed.at, UTC),
                skew_seconds=round(seconds - signed.at, 3),
                secret=signed.number,
            ),
            headers={"stripe-signature": header.decode("ascii", "replace")},
            traceparent=current_traceparent(scope),
        )
        messages = [encode(event, _TOPIC)]
        if stripe.head.thin or stripe.head.type in _ASKING:
            asked = follow_up(event, _ASKING.get(stripe.head.type, "thin"))
            messages.append(encode(asked, topic_of(FollowUpRequested).name))
        appended = await services.log.append(messages)
        return appended[0].duplicate


def _signature(scope: Scope) -> bytes:
    for name, value in scope["headers"]:
        if name == b"stripe-signature":
            found: bytes = value
            return found
    raise WebhookRefused("no_signature", "The Stripe-Signature header is missing.")


async def _read(receive: Receive) -> bytes:
    """The body, not read further than the limit."""
    message = await receive()
    if message["type"] == "http.request" and not message.get("more_body") and len(message["body"]) <= LARGEST_BODY:
        whole: bytes = message["body"]
        return whole
    pieces: list[bytes] = []
    size = 0
    while True:
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        pieces.append(message.get("body", b""))
        size += len(pieces[-1])
        if size > LARGEST_BODY:
            raise WebhookRefused("too_large", f"The body has more than {LARGEST_BODY} bytes.")
        if not message.get("more_body"):
            return b"".join(pieces)
        message = await receive()


def routes() -> list[Route]:
    return [Route(path, StripeWebhook(endpoint), methods=["POST"]) for endpoint, path in ENDPOINTS.items()]


def describe(paths: dict[str, Any]) -> None:
    """Add both endpoints to the paths of the OpenAPI document."""
    answers: dict[str, Any] = {str(status): answer for status, answer in documented(503).items()}
    answers["400"] = {
        **documented(400)[400],
        "description": "Not a signed event: `code` says why. Nothing was stored.",
    }
    answers["200"] = {
        "description": "on the log; `duplicate`: it was there before",
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["received", "duplicate"],
                    "properties": {"received": {"const": True}, "duplicate": {"type": "boolean"}},
                }
            }
        },
    }
    for endpoint, path in ENDPOINTS.items():
        paths[path] = {
            "post": {
                "tags": ["webhooks"],
                "summary": f"Events of {'your own account' if endpoint == 'platform' else 'connected accounts'}",
                "description": "For Stripe. The signature takes the place of a key and says whose event it is.",
                "operationId": f"stripe_webhook_{endpoint}",
                "parameters": [
                    {
                        "name": "Stripe-Signature",
                        "in": "header",
                        "required": True,
                        "schema": {"type": "string"},
                        "description": "`t=<seconds>,v1=<hex>`: HMAC-SHA256 of `t.body`",
                    }
                ],
                "requestBody": {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}},
                "responses": answers,
                "security": [],
            }
        }
