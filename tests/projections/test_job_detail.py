"""The detail of a job as a function of its facts: the state of every stage at every moment."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from projections import jobs
from projections.applying import fold
from projections.costs import JobCosts
from projections.job_detail import JobDetail, JobFact, Refusal, tell
from schemas.base import EventData
from tests.projections.job_stories import (
    BROKEN,
    DESCRIBED,
    FINDING,
    NOT_PLANNED,
    PLANNED,
    RECEIVED,
    REFUSED,
    Story,
    executed,
    generated,
    records,
    reviewed,
    roundabout,
)


def detail_of(story: Story, order: random.Random | None = None) -> JobDetail:
    found = records([story])
    if order is not None:
        order.shuffle(found)
    rows = fold(jobs.PROJECTION, found).rows[jobs.FACTS]
    return tell(story.job, [JobFact(row[2], row[3], row[4], row[6]) for row in rows], JobCosts())


def states(detail: JobDetail) -> dict[str, str]:
    return {stage.name: stage.status for stage in detail.stages}


@pytest.mark.parametrize(
    ("facts", "status", "running", "done"),
    [
        ((RECEIVED,), "queued", "vision", ()),
        ((RECEIVED, DESCRIBED), "running", "reasoning", ("vision",)),
        ((RECEIVED, DESCRIBED, PLANNED), "running", "codegen", ("vision", "reasoning")),
        ((RECEIVED, DESCRIBED, NOT_PLANNED), "running", "conclusion", ("vision", "reasoning")),
        (
            (RECEIVED, DESCRIBED, PLANNED, generated(1), reviewed(1, approved=False)),
            "running",
            "codegen",
            ("vision", "reasoning", "critic"),
        ),
        (
            (RECEIVED, DESCRIBED, PLANNED, generated(3), reviewed(3, approved=False)),
            "running",
            "conclusion",
            ("vision", "reasoning", "codegen", "critic"),
        ),
        (
            (RECEIVED, DESCRIBED, PLANNED, generated(1), reviewed(1)),
            "running",
            "execution",
            ("vision", "reasoning", "codegen", "critic"),
        ),
    ],
)
def test_detail_names_the_stage_that_is_running_when_a_job_is_under_way(
    facts: tuple[EventData, ...], status: str, running: str, done: tuple[str, ...]
) -> None:
    detail = detail_of(Story("job").tell(*facts))

    found = states(detail)
    assert detail.status == status
    assert [name for name, state in found.items() if state == "running"] == [running]
    assert tuple(name for name, state in found.items() if state == "done") == done


def test_detail_shows_each_round_when_code_was_rejected_and_failed() -> None:
    story = Story("job").tell(RECEIVED, DESCRIBED, PLANNED, generated(1), reviewed(1, approved=False))
    detail = detail_of(story.tell(generated(2), reviewed(2), executed(2, BROKEN)))

    assert [(one.program.attempt, one.approved) for one in detail.rounds] == [(1, False), (2, True)]
    assert detail.rounds[0].findings == (FINDING,)
    assert detail.execution == BROKEN
    assert states(detail)["execution"] == "failed"
    assert states(detail)["codegen"] == "running"


def test_refused_picture_is_a_job_with_its_reason() -> None:
    detail = detail_of(Story("job").tell(REFUSED))

    assert detail.status == "refused"
    assert detail.refusal == Refusal(code="broken", reason="the picture is broken")
    assert set(states(detail).values()) == {"skipped"}


@given(order=st.randoms(use_true_random=False))
@settings(max_examples=50, deadline=None)
def test_detail_is_the_same_when_facts_come_in_any_order(order: random.Random) -> None:
    assert detail_of(roundabout("job"), order) == detail_of(roundabout("job"))
