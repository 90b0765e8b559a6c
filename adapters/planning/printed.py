"""Texts that a document prints under a label: invoice number, due date, customer, IBAN …"""

# ruff: noqa: E501 - phrases of one concept stay together
from __future__ import annotations

import re
from dataclasses import dataclass

from adapters.planning.words import stem, words
from schemas.documents import DocumentDescription, TextLine

_DATE = r"\d{1,4}[./-]\d{1,2}[./-]\d{1,4}|\d{1,2}(?:st|nd|rd|th|\.)?[\s-]*[^\W\d_]{3,10}\.?,?[\s-]*\d{2,4}|[^\W\d_]{3,10}\.?\s*\d{1,2},?\s+\d{4}"
_CODE = r"[A-Za-z]{0,6}[-/ #]?\d[\w./-]*"


@dataclass(frozen=True, slots=True)
class Field:
    """Something printed: how questions name it, how documents label it (both `|` separated), what it looks like."""

    name: str
    asked: str
    labels: str
    shape: str


FIELDS: tuple[Field, ...] = (
    Field("invoice number", """invoice number|invoice no|invoice nr|invoice id|bill number|number of the invoice|invoice reference|number of this invoice
|fakturanummer|fakturanr|rechnungsnummer|rechnung nr|rechnungs nr|numero de facture|numero de la facture|numero de factura|numero de la factura|factuurnummer|numero fattura|numero di fattura|numero della fattura|receipt number|receipt no|estimate number|bon number|document number""",
          "invoice number|invoice no|invoice nr|invoice id|invoice #|invoice|tax invoice|vat invoice|bill number|bill no|fakturanummer|faktura nr|fakturanr|rechnungsnummer|rechnung nr|rechnungs nr|rechnung|facture n|numero de facture|facture|factura n|numero de factura|factura|factuurnummer|factuur nr|factuur|numero fattura|fattura n|receipt number|receipt no|receipt #|estimate number|estimate no|estimate #", _CODE),
    Field("order number", "order number|order no|order id|order nr|number of the order|bestellnummer|auftragsnummer|numero de commande|numero de pedido|bestelnummer|ordernummer|numero ordine|purchase order number|po number|purchase order|p o number",
          "order number|order no|order id|order nr|order #|your order|bestellnummer|auftragsnummer|numero de commande|commande n|numero de pedido|bestelnummer|ordernummer|numero ordine|purchase order|po number|p o number|po no|p o", _CODE),
    Field("customer number", "customer number|customer no|customer id|client number|kundennummer|numero client|numero de cliente|klantnummer|codice cliente|client id|numero de client",
          "customer number|customer no|customer id|customer nr|client number|client no|client id|kundennummer|kunden nr|numero client|n client|numero de cliente|klantnummer|codice cliente", _CODE),
    Field("account number", "account number|account no|number of the account|kontonummer|numero de compte|numero de cuenta|rekeningnummer|numero di conto|card number",
          "account number|account no|acct no|account nr|account|kontonummer|numero de compte|numero de cuenta|rekeningnummer|numero di conto", r"[\d*xX][\d*xX \-]{3,30}[\d*xX]"),
    Field("IBAN", "iban|bank detail|iban number|bankverbindung", "iban", r"[A-Z]{2}\d{2}[A-Z0-9 ]{10,38}"),
    Field("BIC", "bic|swift|swift code|bic code", "bic|swift|bic swift", r"[A-Z]{6}[A-Z0-9]{2,5}"),
    Field("VAT number", "vat number|vat id|vat no|vat registration number|tax id|tax number|ust id|ustid|steuernummer|numero de tva|numero tva|nif|cif|btw nummer|partita iva|p iva|ein|vat registration",
          "vat number|vat id|vat no|vat reg no|vat registration number|vat|tax id|tax number|ust id|ust idnr|ust id nr|umsatzsteuer id|steuernummer|numero de tva|n tva|tva intracommunautaire|nif|cif|btw nummer|btw nr|btw|partita iva|p iva|ein", r"[A-Z]{0,3}[ -]?\d[\dA-Z ./-]{5,20}"),
    Field("due date", "forfallodatum|forfaller|vence|vence la factura|scade|vervalt|wird fallig|due date|payment due|date due|due by|pay by|due|payment due date|deadline|payment deadline|when due|falligkeitsdatum|fallig|faellig|zahlbar bis|zahlungsziel|echeance|date d echeance|vencimiento|fecha de vencimiento|vervaldatum|uiterste betaaldatum|scadenza|data di scadenza|fall due|falls due|payment fall due|does payment fall due|when is the payment due|when is this due|must it be paid|must this be paid|must the invoice be paid|must the bill be paid|must be paid|must i pay|must we pay|have to be paid|have to pay by|bis wann ist zu zahlen|bis wann zu zahlen|wann ist zu zahlen|zu zahlen bis",
          "forfallodatum|forfaller|oss tillhanda|due date|payment due|date due|due by|pay by|please pay by|please pay before|pay before|payable until|due on|payable by|payment due date|due|falligkeitsdatum|fallig am|fallig|zahlbar bis|echeance|date d echeance|vencimiento|fecha de vencimiento|vervaldatum|scadenza|data scadenza", _DATE),
    Field("validity", "valid|validity|valid until|valid for|how long is valid|remain valid|expire|expires|expiry date|gultig|gultig bis|valable|valido|valida|geldig|giltig",
          "valid until|valid for|valid through|valid to|validity|expires|expires on|expiry date|gultig bis|gultigkeit|valable jusqu au|valable|valido hasta|valida hasta|valido fino al|geldig tot|giltig till",
          rf"{_DATE}|\d{{1,3}} ?[^\W\d_]{{3,8}}"),
    Field("delivery date", "delivery date|date of delivery|ship date|shipping date|lieferdatum|leistungsdatum|date de livraison|fecha de entrega|leverdatum|data di consegna",
          "delivery date|ship date|shipping date|date shipped|lieferdatum|leistungsdatum|date de livraison|fecha de entrega|leverdatum|data di consegna", _DATE),
    Field("payment terms", "payment terms|term of payment|payment term|payment condition|zahlungsbedingungen|zahlungsbedingung|condition de paiement|betalingstermijn|term",
          "payment terms|terms of payment|terms|payment conditions|zahlungsbedingungen|conditions de paiement|condiciones de pago|betalingstermijn|termini di pagamento", r".{3,60}"),
    Field("payment method", "payment method|method of payment|paid by|how was it paid|how did they pay|how did i pay|how did we pay|how did you pay|how did he pay|how did she pay|how did the customer pay|how was the bill paid|how was the invoice paid|how was this paid|payment type|mode of payment|zahlungsart|zahlungsmethode|mode de paiement|moyen de paiement|forma de pago|metodo de pago|betaalwijze|betaalmethode|metodo di pagamento",
          "payment method|method of payment|paid by|payment type|payment|tender|zahlungsart|mode de paiement|forma de pago|metodo de pago|betaalwijze|betaalmethode|metodo di pagamento|pagamento", r"[^\W\d][\w .*-]{2,40}"),
    Field("customer", "customer|customer name|name of the customer|client|client name|buyer|bill to|billed to|addressed to|sold to|recipient|purchaser|kunde|kundenname|rechnungsempfanger|client|cliente|klant|acheteur|comprador|acquirente|who is this for|who was billed",
          "customer name|customer|client name|client|buyer|bill to|billed to|invoice to|sold to|ship to|kunde|kundenname|rechnungsempfanger|rechnung an|facture a|cliente|klant|factuur aan|intestatario", r"[^\W\d_][^:]{2,60}$"),
    Field("supplier", "supplier|seller|vendor|merchant|issuer|provider|company name|store|shop|store name|shop name|name of the store|name of the shop|retailer|biller|restaurant|issuing company|lieferant|verkaufer|handler|aussteller|fournisseur|vendeur|magasin|emetteur|proveedor|vendedor|tienda|emisor|leverancier|verkoper|winkel|fornitore|venditore|negozio|bank name|name of the bank|who issued|who sent|who sold|who is it from|issued by|sent by|name of the company|company|bought from|from whom|from who",
          "supplier name|supplier|seller|vendor name|vendor|merchant|issued by|billed by|lieferant|verkaufer|rechnungssteller|fournisseur|vendeur|proveedor|vendedor|leverancier|verkoper|fornitore|venditore", r"[^\W\d_][^:]{2,60}$"),
    Field("phone number", "phone|phone number|telephone|telephone number|telefon|telefonnummer|tel|telefono|telefoon|telefoonnummer|numero de telephone",
          "phone number|phone|telephone|tel|telefon|telefonnummer|telefono|telefoon|ph|mobile", r"\+?[\d(][\d ()./-]{5,24}\d"),
    Field("e-mail address", "e mail|email|mail address|email address|e mail address|correo|correo electronico|courriel|mailadres", "e mail|email|mail", r"[\w.+-]+@[\w-]+\.[\w.-]+"),
    Field("website", "website|web site|web address|url|webseite|homepage|site web|pagina web|sito web|sito", "website|web|www|url|webseite|internet", r"(?:https?://)?(?:www\.)?[\w-]+\.[\w./-]{2,60}"),
    Field("address", "address|street|where is the store|located|location|adresse|anschrift|direccion|adres|indirizzo", "address|adresse|anschrift|direccion|adres|indirizzo", r".{6,80}"),
    Field("cashier", "cashier|served by|server|server name|operator|clerk|kassierer|caissier|cajero|kassier|cassiere|bedient|waiter|employee", "cashier|served by|server|operator|clerk|kassierer|bediener|es bediente sie|caissier|cajero|kassier|cassiere|employee", r"[^\W_][\w .#-]{0,40}"),
    Field("table number", "table number|table no|tischnummer", "table|table number|table no|tisch", r"\d{1,4}"),
    Field("period", "period|statement period|billing period|zeitraum|abrechnungszeitraum|periode|periodo", "period|statement period|billing period|zeitraum|abrechnungszeitraum|periode|periodo", r".{6,60}"),
    Field("time", "time|what time|at what time|uhrzeit|heure|hora|tijd|ora", "time|uhrzeit|heure|hora|tijd|ora", r"\d{1,2}[:h]\d{2}(?::\d{2})?(?:\s*[apAP]\.?[mM]\.?)?"),
    Field("reference", "reference|reference number|referenz|verwendungszweck|referencia|referentie|riferimento", "reference number|reference no|reference|ref|your reference|our reference|referenz|verwendungszweck|referencia|referentie|kenmerk|riferimento", r"[\w][\w ./-]{2,40}"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Printed:
    """A text found: in which line, word for word, and whether a label said so."""

    line: int
    text: str
    labelled: bool = True


def printed(field: Field, document: DocumentDescription) -> Printed | None:
    """What the document prints for a field: after its label in the same line, right of it, or right below it.

    None when no label is found or the labels lead to different texts: nothing is guessed.
    """
    found: dict[str, Printed] = {}
    for phrase in sorted(field.labels.split("|"), key=len, reverse=True):
        label = tuple(word.stem for word in words(phrase))
        for index, line in enumerate(document.lines):
            rest = _after_label(line.text, label)
            if rest is None:
                continue
            value = _shaped(field, rest)
            if value is not None:
                found.setdefault(_same(value), Printed(index, value))
            elif not rest.strip(" .:#-"):
                for other in _beside(line, document):
                    value = _shaped(field, document.lines[other].text)
                    if value is not None and not _is_a_label(document.lines[other].text):
                        found.setdefault(_same(value), Printed(other, value))
                        break
        if found:
            break
    if len(found) == 1:
        return next(iter(found.values()))
    return _from_top(field, document) if not found else None


def _same(value: str) -> str:
    return re.sub(r"\W", "", value).casefold()


def _after_label(text: str, label: tuple[str, ...]) -> str | None:
    """What follows a label at the start of a line (or after a wide gap in it); None when it is not there."""
    for match in re.finditer(r"(?:^|\s{2,}|[|;·•])\s*", text):
        rest = text[match.end() :]
        matched = 0
        position = 0
        for part in re.finditer(r"[^\W\d_]+|#|\d+", rest):
            if matched == len(label) or stem(part.group()) != label[matched]:
                break
            if matched and re.search(r"[:]", rest[position : part.start()]):
                break
            matched += 1
            position = part.end()
        if matched == len(label):
            after = rest[position:]
            if not after or not after[0].isalnum():
                return after
    return None


def _shaped(field: Field, rest: str) -> str | None:
    """The value at the start of what follows a label, when it looks like one."""
    bare = rest.lstrip(" .:#-–№°º\t=")
    bare = re.sub(r"^(?:no|nr|number|n|num|id|date|name)\b\s*[.:#°º]*\s*", "", bare, count=1, flags=re.IGNORECASE)
    match = re.match(field.shape, bare)
    if match is None:
        return None
    value = match.group().strip(" ,;:")
    return value if value and value in rest else None


def _is_a_label(text: str) -> bool:
    return text.rstrip().endswith(":")


def _beside(line: TextLine, document: DocumentDescription) -> list[int]:
    """Lines right of a line at the same height, then the one right below it; nearest first."""
    box = line.box
    right: list[tuple[int, int]] = []
    below: list[tuple[int, int]] = []
    for index, other in enumerate(document.lines):
        if other is line:
            continue
        middle = other.box.y + other.box.height / 2
        if box.y <= middle <= box.y + box.height and other.box.x >= box.x + box.width * 0.8:
            right.append((other.box.x, index))
        gap = other.box.y - (box.y + box.height)
        overlap = min(box.x + box.width, other.box.x + other.box.width) - max(box.x, other.box.x)
        if -box.height * 0.3 <= gap <= box.height * 1.3 and overlap > 0 and abs(other.box.x - box.x) < 4 * box.height:
            below.append((gap, index))
    nearest = [index for x, index in sorted(right)[:1] if x - (box.x + box.width) < 0.5 * document.width]
    return nearest or [index for _, index in sorted(below)[:1]]


_NOT_A_NAME = re.compile(
    r"invoice|rechnung|facture|factura|factuur|fattura|receipt|quittung|recu|recibo|scontrino|statement|estimate|quote"
    r"|tax|page|date|welcome|thank|tel|phone|www|@|copy|original|order|customer|bill to|total|\d{3,}|[:#]",
    re.IGNORECASE,
)


def _from_top(field: Field, document: DocumentDescription) -> Printed | None:
    """Who issued it stands at the top of most invoices and receipts; said as unverified, for no label says so."""
    if field.name == "time":
        return _the_only(field, document)
    if field.name == "e-mail address" or field.name == "IBAN":
        return _the_only(field, document)
    if field.name != "supplier" or document.kind not in ("invoice", "receipt", "estimate"):
        return None
    top = sorted(
        range(len(document.lines)), key=lambda index: (document.lines[index].box.y, document.lines[index].box.x)
    )
    for index in top[:3]:
        text = document.lines[index].text.strip()
        letters = sum(char.isalpha() for char in text)
        if letters >= 3 and letters * 10 >= len(text) * 7 and not _NOT_A_NAME.search(text):
            return Printed(index, text, labelled=False)
    return None


def _the_only(field: Field, document: DocumentDescription) -> Printed | None:
    """A text of an unmistakable shape, when the document has exactly one."""
    found = [
        Printed(index, match.group().strip())
        for index, line in enumerate(document.lines)
        for match in re.finditer(rf"(?<![\w]){field.shape}", line.text)
    ]
    return found[0] if len({_same(each.text) for each in found}) == 1 else None
