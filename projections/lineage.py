"""Lineage: one row per event – who caused whom – and from it the feed of a job's events."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NotRequired, TypeVar

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
from schemas.errors import InvalidEvent
from schemas.registry import KNOWN_TYPES

# The summary stays small whatever people upload and ask.
SUMMARY_TEXT = 240
T = TypeVar("T")

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


class _Told(TypedDict, total=False):
    """What summaries are made of, in the data of any event; the rest of it is never made Python objects of."""

    answer: _Answer
    approved: bool
    code: str
    confidence: float
    document: _Document
    execution: _Execution | None
    findings: list[_Thing]
    model: str
    models: list[_Thing]
    original: _Original
    program: _Program | None
    question: str | None
    reason: str | None
    seconds: float
    stage: str
    task: _Task


_TOLD = TypeAdapter(_Told)


def _stage_and_summary(fact: Fact) -> tuple[str, dict[str, Any]]:
    """Which stage an event comes from, and what a person wants to know of it at a glance."""
    if fact.type not in KNOWN_TYPES:
        return _source_stage(fact), {}
    data = fact.read(_TOLD)
    match fact.type:
        case DocumentReceived.TYPE:
            filename = data["original"].get("filename")
            return "upload", {"filename": _cut(filename), "question": _cut(data.get("question"))}
        case DocumentRefused.TYPE:
            return "upload", {"code": data["code"], "reason": _cut(data["reason"])}
        case DocumentDescribed.TYPE:
            document = data["document"]
            return "vision", {
                "kind": document["kind"],
                "total": document.get("total"),
                "currency": document.get("currency"),
                "figures": len(document.get("figures", ())),
                "tables": len(document.get("tables", ())),
                "model": data["model"],
            }
        case AnalysisPlanned.TYPE:
            task = data["task"]
            return "reasoning", {
                "planned": task.get("plan") is not None,
                "planner": task["planner"],
                "confidence": data["confidence"],
                "reason": _cut(data.get("reason")),
            }
        case CodeGenerated.TYPE:
            program = _there(data["program"])
            return "codegen", {"attempt": program["attempt"], "author": program["author"]}
        case CodeReviewed.TYPE:
            return "critic", {
                "attempt": _there(data["program"])["attempt"],
                "approved": data["approved"],
                "findings": len(data.get("findings", ())),
            }
        case CodeExecuted.TYPE:
            execution = _there(data["execution"])
            return "execution", {
                "attempt": _there(data["program"])["attempt"],
                "reason": execution["reason"],
                "seconds": execution.get("wall_seconds", 0.0),
            }
        case AnalysisCompleted.TYPE:
            answer = data["answer"]
            return "conclusion", {
                "verdict": answer["verdict"],
                "text": _cut(answer["text"]),
                "value": answer.get("value"),
                "unit": answer.get("unit"),
            }
        case AnalysisFailed.TYPE:
            return data["stage"], {"reason": _cut(data["reason"])}
        case CostRecorded.TYPE:
            return data["stage"], {"seconds": data["seconds"], "models": len(data.get("models", ()))}
        case _:
            return _source_stage(fact), {}


def _source_stage(fact: Fact) -> str:
    """The stage in a source such as `vaultra/vision/v1`."""
    return fact.record.attributes["source"].removeprefix("vaultra/").partition("/")[0]


def _there(part: T | None) -> T:
    if part is None:
        raise InvalidEvent("an event about a program or its run has none")
    return part


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
