"""HTTP metrics by route template, and the trace a request belongs to."""

from __future__ import annotations

import re
from time import perf_counter

from opentelemetry import trace
from prometheus_client import Counter, Gauge, Histogram
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

REQUESTS = Counter("vaultra_http_requests_total", "Requests answered.", ["method", "route", "status"])
SECONDS = Histogram(
    "vaultra_http_request_seconds",
    "Time from a request's first byte to its answer's first byte.",
    ["method", "route"],
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
IN_FLIGHT = Gauge("vaultra_http_requests_in_flight", "Requests under way, live feeds included.")

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_TRACEPARENT = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


class HttpMetrics:
    """ASGI middleware, outermost. Labels are route templates, so their number is bounded whatever is requested."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = perf_counter()
        method = scope["method"] if scope["method"] in _METHODS else "other"

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                template = getattr(scope.get("route"), "path", "none")
                REQUESTS.labels(method, template, str(message["status"])).inc()
                SECONDS.labels(method, template).observe(perf_counter() - started)
            await send(message)

        with IN_FLIGHT.track_inprogress():
            await self._app(scope, receive, counted)


def current_traceparent(scope: Scope) -> str | None:
    """W3C traceparent of the request's span; without a tracer the client's own, when it is well-formed."""
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"
    given = Headers(scope=scope).get("traceparent", "")
    return given if _TRACEPARENT.fullmatch(given) else None
