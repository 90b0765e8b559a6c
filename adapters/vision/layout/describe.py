"""From a page of words to a document: notation, tables, figures, total, date, kind, warnings."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from adapters.vision.layout.checks import balance_warnings, item_warnings, lines_sum
from adapters.vision.layout.figures import Labelled, labelled_figures
from adapters.vision.layout.issue_date import document_date
from adapters.vision.layout.kinds import kind_of
from adapters.vision.layout.lexicon import meaning_of
from adapters.vision.layout.notation import Notation, notation_of
from adapters.vision.layout.rows import Row, rows_of
from adapters.vision.layout.tables import FoundTable, find_tables
from adapters.vision.layout.tabulate import table_of
from adapters.vision.layout.totals import choose_total
from adapters.vision.layout.words import Page, Run
from schemas.documents import DocumentDescription, Figure, Table, TextLine

_MOST_LINES = 2000


def describe(page: Page, points: Sequence[Figure] = (), *, photographic: bool = False) -> DocumentDescription:
    """What the page says. `points` are figures read off a chart's drawing; `photographic` tells of a photograph."""
    lines = tuple(
        TextLine(text=run.text, box=run.box, confidence=round(run.confidence, 3)) for run in page.runs[:_MOST_LINES]
    )
    rows = rows_of(page.runs)
    notation = notation_of([row_text for row in rows for row_text in _texts(row)])
    chart = bool(points)
    found = [] if chart else find_tables(rows, notation)
    tables = tuple(table_of(table, notation, _title(rows, table, notation)) for table in found)
    body = frozenset(i for table in found for i in table.taken if i not in table.summary_rows)
    labelled = [] if chart else labelled_figures(rows, body, notation)
    kind = kind_of(page, rows, tables, labelled, chart=chart, photographic=photographic)
    if kind == "photo":
        return DocumentDescription(kind="photo", width=page.width, height=page.height, lines=lines)
    warnings: list[str] = []
    sums = lines_sum(tables)
    chosen = choose_total(labelled, sums, kind)
    warnings.extend(chosen.warnings)
    warnings.extend(item_warnings(tables))
    warnings.extend(balance_warnings(tables))
    figures = [item.figure(notation.currency) for item in labelled]
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
        currency=notation.currency if _has_money(labelled, tables) else None,
        date=document_date(rows, found, kind, notation),
        figures=(*figures, *points),
        tables=tables,
        warnings=tuple(dict.fromkeys(warnings)),
        width=page.width,
        height=page.height,
        lines=lines,
    )


def _texts(row: Row) -> list[str]:
    return [run.text for run in row.runs]


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
    if meaning_of(above.text).strength >= 2:
        return None
    overlaps = above.runs[0].x0 < header[-1].x1 and header[0].x0 < above.runs[0].x1
    return above.text.strip(" :") if overlaps else None
