"""The gate before every route: size, host, origin, key – before a byte of the body is parsed."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import Kind, ProblemError, respond, unavailable
from api.services import ApiServices
from schemas.errors import Unavailable

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
# Open without a key: what a load balancer and a browser that has no key yet need. Everything else is a tenant's.
_OPEN = frozenset({"/", "/healthz", "/readyz", "/docs", "/openapi.json", "/favicon.ico", "/v1/stripe/connect/callback"})
_OPEN_PREFIXES = ("/pages/", "/jobs/")
# Signed by who sends them, from wherever Stripe or a tunnel reaches this server: no key, no host, no origin to check.
_SIGNED_PREFIX = "/v1/webhooks/"
# A client that still sends when the answer is known gets this long and this much before the answer goes out anyway:
# closing a socket with unread bytes resets it, and the client never sees the answer.
_DRAIN_SECONDS = 10.0
_DRAIN_FACTOR = 3
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}

log = structlog.get_logger("vaultra.api")


class _BodyTooLarge(HTTPException):
    """The body grew past the limit while it was read. FastAPI's form parser lets only HTTPException through."""

    def __init__(self) -> None:
        super().__init__(413)


class Gate:
    """ASGI middleware around the application.

    Refuses oversized bodies (by `Content-Length` or while they stream), foreign hosts and cross-site writes in
    keyless mode, and requests under /v1 and to /metrics without a tenant; answers 500 as a problem document, with the
    exception in the log only. Puts the tenant into `scope["state"]`.
    """

    def __init__(self, app: ASGIApp, services: ApiServices) -> None:
        self._app = app
        self._services = services
        self._limit = services.limits.picture + services.limits.form_overhead

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = _Body(receive, self._limit)
        answer = _Answer(send, body)
        try:
            await self._enter(scope, body)
            await self._app(scope, body.receive, answer.send)
            return
        except ProblemError as error:
            problem = error
        except Exception as error:
            if answer.started:
                raise
            log.error("request failed", path=scope["path"], error=type(error).__name__, exc_info=error)
            problem = ProblemError(Kind.INTERNAL, "The error was recorded. Trying again may help.")
        await respond(problem, scope)(scope, receive, answer.send)

    async def _enter(self, scope: Scope, body: _Body) -> None:
        scope.setdefault("state", {})
        path: str = scope["path"]
        if path.startswith(_SIGNED_PREFIX):
            return
        headers = Headers(scope=scope)
        if self._services.local:
            self._check_host(headers)
            self._check_origin(scope, headers)
        length = headers.get("content-length", "")
        if length.isdecimal() and int(length) > self._limit:
            megabytes = self._services.limits.picture // 1024**2
            raise ProblemError(Kind.TOO_LARGE, f"A picture has at most {megabytes} MB.")
        if path in _OPEN or path.startswith(_OPEN_PREFIXES):
            return
        try:
            tenant = await self._services.authenticator.tenant(headers.get("authorization"))
        except Unavailable as error:
            raise unavailable("Keys cannot be checked now.") from error
        if tenant is None:
            raise ProblemError(
                Kind.UNAUTHENTICATED,
                "Send a key that is not revoked: `Authorization: Bearer vk_…`.",
                headers={"WWW-Authenticate": 'Bearer realm="vaultra"'},
            )
        scope["state"]["tenant"] = tenant

    def _check_host(self, headers: Headers) -> None:
        """Against DNS rebinding: a page's own name, made to resolve to 127.0.0.1, still stands in `Host`."""
        host = headers.get("host", "").lower()
        name = host if host.endswith("]") else host.rpartition(":")[0] or host
        if name not in self._services.allowed_hosts:
            raise ProblemError(Kind.WRONG_HOST, "Without keys, only requests to localhost are answered.")

    def _check_origin(self, scope: Scope, headers: Headers) -> None:
        """Against forms and scripts of other pages, which browsers let post here without asking."""
        if scope["method"] in _SAFE_METHODS:
            return
        fetch_site = headers.get("sec-fetch-site")
        origin = headers.get("origin")
        foreign_site = fetch_site is not None and fetch_site not in ("same-origin", "none")
        foreign_origin = origin is not None and urlsplit(origin).netloc.lower() != headers.get("host", "").lower()
        if foreign_site or foreign_origin:
            raise ProblemError(Kind.CROSS_SITE, "Without keys, pages of other sites may not send requests.")


class _Body:
    """Counts the body as it is read, and can throw the rest away."""

    def __init__(self, receive: Receive, limit: int) -> None:
        self._receive = receive
        self._limit = limit
        self._size = 0
        self._ended = False

    async def receive(self) -> Message:
        message = await self._next()
        if self._size > self._limit:
            raise _BodyTooLarge
        return message

    async def _next(self) -> Message:
        message = await self._receive()
        self._size += len(message.get("body", b""))
        if message["type"] == "http.disconnect" or not message.get("more_body", False):
            self._ended = True
        return message

    async def drain(self) -> None:
        """Read what the client still sends, within bounds."""
        try:
            async with asyncio.timeout(_DRAIN_SECONDS):
                while not self._ended and self._size <= self._limit * _DRAIN_FACTOR:
                    await self._next()
        except TimeoutError:
            pass


class _Answer:
    """Notes whether an answer began, adds the headers every answer has, lets a refused client finish sending."""

    def __init__(self, send: Send, body: _Body) -> None:
        self._send = send
        self._body = body
        self.started = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            if message["status"] >= 400:
                await self._body.drain()
            self.started = True
            headers = MutableHeaders(raw=message["headers"])
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
        await self._send(message)
