"""Lineage: one row per event – who caused whom – and from it the feed of a job's events.

A row holds an event's place, on the log and in the chain of causes, so that no data are parsed to make it. What a
person is told of an event is made when it is read, from the facts and the costs of the job, which two other
projections keep: an event is told once they have it too.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from projections import costs, jobs
from projections.event_summary import summarise
from projections.projection import Column, Fact, Projection, Row, Table, printable
from schemas.base import Value
from schemas.costs import CostRecorded

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
        Column("appended_at", "timestamptz"),
    ),
    key=("tenant", "event_id"),
    indexes=("tenant, job_id",),
)


def apply(fact: Fact) -> Iterable[tuple[Table, Row]]:
    record = fact.record
    row = (
        fact.tenant,
        fact.id,
        fact.job,
        fact.causation,
        fact.type,
        _stage(record.attributes["source"]),
        record.topic,
        record.partition,
        record.offset,
        record.appended_at,
    )
    return ((EVENTS, row),)


@lru_cache(maxsize=256)
def _stage(source: str) -> str:
    """The stage in a source such as `vaultra/vision/v1`."""
    return source.removeprefix("vaultra/").partition("/")[0]


PROJECTION = Projection(
    name="lineage",
    version=2,
    topics=("uploads", "documents", "plans", "code", "executions", "analyses", "costs"),
    tables=(EVENTS,),
    apply=apply,
    reads_data=False,
)
# What the reads below read.
READ_FROM = (PROJECTION, jobs.PROJECTION, costs.PROJECTION)


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
SELECT l.event_id, l.type, l.stage, l.causation_id, l.topic, l.partition, l."offset", l.job_id, l.appended_at,
    coalesce(f.time, c.time) AS time, f.data, c.stage AS cost_stage, c.seconds, c.model_calls
FROM read.lineage l
LEFT JOIN read.job_facts f USING (tenant, job_id, event_id)
LEFT JOIN read.costs c USING (tenant, job_id, event_id)
WHERE l.tenant = $1 AND l.job_id = $2 AND (f.data IS NOT NULL OR c.seconds IS NOT NULL)
"""


async def lineage(db: Any, tenant: str, job_id: str) -> list[LineageNode]:
    """Every event of a job, causes before effects; empty where the tenant has no such job. `db`: pool, connection."""
    return _causal([_node(row) for row in await db.fetch(_OF_JOB, printable(tenant), printable(job_id))])


def _node(row: Any) -> LineageNode:
    if row["data"] is None:
        stage, summary = row["cost_stage"], {"seconds": row["seconds"], "models": row["model_calls"]}
    else:
        stage, summary = summarise(row["type"], row["data"]) or (row["stage"], {})
    return LineageNode(
        id=row["event_id"],
        type=row["type"],
        stage=stage,
        time=row["time"],
        causation_id=row["causation_id"],
        summary=summary,
        topic=row["topic"],
        partition=row["partition"],
        offset=row["offset"],
        correlation_id=row["job_id"],
        appended_at=row["appended_at"],
    )


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
