"""Reading a job: from the projections, and right after its upload with a short wait for them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, TypeVar

import asyncpg
from fastapi import Depends, Path
from pydantic import WithJsonSchema

from adapters.database import reaching
from api.problems import not_found, unavailable
from api.services import ApiServices
from projections import builds, jobs
from projections.catalogue import PROJECTIONS
from projections.job_detail import JobDetail
from projections.jobs import job_detail
from projections.projection import Projection
from schemas.documents import DocumentReceived
from schemas.errors import Unavailable
from streams.log import TopicPartition
from streams.partitioner import partition_of
from streams.topics import topic_of

UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
# For projections in another process; those of this one wake at once.
_POLL = 0.1
# Uploads one partition may be behind until a request no longer looks through them: beyond, the answer is "later".
_LOOK_THROUGH = 2000
_PROJECTED_TOPICS = sorted({topic for projection in PROJECTIONS for topic in projection.topics})

T = TypeVar("T")


async def _job_id(
    job_id: Annotated[str, Path(description="id of the job"), WithJsonSchema({"type": "string", "format": "uuid"})],
) -> str:
    if not re.fullmatch(UUID, job_id):
        raise not_found()
    return job_id


JobId = Annotated[str, Depends(_job_id)]


@contextmanager
def reading(what: str) -> Iterator[None]:
    """Around reads of the projections: a database that is gone or not prepared becomes Unavailable."""
    try:
        with reaching(what):
            yield
    except asyncpg.UndefinedTableError as error:
        raise Unavailable(f"{what}: the projections were never started") from error


async def find_job(services: ApiServices, tenant: str, job_id: str) -> JobDetail:
    """A job of this tenant.

    One that stands on the log but is not projected yet is waited for, so that the `status_url` of a 202 is good at
    once. Raises a 404 problem for an unknown job or another tenant's, a 503 one when the projection does not catch up.
    """

    async def read() -> JobDetail | None:
        with reading("the jobs"):
            return await job_detail(services.database, tenant, job_id)

    return await await_projected(services, tenant, job_id, (jobs.PROJECTION,), read)


async def await_projected(
    services: ApiServices,
    tenant: str,
    job_id: str,
    projections: Sequence[Projection],
    read: Callable[[], Awaitable[T | None]],
) -> T:
    """What `read` gives of projections, read again for a while when the job is on the log and not projected yet."""
    found = await read()
    if found is None:
        if not await _ahead_of(projections, services, tenant, job_id):
            found = await read()  # it may have been projected between the two looks
            if found is None:
                raise not_found()
            return found
        found = await _until_projected(services, tenant, job_id, read)
    if found is None:
        raise unavailable("The job is accepted, and will be visible once the projections have caught up.")
    return found


async def _until_projected(
    services: ApiServices, tenant: str, job_id: str, read: Callable[[], Awaitable[T | None]]
) -> T | None:
    clock = asyncio.get_running_loop().time
    deadline = clock() + services.limits.wait_for
    with services.progress.changes(tenant, job_id) as watch:
        while True:
            found = await read()
            left = deadline - clock()
            if found is not None or left <= 0:
                return found
            await watch.wait(min(left, _POLL))


async def _ahead_of(projections: Sequence[Projection], services: ApiServices, tenant: str, job_id: str) -> bool:
    """Whether the upload stands on the log after what all of them have applied: its key tells the partition.

    Raises a 503 problem when there is too much to look through.
    """
    topic = topic_of(DocumentReceived)
    place = TopicPartition(topic.name, partition_of(job_id, topic.partitions))
    with reading("the projections"):
        start = min([await _applied(services.database, one, place) for one in projections if topic.name in one.topics])
    end = (await services.log.latest([topic.name]))[place]
    if end - start > _LOOK_THROUGH:
        raise unavailable("The projections are far behind the log. Whether this job exists is known later.")
    while start < end:
        records = await services.log.read({place: start}, limit=500)
        for record in records:
            if (record.attributes.get("id"), record.attributes.get("tenantid")) == (job_id, tenant):
                return True
        if not records:
            break
        start = records[-1].offset + 1
    return False


async def _applied(db: asyncpg.Pool, projection: Projection, place: TopicPartition) -> int:
    """The offset a projection goes on at."""
    build = await builds.with_status(db, projection, "active")
    done = await builds.checkpoints(db, build) if build else {}
    return done.get(place, 0)


async def await_event(services: ApiServices, tenant: str, event_id: str) -> None:
    """Return once an event of this tenant that stands on the log is visible in every projection.

    Raises a 404 problem when the projections have read all there was and it is not among it, a 503 one when they do
    not get there in time.
    """
    with reading("the projections"):
        if await services.progress.wait_for(event_id, tenant, within=0):
            return
        latest = await services.log.latest(_PROJECTED_TOPICS)
        heads = {(place.topic, place.partition): offset for place, offset in latest.items()}
        caught_up = await services.progress.wait_until(heads, within=services.limits.wait_for)
        if await services.progress.wait_for(event_id, tenant, within=0):
            return
    raise not_found("No event of yours has this id.") if caught_up else unavailable("The projections are behind.")
