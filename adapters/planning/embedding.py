"""The planner that needs no language model: words and document are matched by rules, what they leave open by
sentence embeddings, and what stays open is refused."""

from __future__ import annotations

from collections.abc import Sequence

from adapters.planning.catalogue import FORMS
from adapters.planning.paper import PaperView, paper_view
from adapters.planning.question import Question, parse
from adapters.planning.readings import Absent, Reading, read, unexplained
from adapters.ports import Embedder, Planned, Planner
from schemas.documents import DocumentDescription
from schemas.plan_bounds import out_of_bounds
from schemas.plans import AnalysisPlan

# A question is taken for a form of the catalogue at this similarity, and only when the best form of another meaning
# is this much further away. Measured on held-out questions: tests/reasoning/test_planner_rates.py.
FORM_THRESHOLD = 0.74
FORM_MARGIN = 0.06
# An unknown word is taken for a label at this similarity and margin to the next label.
LABEL_THRESHOLD = 0.62
LABEL_MARGIN = 0.12
MAX_LABELS = 120


class EmbeddingPlanner(Planner):
    """Plans by rules over words, labels and embeddings. The same question and document give the same plan."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._forms: list[tuple[str, Sequence[float]]] | None = None

    @property
    def name(self) -> str:
        return f"forms/{self._embedder.name}"

    async def plan(self, question: str, document: DocumentDescription) -> Planned:
        """A plan, or why there is none: `missing` when the document lacks what was asked for."""
        paper = paper_view(document)
        parsed = parse(question, paper)
        outcome = read(parsed, paper)
        if isinstance(outcome, Reading):
            return self._planned(outcome, document, outcome.score)
        reading = await self._by_label(parsed, paper) or await self._by_form(parsed, paper)
        if reading is not None:
            return self._planned(reading, document, reading.score)
        if isinstance(outcome, Absent):
            return Planned(None, 0.0, f"the document has no {_without_article(outcome.what)}", missing=True)
        return _refused(parsed, paper)

    def _planned(self, reading: Reading, document: DocumentDescription, score: float) -> Planned:
        plan = AnalysisPlan(steps=reading.steps)
        if problem := out_of_bounds(plan, document):
            return Planned(None, 0.0, f"no plan fits the document ({problem})")
        return Planned(plan, score)

    async def _by_label(self, parsed: Question, paper: PaperView) -> Reading | None:
        """Reads the question again with its unknown words replaced by the one label that means the same."""
        unknown = _unknown(parsed)
        if not unknown or len(unknown) > 3 or unknown[-1] - unknown[0] >= 4:
            return None
        phrase = " ".join(parsed.words[i].raw for i in range(unknown[0], unknown[-1] + 1))
        labels = _labels(paper)
        if not labels or any(char.isdigit() for char in phrase):
            return None
        vectors = await self._embedder.embed([phrase, *labels])
        scored = sorted(
            ((_dot(vectors[0], v), label) for v, label in zip(vectors[1:], labels, strict=True)), reverse=True
        )
        best = scored[0]
        rival = scored[1][0] if len(scored) > 1 else 0.0
        if best[0] < LABEL_THRESHOLD or best[0] - rival < LABEL_MARGIN:
            return None
        words = [word.raw for word in parsed.words]
        words[unknown[0] : unknown[-1] + 1] = [best[1]]
        outcome = read(parse(" ".join(words), paper), paper)
        if not isinstance(outcome, Reading):
            return None
        return Reading(outcome.steps, outcome.used, score=min(outcome.score, best[0]))

    async def _by_form(self, parsed: Question, paper: PaperView) -> Reading | None:
        """Reads the catalogue's plain question in place of one that means the same in other words."""
        if parsed.numbers or parsed.rows or len(parsed.words) > 16 or len(parsed.words) < 2:
            return None
        if self._forms is None:
            texts = [(form, canonical) for canonical, forms in FORMS.items() for form in (canonical, *forms)]
            vectors = await self._embedder.embed([form for form, _ in texts])
            self._forms = [(canonical, vector) for (_, canonical), vector in zip(texts, vectors, strict=True)]
        asked = (await self._embedder.embed([parsed.text]))[0]
        best: dict[str, float] = {}
        for canonical, vector in self._forms:
            best[canonical] = max(best.get(canonical, -1.0), _dot(asked, vector))
        (first, score), (_, second) = sorted(best.items(), key=lambda item: -item[1])[:2]
        if score < FORM_THRESHOLD or score - second < FORM_MARGIN:
            return None
        outcome = read(parse(first, paper), paper)
        return Reading(outcome.steps, outcome.used, score=score) if isinstance(outcome, Reading) else None


def _unknown(parsed: Question) -> list[int]:
    """Words that neither the vocabulary nor the document explains."""
    explained = frozenset(i for spans in parsed.concepts.values() for span in spans for i in span.indices)
    for mention in (*parsed.rows, *parsed.columns, *parsed.figures):
        explained |= mention.span.indices
    return sorted(unexplained(parsed, explained))


def _labels(paper: PaperView) -> list[str]:
    """Names that an unknown word may stand for: columns, rows and figures, each once."""
    found: list[str] = []
    for view in paper.tables:
        found += [column.name for column in view.columns]
        if view.labels is not None:
            found += [row[view.labels].text for row in view.table.rows]
    found += [figure.label for figure in paper.document.figures]
    clean = (" ".join(label.split())[:80] for label in found)
    return list(dict.fromkeys(label for label in clean if any(char.isalpha() for char in label)))[:MAX_LABELS]


def _dot(a: Sequence[float], b: Sequence[float]) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True))


def _without_article(what: str) -> str:
    return what.removeprefix("a ").removeprefix("an ")


def _refused(parsed: Question, paper: PaperView) -> Planned:
    unknown = _unknown(parsed)
    if unknown:
        names = ", ".join(f'"{parsed.words[i].raw}"' for i in unknown[:4])
        understood = any(name not in ("function", "document") for name in parsed.concepts)
        if understood:
            return Planned(None, 0.0, f"nothing in the document is called {names}", missing=True)
        return Planned(None, 0.0, f"the question is about {names}, which the document does not mention")
    if not paper.document.figures and not paper.tables:
        return Planned(None, 0.0, "no figures or tables could be read in this picture", missing=True)
    return Planned(None, 0.0, "the question can be read in several ways or in none; name a column, a row or a figure")
