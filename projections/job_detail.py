"""The detail of a job, told from its facts: what each stage is doing and what came out of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeVar

from pydantic import ValidationError

from projections.costs import JobCosts
from schemas.analyses import (
    MAX_ATTEMPTS,
    AnalysisCompleted,
    AnalysisFailed,
    AnalysisPlanned,
    Answer,
    CodeExecuted,
    CodeGenerated,
    CodeReviewed,
    ExecutionResult,
    Finding,
    Program,
)
from schemas.base import EventData, Value
from schemas.documents import Document, DocumentDescribed, DocumentReceived, DocumentRefused, Original, Picture
from schemas.errors import InvalidEvent
from schemas.plans import AnalysisPlan
from schemas.registry import parse_data

JobStatus = Literal["queued", "running", "refused", "failed", "completed"]
StageStatus = Literal["pending", "running", "done", "failed", "skipped"]


@dataclass(frozen=True, slots=True)
class JobFact:
    """One event of a job as the projection keeps it: `data` is its JSON."""

    event_id: str
    type: str
    time: datetime
    data: str


class StageState(Value):
    """Where a job is in one stage. `started_at` is when what it works on was there, waiting in line included."""

    name: str
    status: StageStatus
    attempts: int = 0
    started_at: datetime | None = None
    finished_at: datetime | None = None
    detail: str | None = None


class Attempt(Value):
    """One round of code: written, reviewed (`approved` None until then), run (`execution` None until then)."""

    program: Program
    approved: bool | None = None
    findings: tuple[Finding, ...] = ()
    execution: ExecutionResult | None = None
    cross_check: ExecutionResult | None = None


class Refusal(Value):
    code: str
    reason: str


class Failure(Value):
    stage: str
    reason: str


class JobSummary(Value):
    """A job in a list."""

    job_id: str
    status: JobStatus
    question: str | None
    filename: str | None
    business_id: str | None
    created_at: datetime
    updated_at: datetime


class JobDetail(JobSummary):
    """A job with all that is known of it now. `program`, `findings` and `execution` are the conclusion's where it
    names some, else the newest; `attempts` counts programs, `rounds` has each of them."""

    stages: tuple[StageState, ...]
    original: Original | None = None
    picture: Picture | None = None
    document: Document | None = None
    truncated: bool = False
    plan: AnalysisPlan | None = None
    planner: str | None = None
    program: Program | None = None
    attempts: int = 0
    rounds: tuple[Attempt, ...] = ()
    findings: tuple[Finding, ...] = ()
    execution: ExecutionResult | None = None
    answer: Answer | None = None
    refusal: Refusal | None = None
    failure: Failure | None = None
    cost: JobCosts


D = TypeVar("D", bound=EventData)


@dataclass(frozen=True, slots=True)
class _Parsed:
    """A job's facts with their data as schemas; what no longer parses is left out, the rest can still be told."""

    facts: Sequence[tuple[datetime, EventData]]

    @classmethod
    def of(cls, facts: Iterable[JobFact]) -> _Parsed:
        parsed = []
        for fact in sorted(facts, key=lambda fact: (fact.time, fact.event_id)):
            try:
                parsed.append((fact.time, parse_data(fact.type, fact.data.encode())))
            except (InvalidEvent, ValidationError):
                continue
        return cls(parsed)

    def all(self, kind: type[D]) -> list[tuple[datetime, D]]:
        return [(time, data) for time, data in self.facts if isinstance(data, kind)]

    def newest(self, kind: type[D]) -> D | None:
        found = self.all(kind)
        return found[-1][1] if found else None


def tell(job_id: str, facts: Sequence[JobFact], cost: JobCosts) -> JobDetail:
    """The detail of a job from all its facts, in any order. `facts` must not be empty."""
    parsed = _Parsed.of(facts)
    received, refused = parsed.newest(DocumentReceived), parsed.newest(DocumentRefused)
    described, planned = parsed.newest(DocumentDescribed), parsed.newest(AnalysisPlanned)
    completed = parsed.newest(AnalysisCompleted)
    failed = parsed.newest(AnalysisFailed) if completed is None else None
    upload, ended = received or refused, completed or failed
    rounds = _rounds(parsed)
    program, findings, execution = _outcome(ended, rounds)
    return JobDetail(
        job_id=job_id,
        status=_status(parsed, completed, failed, refused),
        question=upload.question if upload else None,
        filename=upload.original.filename if upload else None,
        business_id=upload.business_id if upload else None,
        created_at=min(fact.time for fact in facts),
        updated_at=max(fact.time for fact in facts),
        stages=tuple(_stages(parsed, rounds, failed)),
        original=upload.original if upload else None,
        picture=described.picture if described else received.picture if received else None,
        document=described.document if described else None,
        truncated=described.truncated if described else False,
        plan=completed.plan if completed else planned.task.plan if planned else None,
        planner=completed.planner if completed else planned.task.planner if planned else None,
        program=program,
        attempts=max((one.program.attempt for one in rounds), default=0),
        rounds=rounds,
        findings=findings,
        execution=execution,
        answer=completed.answer if completed else None,
        refusal=Refusal(code=refused.code, reason=refused.reason) if refused else None,
        failure=Failure(stage=failed.stage, reason=failed.reason) if failed else None,
        cost=cost,
    )


