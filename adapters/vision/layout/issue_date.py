"""The date of a document: the day it was issued, as far as its labels tell."""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence

from adapters.vision.layout.dates import dates_in
from adapters.vision.layout.lexicon import folded
from adapters.vision.layout.notation import Notation
from adapters.vision.layout.rows import Row
from adapters.vision.layout.tables import FoundTable
from adapters.vision.layout.words import Run
from schemas.documents import DocumentKind

_ISSUED = re.compile(
    r"\b(?:(?:invoice|bill|receipt|statement|issue|estimate|quote|document|tax|transaction|sale|purchase) ?date|"
    r"date (?:of )?(?:issued?|invoice|sale|purchase)|issued(?: on)?|date issued|rechnungs ?datum|belegdatum|"
    r"ausstellungsdatum|datum der rechnung|date d emission|date de (?:la )?facture|date facture|facture du|emise? le|"
    r"fecha (?:de )?(?:emision|factura|expedicion)|data (?:di )?(?:emissione|fattura|documento|emissao|da fatura)|"
    r"factuur ?datum|fakturadatum|fakturadato|angebotsdatum|data wystawienia|开票日期|発行日)\b"
)
_PLAIN = re.compile(r"^(?:\W*)(?:date|datum|data|fecha|dato|le|dated|日期|日付)\b|\b(?:den|am|le|the)$|^date$|\bdate$")
_ORDER = re.compile(
    r"\b(?:order(?:ed)? ?(?:date|on)|bestell ?datum|order ?datum|date de commande|fecha de pedido|paid on)\b"
)
_OTHER = re.compile(
    r"\b(?:due|pay by|payable by|deliver\w*|shipp\w*|expir\w*|valid|until|period|from|since|birth|fallig\w*|zahlbar|"
    r"liefer\w*|leistung\w*|bis|von|echeance|livraison|vencimiento|vence|entrega|scadenza|consegna|verval\w*|"
    r"lever\w*|"
    r"betaald|voor|op|zeitraum|periode?|periodo|first seen|vencimento|entrega|forfall\w*|forfallo|betalning|created|"
    r"member|return|next|bezahlen|pagar|payer|start|end|joined)\b"
)


def document_date(
    rows: Sequence[Row], tables: Sequence[FoundTable], kind: DocumentKind, notation: Notation
) -> datetime.date | None:
    """The issue date, None when no date or several equally good ones stand on the page."""
    body = {i for table in tables if len(table.rows) > 1 for i in table.taken if i not in table.header}
    found: list[tuple[int, int, datetime.date]] = []
    for index, row in enumerate(rows):
        for position, run in enumerate(row.runs):
            for date in dates_in(run.text, notation.order):
                if date.date is None:
                    continue
                label = _label(rows, index, position, run, run.text[: date.start])
                rank = _rank(label, index in body)
                if rank > 0:
                    found.append((rank, -index, date.date))
    if not found:
        return None
    best = max(rank for rank, _, _ in found)
    dates = {date for rank, _, date in found if rank == best}
    if best == 1 and (len(dates) > 1 or kind in ("statement", "dashboard", "table", "chart")):
        # Unlabelled dates: only a receipt prints its own without a word, at the top.
        if kind == "receipt" and len({date for rank, _, date in found}) <= 2:
            return max(found)[2]
        return None
    if len(dates) > 1 and best < 4:
        return None
    return max(found)[2]


def _rank(label: str, in_table: bool) -> int:
    text = folded(label)
    if _ISSUED.search(text):
        return 4
    if _OTHER.search(text):
        return 0
    if in_table:
        return 0
    if _PLAIN.search(text):
        return 3
    if _ORDER.search(text):
        return 2
    return 1


def _worded(text: str) -> bool:
    letters = sum(c.isalpha() for c in text)
    return letters >= 2 and letters > sum(c.isdigit() for c in text)


def _label(rows: Sequence[Row], index: int, position: int, run: Run, before: str) -> str:
    """The words in front of a date, left of it, or else above it."""
    if re.search(r"[^\W\d_]{2,}", before):
        return before
    if position > 0:
        left = rows[index].runs[position - 1]
        if run.x0 - left.x1 < 12 * run.height and not dates_in(left.text) and _worded(left.text):
            return left.text
    for other in reversed(rows[max(0, index - 2) : index]):
        for above in other.runs:
            if above.x0 < run.x1 and run.x0 < above.x1 and 0 < run.cy - above.cy < 2.6 * run.height:
                return above.text if not dates_in(above.text) else ""
    return before
