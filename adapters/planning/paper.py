"""A document as the planner sees it: which columns hold what, what names the rows, which figures are points."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from adapters.planning.dates import When, day_comes_first, read_date
from adapters.planning.small_words import stems
from adapters.planning.vocabulary import MEASURES, phrase_table
from schemas.documents import DocumentDescription, Figure, Table

_ITEM_WORDS = {
    "what",
    "description",
    "item",
    "product",
    "article",
    "detail",
    "particular",
    "name",
    "service",
    "artikel",
    "bezeichnung",
    "beschreibung",
    "designation",
    "libelle",
    "descripcion",
    "concepto",
    "omschrijving",
    "descrizione",
    "month",
    "category",
    "region",
    "country",
    "payee",
    "merchant",
    "transaction",
    "produkt",
    "position",
    "text",
}
_DATE_WORDS = {"date", "datum", "fecha", "data", "day", "buchungstag", "valuta", "month", "year", "quarter", "period"}


# Headings of a statement's columns that mean nothing of the kind in a question.
_SIDES = {"af": "debit", "bij": "credit", "soll": "debit", "haben": "credit", "debe": "debit", "haber": "credit",
          "dare": "debit", "avere": "credit", "out": "debit", "in": "credit", "uit": "debit", "sortie": "debit",
          "entree": "credit", "dr": "debit", "cr": "credit", "uscite": "debit", "entrate": "credit"}  # fmt: skip


def concepts_of(name: str) -> frozenset[str]:
    """The measures a label's words stand for: "Qty." → quantity, "Unit price" → unit_price."""
    tokens = stems(name)
    table = phrase_table()
    inclusive = [
        i
        for i, token in enumerate(tokens)
        if token in ("incl", "inkl", "excl", "exkl", "inclusive", "inclusief", "ht", "ttc")
    ]
    if inclusive and inclusive[0] > 0:
        # "Price incl. VAT" holds prices, not VAT.
        tokens = tokens[: inclusive[0]]
    if len(tokens) == 1 and tokens[0] in _SIDES:
        return frozenset({_SIDES[tokens[0]]})
    whole = table.get(tokens, ())
    found = {concept for concept in whole if concept in MEASURES}
    if found:
        return frozenset(found)
    for length in (3, 2, 1):
        for start in range(len(tokens) - length + 1):
            found |= {c for c in table.get(tokens[start : start + length], ()) if c in MEASURES}
        if found:
            break
    return frozenset(found)


@dataclass(slots=True)
class ColumnView:
    """A column with its words, what it measures, and whether numbers can be taken from it."""

    table: int
    index: int
    name: str
    stems: tuple[str, ...]
    concepts: frozenset[str]
    numeric: bool
    money: bool
    percent: bool
    filled: int
    unit: str | None


@dataclass(slots=True)
class TableView:
    """A table with its columns; `labels` is the column that names rows, `dates` the one that dates them."""

    index: int
    table: Table
    columns: list[ColumnView]
    labels: int | None
    dates: int | None
    row_stems: list[list[tuple[str, ...]]] = field(default_factory=list)
    row_dates: list[When | None] = field(default_factory=list)
    not_items: frozenset[int] = frozenset()

    @property
    def numeric(self) -> list[ColumnView]:
        return [column for column in self.columns if column.numeric]

    @property
    def newest_first(self) -> bool:
        dated = [date.key for date in self.row_dates if date is not None]
        return len(dated) > 1 and dated[0] > dated[-1]

    def label(self, row: int, column: int | None) -> str:
        """A cell's text as a plan names it; empty without a column."""
        return "" if column is None else " ".join(self.table.rows[row][column].text.split())[:400]

    def with_concept(self, *concepts: str) -> list[ColumnView]:
        """Numeric columns of the first of these concepts that any has; those called exactly so before others."""
        for concept in concepts:
            found = [
                column
                for column in self.numeric
                if concept in column.concepts and not (column.percent and concept == "tax")
            ]
            if found:
                shortest = min(len(column.stems) for column in found)
                return [column for column in found if len(column.stems) == shortest] or found
        return []


