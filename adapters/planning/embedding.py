"""The planner that needs no language model: words and document are matched by rules, what they leave open by
sentence embeddings, and what stays open is refused."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass

from adapters.planning.catalogue import FORMS
from adapters.planning.outcome import WEAK, Absent, Outcome, Reading, explained, unexplained
from adapters.planning.paper import PaperView, paper_view
from adapters.planning.parsing import parse
from adapters.planning.question import NEUTRAL, Question
from adapters.planning.readings import read
from adapters.planning.small_words import TIME_UNITS
from adapters.planning.words import words
from adapters.ports import Embedder, Planned, Planner
from schemas.documents import DocumentDescription
from schemas.plan_bounds import out_of_bounds
from schemas.plans import AnalysisPlan, Count, CountFigures

# A question is taken for a form of the catalogue at this similarity, and only when the best form of another meaning
# is this much further away. Measured on held-out questions: tests/reasoning/test_planner_rates.py.
FORM_THRESHOLD = 0.78
FORM_MARGIN = 0.06
# From here on two questions differ in spelling only, and the answer needs no caveat. Below it they may differ in the
# one word that counts: "how much came into the account" is 0.87 from "how much was in the account at the start".
FORM_CERTAIN = 0.97
# An unknown word is taken for a label at this similarity and margin to the next label.
LABEL_THRESHOLD = 0.62
LABEL_MARGIN = 0.12
MAX_LABELS = 120
MAX_WORDS = 80


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
        if len(words(question, MAX_WORDS + 1)) > MAX_WORDS:
            return Planned(None, 0.0, f"the question has more than {MAX_WORDS} words: ask one thing in one sentence")
        # In a thread: over a table of a thousand rows this takes a good part of a second.
        paper, parsed, outcome = await asyncio.to_thread(_read, question, document)
        if isinstance(outcome, Reading):
            return _planned(outcome, document, outcome.assumption)
        guess = _by_initials(parsed, paper) or await self._by_label(parsed, paper) or await self._by_form(parsed, paper)
        if guess is not None:
            return _planned(guess.reading, document, guess.assumption)
        if isinstance(outcome, Absent) and (document.figures or document.tables):
            return Planned(None, 0.0, f"the document has no {_without_article(outcome.what)}", missing=True)
        return _refused(parsed, paper)

    async def _by_label(self, parsed: Question, paper: PaperView) -> _Guess | None:
        """Reads the question again with its unknown words replaced by the one column or figure that means the same.

        Never by a row: "East" is near "West" for an embedding, and is not it.
        """
        unknown = _unknown(parsed)
        timed = {i for span, _ in parsed.whens for i in span.indices}
        timed |= {i for i, word in enumerate(parsed.words) if word.stem in TIME_UNITS}  # "which month" is no date
        if parsed.has("manner", "who", "when", "negation") or timed & set(unknown):
            return None
        if not unknown or len(unknown) > 3 or unknown[-1] - unknown[0] >= 4:
            return None
        phrase = " ".join(parsed.words[i].raw for i in range(unknown[0], unknown[-1] + 1))
        labels = _labels(paper)
        if not labels or any(char.isdigit() for char in phrase):
            return None
        vectors = await self._embedder.embed([phrase, *labels])
        scored = sorted(
            ((_dot(vectors[0], vector), label) for vector, label in zip(vectors[1:], labels, strict=True)), reverse=True
        )
        score, label = scored[0]
        rival = scored[1][0] if len(scored) > 1 else 0.0
        if score < LABEL_THRESHOLD or score - rival < LABEL_MARGIN or _opposite(phrase, label):
            return None
        parts = [word.raw for word in parsed.words]
        parts[unknown[0] : unknown[-1] + 1] = [label]
        outcome = read(parse(" ".join(parts), paper), paper)
        if not isinstance(outcome, Reading):
            return None
        reading = Reading(outcome.steps, outcome.used, score=min(outcome.score, score))
        return _Guess(reading, f'"{phrase}" was taken to mean "{label}"')

    async def _by_form(self, parsed: Question, paper: PaperView) -> _Guess | None:
        """Reads the catalogue's plain question in place of one that means the same in other words."""
        if parsed.numbers or parsed.rows or not 2 <= len(parsed.words) <= 16:
            return None
        if self._forms is None:
            texts = [(form, canonical) for canonical, forms in FORMS.items() for form in (canonical, *forms)]
            vectors = await self._embedder.embed([form for form, _ in texts])
            self._forms = [(canonical, vector) for (_, canonical), vector in zip(texts, vectors, strict=True)]
        asked = (await self._embedder.embed([parsed.text]))[0]
        best: dict[str, float] = {}
        for canonical, vector in self._forms:
            best[canonical] = max(best.get(canonical, -1.0), _dot(asked, vector))
        (canonical, score), (_, second) = sorted(best.items(), key=lambda item: -item[1])[:2]
        if score < FORM_THRESHOLD or score - second < FORM_MARGIN:
            return None
        plain = parse(canonical, paper)
        if not _names(parsed) <= _names(plain):
            return None
        outcome = read(plain, paper)
        if not isinstance(outcome, Reading):
            return None
        sold = parsed.has("sell") and paper.document.kind not in ("invoice", "receipt", "estimate")
        if isinstance(outcome.steps[-1], Count | CountFigures) and (sold or _unknown(parsed)):
            return None  # what nobody knows, or what was sold elsewhere, is not counted as rows
        assumption = outcome.assumption if score >= FORM_CERTAIN else f'the question was read as "{canonical}"'
        return _Guess(Reading(outcome.steps, outcome.used, score=min(1.0, score)), assumption)


