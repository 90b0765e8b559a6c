"""What labels say, in English, German, French, Spanish, Italian, Dutch, Portuguese and some others.

Labels are compared folded: lower case, without accents and punctuation. The first rule that matches decides, so the
order of `_RULES` is the meaning: "Total tax" is a tax, "Total incl. tax" a total, "Amount due date" nothing.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from schemas.documents import DocumentKind, FigureRole

_TAX = (
    r"tax(?:es)?|vat|(?:[csi]|ut)?gst|hst|pst|qst|mwst|m w st|ust|umsatzsteuer|mehrwertsteuer|steuer|"
    r"ust betrag|tva|t v a|iva|i v a|"
    r"btw|b t w|imposta|impuestos?|impostos?|igv|icms|moms|mva|podatek|ptu|dph|iva importo|omzetbelasting|"
    r"消費税|税额|増值税|内税"
)
_INCLUSIVE = (
    r"incl(?:\w*)?|inkl(?:\w*)?|inc|ttc|t t c|brutto|bruto|gross|after tax|iva inclu\w*|compris\w*|tax included|"
    r"lordo|ivato|mit mwst|c iva"
)
_TOTAL = (
    r"grand ?total|total\w{0,2}|totaal\w*|totale|gesamt\w*|summe|endsumme|endbetrag|rechnungsbetrag|rechnungssumme|"
    r"bruttobetrag|montant total|montant ttc|net total|factuurbedrag|suma|razem|totalt|i alt|sammanlagt|celkem|"
    r"zu zahlender betrag|eindtotaal|合计|合計|总计|總計|总额|お会計|お買上計"
)
_DUE = (
    r"(?:amount|balance|total|payment|sum|net|invoice|now)s? (?:now )?(?:due|payable|owing|outstanding|owed)|"
    r"due (?:now|today|amount|balance|total)|amount to (?:be paid|pay)|to pay|to be paid|pay this amount|please pay|"
    r"payable|zu zahlen|zahlbetrag|zahlungsbetrag|fallig\w* betrag|falliger|offener betrag|restbetrag|noch offen|"
    r"net a payer|a payer|reste a payer|reste du|solde du|montant du|total a pagar|a pagar|importe a pagar|"
    r"saldo pendiente|importe adeudado|da pagare|totale da pagare|importo dovuto|netto a pagare|te betalen|"
    r"nog te betalen|openstaand\w*|te voldoen|valor a pagar|em divida|att betala|at betale|til betaling|"
    r"a betale|do zaplaty|k uhrade|balance due|net pay|take home pay|auszahlungsbetrag|应付|ご請求額|請求金額"
)

# (role, strength, pattern over the folded label). Strength: how clearly the words say it, 3 best.
_ROLE_WORDS: tuple[tuple[FigureRole, int, str], ...] = (
        (
            "other",
            0,
            r"accounts? (?:payable|receivable)|trade (?:payables?|receivables?)|"
            r"points?|punkte|total items?|items? (?:sold|total|count)|no of items|number of|item count|total qty|"
            r"articles?|anzahl|pages?|seite|page|weight|gewicht|hours|stunden|miles|km|due (?:date|on|by|in)|"
            r"date|datum|"
            r"falligkeit|faellig am|vervaldatum|tax (?:id|no|number|reg\w*|invoice|date|point|year|code|exempt)|"
            r"(?:vat|gst|abn|btw|iva|tva|ust|mwst) ?(?:id|idnr|id nr|no|nr|nummer|number|reg\w*|numero|n|intra\w*)|"
            r"steuer ?(?:nr|nummer)|"
            r"deposit (?:required|due|requested)|"
            r"(?:profit|income|earnings|loss|result|gewinn|resultat) (?:before|vor|avant)|"
            r"you saved|total sav\w+|savings|ersparnis|invoice (?:no|number|nr|id)|order (?:no|number|nr|id)|"
            r"terms|conditions|bedingungen|phone|tel|fax|zip|postal code|account (?:no|number|nr)|iban|bic|kvk|"
            r"siret|siren|nif|cif|"
            r"transactions?|orders|customers|users|sessions|visits?|rate per|exchange rate|per cent",
        ),
        (
            "subtotal",
            3,
            r"sub ?totals?|subtotaal|subtotale|zwischen(?:summe|total)|sous ?total|teilsumme|delsumma|delsum|"
            r"mezisoucet|小计|小計",
        ),
        ("total", 3, rf"(?:{_TOTAL}|amount|betrag|montant|importe|importo|bedrag|"
                     rf"valor)(?: \w+)? (?:{_INCLUSIVE})(?: .*)?"),
        ("total", 3, rf"(?:{_INCLUSIVE}) (?:{_TOTAL})"),
        (
            "subtotal",
            3,
            r"(?:total\w*|totaal|summe|gesamt\w*|betrag|amount|montant|importe|importo|bedrag|valor) "
            r"(?:(?:\w+ )?(?:excl\w*|exkl\w*|ex|before|without|zzgl|zuzugl\w*|plus|ohne|hors|h ?t|net|netto|"
            r"neto|nett|sin|senza|sem|s iva)"
            r"(?: .*)?)|"
            r"(?:excl\w*|exkl\w*|before|without|ohne|hors) (?:\w+ )?(?:tax\w*|vat|mwst|ust|tva|taxes?|btw|"
            r"iva|moms)|"
            r"net (?:amount|total|value|price|sum)|nettobetrag|nettosumme|netto ?summe|netto|nettowert|warenwert|"
            r"imponibile|totale imponibile|base imponible|base imposable|base tributavel|grondslag|taxable(?: \w+)?|"
            r"total ht|montant ht|total h t|valor liquido|merchandise(?: total)?|items? subtotal|goods total|"
            r"total before tax|pre ?tax total|liquido|^net$",
        ),
        (
            "discount",
            3,
            r"\w*discounts?|\w*rabatt\w*|remises?|saving$|descuentos?|sconto|sconti|korting\w*|descontos?|skonto|nachlass|"
            r"coupons?|vouchers?|rewards? (?:applied|used)|promo\w*|gutschein|reduction|reduccion|bonus|rebate|"
            r"slevy?|rabat",
        ),
        ("total", 3, rf"(?:{_TOTAL}) (?:\w+ )?(?:{_INCLUSIVE})(?: .*)?"),
        ("amount_due", 3, _DUE),
        ("tax", 3, rf"(?:sales |state |local |city |input |total |betrag |davon |dont |di cui |"
                   rf"of which )?(?:{_TAX})"),
        ("tax", 2, r"\w+(?:mwst|steuer|ust|skatt)"),
        (
            "shipping",
            3,
            r"shipping\w*|delivery|freight|postage|carriage|handling|versand\w*|lieferung|porto|frachtkosten|"
            r"livraison|"
            r"frais de port|port|envio|gastos de envio|spedizione|spese di spedizione|verzend\w*|bezorg\w*|frete|"
            r"frakt|portes",
        ),
        ("tip", 3, r"tips?|service charge|servizio|gratuity|trinkgeld|pourboire|propina|mancia|fooi|gorjeta|dricks"),
        ("change", 3, r"change(?: due)?|ruckgeld|wechselgeld|rendu|monnaie|cambio|resto|wisselgeld|troco|vuelto|"
                      r"zuruck"),
        (
            "opening_balance",
            3,
            r"(?:opening|beginning|starting|previous|initial|prior|old) balance|balance (?:brought )?forward|"
            r"brought forward|balance b ?f|anfangssaldo|alter (?:konto)?(?:saldo|stand)|anfangsbestand|kontostand am|"
            r"saldo (?:inicial|iniziale|anterior|precedente|previo|vortrag)|saldovortrag|solde (?:initial|"
            r"precedent|anterieur|"
            r"au debut|d ouverture)|ancien solde|beginsaldo|vorig saldo|begin saldo|ingaende saldo",
        ),
        (
            "closing_balance",
            3,
            r"(?:closing|ending|final|new|end|current) balance|balance (?:carried )?(?:c ?f|carried forward)|"
            r"endsaldo|"
            r"neuer (?:konto)?(?:saldo|stand)|endbestand|schluss ?saldo|saldo (?:final|finale|atual|actual|nuevo|"
            r"contabile)|"
            r"nouveau solde|solde (?:final|actuel|a la fin|de cloture|crediteur|debiteur)|eindsaldo|nieuw saldo|"
            r"utgaende saldo|"
            r"balance (?:as )?(?:at|on|of)(?: .*)?",
        ),
        ("balance", 2, r"balances?|saldo|solde|kontostand|guthaben|disponible|available"),
        (
            "paid",
            3,
            r"(?:amount |total |already |deposit |pre ?)?paid|payments?(?: received)?|tendered|cash|visa|"
            r"mastercard|amex|"
            r"debit(?: card)?|credit card|card|gezahlt|bezahlt|gegeben|bar|bargeld|ec karte|girocard|"
            r"kartenzahlung|anzahlung|"
            r"geleistete \w+|paye\w*|acompte|especes|carte(?: bancaire)?|cb|pagado|efectivo|tarjeta|anticipo|"
            r"entregado|pagato|"
            r"contanti|contante|carta|acconto|betaald\w*|voldaan|pin|pinnen|contant|aanbetaling|pago|dinheiro|cartao|"
            r"deposit|kontant|kort|betalt|rewards|ideal|"
            r"pre ?payment|advance payment|vorauszahlung|abschlagszahlung|akonto|arrhes|"
            r"(?:less|minus|abzgl|abzuglich|moins|menos|meno|min) (?:\w+ )?"
            r"(?:pre ?payments?|advances?|retainer|a ?konto|a ?conto|voorschot|vooruitbetaling|sinal|senal)",
        ),
        ("total", 3, r"grand ?total|invoice total|total invoice|order total|total (?:amount|general|factura|"
                     r"facture|fattura|"
                     r"geral|documento)|final total|bill total|rechnungsbetrag|rechnungssumme|rechnungs ?total|"
                     r"gesamtbetrag|"
                     r"gesamtsumme|endbetrag|endsumme|montant total|montant ttc|totale (?:fattura|documento|"
                     r"generale)|"
                     r"importe total|importo totale|valor total|totaalbedrag|factuur ?totaal\w*|eindtotaal|"
                     r"total geral|"
                     r"factuurbedrag|bruttobetrag"),
        ("total", 2, rf"(?:\w+ )?(?:{_TOTAL})(?: \w+)?"),
        ("total", 1, r"amount|betrag|montant|importe|importo|bedrag|valor|sum|price paid|金额|金額"),
        ("quantity", 2, r"qty|quantity|menge|quantite|cantidad|quantita|aantal|quantidade|units|stuck|数量"),
        ("unit_price", 2, r"unit price|price each|einzelpreis|stuckpreis|prix unitaire|precio unitario|"
                          r"prezzo unitario|"
                          r"stuksprijs|preco unitario|单价|単価"),
)  # fmt: skip
_RULES = tuple(
    (role, strength, re.compile(rf"(?<![^\W_])(?:{words})(?![^\W_])")) for role, strength, words in _ROLE_WORDS
)

_KIND_WORDS: tuple[tuple[DocumentKind, str], ...] = (
    (
        "estimate",
        r"(?:\w+ )?estimate|quote|quotation|angebot|kostenvoranschlag|devis|presupuesto|preventivo|offerte|"
        r"orcamento|proposal|cotizacion|offert",
    ),
    (
        "statement",
        r"bank statement|account statement|statement of account|statement period|kontoauszug|releve de compte|"
        r"releve bancaire|estado de cuenta|extracto(?: bancario| de cuenta)?|estratto conto|rekeningafschrift|"
        r"extrato(?: bancario)?|account summary|kontoudtog|kontoutdrag|chequing|checking account|statement date",
    ),
    (
        "invoice",
        r"(?:tax )?invoice\w*|rechnung\w*|factures?|facturas?|fattura|factuur\w*|fatura|faktura\w*|bill to|"
        r"invoice no|nota fiscal|发票|請求書|gutschrift|credit note|proforma",
    ),
    (
        "receipt",
        r"receipt|kassenbon|kassenbeleg|quittung|bon|ticket de caja|ticket de caisse|ticket|recu|recibo|"
        r"scontrino|"
        r"kvittering|kvitto|cashier|cash register|register (?:no|nr|\d+)|"
        r"kassa|kassenzettel|thank you for shopping|kasse|caisse|caja|cajero|"
        r"bon de caisse|kassabon|documento commerciale|领收书|領収書|paragon|uctenka",
    ),
)
_KINDS = tuple((kind, re.compile(rf"(?<!\w)(?:{words})(?!\w)")) for kind, words in _KIND_WORDS)

MONEY_HEADERS = re.compile(
    r"\b(?:price|amount|total|cost|costs|debits?|credits?|balance|net|gross|fees?|revenue|sales|profit|expenses?|"
    r"budget|"
    r"value|income|paid|charge|charges|withdrawals?|deposits?|preis|einzelpreis|gesamtpreis|betrag|gesamt|summe|"
    r"soll|haben|"
    r"saldo|umsatz|kosten|prix|montant|total|solde|prix unitaire|credit|precio|importe|cargo|abono|prezzo|"
    r"importo|dare|"
    r"avere|prijs|bedrag|totaal|bij|af|preco|valor|debito|credito|unit price|p u|pu|spend|salary|tax|vat|mwst|"
    r"tva|btw|iva)\b"
)
ID_HEADERS = re.compile(
    r"(?:no|nr|num|number|n|ref|reference|referenz|id|sku|code|art nr|artikel ?nr|artikelnr|article no|item no|"
    r"pos|cheque no|"
    r"check no|check|cheque|invoice|invoice no|order|order no|account|account no|zip|plz|phone|artikel|"
    r"(?:invoice|order|item|cheque|check|customer|product|part|kunden|rechnungs|bestell) ?(?:number|no|nr|id|"
    r"code|nummer))"
)
QUANTITY_HEADERS = re.compile(
    r"\b(?:qty|quantity|menge|anzahl|quantite|qte|cantidad|cant|quantita|qta|aantal|hoeveelheid|quantidade|qtd|"
    r"units?(?! (?:price|cost))|"
    r"stuck|antal|ilosc|hours|hrs|stunden|std|uren|heures|horas|ore|数量)\b"
)
PRICE_HEADERS = re.compile(
    r"\b(?:unit price|unit cost|price each|price|rate|einzelpreis|e ?preis|stuckpreis|preis|prix unitaire|prix|p ?u|"
    r"precio unitario|precio|p unit\w*|prezzo unitario|prezzo|prijs|prijs per stuk|stuksprijs|preco unitario|"
    r"preco|a pris|each)\b"
)
AMOUNT_HEADERS = re.compile(
    r"\b(?:amount|line total|total|total price|ext(?:ended)?(?: price)?|net amount|gesamtpreis|gesamt|betrag|"
    r"summe|montant|"
    r"total ht|importe|importo|totale|bedrag|totaal|prijs incl btw|valor|valor total|sum|cost|belop|wartosc|net)\b"
)
DEBIT_HEADERS = re.compile(
    r"\b(?:debits?|withdrawals?|paid out|money out|out|soll|belastung\w*|lastschrift\w*|debit|retraits?|cargos?|debe|"
    r"debito|dare|uscite|af|bij af|debet|saidas?|payments?|charges)\b"
)
CREDIT_HEADERS = re.compile(
    r"\b(?:credits?|deposits?|paid in|money in|in|haben|gutschrift\w*|versements?|depots?|abonos?|haber|credito|"
    r"avere|"
    r"entrate|bij|entradas?)\b"
)
DISCOUNT_HEADERS = re.compile(r"\b(?:disc\w*|rabatt|remise|dto|descuento|sconto|korting|desconto|off)\b")
BALANCE_HEADERS = re.compile(r"\b(?:balance|running balance|saldo|solde|kontostand)\b")
_WORDS_RUN_TOGETHER = re.compile(r"(?<=[a-zà-ÿ]{3})(?=[A-Z]{2}|[A-Z][a-zà-ÿ]{2})")
_ADDRESSES = re.compile(r"\w@\w|www\.|https?:|\.com\b|\.[a-z]{2}/")


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a label says, and how clearly (0 not at all … 3 in so many words)."""

    role: FigureRole
    strength: int


