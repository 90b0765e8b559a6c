"""Stage `critic`: reviews a program, and its cross-check, before either may run."""

from __future__ import annotations

from collections.abc import Sequence

from adapters.ports import Critic
from processors.stage import stage
from schemas.analyses import AnalysisFailed, CodeGenerated, CodeReviewed, Finding
from schemas.base import EventData
from schemas.envelope import Event


def _gives_up(event: Event[CodeGenerated], reason: str) -> Sequence[EventData]:
    return [AnalysisFailed(stage="critic", reason=f"the program could not be reviewed: {reason}")]


@stage(
    "critic",
    consumes=[CodeGenerated],
    emits=[CodeReviewed, AnalysisFailed],
    timeout=60,
    retries=3,
    gives_up=_gives_up,
)
async def critic(event: Event[CodeGenerated], *, critic: Critic) -> Sequence[EventData]:
    """The verdict on the program. A cross-check that is rejected is left out: the answer is then not confirmed by it,
    which costs less than having the whole program written again."""
    task, program = event.data.task, event.data.program
    review = await critic.review(program.code)
    findings = review.findings
    if review.approved and program.cross_check is not None:
        second = await critic.review(program.cross_check)
        if not second.approved:
            program = program.model_copy(update={"cross_check": None})
            findings += (_left_out(second.findings),)
    return [CodeReviewed(task=task, program=program, approved=review.approved, findings=findings)]


def _left_out(findings: Sequence[Finding]) -> Finding:
    worst = findings[0]
    message = f"the cross-check was left out: {worst.tool} {worst.rule}: {worst.message}"
    return Finding(tool="policy", rule="cross-check", severity="warning", message=message)
