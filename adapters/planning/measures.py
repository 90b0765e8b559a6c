"""Which numbers a question is about, and which rows of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from adapters.planning.paper import ColumnView, PaperView, TableView
from adapters.planning.question import ColumnMention, Question, RowMention, Span
from adapters.planning.vocabulary import MEASURES, ORDINALS
from schemas import plans

# What a question's word may be called in a table, best first; `amount` is the table's main money column.
ALTERNATIVES: dict[str, tuple[str, ...]] = {
    "price": ("price", "unit_price", "cost", "amount"),
    "cost": ("cost", "amount", "price"),
    "expense": ("expense", "cost", "debit"),
    "income": ("income", "revenue", "credit"),
    "line_amount": ("line_amount", "amount"),
    "total": ("line_amount", "total", "amount"),
    "amount_due": ("amount_due", "total"),
    "debit": ("debit",),
    "credit": ("credit",),
}
_AMOUNT_NAMES = {
    "amount",
    "betrag",
    "montant",
    "importe",
    "bedrag",
    "importo",
    "sum",
    "summe",
    "total",
    "value",
    "net",
    "price",
    "preis",
    "extended",
}
_NO_MAIN = {"unit_price", "balance", "tax", "discount", "quantity"}


@dataclass(frozen=True, slots=True)
class Measure:
    """The numbers of a table's column, or of a chart's points (`table` None); `used` are the words that say so."""

    table: TableView | None
    column: ColumnView | None
    points: tuple[int, ...]
    used: frozenset[int]
    where: tuple[plans.Condition, ...] = ()
    certain: bool = True

    def values(self, where: Sequence[plans.Condition] = ()) -> plans.Values:
        if self.table is None or self.column is None:
            return plans.FigureValues(figures=self.points)
        return plans.ColumnValues(
            table=self.table.index,
            column=self.column.index,
            where=(*self.where, *where),
            labels=self.table.labels if self.table.labels is not None else self.table.dates,
        )


def amount_column(view: TableView) -> ColumnView | None:
    """The column that holds what each row comes to."""
    named = view.with_concept("line_amount")
    if len(named) == 1:
        return named[0]
    money = [c for c in view.numeric if not c.concepts & _NO_MAIN]
    called = [c for c in money if set(c.stems) & _AMOUNT_NAMES]
    if called:
        return called[-1]
    paid = [c for c in money if c.money or c.concepts & {"price", "cost"}]
    if len(paid) == 1:
        return paid[0]
    return money[0] if len(money) == 1 else None


def columns_for(view: TableView, concept: str) -> list[ColumnView]:
    for name in ALTERNATIVES.get(concept, (concept,)):
        if name == "amount":
            column = amount_column(view)
            found = [column] if column is not None else []
        else:
            found = view.with_concept(name)
        if found:
            return found
    return []


def measures(question: Question, paper: PaperView, view: TableView) -> list[Measure]:
    """The numeric columns that the question names, in the order of naming. Empty when it names none, or when a name
    fits several columns equally."""
    found: list[tuple[int, Measure]] = []
    taken: set[int] = set()
    by_span: dict[Span, list[ColumnMention]] = {}
    for mention in question.columns:
        if mention.table == view.index and view.columns[mention.column].numeric:
            by_span.setdefault(mention.span, []).append(mention)
    for span, mentions in by_span.items():
        chosen = _narrowed([view.columns[m.column] for m in mentions], question)
        if chosen is not None:
            column, extra = chosen
            found.append((span.start, Measure(view, column, (), span.indices | extra)))
            taken |= span.indices
    for concept in MEASURES:
        for span in question.concepts.get(concept, ()):
            columns = columns_for(view, concept)
            if span.indices & taken:
                # "hourly rate" says more than the column called Rate, and means it.
                for position, (start, measure) in enumerate(found):
                    if measure.used & span.indices and measure.column in columns:
                        found[position] = (start, replace(measure, used=measure.used | span.indices))
                continue
            narrowed = _narrowed(columns, question) if columns else None
            if narrowed is not None:
                column, extra = narrowed
                found.append((span.start, Measure(view, column, (), span.indices | extra)))
                taken |= span.indices
            elif not columns and concept in ("debit", "credit", "expense", "income") and (signed := _signed(view)):
                column, has_sign = signed
                sign = "lt" if concept in ("debit", "expense") else "gt"
                if has_sign:
                    where = (plans.NumberCondition(column=column.index, compare=sign, value=Decimal(0)),)
                    found.append((span.start, Measure(view, column, (), span.indices, where)))
                    taken |= span.indices
    found.sort(key=lambda pair: pair[0])
    merged: list[Measure] = []
    for _, measure in found:
        same = [m for m in merged if m.column is measure.column and m.where == measure.where]
        if same:
            merged[merged.index(same[0])] = replace(same[0], used=same[0].used | measure.used)
        else:
            merged.append(measure)
    return merged


def _narrowed(columns: Sequence[ColumnView], question: Question) -> tuple[ColumnView, frozenset[int]] | None:
    """The one column, or the one of several whose other words (a year, say) stand in the question too."""
    distinct = list({column.index: column for column in columns}.values())
    if len(distinct) == 1:
        return distinct[0], frozenset()
    scored: list[tuple[int, ColumnView, frozenset[int]]] = []
    for column in distinct:
        at = frozenset(i for i, word in enumerate(question.words) if word.stem in column.stems)
        scored.append((len(at), column, at))
    scored.sort(key=lambda each: -each[0])
    if scored and scored[0][0] > 0 and (len(scored) == 1 or scored[0][0] > scored[1][0]):
        return scored[0][1], scored[0][2]
    return None


def _signed(view: TableView) -> tuple[ColumnView, bool] | None:
    """A statement's single amount column, and whether its signs tell debits from credits."""
    columns = [c for c in view.numeric if "balance" not in c.concepts and c.filled]
    if len(columns) != 1:
        return None
    values = [row[columns[0].index].value for row in view.table.rows]
    return columns[0], any(v is not None and v < 0 for v in values) and any(v is not None and v > 0 for v in values)


