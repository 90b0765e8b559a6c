"""The application over a log in memory, a real database with projections, and a small blob store."""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import pytest

from api.app import create_app
from api.auth import ApiKeyAuthenticator, LocalAuthenticator
from api.services import ApiLimits, ApiServices
from projections import builds
from projections.catalogue import PROJECTIONS
from projections.waiting import Progress
from tests.api.harness import NOW, Api, randomness
from tests.api.parts import FailingLog, MemoryBlobStore, SignaturePictureReader


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[asyncpg.Pool]:
    async with asyncpg.create_pool(database_url, min_size=1, max_size=4) as opened:
        yield opened


@pytest.fixture
async def api(pool: asyncpg.Pool) -> Api:
    """The application on loopback, without keys."""
    await builds.prepare(pool, PROJECTIONS)
    log, blobs, pictures = FailingLog(), MemoryBlobStore(), SignaturePictureReader()
    keys = ApiKeyAuthenticator(pool)
    services = ApiServices(
        log=log,
        blobs=blobs,
        pictures=pictures,
        database=pool,
        progress=Progress(pool, PROJECTIONS),
        authenticator=LocalAuthenticator("127.0.0.1", keys),
        clock=lambda: NOW,
        randomness=randomness,
        local=True,
        limits=ApiLimits(wait_for=0.2, poll=0.01, heartbeat=0.05),
    )
    return Api(create_app(services), services, log, blobs, pictures, pool)


@pytest.fixture
def keyed(api: Api) -> Api:
    """The application open to others: keys only."""
    return api.with_services(authenticator=ApiKeyAuthenticator(api.pool), local=False)
