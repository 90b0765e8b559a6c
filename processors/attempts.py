"""When a program has failed, what its author is told, and when there is no further attempt."""

from __future__ import annotations

from schemas.analyses import MAX_ATTEMPTS, CodeExecuted, CodeReviewed, ExecutionResult, Program
from schemas.errors import InvalidResult
from schemas.results import parse_result

# Author of programs compiled from typed steps. The same plan compiles to the same program, so it is tried once.
COMPILED = "compiled"
_TAIL = 1500


def is_last(program: Program) -> bool:
    """Whether no other program follows when this one fails."""
    return program.author == COMPILED or program.attempt >= MAX_ATTEMPTS


def failure(data: CodeReviewed | CodeExecuted) -> str | None:
    """Why the program failed, for its author: findings, or reason and the end of its error output. None if it did
    not: approved, or run to its end with a result that parses."""
    if isinstance(data, CodeReviewed):
        if data.approved:
            return None
        findings = [f for f in data.findings if f.severity != "info"][:20]
        lines = [f"line {f.line or '-'}: {f.tool} {f.rule}: {f.message}"[:300] for f in findings]
        return "The review rejected the program:\n" + ("\n".join(lines) or "no reason given")
    return _run_failure(data.execution)


def _run_failure(execution: ExecutionResult) -> str | None:
    if execution.reason != "ok":
        told = f"The program did not finish: {execution.reason}. {execution.detail or ''}".rstrip()
        return f"{told}\n{execution.stderr[-_TAIL:]}".rstrip()
    try:
        parse_result(execution.result)
    except InvalidResult as error:
        return f"The program ran, but {error}."
    return None


def for_people(data: CodeReviewed | CodeExecuted) -> str:
    """One sentence about the failure, without the program's own words."""
    if isinstance(data, CodeReviewed):
        rules = sorted({f"{f.tool} {f.rule}" for f in data.findings if f.severity != "info"})
        return f"the program was rejected by the review ({', '.join(rules[:5]) or 'no reason given'})"
    if data.execution.reason != "ok":
        return f"the program did not finish ({data.execution.reason}): {data.execution.detail or 'no detail given'}"
    return "the program wrote no usable result"
