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
from pathlib import Path
from typing import Any

import structlog

from adapters.api_keys import keys_exist
from adapters.blob_store import LocalBlobStore
from adapters.critic.critic import RuffBanditCritic
from adapters.critic.opinion import OpinionatedCritic
from adapters.critic.policy import DEFAULT as DEFAULT_POLICY
from adapters.database import Database, reaching
from adapters.llm.code_writer import LlmCodeWriter
from adapters.llm.memoized import MemoizedLanguageModel
from adapters.llm.patience import Patience
from adapters.llm.planner import LlmPlanner
from adapters.llm.vision import LlmVision
from adapters.memo import PostgresMemo, Price
from adapters.minilm import MiniLmEmbedder
from adapters.planning.embedding import EmbeddingPlanner
from adapters.ports import BlobStore, CodeWriter, Critic, Memo, PictureReader, Planner, SandboxRunner, VisionModel
from adapters.reference.tables import load_reference
from adapters.s3_blob_store import Bucket, S3BlobStore
from adapters.secrets import StoredSecrets
from adapters.stripe.api import StripeApi
from adapters.stripe.connecting import StripeConnecting
from adapters.stripe.signature import parse_secrets
from adapters.vision.intake import PillowPictureReader
from adapters.vision.memoized import MemoizedVision
from adapters.vision.rapidocr import RapidOcrVision
from api.auth import LOCAL_TENANT, ApiKeyAuthenticator, LocalAuthenticator, check_bind, is_loopback
from api.services import ApiServices
from api.webhooks import ENDPOINTS
from processors.codegen import codegen
from processors.conclusion import conclusion
from processors.critic import critic
from processors.execution import execution
from processors.followup import followup
from processors.ledger.stage import ledger
from processors.metrics import metrics
from processors.reasoning import reasoning
from processors.recommendations import recommendations
from processors.scores import scores
from processors.stage import Stage
from processors.vision import vision
from projections import readiness
from projections.builds import prepare
from projections.businesses import PostgresBusinessReader
from projections.catalogue import PROJECTIONS
from projections.ledger_reads import PostgresLedgerReader
from projections.projection import Projection
from projections.readiness import PostgresAdviceReader
from projections.runner import ProjectionRunner
from sandbox.backends import BackendName, make_backend
from sandbox.engine import Engine
from sandbox.limits import Limits as SandboxLimits
from sandbox.runner import PooledSandbox
from schemas.errors import SetupError, VaultraError
from streams.kafka_connection import KafkaConnection
from streams.kafka_log import KafkaEventLog
from streams.log import EventLog
from streams.metrics import PROJECTION_LAG
from streams.metronome import Metronome
from streams.postgres_log import PostgresEventLog
from streams.runner import Runner
from streams.stripe_backfill import StripeBackfill
from streams.stripe_follow_ups import StripeFollowUpWork
from streams.topics import TOPICS, Topic, diversion_topics
from vaultra.settings import ModelServer, Settings
from vaultra.stage_runtimes import StageRuntime, backoff_of, make_runtime

log = structlog.get_logger(__name__)

STAGES: tuple[Stage, ...] = (
    vision,
    reasoning,
    codegen,
    critic,
    execution,
    conclusion,
    ledger,
    metrics,
    scores,
    recommendations,
    followup,
)

# Told what start-up is doing: (words, fraction done or None).
StartupProgress = Callable[[str, float | None], None]


def all_topics() -> tuple[Topic, ...]:
    """Every topic on the log: the declared ones, and those for retries and dead letters of each stage."""
    return (*TOPICS, *diversion_topics(stage.name for stage in STAGES))


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
async def open_log(settings: Settings) -> AsyncIterator[tuple[Database, EventLog]]:
    """The database and the log of the runtime alone, for commands that only look or rebuild."""
    async with AsyncExitStack() as stack:
        url = settings.database_url.get_secret_value()
        database = await Database.open(data_dir=settings.data_dir, url=url)
        stack.push_async_callback(database.close)
        event_log = await open_event_log(settings, database)
        stack.push_async_callback(event_log.close)
        yield database, event_log