def _status(
    parsed: _Parsed, completed: AnalysisCompleted | None, failed: AnalysisFailed | None, refused: DocumentRefused | None
) -> JobStatus:
    if completed is not None:
        return "completed"
    if failed is not None:
        return "failed"
    if refused is not None:
        return "refused"
    return "queued" if all(isinstance(data, DocumentReceived) for _, data in parsed.facts) else "running"


def _rounds(parsed: _Parsed) -> tuple[Attempt, ...]:
    """The rounds of code by attempt; of two for one attempt (a replayed dead letter) the newer."""
    rounds: dict[int, Attempt] = {}
    for _, written in parsed.all(CodeGenerated):
        rounds[written.program.attempt] = Attempt(program=written.program)
    for _, review in parsed.all(CodeReviewed):
        judged = {"program": review.program, "approved": review.approved, "findings": review.findings}
        rounds[review.program.attempt] = Attempt(**judged)
    for _, run in parsed.all(CodeExecuted):
        rounds[run.program.attempt] = Attempt(
            program=run.program,
            approved=True,
            findings=run.findings,
            execution=run.execution,
            cross_check=run.cross_check,
        )
    return tuple(rounds[attempt] for attempt in sorted(rounds))


def _outcome(
    ended: AnalysisCompleted | AnalysisFailed | None, rounds: Sequence[Attempt]
) -> tuple[Program | None, tuple[Finding, ...], ExecutionResult | None]:
    if ended is not None and ended.program is not None:
        return ended.program, ended.findings, ended.execution
    if rounds:
        return rounds[-1].program, rounds[-1].findings, rounds[-1].execution
    return None, (), None


def _stages(parsed: _Parsed, rounds: Sequence[Attempt], failed: AnalysisFailed | None) -> Iterable[StageState]:
    """The state of every stage: what came to it against what it made of it."""
    planned = parsed.all(AnalysisPlanned)
    generated, reviewed = parsed.all(CodeGenerated), parsed.all(CodeReviewed)
    executed, completed = parsed.all(CodeExecuted), parsed.all(AnalysisCompleted)
    rejected = [(time, data.program.attempt) for time, data in reviewed if not data.approved]
    broken = [(time, data.program.attempt) for time, data in executed if data.execution.reason != "ok"]
    returned = [(time, attempt) for time, attempt in rejected + broken if attempt < MAX_ATTEMPTS]
    given_up = [(time, attempt) for time, attempt in rejected + broken if attempt >= MAX_ATTEMPTS]
    last = rounds[-1] if rounds else None
    flow: tuple[tuple[str, list[Any], list[Any], str | None], ...] = (
        ("vision", parsed.all(DocumentReceived), parsed.all(DocumentDescribed), None),
        ("reasoning", parsed.all(DocumentDescribed), planned, planned[-1][1].reason if planned else None),
        ("codegen", [one for one in planned if one[1].task.plan is not None] + returned, generated, None),
        ("critic", generated, reviewed, _verdict(last)),
        ("execution", [one for one in reviewed if one[1].approved], executed, _ending(last)),
        (
            "conclusion",
            [one for one in planned if one[1].task.plan is None]
            + given_up
            + [one for one in executed if one[1].execution.reason == "ok"],
            completed,
            completed[-1][1].answer.verdict if completed else None,
        ),
    )
    ended = bool(completed or failed or parsed.all(DocumentRefused))
    for name, came, made, detail in flow:
        starts, ends = sorted(one[0] for one in came), sorted(one[0] for one in made)
        status: StageStatus = "pending"
        if failed is not None and name == failed.stage:
            status, detail = "failed", failed.reason
        elif len(starts) > len(ends) and not ended:
            status = "running"
        elif ends:
            status = "failed" if name == "execution" and broken and broken[-1][0] == ends[-1] else "done"
        elif ended:
            status = "skipped"
        yield StageState(
            name=name,
            status=status,
            attempts=max(len(starts), len(ends)) if status != "skipped" else 0,
            started_at=starts[0] if starts and status != "skipped" else None,
            finished_at=ends[-1] if ends and status != "running" else None,
            detail=detail,
        )


def _verdict(last: Attempt | None) -> str | None:
    if last is None or last.approved is None:
        return None
    return "approved" if last.approved else f"rejected, {len(last.findings)} findings"


def _ending(last: Attempt | None) -> str | None:
    return (last.execution.detail or last.execution.reason) if last is not None and last.execution else None