@dataclass(slots=True)
class PaperView:
    """A document prepared for questions. `column_totals` are totals side by side under a table's columns: each is its
    column's, none the document's, and the columns' sums stand for them."""

    document: DocumentDescription
    tables: list[TableView]
    points: tuple[int, ...]
    figure_stems: list[tuple[str, ...]]
    column_totals: frozenset[int] = frozenset()

    @property
    def rates(self) -> frozenset[int]:
        """Percentages at which an amount beside them was worked out: the 8% of "Discount (8%) -537.30"."""
        figures = self.document.figures
        amounts = [figure.label for figure in figures if figure.unit != "%"]
        return frozenset(
            i
            for i, figure in enumerate(figures)
            if figure.role == "tax_rate"
            or (figure.unit == "%" and any(label.startswith(figure.label) for label in amounts if figure.label))
        )

    def table(self, index: int) -> TableView:
        """The view of the document's table with this index, which has one."""
        return next(view for view in self.tables if view.index == index)

    @property
    def main(self) -> TableView | None:
        """The table with the most numbers; one whose rows have no names (tax rates, say) where there is no other."""

        def weight(view: TableView) -> tuple[bool, int, int]:
            return view.labels is not None, sum(column.filled for column in view.numeric), len(view.table.rows)

        return max(self.tables, key=weight, default=None)

    def figures_of(self, *roles: str) -> list[int]:
        """Figures of the first of these roles that any has, each value once."""
        for role in roles:
            if role == "total" and self.document.total_figure is not None:
                return [self.document.total_figure]
            found: dict[tuple[object, str | None], int] = {}
            for index, figure in enumerate(self.document.figures):
                if figure.role == role and index not in self.column_totals:
                    found[figure.value, figure.unit] = index
            if found:
                return sorted({*found.values(), *(self._twin_taxes() if role == "tax" else ())})
        return []

    def _twin_taxes(self) -> list[int]:
        """All taxes, where two are equal under different labels (CGST and SGST) and only together lead to the total."""
        figures = self.document.figures
        taxes = [index for index, figure in enumerate(figures) if figure.role == "tax"]
        subtotals = {figure.value for figure in figures if figure.role == "subtotal"}
        together = sum((figures[index].value for index in taxes), Decimal(0))
        twins = len({figures[index].label for index in taxes}) == len(taxes) > len({figures[i].value for i in taxes})
        total = self.document.total
        return taxes if twins and total is not None and total - together in subtotals else []


def paper_view(document: DocumentDescription) -> PaperView:
    tables = [_table_view(index, table) for index, table in enumerate(document.tables) if table.rows]
    points = tuple(index for index, figure in enumerate(document.figures) if figure.role == "data_point")
    if not points and document.kind == "chart" and not any(view.numeric for view in tables):
        units = {figure.unit for figure in document.figures}
        labelled = all(figure.label.strip() for figure in document.figures)
        if len(document.figures) > 1 and len(units) == 1 and labelled:
            points = tuple(range(len(document.figures)))
    beside = _column_totals(document)
    # What is said of them is said of the columns: no words of a question name one of them alone.
    labels = [() if index in beside else _names(figure) for index, figure in enumerate(document.figures)]
    return PaperView(document, tables, points, labels, beside)


def is_currency(unit: str | None) -> bool:
    """Whether a unit is the code of a currency, such as EUR."""
    return unit is not None and len(unit) == 3 and unit.isupper()


_DEDUCTED = frozenset(stems("less minus abzgl abzuglich abzueglich moins menos meno"))
_SETTLED = frozenset(stems("paid received bezahlt gezahlt erhalten paye verse pagado pagato betaald"))


def _names(figure: Figure) -> tuple[str, ...]:
    """What a figure is called: a "Less deposit paid" is a deposit, and that it was paid its role says."""
    label = stems(figure.label)
    if figure.role == "paid":
        core = tuple(stem for stem in label if stem not in _DEDUCTED | _SETTLED)
        if len(core) == 1 and core[0] not in ("amount", "total", "sum", "balance"):
            return core
    return label


def _column_totals(document: DocumentDescription) -> frozenset[int]:
    """Several figures under one label on one line, where the reader chose none of them as the document's total."""
    totals = [index for index, figure in enumerate(document.figures) if figure.role == "total"]
    found: set[int] = set()
    for index in totals:
        box, label = document.figures[index].box, document.figures[index].label
        level = box.y + box.height / 2
        same = [
            other
            for other in totals
            if document.figures[other].label == label
            and document.figures[other].box.y
            < level
            < document.figures[other].box.y + document.figures[other].box.height
        ]
        if len(same) > 1 and document.total_figure not in same:
            found.update(same)
    return frozenset(found)


