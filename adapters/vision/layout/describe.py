"""From a page of words to a document: notation, tables, figures, total, date, kind, warnings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from adapters.vision.layout.checks import balance_warnings, item_warnings, lines_sum, unread_warnings
from adapters.vision.layout.dates import dates_in
from adapters.vision.layout.figures import Labelled, balances, labelled_figures
from adapters.vision.layout.issue_date import document_date
from adapters.vision.layout.kinds import kind_of
from adapters.vision.layout.lexicon import kind_words, meaning_of
from adapters.vision.layout.notation import Notation, notation_of
from adapters.vision.layout.receipts import item_table
from adapters.vision.layout.rows import Row, rows_of, text_height
from adapters.vision.layout.tables import FoundTable, find_tables
from adapters.vision.layout.tabulate import table_of
from adapters.vision.layout.totals import choose_total, lines_warning
from adapters.vision.layout.words import Page, Run
from schemas.documents import Cell, Column, DocumentDescription, Figure, Table, TextLine

_MOST_LINES = 2000


@dataclass(frozen=True, slots=True)
class Drawing:
    """What the picture shows besides text: a photograph; a chart, with its data points where they can be told, or with
    a table of them where it has several series."""

    photographic: bool = False
    chart: bool = False
    points: tuple[Figure, ...] = ()
    measured: bool = False
    table: Table | None = None


def notation(page: Page) -> Notation:
    """How the page writes numbers and dates."""
    return notation_of([run.text for row in rows_of(page.runs) for run in row.runs])


def describe(page: Page, drawing: Drawing) -> DocumentDescription:
    """What the page says."""
    lines = tuple(
        TextLine(text=run.text, box=run.box, confidence=round(run.confidence, 3)) for run in page.runs[:_MOST_LINES]
    )
    rows = rows_of(page.runs)
    written = notation(page)
    found = find_tables(rows, written)
    if drawing.table is not None or (drawing.chart and not found):
        return _chart(page, lines, written, drawing)
    tables = tuple(table_of(table, written, _title(rows, table, written)) for table in found)
    body = frozenset(i for table in found for i in table.taken if i not in table.summary_rows)
    items = _receipt_items(page, rows, written)
    if items is not None and all(min(table.taken) > max(items[1]) for table in found):
        # Below the items a till may print its taxes as a table.
        tables, body = (items[0], *tables), body | items[1]
    labelled = [*labelled_figures(rows, body, written, found), *balances(rows, body, found, written)]
    labelled.sort(key=lambda item: (item.row, item.x1))
    kind = kind_of(page, rows, tables, labelled, photographic=drawing.photographic)
    if kind == "photo":
        return DocumentDescription(kind="photo", width=page.width, height=page.height, lines=lines)
    lines_total = lines_sum(tables)
    chosen = choose_total(labelled, lines_total, kind)
    warnings = [*chosen.warnings, *item_warnings(tables), *balance_warnings(tables), *unread_warnings(tables)]
    if not warnings and (unfit := lines_warning(labelled, chosen.index, lines_total)):
        warnings.append(unfit)
    figures = [item.figure(written.currency) for item in labelled]
    total: Decimal | None = None
    if chosen.index is not None:
        figures[chosen.index] = figures[chosen.index].model_copy(
            update={"confidence": round(min(chosen.confidence, 0.99), 3)}
        )
        total = figures[chosen.index].value
    return DocumentDescription(
        kind=kind,
        total=total,
        total_figure=chosen.index,
        currency=written.currency if _has_money(labelled, tables) else None,
        date=document_date(rows, found, kind, written),
        figures=tuple(figures),
        tables=tables,
        warnings=tuple(dict.fromkeys(warnings)),
        width=page.width,
        height=page.height,
        lines=lines,
    )


def _chart(page: Page, lines: tuple[TextLine, ...], written: Notation, drawing: Drawing) -> DocumentDescription:
    """A chart's data points as figures and as a table of two columns."""
    points = drawing.points
    tables: tuple[Table, ...] = (drawing.table,) if drawing.table is not None else ()
    warnings: tuple[str, ...] = ()
    marked = any(written.number(run.text) is not None and "%" not in run.text for run in page.runs) and written.currency
    if points:
        percent = all(point.unit == "%" for point in points)
        value = Column(name="Value", kind="percent" if percent else "number", unit="%" if percent else None)
        rows = tuple(
            (
                Cell(text=point.label, confidence=point.confidence),
                Cell(text=point.text, value=point.value, confidence=point.confidence, box=point.box),
            )
            for point in points
        )
        confidence = sum(point.confidence for point in points) / len(points)
        tables = (
            Table(
                name="Chart",
                columns=(Column(name="Category", kind="text"), value),
                rows=rows,
                confidence=round(confidence, 3),
            ),
        )
    if drawing.measured:
        warnings = ("The chart prints no values: they were measured against its axis and are approximate.",)
    elif not points and not tables:
        warnings = ("The chart prints no values and its drawing could not be measured reliably.",)
    return DocumentDescription(
        kind="chart",
        currency=written.currency if marked else None,
        figures=points,
        tables=tables,
        warnings=warnings,
        width=page.width,
        height=page.height,
        lines=lines,
    )


def _receipt_items(page: Page, rows: Sequence[Row], notation: Notation) -> tuple[Table, frozenset[int]] | None:
    """Items without a header, on pages that look like a receipt: narrow, or naming themselves one."""
    runs = [run for row in rows for run in row.runs]
    if not runs:
        return None
    width = max(run.x1 for run in runs) - min(run.x0 for run in runs)
    named = any(kind_words(run.text) == "receipt" for run in runs)
    ends = any(
        meaning_of(run.text).role in ("total", "amount_due") and meaning_of(run.text).strength >= 2 for run in runs
    )
    narrow = width < 45 * text_height(runs)
    # A photograph may show more table top than paper.
    height = max(run.y1 for run in runs) - min(run.y0 for run in runs)
    upright = page.height > page.width or height > width
    return item_table(rows, notation) if ends and (named or (narrow and upright)) else None


def _has_money(labelled: Sequence[Labelled], tables: Sequence[Table]) -> bool:
    return any(item.number.money_like or item.role != "other" for item in labelled) or any(
        column.kind == "money" for table in tables for column in table.columns
    )


def _title(rows: Sequence[Row], table: FoundTable, notation: Notation) -> str | None:
    """A single short line right above the header names the table."""
    first = min(table.taken)
    if first == 0:
        return None
    above = rows[first - 1]
    header: Sequence[Run] = rows[first].runs
    close = rows[first].cy - above.cy < 4 * rows[first].height
    if not close or len(above.runs) != 1 or notation.numbers(above.text) or len(above.text) > 60:
        return None
    if meaning_of(above.text).strength >= 2 or ":" in above.text or dates_in(above.text):
        return None
    overlaps = above.runs[0].x0 < header[-1].x1 and header[0].x0 < above.runs[0].x1
    return above.text.strip(" :") if overlaps else None
