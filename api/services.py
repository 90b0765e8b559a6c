"""What the API works with: handed in by the composition root, never looked up."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends, Request
from opentelemetry.trace import TracerProvider

from adapters.ports import Authenticator, BlobStore, PictureReader
from adapters.stripe.connecting import StripeConnecting
from adapters.stripe.signature import SigningSecret
from projections.waiting import Progress
from streams.log import EventLog

LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "[::1]"})


@dataclass(frozen=True, slots=True)
class ApiLimits:
    """Sizes in bytes, times in seconds."""

    picture: int = 20 * 1024**2
    form_overhead: int = 64 * 1024
    wait_for: float = 5.0
    """longest a read waits until what it asks for is projected"""
    feeds: int = 200
    """live feeds open at once in this process"""
    feed_seconds: float = 900.0
    """a feed ends after this and the client reconnects where it stopped"""
    heartbeat: float = 15.0
    poll: float = 0.5
    """how often a feed looks for itself, for projections that run in another process"""
    health: float = 2.0
    """a health check that takes longer has failed"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiServices:
    """The ports of the API.

    `database` is an asyncpg pool on the projections, `progress` tells how far they are: the runner's where it runs in
    this process, else one of its own. `local` means keyless on loopback: the `Host` header and the origin are then
    checked, since any page open in the browser could reach it. `checks` are further entries of `/readyz` (name →
    whether well), `lag` gives how many events each consumer group is behind. `tracer_provider` is the process's when
    None. `signing_secrets` are those of each webhook endpoint, `stripe_redirect` is where OAuth comes back (this
    server's own address when empty). Setting `closing` ends live feeds, so that a graceful stop need not wait for them.
    """

    log: EventLog
    blobs: BlobStore
    pictures: PictureReader
    database: Any
    progress: Progress
    authenticator: Authenticator
    clock: Callable[[], datetime]
    randomness: Callable[[int], bytes]
    local: bool
    limits: ApiLimits = ApiLimits()
    allowed_hosts: frozenset[str] = LOOPBACK_HOSTS
    checks: Mapping[str, Callable[[], Awaitable[bool]]] = field(default_factory=dict)
    lag: Callable[[], Awaitable[Mapping[str, int]]] | None = None
    tracer_provider: TracerProvider | None = None
    signing_secrets: Mapping[str, Sequence[SigningSecret]] = field(default_factory=dict)
    connecting: StripeConnecting | None = None
    stripe_redirect: str = ""
    closing: asyncio.Event = field(default_factory=asyncio.Event)


# Dependencies are async: FastAPI runs others in a thread each, which costs more than all the rest of a request.
async def _services(request: Request) -> ApiServices:
    services: ApiServices = request.app.state.services
    return services


async def _tenant(request: Request) -> str:
    """The tenant the gate let in. Routes under /v1 always have one."""
    tenant: str = request.scope["state"]["tenant"]
    return tenant


Services = Annotated[ApiServices, Depends(_services)]
Tenant = Annotated[str, Depends(_tenant)]
