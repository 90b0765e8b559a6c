"""Which rows a question is about: named, in a range, after a date, above a number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from adapters.planning.measures import Measure
from adapters.planning.paper import TableView
from adapters.planning.question import Question, RowMention, Span
from adapters.planning.small_words import AND, OR, PERCENT, SINCE, TO
from adapters.planning.vocabulary import ORDINALS
from schemas import plans


@dataclass(frozen=True, slots=True)
class Filter:
    """Conditions over a table's rows and the words they rest on; `rows` are the mentions among them, in order."""

    where: tuple[plans.Condition, ...]
    used: frozenset[int]
    mentions: tuple[RowMention, ...] = ()


def row_mentions(question: Question, view: TableView, besides: frozenset[int]) -> list[RowMention]:
    """Mentions of rows that no other reading took, in order."""
    return [m for m in question.rows if m.table == view.index and not (m.span.indices & besides)]


def filters(question: Question, view: TableView, measure: Measure | None, besides: frozenset[int]) -> Filter:
    """All conditions that the question sets on this table's rows."""
    mentions = row_mentions(question, view, besides)
    conditions: list[plans.Condition] = []
    used: frozenset[int] = frozenset()
    ranged = _range(question, view, mentions)
    if ranged is not None and (at := _beside(question, measure, mentions, ranged[1])):
        ranged, used = None, at
    if ranged is not None:
        conditions.append(ranged[0])
        used |= ranged[1]
        mentions = [m for m in mentions if not m.span.indices <= ranged[1]]
    excluded = question.spans("exclude")
    by_column: dict[int | None, list[RowMention]] = {}
    for mention in mentions:
        by_column.setdefault(mention.column, []).append(mention)
    for column, group in by_column.items():
        negative = bool(excluded) and min(excluded) < group[0].span.start
        rows = _rows_of(question, group)
        names = [" ".join(w.raw for w in question.words[m.span.start : m.span.end]) for m in group]
        if column is not None and not negative and all(m.whole for m in group):
            texts = tuple(dict.fromkeys(view.table.rows[row][column].text[:400] for row in rows))
            conditions.append(plans.TextCondition(column=column, texts=texts[:50]))
        else:
            if negative:
                rows = [row for row in range(len(view.table.rows)) if row not in rows]
                used |= excluded
            because = f"{'without' if negative else 'for'} {' and '.join(names)}"
            conditions.append(plans.RowsCondition(rows=tuple(rows), because=because[:400]))
        used |= frozenset(i for mention in group for i in mention.span.indices)
    compared = comparisons(question, measure, view, besides | used)
    return Filter((*conditions, *compared[0]), used | compared[1], tuple(mentions))


def _beside(
    question: Question, measure: Measure | None, mentions: Sequence[RowMention], words: frozenset[int]
) -> frozenset[int]:
    """The word of "the balance after payment 6", which is the one that stands beside that payment."""
    balance = measure is not None and measure.column is not None and "balance" in measure.column.concepts
    named = any(m.span.indices & words for m in mentions)
    return words & question.spans("after") if balance and named else frozenset()


def _rows_of(question: Question, group: Sequence[RowMention]) -> list[int]:
    """The rows that mentions in one column name: each ("layoffs and closures"), or all ("permanent closures")."""
    every = set(group[0].rows).union(*(mention.rows for mention in group))
    at_once = set(group[0].rows).intersection(*(mention.rows for mention in group))
    between = question.words[group[0].span.end : group[-1].span.start]
    listed = any(word.stem in AND | OR for word in between) or "," in question.text
    return sorted(at_once if at_once and not listed else every)


def _range(
    question: Question, view: TableView, mentions: Sequence[RowMention]
) -> tuple[plans.RowsCondition, frozenset[int]] | None:
    """`from March to June`, `since March`, `before June`, `first three months`."""
    single = [m for m in mentions if len(m.rows) >= 1 and (m.column is None or m.column in (view.labels, view.dates))]
    backwards = view.newest_first
    if len(single) >= 2 and is_range(question, single[0].span, single[1].span):
        first, second = single[0], single[1]
        low, high = min(*first.rows, *second.rows), max(*first.rows, *second.rows)
        between = frozenset(range(first.span.start - 1, second.span.end)) & frozenset(range(len(question.words)))
        name = " ".join(w.raw for w in question.words[first.span.start : second.span.end])
        return plans.RowsCondition(rows=tuple(range(low, high + 1)), because=name[:400]), between
    if len(single) == 1:
        mention, count = single[0], len(view.table.rows)
        name = " ".join(w.raw for w in question.words[mention.span.start : mention.span.end])
        before = mention.span.start - 1
        here = {name for name, spans in question.concepts.items() if any(before in s.indices for s in spans)}
        rows: range | None = None
        if here & {"after"}:
            rows = range(min(mention.rows)) if backwards else range(max(mention.rows) + 1, count)
        elif here & {"before"}:
            rows = range(max(mention.rows) + 1, count) if backwards else range(min(mention.rows))
        elif here & {"from"} and question.words[before].stem in SINCE:
            rows = range(max(mention.rows) + 1) if backwards else range(min(mention.rows), count)
        elif here & {"until"} and question.words[before].stem in ("until", "till", "through", "bis", "hasta", "tot"):
            rows = range(min(mention.rows), count) if backwards else range(max(mention.rows) + 1)
        if rows is not None:
            because = f"{question.words[before].raw} {name}"
            return plans.RowsCondition(rows=tuple(rows), because=because[:400]), mention.span.indices | {before}
    return _around_date(question, view) or _first_rows(question, view)


