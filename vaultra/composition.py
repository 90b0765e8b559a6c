"""The composition root: the one place where parts are made and wired. Plain calls, no container.

`open_program` gives everything that runs in a process, closed again in reverse order, whatever fails in between.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog

from adapters.api_keys import keys_exist
from adapters.database import Database, reaching
from adapters.ports import BlobStore, PictureReader
from adapters.stripe.api import StripeApi
from adapters.stripe.connecting import StripeConnecting
from adapters.stripe.signature import parse_secrets
from adapters.vision.intake import PillowPictureReader
from api.auth import LOCAL_TENANT, ApiKeyAuthenticator, LocalAuthenticator, check_bind, is_loopback
from api.services import ApiServices
from api.webhooks import ENDPOINTS
from processors.followup import followup
from processors.stage import Stage
from projections import readiness
from projections.builds import prepare
from projections.catalogue import PROJECTIONS
from projections.projection import Projection
from projections.runner import ProjectionRunner
from sandbox.runner import PooledSandbox
from streams.log import EventLog
from streams.metrics import PROJECTION_LAG
from streams.metronome import Metronome
from streams.runner import Runner
from streams.stripe_backfill import StripeBackfill
from streams.stripe_follow_ups import StripeFollowUpWork
from streams.stripe_parked import ask_again, parked
from vaultra.catalogue import STAGES, all_topics, ledger_runner
from vaultra.settings import Settings
from vaultra.stage_ports import make_memo, make_sandbox, stage_ports
from vaultra.stage_runtimes import StageRuntime, backoff_of, make_runtime
from vaultra.stores import make_secrets, open_blobs, open_log

log = structlog.get_logger(__name__)

# Told what start-up is doing: (words, fraction done or None).
StartupProgress = Callable[[str, float | None], None]


@dataclass(frozen=True, slots=True)
class Parts:
    """What of the whole a process runs; everything unless told otherwise."""

    stages: tuple[Stage, ...] = STAGES
    projections: tuple[Projection, ...] = PROJECTIONS
    api: bool = True


EVERYTHING = Parts()


@dataclass(frozen=True, slots=True)
class Program:
    """What runs in this process. `services` is what the API works with; `failure` is set when the process must end."""

    settings: Settings
    database: Database
    event_log: EventLog
    blobs: BlobStore
    runtime: StageRuntime
    projections: ProjectionRunner
    sandbox: PooledSandbox
    services: ApiServices
    failure: asyncio.Future[None]


@asynccontextmanager
async def open_program(
    settings: Settings, progress: StartupProgress = lambda words, done: None, parts: Parts = EVERYTHING
) -> AsyncIterator[Program]:
    """The parts of this process: stages, projections, and the services of the API.

    Raises SetupError for what a person must put right and Unavailable for what may come right by itself.
    """
    async with AsyncExitStack() as stack:
        progress("starting the database", None)
        database, event_log = await stack.enter_async_context(open_log(settings))
        if parts.api and not is_loopback(settings.host):
            check_bind(settings.host, await keys_exist(database.pool))
        blobs = await open_blobs(settings)
        memo = make_memo(settings, database)

        sandbox = make_sandbox(settings, warm=settings.sandbox.warm)
        stack.push_async_callback(sandbox.close)
        pictures = PillowPictureReader()
        stack.push_async_callback(pictures.close)

        stripe = open_stripe(settings, stack)
        backfill = StripeBackfill(stripe, event_log, ledger_runner(), database.pool)
        ports = await stage_ports(settings, stack, database, blobs=blobs, memo=memo, sandbox=sandbox)
        ports["stripe_follow_ups"] = StripeFollowUpWork(backfill, make_secrets(settings), database.pool)
        runners = [
            Runner(stage, ports, topics=all_topics(), halt_after=settings.halt_after, backoff=backoff_of(settings))
            for stage in parts.stages
        ]
        runtime = make_runtime(settings, runners, event_log=event_log, database=database)
        projections = ProjectionRunner(database.pool, event_log, parts.projections)

        if any("sandbox" in stage.ports for stage in parts.stages):
            progress("preparing the sandbox", None)
            capabilities = await sandbox.start(progress)
            if not capabilities.available:
                log.warning("no program can run here", reason=capabilities.detail)

        progress("starting", None)
        # The API reads views that must stand, also where the projections run elsewhere.
        with reaching("the database of the projections"):
            await prepare(database.pool, PROJECTIONS if parts.api else parts.projections)
        await projections.start()
        stack.push_async_callback(projections.stop)
        runtime.start()
        stack.push_async_callback(runtime.stop, settings.stop_grace)
        if followup in parts.stages and settings.stripe.api_key.get_secret_value():
            # What waited for a key need not wait for a person.
            waiting = [one for one in await parked(event_log) if one.needs_key]
            await ask_again(event_log, waiting, datetime.now(UTC))
        if readiness.PROJECTION in parts.projections:
            metronome = Metronome(event_log, database.pool)
            metronome.start()
            stack.push_async_callback(metronome.stop)
        services = await _services(
            settings,
            database,
            event_log,
            blobs=blobs,
            pictures=pictures,
            projections=projections,
            runtime=runtime,
            stripe=stripe,
        )
        failure = runtime.failure
        yield Program(settings, database, event_log, blobs, runtime, projections, sandbox, services, failure)


def open_stripe(settings: Settings, stack: AsyncExitStack) -> StripeApi:
    """Stripe's API, closed with the stack. It asks for nothing until it is used."""
    api = StripeApi(api_base=settings.stripe.api_base, connect_base=settings.stripe.connect_base)
    stack.push_async_callback(api.close)
    return api


async def _services(
    settings: Settings,
    database: Database,
    event_log: EventLog,
    *,
    blobs: BlobStore,
    pictures: PictureReader,
    projections: ProjectionRunner,
    runtime: StageRuntime,
    stripe: StripeApi,
) -> ApiServices:
    keys = ApiKeyAuthenticator(database.pool)
    secrets = make_secrets(settings)
    local = is_loopback(settings.host)

    async def stages_run() -> bool:
        return not runtime.halted

    async def lag() -> Mapping[str, int]:
        stages, views = await asyncio.gather(runtime.lag(), projections.lag())
        for name, behind in views.items():
            PROJECTION_LAG.labels(name).set(behind)
        return {**stages, **{f"projection {name}": behind for name, behind in views.items()}}

    return ApiServices(
        log=event_log,
        blobs=blobs,
        pictures=pictures,
        database=database.pool,
        progress=projections.progress,
        authenticator=LocalAuthenticator(settings.host, keys) if local else keys,
        clock=lambda: datetime.now(UTC),
        randomness=os.urandom,
        local=local,
        checks={"stages": stages_run},
        lag=lag,
        connecting=StripeConnecting(
            stripe,
            secrets,
            database.pool,
            client_id=settings.stripe.client_id,
            randomness=os.urandom,
            clock=lambda: datetime.now(UTC),
            connect_base=settings.stripe.connect_base,
        ),
        stripe_redirect=settings.stripe.redirect_url,
        signing_secrets={
            endpoint: parse_secrets(secrets.get(f"stripe/webhook/{endpoint}") or "", default_tenant=LOCAL_TENANT)
            for endpoint in ENDPOINTS
        },
    )
