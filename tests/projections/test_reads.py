"""What the read functions tell: lists, details, lineage, costs; of one tenant only."""

from __future__ import annotations

import base64
from datetime import timedelta
from decimal import Decimal

import pytest

from adapters.database import Database
from projections import builds, jobs
from projections.costs import job_costs
from projections.job_detail import JobDetail
from projections.jobs import job_detail, list_jobs
from projections.lineage import PROJECTION, job_events, lineage
from projections.runner import ProjectionRunner
from schemas.costs import CostRecorded
from schemas.errors import InvalidCursor
from streams.memory_log import MemoryEventLog
from tests.projections.job_stories import (
    ANSWER,
    COST,
    DESCRIBED,
    FAILED,
    OF_JOBS,
    PLANNED,
    RECEIVED,
    REFUSED,
    START,
    Story,
    answered,
    completed,
    executed,
    generated,
    program,
    reviewed,
    roundabout,
)


async def told(log: MemoryEventLog, runner: ProjectionRunner, database: Database, story: Story) -> JobDetail:
    """The detail of a story's job, once all of it is applied."""
    await log.append(story.messages())
    assert await runner.caught_up(within=10)
    detail = await job_detail(database.pool, story.tenant, story.job)
    assert detail is not None
    return detail


def states(detail: JobDetail) -> dict[str, str]:
    return {stage.name: stage.status for stage in detail.stages}


async def test_detail_has_everything_when_a_job_is_answered(
    log: MemoryEventLog, runner: ProjectionRunner, database: Database
) -> None:
    detail = await told(log, runner, database, answered("job"))

    assert detail.status == "completed"
    assert set(states(detail).values()) == {"done"}
    assert (detail.question, detail.filename, detail.business_id) == ("What is the total?", "invoice.jpg", "b-1")
    assert detail.document == DESCRIBED.document
    assert detail.plan == PLANNED.task.plan
    assert detail.program == program(1)
    assert detail.attempts == 1
    assert detail.answer == ANSWER
    assert detail.execution is not None
    assert detail.execution.reason == "ok"
    assert detail.created_at == START
    assert detail.cost.stages["vision"].money == {"USD": Decimal("0.0012")}
    assert (detail.failure, detail.refusal) == (None, None)


async def test_job_counts_as_completed_when_it_failed_and_was_replayed(
    log: MemoryEventLog, runner: ProjectionRunner, database: Database
) -> None:
    story = roundabout("job")
    given_up = next(number for number, event in enumerate(story.events) if event.data == FAILED) + 1
    before = Story("job")
    before.events = story.events[:given_up]
    failed = await told(log, runner, database, before)
    assert failed.status == "failed"
    assert failed.failure is not None
    assert failed.failure.stage == "execution"
    assert states(failed)["execution"] == "failed"
    assert states(failed)["conclusion"] == "skipped"

    replayed = await told(log, runner, database, story)
    assert replayed.status == "completed"
    assert replayed.failure is None
    assert replayed.program == program(3)
    assert (await list_jobs(database.pool, "local")).jobs[0].status == "completed"


async def test_costs_are_summed_when_calls_were_memoized_and_unpriced(
    log: MemoryEventLog, runner: ProjectionRunner, database: Database
) -> None:
    more = CostRecorded(stage="critic", seconds=0.25, cpu_seconds=0.1, attempts=2)
    await told(log, runner, database, Story("job").tell(RECEIVED, COST, more, COST))

    costs = await job_costs(database.pool, "local", "job")
    assert (costs.deliveries, costs.attempts, costs.seconds, costs.bytes_in) == (3, 4, 1.25, 200)
    assert (costs.model_calls, costs.memoized_calls, costs.unpriced_calls) == (6, 2, 2)
    assert (costs.input_tokens, costs.output_tokens) == (34, 10)
    assert costs.money == {"USD": Decimal("0.0024")}
    assert list(costs.stages) == ["vision", "critic"]
    assert costs.stages["critic"].cpu_seconds == pytest.approx(0.1)


