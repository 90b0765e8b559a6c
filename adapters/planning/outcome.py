"""What a reading of a question comes to, and whether it accounts for every word."""

from __future__ import annotations

from dataclasses import dataclass

from adapters.planning.question import Question
from schemas.plans import Step


@dataclass(frozen=True, slots=True)
class Reading:
    """A plan's steps, the words it rests on, and how sure its structure is (0..1)."""

    steps: tuple[Step, ...]
    used: frozenset[int]
    score: float = 0.95
    assumption: str | None = None


@dataclass(frozen=True, slots=True)
class Absent:
    """The question is understood and the document has no such thing; `what` for people."""

    what: str
    used: frozenset[int] = frozenset()


Outcome = Reading | Absent | None


WEAK = (
    "pay",
    "sell",
    "row",
    "transaction",
    "point",
    "column_word",
    "list",
    "money",
    "group_by",
    "until",
    "from",
    "generic",
    "single",
)


def explained(question: Question) -> frozenset[int]:
    """Words that some concept or some mention explains: the others make a question one that was not understood."""
    found = frozenset(i for spans in question.concepts.values() for span in spans for i in span.indices)
    return found | question.mentioned


def unexplained(question: Question, used: frozenset[int]) -> frozenset[int]:
    """Words that mean something and that a plan which rests on `used` leaves out."""
    return question.content - used - question.spans(*WEAK)