def _read(question: str, document: DocumentDescription) -> tuple[PaperView, Question, Outcome]:
    paper = paper_view(document)
    parsed = parse(question, paper)
    outcome = read(parsed, paper)
    if not isinstance(outcome, Reading) and (named := _by_brackets(question, paper)) is not None:
        return paper, *named
    if not isinstance(outcome, Reading) and paper.points and paper.tables:
        # A chart's table holds its points once more: a question may fit the one and not the other.
        bare = paper_view(document.model_copy(update={"tables": ()}))
        again = parse(question, bare)
        if isinstance(by_points := read(again, bare), Reading):
            return bare, again, by_points
    return paper, parsed, outcome


_BRACKETS = re.compile(r"\s*\(([^()]{2,60})\)")


def _by_brackets(question: str, paper: PaperView) -> tuple[Question, Reading] | None:
    """`the wages (Lohnzahlungen)`: what stands in brackets as the document calls it, in place of the words before it,
    the fewest that give a reading."""
    match = _BRACKETS.search(question)
    if match is None or not _called(paper, match[1]):
        return None
    before = question[: match.start()].split(" ")
    for fewer in range(1, min(4, len(before))):
        parsed = parse(" ".join([*before[:-fewer], match[1]]) + question[match.end() :], paper)
        outcome = read(parsed, paper)
        if isinstance(outcome, Reading):
            return parsed, outcome
    return None


def _called(paper: PaperView, name: str) -> bool:
    """Whether the document has a row, a column or a figure called so."""
    said = parse(name, paper)
    spans = [m.span for m in said.rows] + [m.span for m in said.columns] + [m.span for m in said.figures]
    return any(len(span.indices) == len(said.words) for span in spans)


@dataclass(frozen=True, slots=True)
class _Guess:
    """A reading that rests on nearness of meaning, and what it takes for granted (None when near enough)."""

    reading: Reading
    assumption: str | None


# What these stand for is settled; other initials fit by chance, and an answer says what they were taken for.
_ABBREVIATIONS = {
    "mrr": ("monthly recurring revenue",), "arr": ("annual recurring revenue", "annualized recurring revenue",
    "annualised recurring revenue"), "aov": ("average order value",), "ytd": ("year to date",),
    "mtd": ("month to date",), "qtd": ("quarter to date",), "arpu": ("average revenue per user",),
    "cac": ("customer acquisition cost", "customer acquisition costs"), "ltv": ("lifetime value",),
    "clv": ("customer lifetime value",), "nps": ("net promoter score",), "ctr": ("click through rate",),
    "cpc": ("cost per click",), "roi": ("return on investment",), "roas": ("return on ad spend",),
    "cogs": ("cost of goods sold",), "eps": ("earnings per share",), "dau": ("daily active users",),
    "mau": ("monthly active users",), "wau": ("weekly active users",), "gmv": ("gross merchandise value",
    "gross merchandise volume"), "kpi": ("key performance indicator",), "fte": ("full time equivalent",
    "full time equivalents"), "apr": ("annual percentage rate",), "csat": ("customer satisfaction",),
}  # fmt: skip


