"""What kind of document a page is, by its words, its tables and its shape."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from adapters.vision.layout.checks import ITEMS
from adapters.vision.layout.figures import Labelled
from adapters.vision.layout.lexicon import BALANCE_HEADERS, folded, kind_words
from adapters.vision.layout.rows import Row, text_height
from adapters.vision.layout.words import Page
from schemas.documents import DocumentKind, Table

_INTERFACE = re.compile(
    r"\b(?:dashboard|overview|settings|analytics|search|home|log ?out|sign out|rows per page|last \d+ days|"
    r"this (?:week|month)|"
    r"today|customers|withdraw|manage|payouts?|reports?|users|notifications|profile|export|filter|view all|"
    r"active users|"
    r"sessions|mrr|arr|churn|conversion(?: rate)?|vs last (?:week|month|year|period)|uebersicht|einstellungen|"
    r"tableau de bord|"
    r"storefront|benefits|new customers|page \d+ of \d+|bounce rate|page views|visitors|uptime|orders)\b"
)


def kind_of(
    page: Page,
    rows: Sequence[Row],
    tables: Sequence[Table],
    figures: Sequence[Labelled],
    *,
    photographic: bool,
) -> DocumentKind:
    """The kind; `unknown` when nothing speaks for any."""
    letters = sum(len(run.text) for run in page.runs if run.confidence > 0.8)
    if letters < 3 or (photographic and letters < 12 and not figures):
        return "photo" if photographic or not page.runs else "text"
    votes = _votes(rows, tables)
    statement = any(
        any(column.kind == "date" for column in table.columns)
        and any(column.kind == "money" and BALANCE_HEADERS.search(folded(column.name)) for column in table.columns)
        for table in tables
    )
    if statement:
        votes["statement"] += 6
    totals = sum(figure.role in ("total", "amount_due") and figure.meaning.strength >= 2 for figure in figures)
    payment = sum(figure.role in ("paid", "change", "tip") for figure in figures)
    if payment and totals and page.height > 1.3 * page.width:
        votes["receipt"] += 2
    if any(table.name == ITEMS for table in tables) and _settled(figures):
        votes["receipt"] += 2
    interface = len(set(_INTERFACE.findall(folded(" \n ".join(row.text for row in rows)))))
    if votes:
        kind, count = votes.most_common(1)[0]
        if count >= 2 and (totals or kind in ("statement", "estimate") or count >= 4) and interface < 6:
            return kind
    cards = sum(figure.size > 1.5 * text_height(page.runs) for figure in figures)
    if interface >= 3 or (interface >= 1 and cards >= 2) or cards >= 3:
        return "dashboard"
    if totals and tables and votes:
        return votes.most_common(1)[0][0]
    if totals and page.height > 1.8 * page.width:
        return "receipt"
    if totals and any(table.name == ITEMS for table in tables):
        return "receipt"
    if tables:
        covered = sum(len(table.rows) + len(table.summary_rows) + 1 for table in tables)
        subtotal = any(figure.role in ("subtotal", "tax") for figure in figures)
        if totals and subtotal:
            return "invoice"
        return "table" if covered * 2 >= len(rows) or not totals else "unknown"
    if totals:
        return "receipt" if page.height > page.width and len(rows) < 40 else "unknown"
    return "text" if len(figures) < 3 else "unknown"


def _settled(figures: Sequence[Labelled]) -> bool:
    """Something was given or given back below the total: paid at a till."""
    totals = [
        figure.row for figure in figures if figure.role in ("total", "amount_due") and figure.meaning.strength >= 2
    ]
    return bool(totals) and any(
        figure.row > totals[0] and figure.role in ("paid", "change") and figure.number.money_like for figure in figures
    )


def _votes(rows: Sequence[Row], tables: Sequence[Table]) -> Counter[DocumentKind]:
    """Lines that name the kind: headings count more than sentences. A list of invoices, with a column called so, is
    none."""
    listed = {column.name for table in tables if len(table.rows) > 1 for column in table.columns}
    votes: Counter[DocumentKind] = Counter()
    runs = [run for row in rows for run in row.runs]
    usual = text_height(runs)
    for position, row in enumerate(rows):
        for run in row.runs:
            kind = kind_words(run.text)
            if kind is None or run.text in listed:
                continue
            votes[kind] += 1
            if len(run.words) <= 5:
                votes[kind] += 1
            if len(run.words) <= 5 and (run.height > 1.35 * usual or position < 4):
                votes[kind] += 3
    return votes
