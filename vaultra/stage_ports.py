"""What the stages work with: readers, planners, writers, critics and the sandbox, as the settings say."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Any

import structlog

from adapters.critic.critic import RuffBanditCritic
from adapters.critic.opinion import OpinionatedCritic
from adapters.critic.policy import DEFAULT as DEFAULT_POLICY
from adapters.database import Database
from adapters.llm.code_writer import LlmCodeWriter
from adapters.llm.memoized import MemoizedLanguageModel
from adapters.llm.patience import Patience
from adapters.llm.planner import LlmPlanner
from adapters.llm.vision import LlmVision
from adapters.memo import PostgresMemo, Price
from adapters.minilm import MiniLmEmbedder
from adapters.planning.embedding import EmbeddingPlanner
from adapters.ports import BlobStore, CodeWriter, Critic, Memo, Planner, SandboxRunner, VisionModel
from adapters.reference.tables import load_reference
from adapters.vision.memoized import MemoizedVision
from adapters.vision.rapidocr import RapidOcrVision
from projections.businesses import PostgresBusinessReader
from projections.ledger_reads import PostgresLedgerReader
from projections.readiness import PostgresAdviceReader
from sandbox.backends import BackendName, make_backend
from sandbox.engine import Engine
from sandbox.limits import Limits as SandboxLimits
from sandbox.runner import PooledSandbox
from schemas.errors import SetupError, VaultraError
from vaultra.settings import ModelServer, Settings

log = structlog.get_logger(__name__)


async def stage_ports(
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


def make_memo(settings: Settings, database: Database) -> PostgresMemo:
    """What models answered before, with the configured prices."""
    return PostgresMemo(database.pool, _prices(settings))


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
