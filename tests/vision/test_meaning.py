"""Labels, currencies and kinds of document."""

from __future__ import annotations

import pytest

from adapters.vision.layout.currencies import document_currency
from adapters.vision.layout.lexicon import kind_words, meaning_of


@pytest.mark.parametrize(
    ("label", "role"),
    [
        ("Total", "total"), ("GRAND TOTAL", "total"), ("Total TTC", "total"), ("Gesamtbetrag", "total"),
        ("Rechnungsbetrag", "total"), ("Importe total", "total"), ("Totale fattura", "total"),
        ("Totaal incl. BTW", "total"),
        ("Valor total", "total"), ("Factuur totaal EUR", "total"), ("Total incl. VAT", "total"),
        ("Subtotal", "subtotal"), ("Sous-total", "subtotal"), ("Total HT", "subtotal"), ("Zwischensumme", "subtotal"),
        ("Summe netto", "subtotal"), ("Base imponible", "subtotal"), ("Imponibile", "subtotal"),
        ("Exclusief BTW", "subtotal"), ("Total Before Tax", "subtotal"), ("Total excl. VAT", "subtotal"),
        ("TVA 20%", "tax"), ("MwSt. 19%", "tax"), ("BTW 21%", "tax"), ("IVA 21%", "tax"), ("Sales Tax (8.5%)", "tax"),
        ("Total Tax", "tax"), ("inkl. MwSt.", "tax"), ("dont TVA 5,5%", "tax"),
        ("zzgl. 19% MwSt.", "tax"), ("VAT @ 20%", "tax"), ("plus 20% VAT", "tax"), ("incl. VAT 20%", "tax"),
        ("19 % USt.", "tax"), ("Summe zzgl. MwSt.", "subtotal"), ("excl. VAT", "subtotal"),
        ("info@vat.example", "other"),
        ("Amount due", "amount_due"), ("Balance Due", "amount_due"), ("Net à payer", "amount_due"),
        ("zu zahlen", "amount_due"), ("Total a pagar", "amount_due"), ("Te betalen", "amount_due"),
        ("Member Discount (15%)", "discount"), ("Rabatt", "discount"), ("Shipping & Handling", "shipping"),
        ("TotalTTC", "total"), ("AmountDue", "amount_due"), ("Cash", "paid"), ("Rückgeld", "change"), ("Tip", "tip"),
        ("Balance Forward", "opening_balance"), ("Saldo iniziale", "opening_balance"), ("Solde", "balance"),
        ("Neuer Kontostand", "closing_balance"), ("Closing balance", "closing_balance"),
        ("Total Points", "other"), ("Points Earned", "other"), ("Due Date", "other"), ("Tax ID", "other"),
        ("Total items", "other"), ("Payment terms", "other"), ("Page 1 of 1", "other"), ("Odometer", "other"),
    ],
)  # fmt: skip
def test_label_gives_its_role_when_in_any_language(label: str, role: str) -> None:
    assert meaning_of(label).role == role


def test_long_sentence_says_little_when_it_mentions_a_total() -> None:
    assert meaning_of("please check that the total of your order was charged to you correctly").strength <= 1


@pytest.mark.parametrize(
    ("marks", "texts", "currency"),
    [
        (["€", "€"], [], "EUR"),
        (["$"], [], "USD"),
        (["$"], ["Toronto, Ontario"], "CAD"),
        (["$"], ["ABN 12 345 678 901"], "AUD"),
        (["$"], ["All prices in AUD"], "AUD"),
        (["$"], ["Toronto and Sydney"], None),
        (["$", "$", "USD"], [], "USD"),
        (["£"], [], "GBP"),
        (["¥"], [], None),
        (["¥"], ["Tokyo"], "JPY"),
        (["kr"], [], None),
        (["kr"], ["org.nr 556677-8899"], "SEK"),
        (["€", "$"], [], None),
        (["€", "€", "€", "€", "$"], [], "EUR"),
        ([], ["Factuur totaal EUR"], "EUR"),
        ([], ["Total 12.00"], None),
        ([], ["EUR or USD"], None),
    ],
)
def test_currency_is_given_when_the_evidence_is_clear(marks: list[str], texts: list[str], currency: str | None) -> None:
    assert document_currency(marks, texts) == currency


@pytest.mark.parametrize(
    ("line", "kind"),
    [("Tax Invoice", "invoice"), ("Kopie factuur", "invoice"), ("KASSENBON", "receipt"),
     ("Preliminary Estimate", "estimate"),
     ("Kontoauszug", "statement"), ("Acme Ltd", None)],
)  # fmt: skip
def test_kind_is_told_when_a_line_names_it(line: str, kind: str | None) -> None:
    assert kind_words(line) == kind
