"""Events from a plan to its conclusion: planned, generated, reviewed, executed, completed, failed."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from schemas.base import Amount, BlobRef, EventData, Value
from schemas.documents import Box, Confidence
from schemas.plans import AnalysisPlan

MAX_ATTEMPTS = 3

ExecutionReason = Literal[
    "ok",
    "error",
    "rejected",
    "timeout",
    "cpu_limit",
    "oom",
    "disk_full",
    "output_limit",
    "pids_limit",
    "killed",
    "cancelled",
    "sandbox_unavailable",
    "internal_error",
]
Verdict = Literal["answered", "unverified", "not_found", "not_understood"]


class Task(Value):
    """What is asked of which document, carried along the chain. `description` names the blob of the document."""

    question: str
    description: BlobRef
    picture: BlobRef
    plan: AnalysisPlan | None
    planner: str


class Program(Value):
    """Code to answer a task. `cross_check` is a second, independent program for a free-form plan.

    `author` is `compiled` or the name of the model that wrote the code; `attempt` counts from 1 to MAX_ATTEMPTS.
    """

    attempt: Annotated[int, Field(ge=1, le=MAX_ATTEMPTS)]
    author: str
    code: str
    cross_check: str | None = None


class Finding(Value):
    """One remark of the critic. `line` counts from 1; None when it is about the whole program."""

    tool: Literal["policy", "ruff", "bandit", "syntax", "model"]
    rule: str
    severity: Literal["info", "warning", "error"]
    message: str
    line: int | None = None


class Artefact(Value):
    """A file the code wrote to its output directory, stored content-addressed."""

    name: str
    blob: BlobRef


class ExecutionResult(Value):
    """Outcome of one run in the sandbox, decided from evidence outside the box.

    Times in seconds, memory and sizes in bytes. `controls` attests what was enforced. `result` is the JSON the
    program wrote to `result.json`, already limited in size; it is the program's claim, not a fact.
    """

    reason: ExecutionReason
    exit_code: int | None = None
    signal: int | None = None
    stdout: str = ""
    stderr: str = ""
    truncated: bool = False
    wall_seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_memory: int | None = None
    artefacts: tuple[Artefact, ...] = ()
    rejected_artefacts: tuple[str, ...] = ()
    backend: str
    controls: tuple[str, ...] = ()
    denied: tuple[str, ...] = Field(
        default=(), description="system calls the filter refused, for people: names the wall that was run into"
    )
    detail: str | None = Field(default=None, description="one sentence for people: why it ended this way")
    result: str | None = Field(default=None, description="text of result.json, None when absent or not acceptable")


class Evidence(Value):
    """A figure or cell of the document that an answer rests on."""

    label: str
    value: Amount
    unit: str | None = None
    confidence: Confidence
    box: Box | None = None


class Statement(Value):
    """One sentence of the answer and whether an independent way agrees with it."""

    text: str
    verified: bool
    by: str = Field(description="what it rests on, e.g. 'printed figure', 'compiled from figures', 'one model'")


class Answer(Value):
    """What the analysis says. `value` and `unit` where the answer is one number; `text` is always for people."""

    verdict: Verdict
    text: str
    value: Amount | None = None
    unit: str | None = None
    statements: tuple[Statement, ...] = ()
    evidence: tuple[Evidence, ...] = ()


class AnalysisPlanned(EventData):
    """Reasoning turned the question into a plan, or says why it could not (`task.plan` None and `reason` set).

    `missing` is true when the question was understood and the document does not have what it asks for.
    """

    TYPE: ClassVar[str] = "vaultra.analysis.planned.v1"
    task: Task
    confidence: Confidence
    reason: str | None = None
    missing: bool = False


class CodeGenerated(EventData):
    """Codegen wrote a program for a plan."""

    TYPE: ClassVar[str] = "vaultra.code.generated.v1"
    task: Task
    program: Program


class CodeReviewed(EventData):
    """The critic judged a program. A rejection goes back to codegen with the findings."""

    TYPE: ClassVar[str] = "vaultra.code.reviewed.v1"
    task: Task
    program: Program
    approved: bool
    findings: tuple[Finding, ...] = ()


class CodeExecuted(EventData):
    """The sandbox ran a program (and its cross-check). A failure goes back to codegen with the output."""

    TYPE: ClassVar[str] = "vaultra.code.executed.v1"
    task: Task
    program: Program
    findings: tuple[Finding, ...] = ()
    execution: ExecutionResult
    cross_check: ExecutionResult | None = None


class AnalysisCompleted(EventData):
    """A job ended with an answer; "not found" and "not understood" are answers."""

    TYPE: ClassVar[str] = "vaultra.analysis.completed.v1"
    question: str
    answer: Answer
    plan: AnalysisPlan | None
    planner: str
    program: Program | None = None
    findings: tuple[Finding, ...] = ()
    execution: ExecutionResult | None = None


class AnalysisFailed(EventData):
    """A job ended without an answer. `stage` is where, `reason` is for people."""

    TYPE: ClassVar[str] = "vaultra.analysis.failed.v1"
    stage: str
    reason: str
    program: Program | None = None
    findings: tuple[Finding, ...] = ()
    execution: ExecutionResult | None = None
