"""A question taken apart: its words, the concepts they name, and what of the document they mention."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from adapters.planning.dates import When, read_date
from adapters.planning.paper import PaperView, stems
from adapters.planning.vocabulary import MONTHS, longest_phrase, phrase_table
from adapters.planning.words import Word, alike, words

_LONGEST_MENTION = 7
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


def parse(text: str, paper: PaperView) -> Question:
    found = words(text)
    question = Question(text, found, _concepts(found))
    question.whens = _whens(found)
    _describe_document(question, paper)
    question.rows = _row_mentions(question, paper)
    question.columns = _column_mentions(question, paper)
    question.figures = _figure_mentions(question, paper)
    return question


def _describe_document(question: Question, paper: PaperView) -> None:
    """`the hotel bill`: a word before the document's own name that the page prints says which one it is."""
    known = {i for spans in question.concepts.values() for span in spans for i in span.indices}
    named = [span.start - 1 for span in question.concepts.get("document", ()) if span.start - 1 not in known]
    for at in (at for at in named if at >= 0):
        if any(question.words[at].stem in stems(line.text) for line in paper.document.lines):
            question.concepts["document"].append(Span(at, at + 1))


def how_much(question: Question) -> bool:
    """Whether an amount is asked for in the plainest way; languages with one word for it have the concept `how`."""
    return any(
        question.words[span.start].stem == "how" and question.words[span.end - 1].stem == "much"
        for span in question.concepts.get("function", ())
    )


def _concepts(found: Sequence[Word]) -> dict[str, list[Span]]:
    table, taken = phrase_table(), [0] * len(found)
    concepts: dict[str, list[Span]] = {}
    for length in range(min(longest_phrase(), len(found)), 0, -1):
        for start in range(len(found) - length + 1):
            names = table.get(tuple(word.stem for word in found[start : start + length]))
            if not names or any(taken[start : start + length]):
                continue
            for name in names:
                concepts.setdefault(name, []).append(Span(start, start + length))
            if length > 1:
                taken[start : start + length] = [1] * length
    # "VAT at 7%" asks for no share: the sign belongs to the number.
    shares = [
        span
        for span in concepts.get("share", ())
        if not (span.end - span.start == 1 and _percent_of_number(found, span.start))
    ]
    if "share" in concepts:
        concepts["share"] = shares
        if not shares:
            del concepts["share"]
    for position, word in enumerate(found):
        alone = position + 1 == len(found) or found[position + 1].stem not in (
            "much",
            "many",
            "high",
            "big",
            "large",
            "long",
        )
        if word.stem == "how" and alone and not taken[position]:
            concepts.setdefault("manner", []).append(Span(position, position + 1))
    return _misspelt(found, concepts)


def _percent_of_number(found: Sequence[Word], at: int) -> bool:
    return found[at].stem in ("%", "percent", "prozent") and at > 0 and found[at - 1].number is not None


def _misspelt(found: Sequence[Word], concepts: dict[str, list[Span]]) -> dict[str, list[Span]]:
    """A long word that nothing knows and that is one edit from a known one: "totl" no, "avarage" yes."""
    known = {i for spans in concepts.values() for span in spans for i in span.indices}
    table = phrase_table()
    for position, word in enumerate(found):
        if position in known or len(word.stem) < 6 or not word.stem.isalpha():
            continue
        close = [
            phrase
            for phrase in table
            if len(phrase) == 1
            and len(phrase[0]) >= 6
            and (alike(phrase[0], word.stem) or ("row" in table[phrase] and _plural(phrase[0], word.stem)))
        ]
        names = {name for phrase in close for name in table[phrase]}
        # "posters" is no misspelt "Posten": what is counted is never guessed, but for its plural.
        if names & {"row", "transaction", "point"} and not any(_plural(phrase[0], word.stem) for phrase in close):
            continue
        if len(names) == 1:
            concepts.setdefault(names.pop(), []).append(Span(position, position + 1))
    return concepts


def _plural(known: str, said: str) -> bool:
    """`Positionen` of `Position`, `articoli` of `articolo`."""
    if said.startswith(known) and said[len(known) :] in ("e", "n", "en", "er", "s", "es"):
        return True
    return known[:-1] == said[:-1] and known[-1] in "oae" and said[-1] in "ie"


_BEFORE_MAY = {
    "in",
    "of",
    "for",
    "to",
    "from",
    "and",
    "between",
    "since",
    "until",
    "through",
    "during",
    "by",
    "than",
    "on",
    "or",
}