async def test_lineage_puts_causes_first_when_clocks_and_partitions_disagree(
    log: MemoryEventLog, runner: ProjectionRunner, database: Database
) -> None:
    story = roundabout("job")
    await log.append(list(reversed(story.messages())))
    assert await runner.caught_up(within=10)

    nodes = await lineage(database.pool, "local", "job")
    assert [node.id for node in nodes] == [event.id for event in story.events]
    assert [node.causation_id for node in nodes[1:]] == [node.id for node in nodes[:-1]]
    assert nodes[1].summary["kind"] == "invoice"
    assert (nodes[1].topic, nodes[1].stage) == ("documents", "vision")
    events = await job_events(database.pool, "local", "job")
    assert [event.id for event in events] == [node.id for node in nodes if node.type != CostRecorded.TYPE]


async def test_lineage_tells_of_each_event_at_a_glance(
    log: MemoryEventLog, runner: ProjectionRunner, database: Database
) -> None:
    wordy = RECEIVED.model_copy(update={"question": "?" * 1000})
    story = Story("job").tell(
        wordy, REFUSED, DESCRIBED, PLANNED, generated(), reviewed(approved=False), executed(), completed(), FAILED, COST
    )
    await log.append(story.messages())
    assert await runner.caught_up(within=10)

    assert [(node.stage, node.summary) for node in await lineage(database.pool, "local", "job")] == [
        ("upload", {"filename": "invoice.jpg", "question": "?" * 239 + "…"}),
        ("upload", {"code": "broken", "reason": "the picture is broken"}),
        (
            "vision",
            {"kind": "invoice", "total": "1234.50", "currency": "EUR", "figures": 8, "tables": 0, "model": "rapidocr"},
        ),
        ("reasoning", {"planned": True, "planner": "embeddings", "confidence": 0.93, "reason": None}),
        ("codegen", {"attempt": 1, "author": "compiled"}),
        ("critic", {"attempt": 1, "approved": False, "findings": 1}),
        ("execution", {"attempt": 1, "reason": "ok", "seconds": 0.4}),
        ("conclusion", {"verdict": "answered", "text": ANSWER.text, "value": "1234.50", "unit": "EUR"}),
        ("execution", {"reason": "the sandbox is not available"}),
        ("vision", {"seconds": 0.5, "models": 3}),
    ]


async def test_lineage_still_tells_of_an_event_when_its_data_no_longer_parse(
    log: MemoryEventLog, runner: ProjectionRunner, database: Database
) -> None:
    received, described = Story("job").tell(RECEIVED, DESCRIBED).messages()
    await log.append([received, described._replace(value=b'{"document": null}')])
    assert await runner.caught_up(within=10)

    told = (await lineage(database.pool, "local", "job"))[-1]
    assert (told.type, told.stage, told.summary) == (DESCRIBED.TYPE, "test", {})


async def test_event_is_not_told_before_its_data_can_be(log: MemoryEventLog, database: Database) -> None:
    await log.append(answered("job").messages())
    await builds.prepare(database.pool, OF_JOBS)
    counts = []
    for known in ([PROJECTION], [PROJECTION, jobs.PROJECTION], OF_JOBS):
        runner = ProjectionRunner(database.pool, log, known)
        await runner.start()
        assert await runner.caught_up(within=10)
        await runner.stop()
        counts.append(len(await lineage(database.pool, "local", "job")))

    everything = len(answered("job").events)
    assert counts == [0, everything - 1, everything]


async def test_tenant_reads_nothing_of_anothers_when_ids_are_the_same(
    log: MemoryEventLog, runner: ProjectionRunner, database: Database
) -> None:
    await log.append([*answered("job", tenant="a").messages(), *Story("job", tenant="b").tell(RECEIVED).messages()])
    await log.append(answered("secret", tenant="a").messages())
    assert await runner.caught_up(within=10)
    pool = database.pool

    mine = await job_detail(pool, "b", "job")
    assert mine is not None
    assert mine.status == "queued"
    assert mine.cost.deliveries == 0
    assert await job_detail(pool, "b", "secret") is None
    assert await lineage(pool, "b", "secret") == []
    assert (await job_costs(pool, "b", "secret")).deliveries == 0
    assert [job.job_id for job in (await list_jobs(pool, "b")).jobs] == ["job"]
    assert not await runner.wait_for("secret", "b", within=0.05)
    theirs = (await list_jobs(pool, "a", limit=1)).after
    assert {job.job_id for job in (await list_jobs(pool, "b", after=theirs)).jobs} <= {"job"}


