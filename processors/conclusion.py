"""Stage `conclusion`: what a job says in the end – an answer with what it rests on, or why there is none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from adapters.ports import BlobStore
from processors.answer_text import answer_text, contradiction, numbers_from_nowhere
from processors.attempts import COMPILED, failure, for_people, is_last
from processors.evaluate import evaluate_steps
from processors.printed_scale import printed_scale
from processors.stage import stage
from processors.wording import amount, figure_name, step_title
from schemas.analyses import (
    AnalysisCompleted,
    AnalysisFailed,
    AnalysisPlanned,
    Answer,
    CodeExecuted,
    CodeReviewed,
    Evidence,
    Statement,
)
from schemas.base import EventData
from schemas.documents import DocumentDescription
from schemas.envelope import Event
from schemas.errors import InvalidResult
from schemas.plans import AnalysisPlan, BalanceCheck, Count, CountFigures, LineCheck, PrintedText, Reconcile
from schemas.results import CellRef, FigureRef, LineRef, Result, parse_result

# Below this confidence of the reader, a figure is in doubt and an answer that rests on it is not stated as fact.
DOUBT_BELOW = 0.8
_MAX_EVIDENCE = 60
Consumed = AnalysisPlanned | CodeReviewed | CodeExecuted


def _gives_up(event: Event[Consumed], reason: str) -> Sequence[EventData]:
    return [AnalysisFailed(stage="conclusion", reason=f"no conclusion could be drawn: {reason}")]


@stage(
    "conclusion",
    consumes=[AnalysisPlanned, CodeReviewed, CodeExecuted],
    emits=[AnalysisCompleted, AnalysisFailed],
    timeout=60,
    retries=4,
    gives_up=_gives_up,
)
async def conclusion(event: Event[Consumed], *, blobs: BlobStore) -> Sequence[EventData]:
    """The end of a job; nothing while a program is still to be written, reviewed or run."""
    data = event.data
    if isinstance(data, AnalysisPlanned):
        return [] if data.task.plan is not None else [_without_plan(data)]
    if isinstance(data, CodeReviewed) and data.approved:
        return []
    if failure(data) is not None:
        return [_failed(data)] if is_last(data.program) else []
    assert isinstance(data, CodeExecuted)
    assert data.task.plan is not None
    document = DocumentDescription.model_validate_json(await blobs.get(data.task.description))
    result = parse_result(data.execution.result)
    if data.program.author == COMPILED:
        steps = evaluate_steps(data.task.plan, document)
        if not _agree(result, steps):
            reason = "the program's result differs from an independent calculation, so neither is stated"
            return [_failed(data, reason)]
        answer = compiled_answer(data.task.plan, steps, document, data.task.question)
    else:
        answer = _written_answer(result, data, document)
    return [
        AnalysisCompleted(
            question=data.task.question,
            answer=answer,
            plan=data.task.plan,
            planner=data.task.planner,
            program=data.program,
            findings=data.findings,
            execution=data.execution,
        )
    ]


def _without_plan(data: AnalysisPlanned) -> AnalysisCompleted:
    reason = data.reason or "the question was not understood"
    opening = "Not found" if data.missing else "Not understood"
    return AnalysisCompleted(
        question=data.task.question,
        answer=Answer(verdict="not_found" if data.missing else "not_understood", text=f"{opening}: {reason}."),
        plan=None,
        planner=data.task.planner,
    )


def _failed(data: CodeReviewed | CodeExecuted, reason: str | None = None) -> AnalysisFailed:
    return AnalysisFailed(
        stage="critic" if isinstance(data, CodeReviewed) else "conclusion" if reason else "execution",
        reason=reason or for_people(data),
        program=data.program,
        findings=data.findings,
        execution=data.execution if isinstance(data, CodeExecuted) else None,
    )


def _agree(claimed: Result, steps: Sequence[Result]) -> bool:
    """Whether the program and the evaluation say the same, to the last digit."""
    last = steps[-1]
    checks = tuple(check for step in steps for check in step.checks)[:500]
    same = (claimed.kind, claimed.value, claimed.unit, claimed.text, claimed.rows)
    return same == (last.kind, last.value, last.unit, last.text, last.rows) and claimed.checks == checks


def compiled_answer(
    plan: AnalysisPlan, steps: Sequence[Result], document: DocumentDescription, question: str
) -> Answer:
    """The answer to a typed plan from its steps' results: stated as fact when all it rests on was read clearly."""
    last, step = steps[-1], plan.steps[-1]
    evidence = tuple(_evidence(steps, document))[:_MAX_EVIDENCE]
    if last.kind == "nothing":
        text = f"Not found: {_lowered(step_title(step, document))} – the document has no such number or text."
        return Answer(verdict="not_found", text=text, evidence=evidence)
    text = answer_text(plan, steps, document)
    said = " ".join([question, *(step_title(each, document) for each in plan.steps)])
    if strange := numbers_from_nowhere(text, steps, document, said):
        text = f"{step_title(step, document)}."
        if last.value is not None:
            text = f"{step_title(step, document)}: {amount(last.value, last.unit)}."
        doubts = [f"the wording held a number from nowhere ({strange[0]}) and was dropped"]
    else:
        doubts = []
    doubts += [*plan.assumptions, *_doubts(plan, steps, document)]
    printed = all(ref.kind == "figure" for ref in last.used) and len(last.used) == 1
    by = "printed text" if isinstance(step, PrintedText) else "printed figure" if printed else "compiled from figures"
    statements = [Statement(text=text, verified=not doubts, by=by)]
    contradictions = list(_contradictions(plan, steps, document))
    for each in contradictions:
        statements.append(Statement(text=each, verified=not doubts, by="arithmetic over printed figures"))
    if (
        last.kind in ("number", "rows")
        and (scale := printed_scale(document))
        and last.unit != "%"
        and not isinstance(step, Count | CountFigures)
    ):
        statements.append(
            Statement(text=f'Numbers are as printed; the document says "{scale}".', verified=True, by="printed text")
        )
    for doubt in doubts:
        statements.append(Statement(text=f"In doubt: {doubt}.", verified=False, by="assumption or unclear reading"))
    return Answer(
        # A figure that is read well and that the document itself contradicts is not a fact either.
        verdict="unverified" if doubts or contradictions else "answered",
        text=" ".join(statement.text for statement in statements),
        value=last.value,
        unit=last.unit,
        statements=tuple(statements),
        evidence=evidence,
    )


