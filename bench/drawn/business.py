"""Invoices, receipts and bank statements."""

from __future__ import annotations

import datetime
import random
from decimal import ROUND_HALF_UP, Decimal

from bench.drawn.canvas import Canvas, families
from bench.drawn.languages import LANGUAGES, Language, amount
from bench.drawn.truth import Drawn, Truth

CENT = Decimal("0.01")
RATES = {"USD": "8.25", "GBP": "20", "EUR": "19", "BRL": "10", "CHF": "8.1", "CAD": "13", "JPY": "10"}
INKS = ((32, 60, 120), (20, 90, 70), (120, 40, 40), (40, 40, 40), (90, 50, 120))


def _day(chance: random.Random) -> datetime.date:
    return datetime.date(2021, 1, 1) + datetime.timedelta(days=chance.randrange(1800))


def _dated(chance: random.Random, language: Language) -> datetime.date:
    """A day above the twelfth where the notation is all digits, so that it can be read one way only."""
    day = _day(chance)
    return day.replace(day=chance.randrange(13, 28)) if "/" in language.day(day) else day


def invoice(chance: random.Random) -> Drawn:
    language = chance.choice(LANGUAGES)
    words = language.words
    page = Canvas(
        chance.choice((900, 1000, 1240)), 1500, size=chance.choice((15, 17, 20)), family=chance.choice(families())
    )
    ink, line = chance.choice(INKS), page.size * 1.5
    left, right = page.picture.width * 0.07, page.picture.width * 0.93
    day = _dated(chance, language)
    y = _heading(page, chance, language, day, ink, left, right)
    lines = [
        (name, Decimal(chance.choice((1, 1, 2, 3, 4, 5, 10, 12))), amount(chance, language, 3, 600))
        for name in chance.sample(language.items, chance.randrange(2, min(6, len(language.items))))
    ]
    bare = chance.random() < 0.4
    show = language.plain if bare else language.money
    edges = (left, left + (right - left) * 0.58, left + (right - left) * 0.78, right)
    y = _item_head(page, chance, words, ink, edges, y)
    subtotal = Decimal(0)
    for name, quantity, price in lines:
        total = (quantity * price).quantize(CENT, ROUND_HALF_UP)
        subtotal += total
        page.text(edges[0] + 6, y, name)
        for x, text in zip(edges[1:], (str(quantity), show(price), show(total)), strict=True):
            page.text(x - 6, y, text, anchor="ra")
        y += line * 1.15
        if chance.random() < 0.25:
            page.text(
                edges[0] + 16,
                y - line * 0.2,
                "Art. " + str(chance.randrange(10000, 99999)),
                scale=0.8,
                fill=(110, 110, 110),
            )
            y += line * 0.8
    page.rule(left, right, y)
    return _sums(page, chance, language, lines, subtotal, day, edges, y + line * 0.6, show)


def _heading(
    page: Canvas,
    chance: random.Random,
    language: Language,
    day: datetime.date,
    ink: tuple[int, int, int],
    left: float,
    right: float,
) -> float:
    words, line = language.words, page.size * 1.5
    y = line * 1.5
    page.text(left, y, language.shop, bold=True, scale=1.3, fill=ink)
    page.text(
        right,
        y,
        words["invoice"].upper() if chance.random() < 0.5 else words["invoice"],
        anchor="ra",
        bold=True,
        scale=1.9,
    )
    y += line * 2
    page.text(left, y, f"{chance.randrange(1, 200)} Station Road", fill=(90, 90, 90))
    page.text(left, y + line, f"{chance.randrange(10000, 99999)} Springfield", fill=(90, 90, 90))
    meta = [
        (words["number"], f"{chance.choice('ABRX')}-{chance.randrange(1000, 99999)}"),
        (words["date"], language.day(day)),
        (words["due"], language.day(day + datetime.timedelta(days=30))),
    ]
    if chance.random() < 0.5:
        for index, (label, value) in enumerate(meta):
            page.text(
                right - page.size * 11, y + index * line, label + chance.choice((":", "")), anchor="ra", bold=True
            )
            page.text(right, y + index * line, value, anchor="ra")
        y += line * 4
    else:
        y += line * 3
        for index, (label, value) in enumerate(meta):
            x = left + index * (right - left) / 3
            page.text(x, y, label, bold=True, fill=ink)
            page.text(x, y + line, value)
        y += line * 3
    page.text(left, y, words["to"] + ":", bold=True)
    page.text(left, y + line, chance.choice(("Globex Corporation", "Jane Miller", "Initech Holding", "Otto Weber")))
    return y + line * 3