async def test_list_has_every_job_once_when_paged_while_new_ones_come(
    log: MemoryEventLog, runner: ProjectionRunner, database: Database
) -> None:
    for number in range(25):  # three a second: cursors must tell equal times apart
        start = START + timedelta(seconds=number // 3)
        await log.append(Story(f"job-{number:02}", start=start).tell(RECEIVED).messages())
    assert await runner.caught_up(within=10)

    seen: list[str] = []
    after = None
    for page_number in range(10):
        page = await list_jobs(database.pool, "local", limit=7, after=after)
        seen += [job.job_id for job in page.jobs]
        await log.append(Story(f"new-{page_number}", start=START + timedelta(days=1)).tell(RECEIVED).messages())
        assert await runner.caught_up(within=10)
        after = page.after
        if after is None:
            break

    assert sorted(seen) == [f"job-{number:02}" for number in range(25)]
    assert seen[0] == "job-24"


async def test_list_has_one_status_only_when_asked(
    log: MemoryEventLog, runner: ProjectionRunner, database: Database
) -> None:
    await log.append(answered("done").messages() + Story("new").tell(RECEIVED).messages())
    await log.append(Story("bad").tell(REFUSED).messages() + Story("lost").tell(RECEIVED, FAILED).messages())
    assert await runner.caught_up(within=10)

    for status, job in (("completed", "done"), ("queued", "new"), ("refused", "bad"), ("failed", "lost")):
        page = await list_jobs(database.pool, "local", status=status)
        assert [found.job_id for found in page.jobs] == [job]
    assert (await list_jobs(database.pool, "local", status="running")).jobs == ()


async def test_detail_is_told_without_a_fact_when_that_fact_no_longer_parses(
    log: MemoryEventLog, runner: ProjectionRunner, database: Database
) -> None:
    await told(log, runner, database, Story("job").tell(RECEIVED, DESCRIBED, PLANNED, generated(), completed()))
    schema = await database.pool.fetchval("SELECT schema FROM projections.builds WHERE projection = 'jobs'")
    await database.pool.execute(f"UPDATE {schema}.job_facts SET data = '{{}}' WHERE type LIKE '%described%'")

    detail = await job_detail(database.pool, "local", "job")
    assert detail is not None
    assert detail.document is None
    assert detail.answer == ANSWER


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "äöü",
        "!!!!",
        "bm90IGpzb24",
        base64.urlsafe_b64encode(b'["2026-11-01T00:00:00+00:00"]').decode(),
        base64.urlsafe_b64encode(b'["2026-11-01T00:00:00", "no zone"]').decode(),
        base64.urlsafe_b64encode(b'["yesterday", "job"]').decode(),
        base64.urlsafe_b64encode(b"[5, 6]").decode(),
        base64.urlsafe_b64encode(b'["2026-11-01T00:00:00+00:00", "\\u0000"]').decode(),
        base64.urlsafe_b64encode(b'["2026-11-01T00:00:00+00:00", "\\ud800"]').decode(),
        base64.urlsafe_b64encode(b'["0001-01-01T00:00:00+14:00", "job"]').decode(),
        base64.urlsafe_b64encode(b"[" * 5000).decode(),
    ],
)
async def test_list_refuses_a_cursor_when_no_page_gave_it(cursor: str) -> None:
    with pytest.raises(InvalidCursor):
        await list_jobs(None, "local", after=cursor)


async def test_list_refuses_what_it_does_not_know() -> None:
    with pytest.raises(ValueError, match="limit"):
        await list_jobs(None, "local", limit=0)
    with pytest.raises(ValueError, match="status"):
        await list_jobs(None, "local", status="done")