def _lowered(text: str) -> str:
    return text[:1].lower() + text[1:]


def _contradictions(plan: AnalysisPlan, steps: Sequence[Result], document: DocumentDescription) -> Iterator[str]:
    """Checks beside the answer that do not hold: a printed total that is not what its parts give, say."""
    for step, result in zip(plan.steps[:-1], steps[:-1], strict=True):
        if isinstance(step, Reconcile | LineCheck | BalanceCheck):
            for check in result.checks:
                if not check.ok and not check.name.startswith("every "):
                    yield f"But the document contradicts itself: {contradiction(check, document.currency)}."


def _doubts(plan: AnalysisPlan, steps: Sequence[Result], document: DocumentDescription) -> list[str]:
    doubts: list[str] = []
    for step, result in zip(plan.steps, steps, strict=True):
        if isinstance(step, PrintedText) and not step.labelled:
            doubts.append(f"no label says that this is the {step.label}, only its place suggests it")
        for check in result.checks:
            if not check.ok and (check.name.startswith("every cell") or check.expected is None):
                doubts.append(contradiction(check, None))
    weak = [each for each in _evidence(steps, document) if each.confidence < DOUBT_BELOW]
    if weak:
        weakest = sorted(weak, key=lambda each: each.confidence)[:3]
        named = ", ".join(f'"{each.label}" with a confidence of {each.confidence:.0%} only' for each in weakest)
        more = f" (and {len(weak) - 3} more)" if len(weak) > 3 else ""
        doubts.append(f"read badly: {named}{more}")
    lines = [ref.line for result in steps for ref in result.used if isinstance(ref, LineRef)]
    doubts += [
        f'the line "{document.lines[line].text}" was not read clearly'
        for line in lines
        if document.lines[line].confidence < DOUBT_BELOW
    ]
    return list(dict.fromkeys(doubts))


