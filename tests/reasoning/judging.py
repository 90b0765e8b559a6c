"""Asks a planner about papers and judges the answers: right, wrong, or refused."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation

from adapters.ports import Planner
from processors.conclusion import compiled_answer
from processors.evaluate import evaluate_steps
from schemas.analyses import Answer
from schemas.documents import DocumentDescription


@dataclass(slots=True)
class Rates:
    """Counts by outcome, and what went wrong. `wrong` counts answers stated as fact; `hedged` wrong unverified ones."""

    counts: Counter[str] = field(default_factory=Counter)
    misses: list[str] = field(default_factory=list)
    slowest: float = 0.0


async def answer(planner: Planner, question: str, document: DocumentDescription) -> Answer | None:
    planned = await planner.plan(question, document)
    if planned.plan is None:
        return None
    return compiled_answer(planned.plan, evaluate_steps(planned.plan, document), document, question)


def outcome(expected: str | None, given: Answer | None) -> str:
    """right, wrong, hedged (wrong, but not stated as fact) or refused."""
    if given is None or given.verdict in ("not_found", "not_understood"):
        return "right" if expected is None else "refused"
    right = expected is not None and (_same(expected, given) or _says(expected, given))
    return "right" if right else "wrong" if given.verdict == "answered" else "hedged"


def _same(expected: str, given: Answer) -> bool:
    try:
        return given.value == Decimal(expected)
    except InvalidOperation:
        return False


def _says(expected: str, given: Answer) -> bool:
    """Whether the answer's words say it: each part of a list; a number only as what the answer begins with."""
    text = given.text.casefold()
    if given.value is not None and expected.replace(".", "").isdigit():
        return text.startswith(expected)
    return all(part.casefold() in text for part in re.split(r"[;,] ", expected))


async def rates(
    planner: Planner,
    papers: Mapping[str, DocumentDescription],
    questions: Sequence[tuple[str, str, str | None]],
) -> Rates:
    result = Rates()
    for name, question, expected in questions:
        started = time.perf_counter()
        given = await answer(planner, question, papers[name])
        result.slowest = max(result.slowest, time.perf_counter() - started)
        judged = outcome(expected, given)
        result.counts[judged] += 1
        if judged != "right":
            said = None if given is None else f"{given.verdict}: {given.text}"
            result.misses.append(f"{judged}: [{name}] {question!r} expected {expected!r}, got {said!r}")
    return result
