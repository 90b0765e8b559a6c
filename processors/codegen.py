"""Stage `codegen`: compiles typed plans, has a model write free-form ones, and takes what failed back to it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from adapters.ports import BlobStore, CodeWriter
from processors.attempts import COMPILED, failure, is_last
from processors.compile import compile_plan
from processors.stage import stage
from schemas.analyses import (
    AnalysisFailed,
    AnalysisPlanned,
    CodeExecuted,
    CodeGenerated,
    CodeReviewed,
    Program,
    Task,
)
from schemas.base import EventData
from schemas.documents import DocumentDescription
from schemas.envelope import Event

Consumed = AnalysisPlanned | CodeReviewed | CodeExecuted


def _gives_up(event: Event[Consumed], reason: str) -> Sequence[EventData]:
    program = None if isinstance(event.data, AnalysisPlanned) else event.data.program
    return [AnalysisFailed(stage="codegen", reason=f"no program could be written: {reason}", program=program)]


@stage(
    "codegen",
    consumes=[AnalysisPlanned, CodeReviewed, CodeExecuted],
    emits=[CodeGenerated, AnalysisFailed],
    timeout=300,
    retries=4,
    gives_up=_gives_up,
)
async def codegen(event: Event[Consumed], *, blobs: BlobStore, code_writer: CodeWriter | None) -> Sequence[EventData]:
    """The first program of a plan, or the next one after a failure; nothing for what went well or was the last."""
    data = event.data
    task = data.task
    if task.plan is None:
        return []
    attempt, feedback = 1, None
    if not isinstance(data, AnalysisPlanned):
        feedback = failure(data)
        if feedback is None or is_last(data.program):
            return []
        attempt = data.program.attempt + 1
    document = DocumentDescription.model_validate_json(await blobs.get(task.description))
    if task.plan.free_form is None:
        program = Program(attempt=1, author=COMPILED, code=compile_plan(task.plan, document))
    elif code_writer is None:
        return [AnalysisFailed(stage="codegen", reason="no model that writes code is configured")]
    else:
        program = await _written(code_writer, task, document, attempt, feedback)
    return [CodeGenerated(task=task, program=program)]


async def _written(
    writer: CodeWriter, task: Task, document: DocumentDescription, attempt: int, feedback: str | None
) -> Program:
    """Two samples from different prompts: where they agree, the answer may be stated as fact."""
    code, second = await asyncio.gather(
        writer.write(task, document, variant=0, feedback=feedback),
        writer.write(task, document, variant=1, feedback=feedback),
    )
    return Program(attempt=attempt, author=writer.name, code=code, cross_check=second if second != code else None)