def _whens(found: Sequence[Word]) -> list[tuple[Span, When]]:
    """Months, quarters, years and days in a question: `March`, `Q1 2023`, `5 January`, `2021`."""
    result: list[tuple[Span, When]] = []
    position = 0
    while position < len(found):
        start, month, day, year, quarter = position, None, None, None, None
        end = position
        while end < len(found):
            word = found[end]
            number = word.number
            if number is not None and number == int(number) and word.raw.isdigit():
                if 1900 <= number <= 2100 and year is None:
                    year = int(number)
                elif 1 <= number <= 31 and day is None and _month_beside(found, end):
                    day = int(number)
                else:
                    break
            elif word.stem in MONTHS and month is None and _is_month(found, end):
                month = MONTHS[word.stem]
            elif word.stem == "q" and quarter is None and end + 1 < len(found) and found[end + 1].raw in "1234":
                quarter = int(found[end + 1].raw)
                end += 1
            elif (
                word.stem in ("first", "second", "third", "fourth")
                and found[end + 1 : end + 2]
                and found[end + 1].stem == "quarter"
            ):
                quarter = ("first", "second", "third", "fourth").index(word.stem) + 1
                end += 1
            elif not (
                end > start
                and word.stem in ("of", "the", "st", "nd", "rd", "th", "de", "del", "di")
                and end + 1 < len(found)
                and (found[end + 1].stem in MONTHS or found[end + 1].raw.isdigit())
            ):
                break
            end += 1
        if end > start and (month or year or quarter):
            result.append((Span(start, end), When(year, month, day, quarter)))
            position = end
        else:
            position += 1
    return result


def _month_beside(found: Sequence[Word], at: int) -> bool:
    near = [word.stem for word in (*found[max(0, at - 2) : at], *found[at + 1 : at + 4])]
    return any(stem in MONTHS for stem in near)


def _is_month(found: Sequence[Word], at: int) -> bool:
    word = found[at]
    if word.stem not in ("may", "mar", "march", "mai", "set", "dec", "sep", "abr"):
        return True
    before = found[at - 1].stem if at else ""
    return (word.raw[0].isupper() and at > 0) or before in _BEFORE_MAY


def _strong(question: Question, span: Span) -> bool:
    """Whether a span may mention a part of a label: starts and ends with a word that no vocabulary explains."""
    known = frozenset(i for spans in question.concepts.values() for each in spans for i in each.indices)
    functions = question.spans("function")
    ends = (span.start, span.end - 1)
    return all(i not in known or (i > 0 and _name_like(question.words[i].raw, i in functions)) for i in ends)


def _name_like(raw: str, function: bool) -> bool:
    """A capital inside a sentence makes a function word a name: "Dan", "Van Dyke"."""
    return function and len(raw) > 2 and raw[0].isupper() and raw[1:].islower()


def _telling(question: Question, span: Span) -> list[Word]:
    """A span's words without those that say nothing: "visitors today" of "visitors came today"."""
    silent = question.spans("function")
    return [word for i, word in enumerate(question.words[span.start : span.end], span.start) if i not in silent]


def _covers(span: Sequence[Word], label: Sequence[str]) -> bool:
    return bool(span) and all(any(alike(word.stem, part) for part in label) for word in span)


def _fully(span: Sequence[Word], label: Sequence[str]) -> bool:
    return len(span) == len(label) and all(alike(word.stem, part) for word, part in zip(span, label, strict=True))


def _spans(question: Question) -> Iterable[Span]:
    """Candidate spans, longest first."""
    count = len(question.words)
    for length in range(min(_LONGEST_MENTION, count), 0, -1):
        for start in range(count - length + 1):
            yield Span(start, start + length)


def _single_letter_of_speech(question: Question, span: Span) -> bool:
    """`a` in "what is a total" is no bar called A; `A` is."""
    if span.end - span.start != 1:
        return False
    word = question.words[span.start]
    return (len(word.raw) == 1 and not (word.raw.isupper() or word.raw.isdigit())) or (word.raw == "I")


def _only_function(question: Question, span: Span) -> bool:
    return span.indices <= question.spans("function")


