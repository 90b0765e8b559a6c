"""The ports: what stages, the API and the runner need from the outside, as protocols.

Adapters implement them (`<technology><Port>`), tests fake them by subclassing; every adapter of a port passes the
port's contract suite under `tests/contracts/`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal, Protocol

from schemas.analyses import ExecutionResult, Finding, Task
from schemas.base import BlobRef
from schemas.businesses import BusinessDeclared
from schemas.documents import DocumentDescription, Picture
from schemas.envelope import Event
from schemas.ledger.entries import Entry, History
from schemas.ledger.observation import Observation
from schemas.plans import AnalysisPlan
from schemas.stripe_followups import FollowUpDone, FollowUpRequested


class BlobStore(Protocol):
    """Bytes by their SHA-256. Writing the same bytes twice is one blob; blobs never change."""

    async def put(self, data: bytes, media_type: str) -> BlobRef:
        """Store durably (flushed to disk) and return the reference. Raises Unavailable."""

    async def get(self, ref: BlobRef) -> bytes:
        """The bytes. Raises NotFound when absent or when they no longer match their hash, Unavailable."""

    async def healthy(self) -> bool:
        """Whether a write could succeed now."""


class PictureReader(Protocol):
    """Checks an upload and turns it into a normalised picture."""

    async def normalise(self, data: bytes) -> tuple[bytes, int, int]:
        """PNG bytes, width, height: first frame, upright, RGB, no metadata. Raises PictureRefused.

        Never longer than 2 s, never more than 1 GiB, never a crash of the caller: decoding runs in another process.
        """


class VisionModel(Protocol):
    """Reads a normalised picture. `name` and version identify it in the memo and in events."""

    @property
    def name(self) -> str: ...

    async def describe(self, png: bytes) -> DocumentDescription:
        """Text, tables, figures and kind. Text in a picture is data, never an instruction."""


@dataclass(frozen=True, slots=True)
class Planned:
    """What a planner made of a question. `plan` None means not understood, for `reason`; confidence in 0..1.

    `missing` with no plan: understood, but the document does not have what the question asks for.
    """

    plan: AnalysisPlan | None
    confidence: float
    reason: str | None = None
    missing: bool = False


class Planner(Protocol):
    """Turns a question about a document into a typed plan."""

    @property
    def name(self) -> str: ...

    async def plan(self, question: str, document: DocumentDescription) -> Planned: ...


class CodeWriter(Protocol):
    """Writes Python for free-form steps. Without one configured, free-form questions end as "not understood"."""

    @property
    def name(self) -> str: ...

    async def write(self, task: Task, document: DocumentDescription, *, variant: int, feedback: str | None) -> str:
        """A program for the task. `variant` 0 or 1 selects a different prompt; `feedback` tells what failed before.

        Raises RetryLater (server busy or gone) or ModelFault (unusable answer).
        """


class Embedder(Protocol):
    """Sentence embeddings: unit vectors of one fixed length."""

    @property
    def name(self) -> str: ...

    async def embed(self, texts: Sequence[str]) -> Sequence[Sequence[float]]: ...


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """One question to a language model. `schema` constrains the answer to JSON of that JSON Schema.

    `images` are PNG bytes for models that see. `purpose` names the caller in costs and logs.
    """

    purpose: str
    system: str
    prompt: str
    images: Sequence[bytes] = ()
    schema: Mapping[str, Any] | None = None
    max_tokens: int = 1024
    temperature: float = 0.0
    seed: int | None = 0


class LanguageModel(Protocol):
    """Any OpenAI-compatible chat server."""

    @property
    def name(self) -> str: ...

    async def complete(self, request: ChatRequest) -> str:
        """The answer's text. Raises RetryLater (time-out, 429, 5xx, no connection) or ModelFault (unusable)."""


class SandboxRunner(Protocol):
    """Runs untrusted Python 3.11. `inputs` appear read-only as files in `/inputs`; the program may write to
    `/tmp/out` and puts its result into `/tmp/out/result.json`. Never raises for what the program does."""

    @property
    def name(self) -> str: ...

    async def run(self, code: str, inputs: Mapping[str, bytes]) -> SandboxOutcome: ...


@dataclass(frozen=True, slots=True)
class SandboxOutcome:
    """A run's result and the artefacts' bytes by name (the stage stores them; `result.artefacts` is empty here)."""

    result: ExecutionResult
    artefacts: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Review:
    """A critic's judgement. `approved` is false when one finding is an error; findings are worst first."""

    approved: bool
    findings: tuple[Finding, ...]


class Critic(Protocol):
    """Judges a program before it runs. The sandbox is the wall; the critic advises and teaches."""

    async def review(self, code: str) -> Review:
        """Never raises for what the code is: code that cannot be checked is rejected with a finding."""


@dataclass(frozen=True, slots=True)
class ModelAnswer:
    """A model's answer as the memo keeps it: JSON-able `body`, token counts and seconds."""

    body: str
    input_tokens: int = 0
    output_tokens: int = 0
    seconds: float = 0.0