async def open_event_log(settings: Settings, database: Database) -> EventLog:
    """The log of the configured runtime. Raises SetupError and Unavailable."""
    if settings.runtime == "embedded":
        return await PostgresEventLog.open(database, all_topics())
    return await KafkaEventLog.open(
        kafka_connection(settings), all_topics(), database=database, patience=settings.kafka.patience
    )


def kafka_connection(settings: Settings) -> KafkaConnection:
    """How the configured cluster is reached."""
    kafka = settings.kafka
    return KafkaConnection(
        bootstrap_servers=kafka.bootstrap_servers,
        prefix=kafka.prefix,
        security=kafka.security,
        tls_ca=Path(kafka.tls_ca) if kafka.tls_ca else None,
        tls_certificate=Path(kafka.tls_certificate) if kafka.tls_certificate else None,
        tls_key=Path(kafka.tls_key) if kafka.tls_key else None,
        mechanism=kafka.sasl_mechanism,
        username=kafka.sasl_username,
        password=kafka.sasl_password.get_secret_value(),
    )


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
        memo = PostgresMemo(database.pool, _prices(settings))

        sandbox = make_sandbox(settings, warm=settings.sandbox.warm)
        stack.push_async_callback(sandbox.close)
        pictures = PillowPictureReader()
        stack.push_async_callback(pictures.close)

        stripe = open_stripe(settings, stack)
        backfill = StripeBackfill(stripe, event_log, ledger_runner(), database.pool)
        ports = await _stage_ports(settings, stack, database, blobs=blobs, memo=memo, sandbox=sandbox)
        ports["stripe_follow_ups"] = StripeFollowUpWork(backfill, make_secrets(settings), database.pool)
        runners = [
            Runner(stage, ports, topics=all_topics(), halt_after=settings.halt_after, backoff=backoff_of(settings))
            for stage in parts.stages
        ]
        runtime = make_runtime(
            settings, runners, event_log=event_log, database=database, connection=kafka_connection(settings)
        )
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


async def open_blobs(settings: Settings) -> BlobStore:
    """The bucket where one is set, else a directory. Raises SetupError and Unavailable."""
    blobs = settings.blobs
    if not blobs.url:
        return LocalBlobStore(settings.data_dir / "blobs")
    return await S3BlobStore.open(
        Bucket(
            url=blobs.url,
            endpoint=blobs.endpoint,
            region=blobs.region,
            access_key_id=blobs.access_key_id.get_secret_value(),
            secret_access_key=blobs.secret_access_key.get_secret_value(),
        )
    )


def ledger_runner() -> Runner:
    """The ledger stage as it runs, for imports that do its work in batches."""
    return Runner(ledger, {}, topics=all_topics())


def sandbox_limits(settings: Settings) -> SandboxLimits:
    """What a program may use when nothing else is said."""
    chosen = settings.sandbox
    return SandboxLimits(cpus=chosen.cpus, memory=chosen.memory, timeout=chosen.timeout)


def make_sandbox(settings: Settings, backend: BackendName | None = None, *, warm: int = 0) -> PooledSandbox:
    """The sandbox with the configured limits, of the configured backend or of another that is named; `warm` boxes are
    kept ready."""
    chosen = make_backend(
        backend or settings.sandbox.backend,
        settings.data_dir,
        allow_degraded=settings.sandbox.allow_degraded,
        engine=Engine(settings.sandbox.docker_url, settings.sandbox.docker_runtime),
    )
    return PooledSandbox(chosen, sandbox_limits(settings), warm=warm)


