"""Lineage: one row per event – who caused whom – and from it the feed of a job's events."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NotRequired

from pydantic import TypeAdapter
from pydantic_core import from_json, to_json

# Pydantic reads only this TypedDict on Python 3.11.
from typing_extensions import TypedDict

from projections.projection import Column, Fact, Projection, Row, Table, printable
from schemas.analyses import (
    AnalysisCompleted,
    AnalysisFailed,
    AnalysisPlanned,
    CodeExecuted,
    CodeGenerated,
    CodeReviewed,
)
from schemas.base import Value
from schemas.costs import CostRecorded
from schemas.documents import DocumentDescribed, DocumentReceived, DocumentRefused

# The summary stays small whatever people upload and ask.
SUMMARY_TEXT = 240

EVENTS = Table(
    "lineage",
    columns=(
        Column("tenant", "text"),
        Column("event_id", "text"),
        Column("job_id", "text"),
        Column("causation_id", "text"),
        Column("type", "text"),
        Column("stage", "text"),
        Column("topic", "text"),
        Column("partition", "integer"),
        Column("offset", "bigint"),
        Column("time", "timestamptz"),
        Column("appended_at", "timestamptz"),
        Column("summary", "text"),
    ),
    key=("tenant", "event_id"),
    indexes=("tenant, job_id",),
)


def apply(fact: Fact) -> Iterable[tuple[Table, Row]]:
    stage, summary = _stage_and_summary(fact)
    record = fact.record
    row = (
        fact.tenant,
        fact.id,
        fact.job,
        fact.causation,
        fact.type,
        stage,
        record.topic,
        record.partition,
        record.offset,
        fact.time,
        record.appended_at,
        to_json(summary).decode(),
    )
    return ((EVENTS, row),)


class _Thing(TypedDict):
    """An object of which only the being there matters."""


class _Original(TypedDict):
    filename: NotRequired[str | None]


class _Document(TypedDict):
    kind: str
    total: NotRequired[str | None]
    currency: NotRequired[str | None]
    figures: NotRequired[list[_Thing]]
    tables: NotRequired[list[_Thing]]


class _Task(TypedDict):
    plan: NotRequired[_Thing | None]
    planner: str


class _Program(TypedDict):
    attempt: int
    author: str


class _Execution(TypedDict):
    reason: str
    wall_seconds: NotRequired[float]


class _Answer(TypedDict):
    verdict: str
    text: str
    value: NotRequired[str | None]
    unit: NotRequired[str | None]


# What summaries are made of, by type of event; the rest of the data is never made Python objects of.


class _Received(TypedDict):
    original: _Original
    question: NotRequired[str | None]


class _Refused(TypedDict):
    code: str
    reason: str


class _Described(TypedDict):
    document: _Document
    model: str


class _Planned(TypedDict):
    task: _Task
    confidence: float
    reason: NotRequired[str | None]


class _Generated(TypedDict):
    program: _Program


class _Reviewed(TypedDict):
    program: _Program
    approved: bool
    findings: NotRequired[list[_Thing]]


class _Executed(TypedDict):
    program: _Program
    execution: _Execution


class _Completed(TypedDict):
    answer: _Answer


class _Failed(TypedDict):
    stage: str
    reason: str


class _Cost(TypedDict):
    stage: str
    seconds: float
    models: NotRequired[list[_Thing]]


_RECEIVED = TypeAdapter(_Received)
_REFUSED = TypeAdapter(_Refused)
_DESCRIBED = TypeAdapter(_Described)
_PLANNED = TypeAdapter(_Planned)
_GENERATED = TypeAdapter(_Generated)
_REVIEWED = TypeAdapter(_Reviewed)
_EXECUTED = TypeAdapter(_Executed)
_COMPLETED = TypeAdapter(_Completed)
_FAILED = TypeAdapter(_Failed)
_COST = TypeAdapter(_Cost)


def _stage_and_summary(fact: Fact) -> tuple[str, dict[str, Any]]:
    """Which stage an event comes from, and what a person wants to know of it at a glance."""
    match fact.type:
        case DocumentReceived.TYPE:
            received = fact.read(_RECEIVED)
            filename = received["original"].get("filename")
            return "upload", {"filename": _cut(filename), "question": _cut(received.get("question"))}
        case DocumentRefused.TYPE:
            refused = fact.read(_REFUSED)
            return "upload", {"code": refused["code"], "reason": _cut(refused["reason"])}
        case DocumentDescribed.TYPE:
            described = fact.read(_DESCRIBED)
            document = described["document"]
            return "vision", {
                "kind": document["kind"],
                "total": document.get("total"),
                "currency": document.get("currency"),
                "figures": len(document.get("figures", ())),
                "tables": len(document.get("tables", ())),
                "model": described["model"],
            }
        case AnalysisPlanned.TYPE:
            planned = fact.read(_PLANNED)
            return "reasoning", {
                "planned": planned["task"].get("plan") is not None,
                "planner": planned["task"]["planner"],
                "confidence": planned["confidence"],
                "reason": _cut(planned.get("reason")),
            }
        case CodeGenerated.TYPE:
            program = fact.read(_GENERATED)["program"]
            return "codegen", {"attempt": program["attempt"], "author": program["author"]}
        case CodeReviewed.TYPE:
            reviewed = fact.read(_REVIEWED)
            return "critic", {
                "attempt": reviewed["program"]["attempt"],
                "approved": reviewed["approved"],
                "findings": len(reviewed.get("findings", ())),
            }
        case CodeExecuted.TYPE:
            executed = fact.read(_EXECUTED)
            return "execution", {
                "attempt": executed["program"]["attempt"],
                "reason": executed["execution"]["reason"],
                "seconds": executed["execution"].get("wall_seconds", 0.0),
            }
        case AnalysisCompleted.TYPE:
            answer = fact.read(_COMPLETED)["answer"]
            return "conclusion", {
                "verdict": answer["verdict"],
                "text": _cut(answer["text"]),
                "value": answer.get("value"),
                "unit": answer.get("unit"),
            }
        case AnalysisFailed.TYPE:
            failed = fact.read(_FAILED)
            return failed["stage"], {"reason": _cut(failed["reason"])}
        case CostRecorded.TYPE:
            cost = fact.read(_COST)
            return cost["stage"], {"seconds": cost["seconds"], "models": len(cost.get("models", ()))}
        case _:
            return _source_stage(fact), {}


def _source_stage(fact: Fact) -> str:
    """The stage in a source such as `vaultra/vision/v1`."""
    return fact.record.attributes["source"].removeprefix("vaultra/").partition("/")[0]


def _cut(text: str | None) -> str | None:
    return text if text is None or len(text) <= SUMMARY_TEXT else text[: SUMMARY_TEXT - 1] + "…"


PROJECTION = Projection(
    name="lineage",
    version=1,
    topics=("uploads", "documents", "plans", "code", "executions", "analyses", "costs"),
    tables=(EVENTS,),
    apply=apply,
)


class JobEvent(Value):
    """An event of a job as the live feed tells it. `summary` has a few plain values, by type of event."""

    id: str
    type: str
    stage: str
    time: datetime
    causation_id: str | None
    summary: dict[str, Any]


class LineageNode(JobEvent):
    """An event in its place: on the log and in the chain of causes. `appended_at` is the log's time."""

    topic: str
    partition: int
    offset: int
    correlation_id: str
    appended_at: datetime