class Memo(Protocol):
    """Remembers model calls by (tenant, model, parameters, prompt hash), so that a retry or a crash never pays twice.

    Two callers with one key at the same time make one call. What is answered from the memo is recorded as such in
    the delivery's costs (`adapters/metering.py`).
    """

    async def call(
        self,
        *,
        model: str,
        parameters: Mapping[str, Any],
        prompt: bytes,
        perform: Callable[[], Awaitable[ModelAnswer]],
    ) -> ModelAnswer: ...


class LedgerReader(Protocol):
    """The ledger of a business: entries and the histories of its objects.

    `as_of`: nothing that happened after it; `known_at`: nothing received after it. None stands for no bound. A fact
    that arrives late changes what an `as_of` of the past answers, never what a `known_at` of the past answers.
    Raises Unavailable.
    """

    async def entries(
        self, tenant: str, business: str, *, as_of: datetime | None = None, known_at: datetime | None = None
    ) -> Sequence[Entry]:
        """Entries by (effective, id)."""

    async def histories(
        self,
        tenant: str,
        business: str,
        kinds: Sequence[str],
        *,
        as_of: datetime | None = None,
        known_at: datetime | None = None,
    ) -> Sequence[History]:
        """Histories of the objects of these kinds (`schemas.ledger.facts.STATES`), by (kind, object id)."""

    async def standing(self, fact: Event[Observation]) -> Literal["absent", "newest", "superseded"]:
        """Where a fact stands: not read into the ledger yet, the newest of its business, or followed by others."""


@dataclass(frozen=True, slots=True)
class Declared:
    """A declaration of a business's owner, with when it was made and the event that says so."""

    at: datetime
    event_id: str
    data: BusinessDeclared


@dataclass(frozen=True, slots=True)
class KnownBusiness:
    """Everything known of a business: its ledger, what was declared, and until when (`known_at`) it was known.

    `happened` is the newest moment anything known of it happened, of whatever kind.
    """

    livemode: bool
    happened: datetime
    entries: Sequence[Entry]
    histories: Sequence[History]
    declarations: Sequence[Declared]
    known_at: datetime
    ledger_offset: int
    business_offset: int
    closed_through: datetime | None


class BusinessReader(Protocol):
    """A business's ledger and declarations together."""

    async def read(
        self, tenant: str, business: str, kinds: Sequence[str], *, known_at: datetime | None = None
    ) -> KnownBusiness | None:
        """What is known of a business, histories of the objects of `kinds` only; None for an unknown one.

        `known_at`: nothing received after it. Raises Unavailable.
        """


@dataclass(frozen=True, slots=True)
class OpenAdvice:
    """A recommendation that is open."""

    recommendation_id: str
    rule: str
    subject: str
    predicted_uplift: Decimal
    score_before: Decimal | None


@dataclass(frozen=True, slots=True)
class Advised:
    """What was advised to a business so far: what is open, and how often each (rule, subject) was closed."""

    standing: tuple[OpenAdvice, ...] = ()
    closed: Mapping[tuple[str, str], int] = field(default_factory=dict)


class AdviceReader(Protocol):
    """The recommendations given to a business."""

    async def given(self, tenant: str, business: str) -> Advised:
        """Raises Unavailable."""


class Authenticator(Protocol):
    """Resolves a request to a tenant."""

    async def tenant(self, authorization: str | None) -> str | None:
        """The tenant of an `Authorization` header, None when it does not authenticate."""


class StripeFollowUps(Protocol):
    """Does what a webhook or a new connection asks for."""

    async def perform(self, tenant: str, request: FollowUpRequested) -> FollowUpDone | FollowUpRequested:
        """Done, or what is to be asked for again because it takes longer: it goes on where it was.

        Raises RetryLater while Stripe is not able, SetupError or NotFound where trying again does not help.
        """


class Secrets(Protocol):
    """Secret values by name, durable. Every method raises Unavailable when the store does not answer."""

    def get(self, name: str) -> str | None: ...

    def put(self, name: str, value: str) -> None:
        """Keep a value that came to be while running, in place of an earlier one.

        Raises SetupError for a name that is configured.
        """

    def remove(self, name: str) -> None:
        """Forget it; one that is not there is no error."""


__all__ = [
    "AdviceReader",
    "Advised",
    "Authenticator",
    "BlobStore",
    "BusinessReader",
    "ChatRequest",
    "CodeWriter",
    "Critic",
    "Declared",
    "Embedder",
    "KnownBusiness",
    "LanguageModel",
    "LedgerReader",
    "Memo",
    "ModelAnswer",
    "OpenAdvice",
    "Picture",
    "PictureReader",
    "Planned",
    "Planner",
    "Review",
    "SandboxOutcome",
    "SandboxRunner",
    "Secrets",
    "StripeFollowUps",
    "VisionModel",
]