def _around_date(question: Question, view: TableView) -> tuple[plans.RowsCondition, frozenset[int]] | None:
    """`after 10 August`, where no row is of that day: the rows whose dates lie so."""
    named = frozenset(i for m in question.rows if m.table == view.index for i in m.span.indices)
    for span, when in question.whens:
        at = span.start - 1
        word = question.words[at].stem if at >= 0 else ""
        here = {name for name in _SIDES_OF_DATE if at in question.spans(name)}
        if len(here) != 1 or span.indices & named or (here == {"from"} and word not in SINCE | {"from"}):
            continue
        keys = [None if date is None else date.within(when) for date in view.row_dates]
        if any(key is None for key in keys):
            continue
        later = here <= {"after", "from"}
        same = here <= {"from", "until"}
        said = when.within(when) or ()
        rows = [i for i, key in enumerate(keys) if key and ((key > said) == later if key != said else same)]
        because = " ".join(word.raw for word in question.words[at : span.end])
        return plans.RowsCondition(rows=tuple(rows), because=because[:400]), span.indices | {at}
    return None


_SIDES_OF_DATE = ("after", "before", "from", "until")


def _first_rows(question: Question, view: TableView) -> tuple[plans.RowsCondition, frozenset[int]] | None:
    for name in ("first", "last"):
        for span in question.concepts.get(name, ()):
            following = question.words[span.end : span.end + 1]
            if not following:
                continue
            number = following[0].number or ORDINALS.get(following[0].stem)
            count = len(view.table.rows)
            if number is None or int(number) != number or not 1 <= int(number) <= count:
                continue
            rows = range(int(number)) if name == "first" else range(count - int(number), count)
            used = frozenset(range(span.start, min(span.end + 2, len(question.words))))
            return plans.RowsCondition(rows=tuple(rows), because=f"{name} {int(number)} rows"), used
    return None


def is_range(question: Question, first: Span, second: Span) -> bool:
    """Whether two mentions are the ends of a range: `from A to B`, `between A and B`, `A through B`, `A - B`."""
    middle = [word.stem for word in question.words[first.end : second.start]]
    if any(word in TO for word in middle):
        return True
    if not middle:
        return "-" in question.text or "–" in question.text
    before = {word.stem for word in question.words[max(0, first.start - 2) : first.start]}
    return bool(before & {"between", "zwischen", "entre", "tussen", "tra", "fra"})


def comparisons(
    question: Question, measure: Measure | None, view: TableView, besides: frozenset[int]
) -> tuple[tuple[plans.Condition, ...], frozenset[int]]:
    """`above 100`, `between 50 and 80`, `at least 3`: on the measure's column."""
    column = measure.column if measure is not None else None
    if column is None:
        return (), frozenset()
    numbers = [(at, value) for at, value in question.numbers if at not in besides]
    conditions: list[plans.Condition] = []
    used: frozenset[int] = frozenset()
    position = 0
    while position < len(numbers):
        at, value = numbers[position]
        spans = [
            (span, name)
            for name in ("gt", "lt", "ge", "le", "between")
            for span in question.concepts.get(name, ())
            if 0 <= at - span.end <= 2 or (name in ("ge", "le") and 0 <= span.start - at - 1 <= 1)
        ]
        if not spans:
            position += 1
            continue
        span, name = max(spans, key=lambda pair: (pair[1] in ("ge", "le"), pair[0].end - pair[0].start))
        used |= span.indices | {at}
        if column.percent and at + 1 < len(question.words) and question.words[at + 1].stem in PERCENT:
            used |= {at + 1}
        if name == "between" and position + 1 < len(numbers):
            upper_at, upper = numbers[position + 1]
            low, high = sorted((value, upper))
            conditions.append(plans.NumberCondition(column=column.index, compare="between", value=low, upper=high))
            used |= {upper_at}
            position += 2
            continue
        if name != "between":
            conditions.append(plans.NumberCondition(column=column.index, compare=name, value=value))
        position += 1
    return tuple(conditions), used