def default_measure(question: Question, paper: PaperView, view: TableView) -> Measure | None:
    """The column that a question means which names none: the only one, or the amounts of an item table."""
    numeric = view.numeric
    if len(numeric) == 1:
        return Measure(view, numeric[0], (), frozenset())
    if question.has("dearest", "cheapest"):
        amount = amount_column(view)
        for columns in (columns_for(view, "price"), columns_for(view, "cost"), [amount] if amount else []):
            # Unit prices that stand in some rows only say nothing about the others.
            if len(columns) == 1 and (amount is None or columns[0].filled >= amount.filled):
                return Measure(view, columns[0], (), frozenset())
    sided = [c for c in numeric if c.concepts & {"debit", "credit"}]
    if len(sided) == 2:
        return _side(question, view, sided)
    others = [c for c in numeric if not c.concepts & _NO_MAIN]
    if len(others) == 1:
        return Measure(view, others[0], (), frozenset())
    item_like = any(c.concepts & {"unit_price", "quantity"} for c in numeric)
    if paper.document.kind in ("invoice", "receipt", "estimate") or item_like:
        column = amount_column(view)
        return Measure(view, column, (), frozenset(), certain=column is not None) if column is not None else None
    if len(others) > 1 and question.has("pay", "cost", "price", "dearest", "cheapest"):
        column = amount_column(view)
        return Measure(view, column, (), frozenset()) if column is not None else None
    return None


def _side(question: Question, view: TableView, sided: Sequence[ColumnView]) -> Measure | None:
    """Debit or credit, whichever column alone holds numbers in the rows that the question names."""
    rows = {row for mention in question.rows if mention.table == view.index for row in mention.rows}
    held = [c for c in sided if any(view.table.rows[row][c.index].value is not None for row in rows)]
    if question.has("pay", "cost"):
        held = [c for c in held if "debit" in c.concepts]
    return Measure(view, held[0], (), frozenset()) if len(held) == 1 else None


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


def _rows_of(question: Question, group: Sequence[RowMention]) -> list[int]:
    """The rows that mentions in one column name: each ("layoffs and closures"), or all ("permanent closures")."""
    every = set(group[0].rows).union(*(mention.rows for mention in group))
    at_once = set(group[0].rows).intersection(*(mention.rows for mention in group))
    between = question.words[group[0].span.end : group[-1].span.start]
    listed = any(word.stem in _LISTING for word in between) or "," in question.text
    return sorted(at_once if at_once and not listed else every)


_LISTING = {"and", "or", "und", "oder", "et", "ou", "y", "o", "e", "en", "of"}


def _range(
    question: Question, view: TableView, mentions: Sequence[RowMention]
) -> tuple[plans.RowsCondition, frozenset[int]] | None:
    """`from March to June`, `since March`, `before June`, `first three months`."""
    single = [m for m in mentions if len(m.rows) >= 1 and (m.column is None or m.column in (view.labels, view.dates))]
    backwards = _newest_first(view)
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
        elif here & {"from"} and question.words[before].stem in (
            "since",
            "starting",
            "seit",
            "depui",
            "desde",
            "vanaf",
        ):
            rows = range(max(mention.rows) + 1) if backwards else range(min(mention.rows), count)
        elif here & {"until"} and question.words[before].stem in ("until", "till", "through", "bis", "hasta", "tot"):
            rows = range(min(mention.rows), count) if backwards else range(max(mention.rows) + 1)
        if rows is not None:
            because = f"{question.words[before].raw} {name}"
            return plans.RowsCondition(rows=tuple(rows), because=because[:400]), mention.span.indices | {before}
    return _first_rows(question, view)


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


def _newest_first(view: TableView) -> bool:
    dated = [date.key for date in view.row_dates if date is not None]
    return len(dated) > 1 and dated[0] > dated[-1]


_TO = {"to", "until", "till", "through", "thru", "bi", "bis", "a", "al", "hasta", "tot", "au", "jusqu", "fino", "up"}


def is_range(question: Question, first: Span, second: Span) -> bool:
    """Whether two mentions are the ends of a range: `from A to B`, `between A and B`, `A through B`, `A - B`."""
    middle = [word.stem for word in question.words[first.end : second.start]]
    if any(word in _TO for word in middle):
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
