"""What a person wants to know of an event at a glance: the stage it comes from, and a few values of its data."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from pydantic import ValidationError

from schemas.analyses import (
    AnalysisCompleted,
    AnalysisFailed,
    AnalysisPlanned,
    CodeExecuted,
    CodeGenerated,
    CodeReviewed,
)
from schemas.base import EventData
from schemas.documents import DocumentDescribed, DocumentReceived, DocumentRefused
from schemas.errors import InvalidEvent
from schemas.registry import parse_data

# A summary stays small whatever people upload and ask.
_LONGEST_TEXT = 240

# (stage, values by name)
Summary = tuple[str, dict[str, Any]]


def summarise(type_name: str, data: str) -> Summary | None:
    """The summary of an event of a job from its data, which are JSON; None for what is no event we know."""
    try:
        return _summary(parse_data(type_name, data.encode()))
    except (InvalidEvent, ValidationError):
        return None


def _summary(data: EventData) -> Summary | None:
    match data:
        case DocumentReceived():
            return "upload", {"filename": _cut(data.original.filename), "question": _cut(data.question)}
        case DocumentRefused():
            return "upload", {"code": data.code, "reason": _cut(data.reason)}
        case DocumentDescribed():
            document = data.document
            return "vision", {
                "kind": document.kind,
                "total": _digits(document.total),
                "currency": document.currency,
                "figures": len(document.figures),
                "tables": len(document.tables),
                "model": data.model,
            }
        case AnalysisPlanned():
            return "reasoning", {
                "planned": data.task.plan is not None,
                "planner": data.task.planner,
                "confidence": data.confidence,
                "reason": _cut(data.reason),
            }
        case CodeGenerated():
            return "codegen", {"attempt": data.program.attempt, "author": data.program.author}
        case CodeReviewed():
            return "critic", {
                "attempt": data.program.attempt,
                "approved": data.approved,
                "findings": len(data.findings),
            }
        case CodeExecuted():
            return "execution", {
                "attempt": data.program.attempt,
                "reason": data.execution.reason,
                "seconds": data.execution.wall_seconds,
            }
        case AnalysisCompleted():
            answer = data.answer
            return "conclusion", {
                "verdict": answer.verdict,
                "text": _cut(answer.text),
                "value": _digits(answer.value),
                "unit": answer.unit,
            }
        case AnalysisFailed():
            return data.stage, {"reason": _cut(data.reason)}
        case _:
            return None


def _digits(amount: Decimal | None) -> str | None:
    return None if amount is None else f"{amount:f}"


def _cut(text: str | None) -> str | None:
    return text if text is None or len(text) <= _LONGEST_TEXT else text[: _LONGEST_TEXT - 1] + "…"
