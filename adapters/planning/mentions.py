"""What of a document a question mentions: rows, columns and figures by the words of their labels."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from adapters.planning.dates import read_date
from adapters.planning.paper import PaperView
from adapters.planning.question import ColumnMention, FigureMention, Question, RowMention, Span
from adapters.planning.small_words import AND, OR, TIME_UNITS, TO, stems
from adapters.planning.words import Word, alike

_LONGEST_MENTION = 7


def _strong(question: Question, span: Span) -> bool:
    """Whether a span may mention a part of a label: starts and ends with a word that no vocabulary explains."""
    known = frozenset(i for spans in question.concepts.values() for each in spans for i in each.indices)
    functions = question.spans("function")
    ends = (span.start, span.end - 1)
    return all(i not in known or (i > 0 and _name_like(question.words[i].raw, i in functions)) for i in ends)


def _name_like(raw: str, function: bool) -> bool:
    """A capital inside a sentence makes a function word a name: "Dan", "Van Dyke"."""
    return function and len(raw) > 2 and raw[0].isupper() and raw[1:].islower()


def _in_capitals(question: Question, raw: str) -> bool:
    """`IT` and `US` among small letters are names, and not the words they spell."""
    return len(raw) > 1 and raw.isupper() and not question.text.isupper()


def _telling(question: Question, span: Span) -> list[Word]:
    """A span's words without those that say nothing: "visitors today" of "visitors came today"."""
    silent = question.spans("function")
    return [word for i, word in enumerate(question.words[span.start : span.end], span.start) if i not in silent]


def _covers(span: Sequence[Word], label: Sequence[str]) -> bool:
    """Whether a label says all of a span's words, and as often: "Q3 to Q" of "Q3 to Q4" says more than "Q3"."""
    often = Counter(word.stem for word in span)
    return bool(span) and all(
        any(alike(stem, part) for part in label) and count <= max(1, label.count(stem)) for stem, count in often.items()
    )


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


def row_mentions(question: Question, paper: PaperView) -> list[RowMention]:
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
    view = paper.table(table)
    text_columns = [column.index for column in view.columns if not column.numeric]
    ordered = sorted(text_columns, key=lambda column: (column != view.labels, column))
    for column in ordered:
        labels = [row[column] for row in view.row_stems]
        full = tuple(i for i, label in enumerate(labels) if label and _fully(part, label))
        upper = len(part) == 1 and (len(part[0].raw) == 1 or _in_capitals(question, part[0].raw))
        if full and (upper or not _only_function(question, span)):
            return RowMention(span, table, column, full, whole=True)
    if all(word.stem in TIME_UNITS for word in part):
        return None  # "how many days" asks for no row with a day in its name
    if not _strong(question, span) or (len(part) == 1 and (len(part[0].stem) < 3 or part[0].number is not None)):
        return None
    for column in ordered:
        if column == view.dates and column != view.labels:
            continue
        some = tuple(i for i, row in enumerate(view.row_stems) if row[column] and _covers(part, row[column]))
        if some and len(some) < max(2, len(view.row_stems)):
            return RowMention(span, table, column, some, whole=False)
    return None


def column_mentions(question: Question, paper: PaperView) -> list[ColumnMention]:
    mentions: list[ColumnMention] = []
    for view in paper.tables:
        taken: set[int] = set()
        for span in _spans(question):
            if span.indices & taken or _single_letter_of_speech(question, span):
                continue
            part = _telling(question, span)
            if any(span.indices < each.indices for each in question.concepts.get("sum", ())):
                continue  # "paid in total" names no column "Paid in" and none "Total"
            if any(span.indices < each.indices for each in question.concepts.get("sell", ())):
                continue  # nor does "how much did we invoice" the column "Invoice"
            full = [c for c in view.columns if c.stems and _fully(question.words[span.start : span.end], c.stems)]
            strong = _strong(question, span)
            found = full or ([c for c in view.columns if c.stems and _covers(part, c.stems)] if strong else [])
            if found and (full or len(part[0].stem) > 2 or len(part) > 1) and not _only_function(question, span):
                mentions += [ColumnMention(span, view.index, c.index, bool(full)) for c in found]
                taken |= span.indices
        mentions = _without_tails(question, mentions)
        for span, when in question.whens:
            # "in 2024" under a heading of 31 Dec 2024, "in June" under Jun.
            dated = [c for c in view.columns if c.numeric and (date := read_date(c.name)) and when.covers(date)]
            if dated and not span.indices & taken:
                mentions += [ColumnMention(span, view.index, c.index, whole=True) for c in dated]
                taken |= span.indices
    return mentions


def _without_tails(question: Question, mentions: list[ColumnMention]) -> list[ColumnMention]:
    """`over 60 days` of a column "Over 60": the unit that other columns have belongs to the one named before it."""
    kept: list[ColumnMention] = []
    for mention in mentions:
        heads = [m for m in mentions if m.whole and m.span.end == mention.span.start and m.table == mention.table]
        unit = {word.stem for word in question.words[mention.span.start : mention.span.end]} <= TIME_UNITS | {"hour"}
        if mention.whole or not unit or not heads:
            kept.append(mention)
        else:
            span = Span(heads[0].span.start, mention.span.end)
            kept = [replace(m, span=span) if m is heads[0] else m for m in kept]
    return kept


# Between two things, not within the name of one: "3 to Q" of "from Q3 to Q4" is no part of the label Q3.
_JOINTS = AND | OR | TO | {"than", "from", "als"}


# "Deposit required (25%)": the rate is no part of the name.
_RATE = re.compile(r"\(?[\d.,]+ ?%\)")


def figure_mentions(question: Question, paper: PaperView) -> list[FigureMention]:
    mentions: list[FigureMention] = []
    taken: set[int] = set()
    rows = [m.span.indices for m in question.rows if m.whole]
    # A rate is meant only by who says so: "how much tax" is no percentage.
    rated = question.has("tax_rate", "share") or any(word.stem == "rate" for word in question.words)
    labels = [() if i in paper.rates and not rated else label for i, label in enumerate(paper.figure_stems)]
    for span in _spans(question):
        if span.indices & taken or _single_letter_of_speech(question, span):
            continue
        part = question.words[span.start : span.end]
        full = [i for i, label in enumerate(labels) if label and _fully(part, label)]
        generic = len(part) == 1 and (len(part[0].raw) == 1 or part[0].stem in ("amount", "value"))
        if full and _only_function(question, span) and not generic:
            continue
        found = full
        if not full and any(span.indices < row for row in rows):
            continue  # "pay" of the row "Gross pay" is no part of "Net pay"
        silent = question.spans("function")
        most = len(_telling(question, span)) > 1 and span.start not in silent and span.end - 1 not in silent
        if not full and (_strong(question, span) or most) and (len(part) > 1 or len(part[0].stem) > 2):
            joints = _JOINTS & {word.stem for word in part}
            part = _telling(question, span)
            least = 0.0 if _strong(question, span) else 0.6
            found = [
                i
                for i, label in enumerate(labels)
                if label and _covers(part, label) and len(part) >= least * len(label) and not joints - set(label)
            ]
        if found:
            for index in found:
                label = paper.figure_stems[index]
                worded = len(stems(_RATE.sub("", paper.document.figures[index].label))) or len(label)
                mentions.append(FigureMention(span, index, min(1.0, len(part) / worded)))
            taken |= span.indices
    return sorted(mentions, key=lambda mention: (mention.span.start, -mention.covered))