def _by_initials(parsed: Question, paper: PaperView) -> _Guess | None:
    """Reads an unknown short word as the words of a label whose initials it is ("MRR"), or unknown words as the label
    that is their initials. None when several labels fit."""
    unknown = _unknown(parsed)
    if not unknown:
        return None
    labels = [[word.raw for word in words(label, 24)] for label in _phrases(paper)]
    first, last = unknown[0], unknown[-1] + 1
    said = parsed.words[first].raw.casefold()
    found: dict[str, bool] = {}
    if last - first == 1:
        if not (3 <= len(said) <= 6 and said.isalpha()):
            return None
        meant = set(_ABBREVIATIONS.get(said, ()))
        for label in labels:
            for start in range(len(label) - len(said) + 1):
                part = label[start : start + len(said)]
                spelt = " ".join(part).casefold()
                initials = "".join(word[0] for word in part).casefold() == said
                if meant and spelt in meant:
                    found[spelt] = True
                elif initials and not meant and len(part) == len(label) and parsed.words[first].raw.isupper():
                    found[spelt] = False
    else:
        at = first, last
        for start in range(max(0, first - 2), first + 1):
            for end in range(last, min(last + 2, len(parsed.words)) + 1):
                phrase = " ".join(word.raw for word in parsed.words[start:end]).casefold()
                short = {
                    each for label in labels for each in label if phrase in _ABBREVIATIONS.get(each.casefold(), ())
                }
                if short:
                    found |= dict.fromkeys(short, True)
                    at = start, end
        first, last = at
    if len(found) != 1:
        return None
    ((meaning, settled),) = found.items()
    parts = [word.raw for word in parsed.words]
    phrase = " ".join(parts[first:last])
    parts[first:last] = [meaning]
    outcome = read(parse(" ".join(parts), paper), paper)
    if not isinstance(outcome, Reading):
        return None
    assumption = None if settled else f'"{phrase}" was taken to mean "{meaning}"'
    return _Guess(outcome, outcome.assumption or assumption)


def _phrases(paper: PaperView) -> list[str]:
    """What initials may be those of: columns, figures, rows, a chart's title."""
    titles = [line.text for line in paper.document.lines[:3]] if paper.document.kind == "chart" else []
    return [*_labels(paper), *_row_labels(paper), *titles]


def _row_labels(paper: PaperView) -> list[str]:
    return [row[view.labels].text for view in paper.tables if view.labels is not None for row in view.table.rows][:400]


def _names(question: Question) -> set[str]:
    """The concepts that a question is about: a form that leaves one out does not mean the same."""
    return {name for name in question.concepts if name not in NEUTRAL and name not in WEAK and name != "manner"}


def _planned(reading: Reading, document: DocumentDescription, assumption: str | None = None) -> Planned:
    plan = AnalysisPlan(steps=reading.steps, assumptions=(assumption[:400],) if assumption else ())
    if problem := out_of_bounds(plan, document):
        return Planned(None, 0.0, f"no plan fits the document ({problem})")
    return Planned(plan, reading.score)


def _opposite(phrase: str, label: str) -> bool:
    """ "inactive" and "active" are near in meaning-space and are not one thing: nor are words that contain another."""
    ours = {word.stem for word in words(phrase)}
    theirs = {word.stem for word in words(label)}
    return any(a != b and (a in b or b in a) for a in ours for b in theirs if len(a) > 3 and len(b) > 3)


def _unknown(parsed: Question) -> list[int]:
    """Words that neither the vocabulary nor the document explains."""
    return sorted(unexplained(parsed, explained(parsed)))


def _labels(paper: PaperView) -> list[str]:
    """Names that an unknown word may stand for: columns and figures, points of a chart apart."""
    found: list[str] = []
    for view in paper.tables:
        found += [column.name for column in view.columns]
    found += [figure.label for figure in paper.document.figures if figure.role != "data_point"]
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
    named = ", ".join(f'"{label}"' for label in _labels(paper)[:4])
    such = f", such as {named}" if named else ""
    return Planned(
        None, 0.0, f"the question can be read in several ways or in none; name a column, a row or a figure{such}"
    )
