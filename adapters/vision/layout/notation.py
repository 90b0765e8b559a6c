"""How one document writes: decimals, dates, currency. Decided once from all its lines, used for every number."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from adapters.vision.layout.currencies import document_currency
from adapters.vision.layout.dates import Order, dates_in, masked, order_of
from adapters.vision.layout.lexicon import folded
from adapters.vision.layout.numbers import (
    Number,
    Style,
    cleaned_text,
    grouped_by_comma,
    grouped_by_space,
    number_of,
    numbers_in,
    style_of,
    ungrouped,
)

_AMERICAN = re.compile(
    r"\b[A-Z]{2},? \d{5}(?:-\d{4})?\b|\bUnited States\b|\bUSA\b|\bSales Tax\b|\bZIP\b", re.IGNORECASE
)
# Small words that tell the language; English is told by the absence of the others.
_LANGUAGES = {
    "de": {"und", "der", "die", "das", "rechnung", "betrag", "datum", "summe", "mwst", "gesamt", "menge", "preis"},
    "fr": {"et", "le", "la", "les", "facture", "montant", "tva", "prix", "quantite", "des", "du"},
    "es": {"el", "los", "factura", "fecha", "importe", "cantidad", "precio", "iva", "y", "del"},
    "it": {"il", "fattura", "importo", "prezzo", "quantita", "iva", "di", "della", "totale"},
    "nl": {"het", "een", "factuur", "bedrag", "btw", "aantal", "prijs", "datum", "totaal", "van"},
    "pt": {"fatura", "valor", "quantidade", "preco", "iva", "do", "da", "os", "data"},
    "sv": {"och", "faktura", "moms", "belopp", "antal", "pris", "datum", "att"},
}
_COMMA_CURRENCIES = {"EUR", "PLN", "CZK", "DKK", "SEK", "NOK", "HUF", "RON", "BRL", "TRY", "RUB", "UAH", "ARS"}


@dataclass(frozen=True, slots=True)
class Notation:
    """`style` and `order` are None where the document leaves it open; `spaced`: it writes twelve thousand as 12 000."""

    style: Style | None
    order: Order | None
    currency: str | None
    language: str
    spaced: bool = False

    def number(self, text: str) -> Number | None:
        """The number the whole text is, None when it is more or less than that."""
        return number_of(ungrouped(text) if self.spaced else text, self.style)

    def numbers(self, text: str) -> list[Number]:
        """The numbers in a text, those of dates left out."""
        cleaned = cleaned_text(text)
        return numbers_in(masked(cleaned, dates_in(cleaned, self.order)), self.style)


def notation_of(texts: Sequence[str]) -> Notation:
    """The notation of a document by its lines."""
    plain = [masked(cleaned_text(text), dates_in(cleaned_text(text), "day_first")) for text in texts]
    language = _language(texts)
    marks = [number.mark for text in plain for number in numbers_in(text) if number.mark]
    currency = document_currency(marks, texts)
    style = style_of(plain)
    if style is None and (language != "en" or currency in _COMMA_CURRENCIES):
        # No number tells, but the language or the currency does.
        style = "comma" if language != "en" else None
    elif style is None and grouped_by_comma(plain):
        style = "point"
    american = _american(texts, currency, language)
    return Notation(style, order_of(texts, american), currency, language, grouped_by_space(plain))


def _language(texts: Sequence[str]) -> str:
    words = [word for text in texts for word in folded(text).split()]
    scores = {language: sum(word in small for word in words) for language, small in _LANGUAGES.items()}
    best = max(scores, key=lambda language: scores[language])
    english = sum(
        word in {"the", "and", "of", "to", "date", "total", "amount", "invoice", "price", "for"} for word in words
    )
    return best if scores[best] >= 3 and scores[best] > english else "en"


def _american(texts: Sequence[str], currency: str | None, language: str) -> bool | None:
    if language != "en":
        return False
    if any(_AMERICAN.search(text) for text in texts):
        return True if currency in ("USD", None) else None
    if currency in ("EUR", "GBP", "AUD", "NZD", "INR", "CHF", "ZAR", "SEK", "NOK", "DKK", "PLN"):
        return False
    return None