def _item_head(
    page: Canvas,
    chance: random.Random,
    words: dict[str, str],
    ink: tuple[int, int, int],
    edges: tuple[float, ...],
    y: float,
) -> float:
    line = page.size * 1.5
    dark = chance.random() < 0.5
    fill = (255, 255, 255) if dark else (20, 20, 20)
    if dark:
        page.box(edges[0], y - line * 0.2, edges[3], y + line, ink)
    else:
        page.rule(edges[0], edges[3], y + line, width=2)
    page.text(edges[0] + 6, y, words["description"], bold=True, fill=fill)
    for x, word in zip(edges[1:], ("quantity", "price", "amount"), strict=True):
        page.text(x - 6, y, words[word], anchor="ra", bold=True, fill=fill)
    return y + line * 1.4


def _sums(
    page: Canvas, chance: random.Random, language: Language, lines: list[tuple[str, Decimal, Decimal]],
    subtotal: Decimal,
    day: datetime.date, edges: tuple[float, ...], y: float, show: object,
) -> Drawn:  # fmt: skip
    words, line = language.words, page.size * 1.5
    rate = Decimal(RATES[language.currency])
    rows: list[tuple[str, Decimal, bool]] = [(words["subtotal"], subtotal, False)]
    figures = {"subtotal": subtotal}
    base = subtotal
    if chance.random() < 0.25:
        off = (subtotal / 10).quantize(CENT, ROUND_HALF_UP)
        rows.append((f"{words['discount']} (10%)", -off, False))
        base -= off
    if chance.random() < 0.25:
        base += Decimal("12.50")
        rows.append((words["shipping"], Decimal("12.50"), False))
    tax = (base * rate / 100).quantize(CENT, ROUND_HALF_UP)
    percent = str(rate).replace(".", language.decimal)
    rows.append((f"{words['tax']} {percent}%" if chance.random() < 0.7 else words["tax"], tax, False))
    total = base + tax
    figures["tax"] = tax
    rows.append((words["total"] + (f" ({language.currency})" if chance.random() < 0.2 else ""), total, True))
    if chance.random() < 0.2 and words["total"] != "Amount Due":
        paid = (total / 4).quantize(CENT)
        rows += [(words["paid"], -paid, False), (words["balance"], total - paid, True)]
        figures["amount_due"] = total - paid
    at = edges[2] if chance.random() < 0.6 else edges[1]
    for label, value, strong in rows:
        page.text(at - 6, y, label, anchor="ra", bold=strong)
        page.text(edges[3] - 6, y, language.money(value), anchor="ra", bold=strong)
        y += line * 1.2
    page.text(edges[0], y + line * 2, words["thanks"], fill=(90, 90, 90))
    truth = Truth("invoice", total, language.currency, day, figures, len(lines), subtotal)
    return Drawn(page.cropped(y + line * 5), truth)


