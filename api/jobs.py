"""`GET /v1/jobs`, one job, its lineage."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from api.problems import documented
from api.reads import UUID, JobId, await_event, await_projected, find_job, reading
from api.services import Services, Tenant
from projections import lineage
from projections.job_detail import JobDetail, JobStatus
from projections.jobs import JobPage, list_jobs
from projections.lineage import LineageNode

router = APIRouter(tags=["jobs"])


@router.get(
    "/v1/jobs",
    responses=documented(400, 401, 422, 503),
    summary="Jobs, newest first",
    response_description="a page of jobs",
)
async def jobs(
    services: Services,
    tenant: Tenant,
    status: Annotated[JobStatus | None, Query(description="only jobs in this state")] = None,
    limit: Annotated[int, Query(ge=1, le=200, description="jobs a page")] = 50,
    after: Annotated[str | None, Query(max_length=200, description="`after` of the page before")] = None,
) -> JobPage:
    """A page of jobs. `after` is the cursor of the next page, null on the last."""
    with reading("the jobs"):
        return await list_jobs(services.database, tenant, status=status, limit=limit, after=after)


@router.get(
    "/v1/jobs/{job_id}",
    responses=documented(401, 404, 422, 503),
    summary="A job in full",
    response_description="the job",
)
async def job(
    job_id: JobId,
    services: Services,
    tenant: Tenant,
    wait_for: Annotated[
        str | None,
        Query(
            pattern=f"^{UUID}$",
            description="id of an event that is on the log: answer once it is visible, 503 when that takes too long",
        ),
    ] = None,
) -> JobDetail:
    """Everything known about a job: stages, document, plan, code, findings, run, answer, cost."""
    if wait_for is not None:
        await await_event(services, tenant, wait_for)
    return await find_job(services, tenant, job_id)


@router.get(
    "/v1/jobs/{job_id}/lineage",
    responses=documented(401, 404, 503),
    summary="What caused what",
    response_description="the events, causes first",
)
async def job_lineage(job_id: JobId, services: Services, tenant: Tenant) -> list[LineageNode]:
    """Every event of the job with its cause and its place on the log, causes before effects."""

    async def read() -> list[LineageNode] | None:
        with reading("the lineage"):
            return await lineage.lineage(services.database, tenant, job_id) or None

    return await await_projected(services, tenant, job_id, lineage.READ_FROM, read)