def _table_view(index: int, table: Table) -> TableView:
    columns: list[ColumnView] = []
    for position, column in enumerate(table.columns):
        cells = [row[position] for row in table.rows]
        filled = sum(cell.value is not None for cell in cells)
        texts = sum(bool(cell.text.strip()) for cell in cells)
        numeric = column.kind in ("number", "money", "percent") and filled > 0 and filled * 2 >= texts
        if numeric and (_is_a_label(table, position) or _is_dated(table, position)):
            numeric = False
        columns.append(
            ColumnView(
                table=index,
                index=position,
                name=column.name,
                stems=stems(column.name),
                concepts=concepts_of(column.name),
                numeric=numeric,
                money=column.kind == "money",
                percent=column.kind == "percent" or column.unit == "%",
                filled=filled,
                unit=column.unit,
            )
        )
    view = TableView(index, table, columns, None, None)
    view.dates = next(_date_columns(view), None)
    view.labels = _label_column(view)
    view.row_stems = [[stems(cell.text) for cell in row] for row in table.rows]
    source = view.dates if view.dates is not None else view.labels
    if source is not None:
        order = day_comes_first(row[source].text for row in table.rows)
        view.row_dates = [read_date(row[source].text, order) for row in table.rows]
    else:
        view.row_dates = [None] * len(table.rows)
    if view.labels is not None:
        view.not_items = frozenset(i for i, row in enumerate(view.row_stems) if _is_no_item(row[view.labels]))
    return view


_MEANS_OF_PAYMENT = frozenset(
    stems(
        "visa mastercard maestro amex american express discover debit credit card karte girocard ec bancontact pin"
        " cash bar carte bancaire cb tarjeta kaart carta contactless apple google pay paypal cheque check payment"
    )
    + stems(
        "paid tender tendered zahlung bezahlt gegeben change rueckgeld wechselgeld especes efectivo contant contanti"
        " rounding auth approved sale given due back"
    )
    + stems("method by in the of ending tax inclusive total amount kreditkarte kartenzahlung eur usd gbp chf")
)
_NO_ITEM = ("total", "amount_due", "subtotal", "tax", "tax_rate", "paid", "change", "discount", "tip", "balance")


def _is_no_item(label: Sequence[str]) -> bool:
    """Whether a row is a payment, a total or a tax: every word of its label says so. A gift card is an item."""
    said = tuple(word for word in label if not word.isdigit() and word.strip("x%#") and len(word) > 1)
    said = tuple(word for word in said if word not in ("usd", "eur", "gbp", "chf")) or said
    if not said:
        return False
    if set(phrase_table().get(said, ())) & set(_NO_ITEM):
        return True
    return set(said) <= _MEANS_OF_PAYMENT


def _is_dated(table: Table, position: int) -> bool:
    """`02 Jun` is no 2: cells that name a month are dates."""
    texts = [row[position].text for row in table.rows if row[position].text.strip()]
    dated = sum((when := read_date(text)) is not None and when.month is not None for text in texts)
    return len(texts) > 1 and dated * 10 >= len(texts) * 8


def _is_a_label(table: Table, position: int) -> bool:
    """Years, row numbers and other numbers that name rows: nobody sums them."""
    tokens = stems(table.columns[position].name)
    values = [row[position].value for row in table.rows if row[position].value is not None]
    if tokens in (
        ("year",),
        ("jahr",),
        ("annee",),
        ("ano",),
        ("jaar",),
        ("anno",),
        ("no",),
        ("nr",),
        ("#",),
        ("pos",),
        ("id",),
        ("code",),
    ):
        return True
    if {"number", "no", "nr", "id", "code", "sku", "zip", "phone", "cheque", "check", "ref", "reference"} & set(tokens):
        return not {"of"} & set(tokens)
    years = all(value is not None and value % 1 == 0 and 1900 <= value <= 2100 for value in values)
    return position == 0 and years and len(values) > 1


def _date_columns(view: TableView) -> Iterator[int]:
    for column, declared in zip(view.columns, view.table.columns, strict=True):
        if column.numeric:
            continue
        read = sum(read_date(row[column.index].text) is not None for row in view.table.rows)
        if declared.kind == "date" or _DATE_WORDS & set(column.stems):
            if read:
                yield column.index
        elif read * 10 >= len(view.table.rows) * 8:
            yield column.index


def _label_column(view: TableView) -> int | None:
    """The column that names rows: called so, else the text column with the most different texts."""
    texts = [
        column for column in view.columns if not column.numeric and view.table.columns[column.index].kind != "date"
    ]
    if not texts:
        rest = [column for column in view.columns if not column.numeric]
        return rest[0].index if rest else None
    for column in texts:
        if _ITEM_WORDS & set(column.stems):
            return column.index

    def different(column: ColumnView) -> tuple[int, int]:
        cells = [row[column.index].text.strip() for row in view.table.rows]
        wordy = sum(any(char.isalpha() for char in cell) for cell in cells)
        return len(set(cells) - {""}) if wordy * 2 >= len(cells) else 0, -column.index

    return max(texts, key=different).index