async def _stage_ports(
    settings: Settings,
    stack: AsyncExitStack,
    database: Database,
    *,
    blobs: BlobStore,
    memo: Memo,
    sandbox: SandboxRunner,
) -> dict[str, Any]:
    """What the stages' keyword-only parameters are filled with, by name."""
    return {
        "blobs": blobs,
        "vision": _vision(settings, stack, memo),
        "planner": _planner(settings, stack, memo),
        "code_writer": _code_writer(settings, stack, memo),
        "critic": _critic(settings, stack, memo),
        "sandbox": sandbox,
        "businesses": PostgresBusinessReader(database.pool, PostgresLedgerReader(database.pool)),
        "advice": PostgresAdviceReader(database.pool),
        "reference": load_reference(),
    }


def _vision(settings: Settings, stack: AsyncExitStack, memo: Memo) -> VisionModel:
    if settings.vision.configured:
        return LlmVision(_language_model(settings.vision, stack, memo))
    reader = RapidOcrVision(threads=settings.ocr_threads)
    stack.push_async_callback(reader.close)
    # The first picture need not wait until the networks are loaded.
    warming = asyncio.create_task(_warm(reader), name="warm the text reader")
    stack.callback(warming.cancel)
    return MemoizedVision(reader, memo)


async def _warm(reader: RapidOcrVision) -> None:
    try:
        await reader.start()
    except VaultraError as error:
        log.warning("the text reader does not start", reason=str(error))


def _planner(settings: Settings, stack: AsyncExitStack, memo: Memo) -> Planner:
    if settings.planner.configured:
        return LlmPlanner(_language_model(settings.planner, stack, memo))
    return EmbeddingPlanner(MiniLmEmbedder())


def _critic(settings: Settings, stack: AsyncExitStack, memo: Memo) -> Critic:
    reviewer = RuffBanditCritic(settings.critic.policy or DEFAULT_POLICY)
    stack.push_async_callback(reviewer.close)
    if settings.critic.opinion and not settings.code.configured:
        raise SetupError("VAULTRA_CRITIC__OPINION asks the model of VAULTRA_CODE__…, and none is configured")
    if not settings.critic.opinion:
        return reviewer
    return OpinionatedCritic(reviewer, _language_model(settings.code, stack, memo))


def _code_writer(settings: Settings, stack: AsyncExitStack, memo: Memo) -> CodeWriter | None:
    return LlmCodeWriter(_language_model(settings.code, stack, memo)) if settings.code.configured else None


def _language_model(server: ModelServer, stack: AsyncExitStack, memo: Memo) -> MemoizedLanguageModel:
    # Most commands talk to no model, and importing its client takes a quarter of a second.
    from adapters.llm.openai_model import OpenAiLanguageModel

    model = OpenAiLanguageModel(
        server.base_url,
        server.model,
        api_key=server.api_key.get_secret_value(),
        patience=Patience.within(server.timeout),
        concurrency=server.concurrency,
    )
    stack.push_async_callback(model.close)
    return MemoizedLanguageModel(model, memo)


def _prices(settings: Settings) -> Mapping[str, Price]:
    """Prices of the configured models, where both are given."""
    return {
        server.model: Price(server.price_input, server.price_output)
        for server in (settings.planner, settings.code, settings.vision)
        if server.configured and server.price_input is not None and server.price_output is not None
    }


def open_stripe(settings: Settings, stack: AsyncExitStack) -> StripeApi:
    """Stripe's API, closed with the stack. It asks for nothing until it is used."""
    api = StripeApi(api_base=settings.stripe.api_base, connect_base=settings.stripe.connect_base)
    stack.push_async_callback(api.close)
    return api


def make_secrets(settings: Settings) -> StoredSecrets:
    """Configured secrets by the names the parts know them under, and room for those that come to be."""
    configured = {
        "stripe/webhook/platform": settings.stripe.webhook_secrets.get_secret_value(),
        "stripe/webhook/connect": settings.stripe.connect_webhook_secrets.get_secret_value(),
        "stripe/api-key": settings.stripe.api_key.get_secret_value(),
    }
    return StoredSecrets(configured, settings.data_dir / "secrets")


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


__all__ = [
    "EVERYTHING",
    "STAGES",
    "Parts",
    "Program",
    "all_topics",
    "kafka_connection",
    "open_blobs",
    "open_log",
    "open_program",
]