def _evidence(steps: Sequence[Result], document: DocumentDescription) -> Iterator[Evidence]:
    """The figures and numeric cells that the steps used, each once."""
    for ref in dict.fromkeys(ref for step in reversed(steps) for ref in step.used):
        if isinstance(ref, FigureRef) and ref.figure < len(document.figures):
            figure = document.figures[ref.figure]
            yield Evidence(
                label=figure_name(document, ref.figure),
                value=figure.value,
                unit=figure.unit,
                confidence=figure.confidence,
                box=figure.box,
            )
        elif isinstance(ref, CellRef):
            yield from _cell_evidence(ref, document)


def _cell_evidence(ref: CellRef, document: DocumentDescription) -> Iterator[Evidence]:
    if ref.table >= len(document.tables):
        return
    table = document.tables[ref.table]
    rows = table.summary_rows if ref.summary else table.rows
    if ref.row >= len(rows) or ref.column >= len(table.columns):
        return
    cell = rows[ref.row][ref.column]
    if cell.value is None:
        return
    column = table.columns[ref.column]
    name = next((each.text.strip() for each in rows[ref.row] if each.value is None and each.text.strip()), "")
    yield Evidence(
        label=f"{column.name.strip() or f'column {ref.column + 1}'} of {name or f'row {ref.row + 1}'}",
        value=cell.value,
        unit=column.unit or (document.currency if column.kind == "money" else None),
        confidence=cell.confidence,
        box=cell.box,
    )


def _written_answer(result: Result, data: CodeExecuted, document: DocumentDescription) -> Answer:
    """The answer of a model's program: fact only when a second, different program gives the same."""
    evidence = tuple(_evidence([result], document))[:_MAX_EVIDENCE]
    if result.kind == "nothing" or (result.value is None and not result.text and not result.rows):
        return Answer(verdict="not_found", text="Not found: the program found no answer in the document.")
    agreed = _second_agrees(result, data)
    weak = any(each.confidence < DOUBT_BELOW for each in evidence)
    text = f"{result.text or ''}".strip()[:1000]
    if text and numbers_from_nowhere(text, [result], document, data.task.question):
        text = ""
    if result.value is not None:
        value = amount(result.value, result.unit)
        text = f"{text.rstrip('.')}: {value}." if text and value not in text else text or f"{value}."
    elif result.rows:
        text = text or ", ".join(row.label for row in result.rows[:12])
    elif not text:
        return Answer(
            verdict="not_found", text="Not found: the program's words held numbers that stand nowhere in the document."
        )
    by = "two programs from different prompts" if agreed else f"one model ({data.program.author})"
    verified = agreed and not weak
    note = "" if verified else " This was computed by a language model's program and nothing independent confirms it."
    return Answer(
        verdict="answered" if verified else "unverified",
        text=text + note,
        value=result.value,
        unit=result.unit,
        statements=(Statement(text=text, verified=verified, by=by),),
        evidence=evidence,
    )


def _second_agrees(result: Result, data: CodeExecuted) -> bool:
    """Whether the cross-check ran and gives the same number (and unit), or where there is none the same words."""
    second = data.cross_check
    if second is None or second.reason != "ok" or data.program.cross_check in (None, data.program.code):
        return False
    try:
        other = parse_result(second.result)
    except InvalidResult:
        return False
    if result.value is not None:
        return other.value == result.value and other.unit == result.unit
    words = " ".join((result.text or "").casefold().split())
    return bool(words) and words == " ".join((other.text or "").casefold().split())