def _row_mentions(question: Question, paper: PaperView) -> list[RowMention]:
    mentions: list[RowMention] = []
    for view in paper.tables:
        taken: set[int] = set()
        for span in _spans(question):
            if span.indices & taken or _single_letter_of_speech(question, span):
                continue
            part = question.words[span.start : span.end]
            mention = _rows_named(question, span, part, view.index, paper)
            if mention is not None:
                mentions.append(mention)
                taken |= span.indices
        for span, when in question.whens:
            rows = tuple(i for i, date in enumerate(view.row_dates) if date is not None and when.covers(date))
            overlapping = [m for m in mentions if m.table == view.index and m.span.indices & span.indices]
            if rows and not any(m.whole and m.column != view.dates for m in overlapping):
                mentions = [m for m in mentions if m not in overlapping]
                mentions.append(RowMention(span, view.index, None, rows, whole=True))
    return sorted(mentions, key=lambda mention: mention.span.start)


def _rows_named(
    question: Question, span: Span, part: Sequence[Word], table: int, paper: PaperView
) -> RowMention | None:
    view = next(each for each in paper.tables if each.index == table)
    text_columns = [column.index for column in view.columns if not column.numeric]
    ordered = sorted(text_columns, key=lambda column: (column != view.labels, column))
    for column in ordered:
        labels = [row[column] for row in view.row_stems]
        full = tuple(i for i, label in enumerate(labels) if label and _fully(part, label))
        upper = len(part) == 1 and len(part[0].raw) == 1
        if full and (upper or not _only_function(question, span)):
            return RowMention(span, table, column, full, whole=True)
    if not _strong(question, span) or (len(part) == 1 and (len(part[0].stem) < 3 or part[0].number is not None)):
        return None
    for column in ordered:
        if column == view.dates and column != view.labels:
            continue
        some = tuple(i for i, row in enumerate(view.row_stems) if row[column] and _covers(part, row[column]))
        if some and len(some) < max(2, len(view.row_stems)):
            return RowMention(span, table, column, some, whole=False)
    return None


def _column_mentions(question: Question, paper: PaperView) -> list[ColumnMention]:
    mentions: list[ColumnMention] = []
    for view in paper.tables:
        taken: set[int] = set()
        for span in _spans(question):
            if span.indices & taken or _single_letter_of_speech(question, span):
                continue
            part = _telling(question, span)
            if any(span.indices < each.indices and span.end < each.end for each in question.concepts.get("sum", ())):
                continue  # "paid in total" names no column "Paid in"
            full = [c for c in view.columns if c.stems and _fully(question.words[span.start : span.end], c.stems)]
            strong = _strong(question, span)
            found = full or ([c for c in view.columns if c.stems and _covers(part, c.stems)] if strong else [])
            if found and (full or len(part[0].stem) > 2 or len(part) > 1) and not _only_function(question, span):
                mentions += [ColumnMention(span, view.index, c.index, bool(full)) for c in found]
                taken |= span.indices
        for span, when in question.whens:
            # "in 2024" under a heading of 31 Dec 2024, "in June" under Jun.
            dated = [c for c in view.columns if c.numeric and (date := read_date(c.name)) and when.covers(date)]
            if dated and not span.indices & taken:
                mentions += [ColumnMention(span, view.index, c.index, whole=True) for c in dated]
                taken |= span.indices
    return mentions


def _figure_mentions(question: Question, paper: PaperView) -> list[FigureMention]:
    mentions: list[FigureMention] = []
    taken: set[int] = set()
    for span in _spans(question):
        if span.indices & taken or _single_letter_of_speech(question, span):
            continue
        part = question.words[span.start : span.end]
        full = [i for i, label in enumerate(paper.figure_stems) if label and _fully(part, label)]
        generic = len(part) == 1 and (len(part[0].raw) == 1 or part[0].stem in ("amount", "value"))
        if full and _only_function(question, span) and not generic:
            continue
        found = full
        silent = question.spans("function")
        most = len(_telling(question, span)) > 1 and span.start not in silent and span.end - 1 not in silent
        if not full and (_strong(question, span) or most) and (len(part) > 1 or len(part[0].stem) > 2):
            part = _telling(question, span)
            least = 0.0 if _strong(question, span) else 0.6
            found = [
                i
                for i, label in enumerate(paper.figure_stems)
                if label and _covers(part, label) and len(part) >= least * len(label)
            ]
        # A rate is meant only by who says so: "how much tax" is no percentage.
        if not question.has("tax_rate", "share"):
            found = [i for i in found if paper.document.figures[i].role != "tax_rate"]
        if found:
            for index in found:
                label = paper.figure_stems[index]
                mentions.append(FigureMention(span, index, min(1.0, len(part) / len(label))))
            taken |= span.indices
    return sorted(mentions, key=lambda mention: (mention.span.start, -mention.covered))