@lru_cache(maxsize=4096)
def folded(text: str) -> str:
    """Lower case, no accents, punctuation as single spaces."""
    # Readers lose spaces: "TotalTTC", "AmountDue".
    text = _WORDS_RUN_TOGETHER.sub(" ", text)
    plain = unicodedata.normalize("NFKD", text.replace("ß", "ss").lower())
    kept = "".join(" " if not (c.isalnum() or unicodedata.combining(c)) else c for c in plain)
    return " ".join("".join(c for c in kept if not unicodedata.combining(c)).split())


@lru_cache(maxsize=4096)
def meaning_of(label: str) -> Meaning:
    """The role a label gives its figure. Long sentences say little: their strength is at most 1."""
    text = folded(label)
    text = re.sub(r"\d+(?: \d+)*", " ", text)
    text = " ".join(text.split())
    if not text or _ADDRESSES.search(label.lower()):
        return Meaning("other", 0)
    for role, strength, pattern in _RULES:
        if pattern.search(text):
            return Meaning(role, min(strength, 1) if len(text.split()) > 7 else strength)
    return Meaning("other", 0)


def kind_words(text: str) -> DocumentKind | None:
    """The kind of document that a line names itself to be."""
    line = folded(text)
    for kind, pattern in _KINDS:
        if pattern.search(line):
            return kind
    return None