def receipt(chance: random.Random) -> Drawn:
    language = chance.choice(LANGUAGES)
    words = language.words
    page = Canvas(
        chance.choice((380, 440, 560)),
        1600,
        size=chance.choice((15, 17, 20)),
        family=chance.choice(families()),
        paper=chance.choice(((255, 255, 255), (247, 245, 240))),
    )
    left, right, line = 26.0, page.picture.width - 26.0, page.size * 1.45
    day = _dated(chance, language)
    y = line
    for text, bold in ((language.shop, True), ("12 Market Square", False), (words["receipt"], True)):
        page.text(page.picture.width / 2, y, text, anchor="ma", bold=bold)
        y += line
    page.text(left, y, f"{language.day(day)}  {chance.randrange(8, 20)}:{chance.randrange(10, 59)}")
    y += line * 1.6
    show = language.plain if chance.random() < 0.6 else language.money
    total, count = Decimal(0), chance.randrange(2, 6)
    for name in (*language.items, *language.items)[:count]:
        quantity = chance.choice((1, 1, 1, 2, 3))
        price = amount(chance, language, 1, 60)
        total += quantity * price
        page.text(left, y, name)
        if quantity > 1:
            y += line
            page.text(left + 14, y, f"{quantity} x {show(price)}")
        page.text(right, y, show(quantity * price), anchor="ra")
        y += line
    y += line * 0.4
    page.rule(left, right, y)
    y += line * 0.5
    rate = Decimal(RATES[language.currency])
    inclusive = language.currency not in ("USD", "CAD")
    tax = (total * rate / (100 + rate) if inclusive else total * rate / 100).quantize(CENT, ROUND_HALF_UP)
    grand = total if inclusive else total + tax
    rows = [(words["total"], grand, True), (words["tax"], tax, False)] if inclusive else [
        (words["subtotal"], total, False), (words["tax"], tax, False), (words["total"], grand, True)]  # fmt: skip
    if chance.random() < 0.6:
        given = (grand // 10 + 1) * 10
        rows += [(words["cash"], Decimal(given), False), (words["change"], given - grand, False)]
    for label, value, strong in rows:
        page.text(left, y, label, bold=strong, scale=1.15 if strong else 1.0)
        page.text(right, y, language.money(value), anchor="ra", bold=strong, scale=1.15 if strong else 1.0)
        y += line * 1.2
    page.text(page.picture.width / 2, y + line, words["thank"], anchor="ma")
    truth = Truth("receipt", grand, language.currency, day, {"tax": tax}, count, total)
    return Drawn(page.cropped(y + line * 3), truth)


def statement(chance: random.Random) -> Drawn:
    language = chance.choice(LANGUAGES)
    words = language.words
    page = Canvas(chance.choice((1000, 1180)), 1200, size=chance.choice((15, 17)), family=chance.choice(families()))
    left, right, line = 60.0, page.picture.width - 60.0, page.size * 1.6
    y = line
    page.text(left, y, "First Harbour Bank", bold=True, scale=1.4)
    page.text(right, y, words["statement"], anchor="ra", bold=True, scale=1.3)
    y += line * 2
    page.text(left, y, f"IBAN XX00 {chance.randrange(1000, 9999)} {chance.randrange(1000, 9999)}   {language.currency}")
    y += line * 2
    edges = (left, left + 130, right - 260, right - 130, right)
    heads = (words["day"], words["description"], words["debit"], words["credit"], words["saldo"])
    for index, (x, head) in enumerate(zip(edges, heads, strict=True)):
        page.text(x, y, head, anchor="la" if index < 2 else "ra", bold=True)
    page.rule(left, right, y + line)
    y += line * 1.4
    balance = amount(chance, language, 800, 9000)
    opening, out = balance, Decimal(0)
    page.text(edges[1], y, words["opening"])
    page.text(right, y, language.plain(balance), anchor="ra")
    y += line
    day, count = _day(chance), chance.randrange(4, 10)
    for _ in range(count):
        day += datetime.timedelta(days=chance.randrange(1, 4))
        value = amount(chance, language, 5, 900)
        credit = chance.random() < 0.35
        balance += value if credit else -value
        out += Decimal(0) if credit else value
        page.text(edges[0], y, language.day(day))
        page.text(edges[1] + (60 if len(language.day(day)) > 12 else 0), y, chance.choice(language.items))
        page.text(edges[3 if credit else 2], y, language.plain(value), anchor="ra")
        page.text(right, y, language.plain(balance), anchor="ra")
        y += line
    page.rule(left, right, y)
    page.text(edges[1], y + line * 0.4, words["closing"], bold=True)
    page.text(right, y + line * 0.4, language.plain(balance), anchor="ra", bold=True)
    truth = Truth(
        "statement", None, language.currency, None, {"opening_balance": opening, "closing_balance": balance}, None, out
    )
    return Drawn(page.cropped(y + line * 4), truth)