_OF_JOB = """
SELECT event_id, type, stage, time, causation_id, summary, topic, partition, "offset", job_id, appended_at
FROM read.lineage WHERE tenant = $1 AND job_id = $2
"""


async def lineage(db: Any, tenant: str, job_id: str) -> list[LineageNode]:
    """Every event of a job, causes before effects; empty where the tenant has no such job. `db`: pool, connection."""
    nodes = [
        LineageNode(
            id=row["event_id"],
            type=row["type"],
            stage=row["stage"],
            time=row["time"],
            causation_id=row["causation_id"],
            summary=from_json(row["summary"]),
            topic=row["topic"],
            partition=row["partition"],
            offset=row["offset"],
            correlation_id=row["job_id"],
            appended_at=row["appended_at"],
        )
        for row in await db.fetch(_OF_JOB, printable(tenant), printable(job_id))
    ]
    return _causal(nodes)


async def job_events(db: Any, tenant: str, job_id: str) -> list[JobEvent]:
    """The events of a job in causal order, without costs: what the live feed sends."""
    return [
        JobEvent(**node.model_dump(include=set(JobEvent.model_fields)))
        for node in await lineage(db, tenant, job_id)
        if node.type != CostRecorded.TYPE
    ]


def _causal(nodes: Sequence[LineageNode]) -> list[LineageNode]:
    """Causes before effects and otherwise as appended: clocks of several processes may disagree, causes do not."""
    known = {node.id for node in nodes}
    waiting: dict[str, list[LineageNode]] = {}
    ready: list[tuple[datetime, str, LineageNode]] = []
    for node in nodes:
        if node.causation_id in known and node.causation_id != node.id:
            waiting.setdefault(node.causation_id or "", []).append(node)
        else:
            ready.append((node.appended_at, node.id, node))
    heapq.heapify(ready)
    ordered: list[LineageNode] = []
    while ready:
        node = heapq.heappop(ready)[2]
        ordered.append(node)
        for effect in waiting.pop(node.id, ()):
            heapq.heappush(ready, (effect.appended_at, effect.id, effect))
    # Only events that claim to cause each other in a circle are left; they are shown all the same.
    left = [node for effects in waiting.values() for node in effects]
    return ordered + sorted(left, key=lambda node: (node.appended_at, node.id))
