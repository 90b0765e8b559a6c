"""Which numbers a question is about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from adapters.planning.paper import ColumnView, PaperView, TableView
from adapters.planning.question import ColumnMention, Question, Span
from adapters.planning.small_words import WHICH
from adapters.planning.vocabulary import MEASURES, ORDINALS
from schemas import plans

# What a question's word may be called in a table, best first; `amount` is the table's main money column.
ALTERNATIVES: dict[str, tuple[str, ...]] = {
    "price": ("price", "unit_price", "selling_price", "cost", "amount"),
    "selling_price": ("selling_price", "price", "unit_price"),
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
    "belopp",
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
            # A reorder level is no price, though the table has nothing else.
            priced = column is not None and (column.money or set(column.stems) & _AMOUNT_NAMES or column.unit)
            found = [column] if column is not None and (priced or concept not in ("price", "cost")) else []
        else:
            found = view.with_concept(name)
        if concept == "selling_price":
            found = [column for column in found if "cost" not in column.stems]
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
        if mention.table == view.index and view.columns[mention.column].numeric and not _names_rows(question, mention):
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


def _names_rows(question: Question, mention: ColumnMention) -> bool:
    """`the first three payments`, `which payment has the lowest interest`: rows, and not what a column holds."""
    before = [word.stem for word in question.words[max(0, mention.span.start - 2) : mention.span.start]]
    firsts = question.spans("first", "last")
    if len(before) == 2 and before[1] in ORDINALS | dict.fromkeys(map(str, range(2, 100))):
        return mention.span.start - 2 in firsts
    others = any(m.span != mention.span and m.table == mention.table for m in question.columns)
    return others and bool(WHICH & set(before[-1:])) and question.has("max", "min")


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
    if question.has("sell") and len(sold := view.with_concept("revenue")) == 1:
        return Measure(view, sold[0], (), frozenset())
    if (added := _sum_of_the_others(view, others)) is not None:
        # What somebody owes is not what they paid.
        return None if question.has("pay") else Measure(view, added, (), frozenset())
    item_like = any(c.concepts & {"unit_price", "quantity"} for c in numeric)
    if paper.document.kind in ("invoice", "receipt", "estimate") or item_like:
        column = amount_column(view)
        return Measure(view, column, (), frozenset()) if column is not None else None
    if len(others) > 1 and question.has("pay", "cost", "price", "dearest", "cheapest"):
        column = amount_column(view)
        return Measure(view, column, (), frozenset()) if column is not None else None
    return None


def _sum_of_the_others(view: TableView, columns: Sequence[ColumnView]) -> ColumnView | None:
    """The last of some columns where it is, in every row, what the others come to."""
    *parts, last = columns if len(columns) > 2 else (None,)
    if last is None or len(view.table.rows) < 2:
        return None
    for row in view.table.rows:
        known = [value for part in parts if part is not None and (value := row[part.index].value) is not None]
        if not known or sum(known) != row[last.index].value:
            return None
    return last


def _side(question: Question, view: TableView, sided: Sequence[ColumnView]) -> Measure | None:
    """Debit or credit, whichever column alone holds numbers in the rows that the question names."""
    rows = {row for mention in question.rows if mention.table == view.index for row in mention.rows}
    held = [c for c in sided if not rows or any(view.table.rows[row][c.index].value is not None for row in rows)]
    if question.has("pay", "cost"):
        held = [c for c in held if "debit" in c.concepts]
    return Measure(view, held[0], (), frozenset()) if len(held) == 1 else None
