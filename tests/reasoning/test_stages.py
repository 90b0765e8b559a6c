"""The stages reasoning, codegen and conclusion: from a described document to what the job says."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from adapters.planning.embedding import EmbeddingPlanner
from adapters.ports import BlobStore, CodeWriter, Planned, Planner
from processors.codegen import codegen
from processors.conclusion import conclusion
from processors.reasoning import reasoning
from reasoning import papers
from reasoning.running import run
from schemas.analyses import (
    AnalysisCompleted,
    AnalysisFailed,
    AnalysisPlanned,
    CodeExecuted,
    CodeGenerated,
    CodeReviewed,
    ExecutionResult,
    Finding,
    Program,
    Task,
)
from schemas.base import BlobRef, EventData
from schemas.documents import Document, DocumentDescribed, DocumentDescription, Picture
from schemas.plans import AnalysisPlan, FreeForm, LookupFigure
from tests.events import event_of


class MemoryBlobs(BlobStore):
    def __init__(self) -> None:
        self._data: dict[str, bytes] = {}

    async def put(self, data: bytes, media_type: str) -> BlobRef:
        digest = hashlib.sha256(data).hexdigest()
        self._data[digest] = data
        return BlobRef(sha256=digest, size=len(data), media_type=media_type)

    async def get(self, ref: BlobRef) -> bytes:
        return self._data[ref.sha256]

    async def healthy(self) -> bool:
        return True


class Writer(CodeWriter):
    """Writes numbered programs and remembers what it was told."""

    def __init__(self) -> None:
        self.told: list[tuple[int, str | None]] = []

    @property
    def name(self) -> str:
        return "writer"

    async def write(self, task: Task, document: DocumentDescription, *, variant: int, feedback: str | None) -> str:
        self.told.append((variant, feedback))
        return f"# program {len(self.told)}"


class FixedPlanner(Planner):
    def __init__(self, planned: Planned) -> None:
        self._planned = planned

    @property
    def name(self) -> str:
        return "fixed"

    async def plan(self, question: str, document: DocumentDescription) -> Planned:
        return self._planned


async def described(blobs: MemoryBlobs, document: DocumentDescription, question: str | None) -> DocumentDescribed:
    description = await blobs.put(document.model_dump_json().encode(), "application/json")
    picture = Picture(blob=await blobs.put(b"png", "image/png"), width=1, height=1)
    inline = Document.model_validate(document.model_dump())
    return DocumentDescribed(picture=picture, document=inline, description=description, question=question, model="test")


async def planned(
    blobs: MemoryBlobs, document: DocumentDescription, question: str | None, planner: Planner, writer: CodeWriter | None
) -> AnalysisPlanned:
    ports = {"planner": planner, "blobs": blobs, "code_writer": writer}
    (output,) = await reasoning(event_of(await described(blobs, document, question)), ports)
    assert isinstance(output, AnalysisPlanned)
    return output


def ran(result: str | None, **fields: Any) -> ExecutionResult:
    return ExecutionResult(**{"reason": "ok", "backend": "test", "result": result, **fields})


async def concluded(blobs: MemoryBlobs, data: EventData) -> AnalysisCompleted | AnalysisFailed:
    (output,) = await conclusion(event_of(data), {"blobs": blobs})
    assert isinstance(output, AnalysisCompleted | AnalysisFailed)
    return output


async def whole_way(
    document: DocumentDescription, question: str | None, planner: Planner, folder: Path
) -> AnalysisCompleted | AnalysisFailed:
    """Plan, compile, run and conclude; the critic is left out."""
    blobs = MemoryBlobs()
    first = await planned(blobs, document, question, planner, None)
    programs = await codegen(event_of(first), {"blobs": blobs, "code_writer": None})
    if not programs:
        return await concluded(blobs, first)
    (generated,) = programs
    assert isinstance(generated, CodeGenerated)
    result = run(generated.program.code, document, folder).model_dump_json()
    executed = CodeExecuted(task=generated.task, program=generated.program, execution=ran(result))
    assert not await codegen(event_of(executed), {"blobs": blobs, "code_writer": None})
    return await concluded(blobs, executed)


async def test_job_is_answered_with_evidence_when_the_figures_are_clear(
    planner: EmbeddingPlanner, tmp_path: Path
) -> None:
    done = await whole_way(papers.invoice(), "How much VAT was paid?", planner, tmp_path)
    assert isinstance(done, AnalysisCompleted)
    assert (done.answer.verdict, done.answer.value, done.answer.unit) == ("answered", Decimal("190.00"), "EUR")
    assert done.answer.statements[0].verified
    assert done.answer.evidence[0].box is not None
    assert done.program is not None
    assert done.program.author == "compiled"


async def test_job_names_the_figure_in_doubt_when_it_was_read_badly(planner: EmbeddingPlanner, tmp_path: Path) -> None:
    document = papers.invoice()
    figures = (
        *document.figures[:1],
        document.figures[1].model_copy(update={"confidence": 0.41}),
        *document.figures[2:],
    )
    doubtful = document.model_copy(update={"figures": figures})
    done = await whole_way(doubtful, "How much VAT was paid?", planner, tmp_path)
    assert isinstance(done, AnalysisCompleted)
    assert done.answer.verdict == "unverified"
    assert "VAT 19%" in done.answer.text
    assert "41%" in done.answer.text


async def test_job_states_the_printed_total_and_its_contradiction_when_it_does_not_add_up(
    planner: EmbeddingPlanner, tmp_path: Path
) -> None:
    done = await whole_way(papers.wrong_total(), "What is the total?", planner, tmp_path)
    assert isinstance(done, AnalysisCompleted)
    assert done.answer.value == Decimal("1290.00")
    assert "contradicts itself" in done.answer.text
    assert "1,190.00" in done.answer.text


@pytest.mark.parametrize(
    ("question", "verdict"), [("How much is shipping?", "not_found"), ("What's the weather?", "not_understood")]
)
async def test_job_says_so_when_there_is_nothing_to_answer(
    planner: EmbeddingPlanner, tmp_path: Path, question: str, verdict: str
) -> None:
    done = await whole_way(papers.invoice(), question, planner, tmp_path)
    assert isinstance(done, AnalysisCompleted)
    assert done.answer.verdict == verdict
    assert done.answer.value is None


async def test_job_summarises_when_no_question_is_asked(planner: EmbeddingPlanner, tmp_path: Path) -> None:
    done = await whole_way(papers.receipt(), None, planner, tmp_path)
    assert isinstance(done, AnalysisCompleted)
    assert "a receipt of 2023-11-02 in USD" in done.answer.text
    assert "24.31 USD" in done.answer.text


async def test_job_fails_when_the_program_disagrees_with_the_evaluation(planner: EmbeddingPlanner) -> None:
    blobs = MemoryBlobs()
    first = await planned(blobs, papers.invoice(), "What is the subtotal?", planner, None)
    forged = json.dumps({"kind": "number", "value": "999999", "unit": "EUR", "used": []})
    program = Program(attempt=1, author="compiled", code="")
    done = await concluded(blobs, CodeExecuted(task=first.task, program=program, execution=ran(forged)))
    assert isinstance(done, AnalysisFailed)
    assert "differs" in done.reason


async def test_plan_is_refused_when_it_points_outside_the_document() -> None:
    outside = Planned(AnalysisPlan(steps=(LookupFigure(figure=99),)), 1.0)
    output = await planned(MemoryBlobs(), papers.invoice(), "x", FixedPlanner(outside), None)
    assert output.task.plan is None
    assert "there is no figure 99" in str(output.reason)


async def test_free_form_step_is_planned_only_when_a_model_writes_code() -> None:
    blobs, unknown = MemoryBlobs(), FixedPlanner(Planned(None, 0.0, "no idea"))
    without = await planned(blobs, papers.invoice(), "Compose a haiku", unknown, None)
    assert without.task.plan is None
    with_writer = await planned(blobs, papers.invoice(), "Compose a haiku", unknown, Writer())
    assert with_writer.task.plan is not None
    assert with_writer.task.plan.free_form == FreeForm(question="Compose a haiku")


async def written(blobs: MemoryBlobs, writer: Writer, data: EventData) -> Sequence[EventData]:
    return await codegen(event_of(data), {"blobs": blobs, "code_writer": writer})


async def free_form(blobs: MemoryBlobs, writer: Writer) -> tuple[Task, Program]:
    first = await planned(blobs, papers.invoice(), "Why?", FixedPlanner(Planned(None, 0.0, "?")), writer)
    (generated,) = await written(blobs, writer, first)
    assert isinstance(generated, CodeGenerated)
    return generated.task, generated.program


async def test_writer_is_told_what_failed_and_stopped_when_three_attempts_are_over() -> None:
    blobs, writer = MemoryBlobs(), Writer()
    task, program = await free_form(blobs, writer)
    assert program.cross_check is not None
    assert program.cross_check != program.code
    finding = Finding(tool="ruff", rule="F821", severity="error", message="undefined name", line=3)
    rejected = CodeReviewed(task=task, program=program, approved=False, findings=(finding,))
    assert not await conclusion(event_of(rejected), {"blobs": blobs})
    (second,) = await written(blobs, writer, rejected)
    assert isinstance(second, CodeGenerated)
    assert second.program.attempt == 2
    assert "undefined name" in str(writer.told[-1][1])
    crashed = ran(None, reason="error", stderr="ZeroDivisionError")
    (third,) = await written(blobs, writer, CodeExecuted(task=task, program=second.program, execution=crashed))
    assert isinstance(third, CodeGenerated)
    assert third.program.attempt == 3
    assert "ZeroDivisionError" in str(writer.told[-1][1])
    over = CodeExecuted(task=task, program=third.program, execution=crashed)
    assert not await written(blobs, writer, over)
    done = await concluded(blobs, over)
    assert isinstance(done, AnalysisFailed)
    assert "did not finish (error)" in done.reason


async def test_compiled_program_is_not_written_again_when_it_fails(planner: EmbeddingPlanner) -> None:
    blobs, writer = MemoryBlobs(), Writer()
    first = await planned(blobs, papers.invoice(), "What is the total?", planner, writer)
    program = Program(attempt=1, author="compiled", code="x")
    failed = CodeExecuted(task=first.task, program=program, execution=ran(None, reason="oom", detail="over 2 GiB"))
    assert not await written(blobs, writer, failed)
    done = await concluded(blobs, failed)
    assert isinstance(done, AnalysisFailed)
    assert "over 2 GiB" in done.reason


NUMBER = json.dumps({"kind": "number", "value": "42", "unit": None, "text": "The answer", "used": []})
OTHER = json.dumps({"kind": "number", "value": "43", "unit": None, "used": []})
INVENTED = json.dumps({"kind": "text", "text": "You owe 777123 dollars", "used": []})


@pytest.mark.parametrize(
    ("result", "second", "verdict"),
    [
        (NUMBER, NUMBER, "answered"),
        (NUMBER, OTHER, "unverified"),
        (NUMBER, None, "unverified"),
        (INVENTED, INVENTED, "not_found"),
        (json.dumps({"kind": "nothing"}), NUMBER, "not_found"),
    ],
)
async def test_written_program_is_believed_only_when_a_second_one_agrees(
    result: str, second: str | None, verdict: str
) -> None:
    blobs, writer = MemoryBlobs(), Writer()
    task, program = await free_form(blobs, writer)
    cross_check = None if second is None else ran(second)
    executed = CodeExecuted(task=task, program=program, execution=ran(result), cross_check=cross_check)
    done = await concluded(blobs, executed)
    assert isinstance(done, AnalysisCompleted)
    assert done.answer.verdict == verdict
    assert "777123" not in done.answer.text


@pytest.mark.parametrize(
    "hostile",
    [
        None,
        "",
        "[]",
        "nul",
        "[" * 100_000,
        '{"kind": "number", "value": 1e999999999}',
        '{"kind": "number", "value": NaN}',
        '{"kind": "number", "value": true}',
        '{"kind": "number", "value": "1", "used": [{"kind": "figure", "figure": -1}]}',
        '{"kind": "number", "value": "1", "text": "' + "x" * 300_000 + '"}',
        '{"kind": "laugh"}',
    ],
)
async def test_written_program_counts_as_failed_when_its_result_is_hostile(hostile: str | None) -> None:
    blobs, writer = MemoryBlobs(), Writer()
    task, program = await free_form(blobs, writer)
    last = program.model_copy(update={"attempt": 3})
    done = await concluded(blobs, CodeExecuted(task=task, program=last, execution=ran(hostile)))
    assert isinstance(done, AnalysisFailed)
    assert "no usable result" in done.reason
