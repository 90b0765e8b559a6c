"""The one JSON object with which `vaultra analyze --json` ends, made of a job's detail."""

from __future__ import annotations

from typing import Any


def job_report(detail: dict[str, Any]) -> dict[str, Any]:
    """`job_id, status, document, answer, author, attempts, findings, execution, refusal, cost` (and `failure`).

    Values are decimal strings; what is absent is null.
    """
    document = detail.get("document")
    execution = detail.get("execution")
    program = detail.get("program") or {}
    return {
        "job_id": detail.get("job_id"),
        "status": detail.get("status"),
        "file": detail.get("filename"),
        "question": detail.get("question"),
        "document": document and _document(document),
        "answer": detail.get("answer"),
        "author": program.get("author"),
        "attempts": detail.get("attempts"),
        "findings": detail.get("findings") or [],
        "execution": execution
        and {
            "reason": execution.get("reason"),
            "stdout": execution.get("stdout"),
            "artefacts": execution.get("artefacts") or [],
        },
        "refusal": detail.get("refusal"),
        "failure": detail.get("failure"),
        "cost": detail.get("cost"),
    }


def refused_report(job_id: str | None, filename: str, question: str | None, refusal: dict[str, Any]) -> dict[str, Any]:
    """The same object for a picture that was not accepted."""
    return job_report(
        {"job_id": job_id, "status": "refused", "filename": filename, "question": question, "refusal": refusal}
    )


def _document(document: dict[str, Any]) -> dict[str, Any]:
    return {
        "kind": document.get("kind"),
        "total": document.get("total"),
        "currency": document.get("currency"),
        "date": document.get("date"),
        "figures": [
            {name: figure.get(name) for name in ("label", "value", "unit", "confidence", "box", "role", "text")}
            for figure in document.get("figures") or ()
        ],
        "tables": document.get("tables") or [],
        "warnings": document.get("warnings") or [],
    }
