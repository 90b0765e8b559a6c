"""Jobs: one row a job to list them, and the facts of every job, from which its detail is told.

A job's detail is a pure function of its facts (`projections/job_detail.py`), so it is the same in whatever order they
came. When a job failed and, replayed from its dead letter, was answered, the answer counts.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, get_args

from projections.costs import job_costs
from projections.cursor import read_cursor, write_cursor
from projections.job_detail import JobDetail, JobFact, JobStatus, JobSummary, tell
from projections.projection import Column, Fact, Projection, Row, Table, printable
from schemas.analyses import AnalysisCompleted, AnalysisFailed
from schemas.base import Value
from schemas.documents import DocumentReceived, DocumentRefused

# A job's status is the greatest it ever had: its number is its place here.
STATUSES: tuple[JobStatus, ...] = get_args(JobStatus)
QUEUED, RUNNING, REFUSED, FAILED, COMPLETED = range(5)
MAX_PAGE = 200

JOBS = Table(
    "jobs",
    columns=(
        Column("tenant", "text"),
        Column("job_id", "text"),
        Column("status", "smallint", merge="greatest"),
        Column("created_at", "timestamptz", merge="least"),
        Column("updated_at", "timestamptz", merge="greatest"),
        Column("question", "text", merge="greatest"),
        Column("filename", "text", merge="greatest"),
        Column("business_id", "text", merge="greatest"),
    ),
    key=("tenant", "job_id"),
    indexes=("tenant, created_at DESC, job_id DESC", "tenant, status, created_at DESC, job_id DESC"),
    # A job's row changes with each of its events.
    settings="WITH (fillfactor = 70)",
)
FACTS = Table(
    "job_facts",
    columns=(
        Column("tenant", "text"),
        Column("job_id", "text"),
        Column("event_id", "text"),
        Column("type", "text"),
        Column("time", "timestamptz"),
        Column("offset", "bigint"),
        Column("data", "text"),
    ),
    key=("tenant", "job_id", "event_id"),
)


def apply(fact: Fact) -> Iterable[tuple[Table, Row]]:
    question = filename = business = None
    match fact.type:
        case DocumentReceived.TYPE | DocumentRefused.TYPE:
            status = QUEUED if fact.type == DocumentReceived.TYPE else REFUSED
            question = printable(fact.data.get("question"))
            filename = printable(fact.data["original"].get("filename"))
            business = printable(fact.data.get("business_id"))
        case AnalysisFailed.TYPE:
            status = FAILED
        case AnalysisCompleted.TYPE:
            status = COMPLETED
        case _:
            status = RUNNING
    return (
        (JOBS, (fact.tenant, fact.job, status, fact.time, fact.time, question, filename, business)),
        (FACTS, (fact.tenant, fact.job, fact.id, fact.type, fact.time, fact.offset, fact.json)),
    )


PROJECTION = Projection(
    name="jobs",
    version=1,
    topics=("uploads", "documents", "plans", "code", "executions", "analyses"),
    tables=(JOBS, FACTS),
    apply=apply,
)


class JobPage(Value):
    """Jobs, newest first. `after` is the cursor of the next page, None on the last."""

    jobs: tuple[JobSummary, ...]
    after: str | None


_LIST = """
SELECT job_id, status, question, filename, business_id, created_at, updated_at FROM read.jobs
WHERE tenant = $1 AND ($2::smallint IS NULL OR status = $2)
AND ($3::timestamptz IS NULL OR (created_at, job_id) < ($3, $4))
ORDER BY created_at DESC, job_id DESC LIMIT $5
"""


async def list_jobs(
    db: Any, tenant: str, *, status: str | None = None, limit: int = 50, after: str | None = None
) -> JobPage:
    """A page of a tenant's jobs, newest first. `db`: asyncpg pool or connection; `limit` is 1 to MAX_PAGE.

    Raises InvalidCursor for an `after` that no page gave, ValueError for another status or limit.
    """
    if status is not None and status not in STATUSES:
        raise ValueError(f"status must be one of {', '.join(STATUSES)}")
    if not 1 <= limit <= MAX_PAGE:
        raise ValueError(f"limit must be 1 to {MAX_PAGE}")
    created_at, job_id = read_cursor(after) if after is not None else (None, None)
    number = None if status is None else STATUSES.index(status)
    rows = await db.fetch(_LIST, printable(tenant), number, created_at, job_id, limit + 1)
    jobs = tuple(JobSummary(**{**row, "status": STATUSES[row["status"]]}) for row in rows[:limit])
    return JobPage(jobs=jobs, after=write_cursor(jobs[-1].created_at, jobs[-1].job_id) if len(rows) > limit else None)


async def job_detail(db: Any, tenant: str, job_id: str) -> JobDetail | None:
    """Everything about a job; None where the tenant has no such job. `db`: asyncpg pool or connection."""
    rows = await db.fetch(
        "SELECT event_id, type, time, data FROM read.job_facts WHERE tenant = $1 AND job_id = $2",
        printable(tenant),
        printable(job_id),
    )
    if not rows:
        return None
    return tell(job_id, [JobFact(**row) for row in rows], await job_costs(db, tenant, job_id))
