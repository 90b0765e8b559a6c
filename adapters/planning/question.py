"""A question taken apart: its words, the concepts they name, and what of the document they mention."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from adapters.planning.dates import When
from adapters.planning.words import Word

NEUTRAL = frozenset({"function", "document"})


@dataclass(frozen=True, slots=True)
class Span:
    """Words start..end (exclusive) of the question."""

    start: int
    end: int

    @property
    def indices(self) -> frozenset[int]:
        return frozenset(range(self.start, self.end))


@dataclass(frozen=True, slots=True)
class RowMention:
    """Words that name rows through the texts of one column (None: through their dates)."""

    span: Span
    table: int
    column: int | None
    rows: tuple[int, ...]
    whole: bool


@dataclass(frozen=True, slots=True)
class ColumnMention:
    span: Span
    table: int
    column: int
    whole: bool


@dataclass(frozen=True, slots=True)
class FigureMention:
    """Words that name a figure; `covered` is the part of its label they make up."""

    span: Span
    figure: int
    covered: float


@dataclass(slots=True)
class Question:
    """`concepts` maps a name to the spans that name it; words under a longer phrase do not count for shorter ones."""

    text: str
    words: list[Word]
    concepts: dict[str, list[Span]]
    rows: list[RowMention] = field(default_factory=list)
    columns: list[ColumnMention] = field(default_factory=list)
    figures: list[FigureMention] = field(default_factory=list)
    whens: list[tuple[Span, When]] = field(default_factory=list)

    def has(self, *names: str) -> bool:
        return any(name in self.concepts for name in names)

    def spans(self, *names: str) -> frozenset[int]:
        """All word positions that these concepts cover."""
        return frozenset(i for name in names for span in self.concepts.get(name, ()) for i in span.indices)

    @property
    def mentioned(self) -> frozenset[int]:
        """All word positions that name something of the document."""
        spans = [m.span for m in self.rows] + [m.span for m in self.columns] + [m.span for m in self.figures]
        return frozenset(i for span in spans for i in span.indices)

    @property
    def numbers(self) -> list[tuple[int, Decimal]]:
        return [(i, word.number) for i, word in enumerate(self.words) if word.number is not None]

    @property
    def content(self) -> frozenset[int]:
        """Positions of the words that must mean something."""
        neutral = self.spans(*NEUTRAL) - self.spans("manner", "who", "when", "negation")
        return frozenset(range(len(self.words))) - neutral


def how_much(question: Question) -> bool:
    """Whether an amount is asked for in the plainest way; languages with one word for it have the concept `how`."""
    return any(
        question.words[span.start].stem == "how" and question.words[span.end - 1].stem == "much"
        for span in question.concepts.get("function", ())
    )
