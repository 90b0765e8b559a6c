"""Stage `reasoning`: turns the question about a described document into a plan, or says why it cannot."""

from __future__ import annotations

from collections.abc import Sequence

from adapters.ports import BlobStore, CodeWriter, Planned, Planner
from processors.stage import stage
from schemas.analyses import AnalysisFailed, AnalysisPlanned, Task
from schemas.base import EventData
from schemas.documents import DocumentDescribed, DocumentDescription
from schemas.envelope import Event
from schemas.plan_bounds import out_of_bounds
from schemas.plans import AnalysisPlan, FreeForm

MAX_QUESTION = 2000


def _gives_up(event: Event[DocumentDescribed], reason: str) -> Sequence[EventData]:
    return [AnalysisFailed(stage="reasoning", reason=f"no plan could be made: {reason}")]


@stage(
    "reasoning",
    consumes=[DocumentDescribed],
    emits=[AnalysisPlanned, AnalysisFailed],
    timeout=180,
    retries=4,
    gives_up=_gives_up,
)
async def reasoning(
    event: Event[DocumentDescribed], *, planner: Planner, blobs: BlobStore, code_writer: CodeWriter | None
) -> Sequence[EventData]:
    """One AnalysisPlanned. A plan that points outside the document is none; a question that is not understood is
    handed to the code writer as a free-form step where there is one."""
    described = event.data
    document = DocumentDescription.model_validate_json(await blobs.get(described.description))
    question = " ".join((described.question or "").split())[:MAX_QUESTION]
    planned = await planner.plan(question, document)
    if planned.plan is not None and (problem := out_of_bounds(planned.plan, document)):
        planned = Planned(plan=None, confidence=0.0, reason=f"the plan does not fit the document: {problem}")
    plan, reason = planned.plan, planned.reason
    if plan is None and not planned.missing and question and code_writer is not None:
        plan, reason = AnalysisPlan(steps=(FreeForm(question=question),)), None
    if plan is not None and plan.free_form is not None and code_writer is None:
        plan, reason = None, "the question needs free-form code, and no model that writes code is configured"
    task = Task(
        question=question,
        description=described.description,
        picture=described.picture.blob,
        plan=plan,
        planner=planner.name,
    )
    if plan is None and not reason:
        reason = "the question was not understood"
    confidence = min(1.0, max(0.0, planned.confidence))
    return [AnalysisPlanned(task=task, confidence=confidence, reason=reason, missing=plan is None and planned.missing)]
