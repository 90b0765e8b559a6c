"""The pictures shipped with the program: drawn once, never worn, with a question and its answer each."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from bench.drawn.canvas import Canvas, Colour, families
from bench.drawn.truth import Drawn, Truth

INK: Colour = (28, 52, 84)
PALE: Colour = (110, 118, 128)
WHITE: Colour = (255, 255, 255)


@dataclass(frozen=True)
class Sample:
    """`expect` is the answer's number as text."""

    file: str
    question: str
    expect: str
    draw: Callable[[], Drawn]


def _page(width: int, height: int, size: int) -> Canvas:
    family = next((f for f in families() if f[0] and f[0].endswith("DejaVuSans.ttf")), families()[0])
    return Canvas(width, height, size=size, family=family)


def _money(value: Decimal) -> str:
    return f"${value:,.2f}"


def invoice() -> Drawn:
    page = _page(920, 900, 16)
    page.box(0, 0, 920, 96, INK)
    page.text(60, 34, "Fernhill Studio LLC", bold=True, scale=1.6, fill=WHITE)
    page.text(860, 34, "INVOICE", anchor="ra", bold=True, scale=1.6, fill=WHITE)
    for index, (label, value) in enumerate(
        (("Invoice No.", "FH-2071"), ("Invoice Date", "March 14, 2025"), ("Due Date", "April 13, 2025"))
    ):
        page.text(60 + index * 280, 130, label, fill=PALE)
        page.text(60 + index * 280, 156, value, bold=True)
    page.text(60, 212, "Bill to", fill=PALE)
    page.text(60, 238, "Marlow & Finch Bookshop, 18 Harbor Street")
    page.box(60, 296, 860, 332, (232, 238, 246))
    for x, head in zip((72, 560, 700, 848), ("Description", "Qty", "Unit Price", "Amount"), strict=True):
        page.text(x, 304, head, anchor="la" if x == 72 else "ra", bold=True, fill=INK)
    items = (
        ("Website redesign", 1, "1850.00"),
        ("Product photographs", 24, "32.50"),
        ("Newsletter template", 2, "140.00"),
        ("Domain and mail, one year", 1, "96.00"),
    )
    y, subtotal = 350, Decimal(0)
    for name, quantity, price in items:
        total = quantity * Decimal(price)
        subtotal += total
        for x, text in zip(
            (72, 560, 700, 848), (name, str(quantity), _money(Decimal(price)), _money(total)), strict=True
        ):
            page.text(x, y, text, anchor="la" if x == 72 else "ra")
        page.rule(60, 860, y + 30, fill=(225, 225, 225))
        y += 44
    tax = (subtotal * Decimal("0.0825")).quantize(Decimal("0.01"))
    for label, value, bold in (
        ("Subtotal", subtotal, False),
        ("Sales Tax 8.25%", tax, False),
        ("Total", subtotal + tax, True),
    ):
        page.text(700, y + 16, label, anchor="ra", bold=bold)
        page.text(848, y + 16, _money(value), anchor="ra", bold=bold)
        y += 38
    page.text(60, 840, "Thank you for working with us. Payable within 30 days.", fill=PALE)
    date = datetime.date(2025, 3, 14)
    return Drawn(page.picture, Truth("invoice", subtotal + tax, "USD", date, {}, len(items), subtotal))


def receipt() -> Drawn:
    page = _page(460, 640, 18)
    page.text(230, 30, "BÄCKEREI LINDEN", anchor="ma", bold=True, scale=1.2)
    page.text(230, 62, "Lindenallee 4, 10115 Berlin", anchor="ma", fill=PALE)
    page.text(230, 92, "KASSENBON", anchor="ma")
    page.text(36, 136, "24.05.2025   08:41")
    y, total = 184, Decimal(0)
    items = (("Roggenbrot", "4.20"), ("Laugenbrezel", "1.15"), ("Apfelkuchen", "3.80"), ("Cappuccino", "3.40"))
    for name, price in items:
        total += Decimal(price)
        page.text(36, y, name)
        page.text(424, y, price.replace(".", ","), anchor="ra")
        y += 36
    page.rule(36, 424, y)
    tax = (total * 7 / 107).quantize(Decimal("0.01"))
    rows = (
        ("Gesamtbetrag EUR", total),
        ("MwSt. 7%", tax),
        ("Bar", Decimal("15.00")),
        ("Rückgeld", Decimal("15.00") - total),
    )
    for index, (label, value) in enumerate(rows):
        page.text(36, y + 18 + index * 40, label, bold=index == 0, scale=1.15 if index == 0 else 1.0)
        text = f"{value:.2f}".replace(".", ",") + (" €" if index == 0 else "")
        page.text(424, y + 18 + index * 40, text, anchor="ra", bold=index == 0, scale=1.15 if index == 0 else 1.0)
    page.text(230, 590, "VIELEN DANK", anchor="ma", fill=PALE)
    return Drawn(page.picture, Truth("receipt", total, "EUR", datetime.date(2025, 5, 24), {}, len(items), total))


def sales() -> Drawn:
    page = _page(860, 470, 17)
    page.text(50, 34, "Sales by region, second quarter", bold=True, scale=1.3, fill=INK)
    edges = (60, 400, 600, 800)
    page.box(50, 92, 810, 130, INK)
    for x, head in zip(edges, ("Region", "Orders", "Returns", "Revenue"), strict=True):
        page.text(x, 100, head, anchor="la" if x == 60 else "ra", bold=True, fill=WHITE)
    rows = (("North", 412, 18, "48210.50"), ("South", 388, 25, "41977.25"), ("East", 521, 31, "63480.00"),
            ("West", 297, 9, "35102.75"), ("Central", 344, 14, "39866.10"))  # fmt: skip
    for index, (name, orders, returns, revenue) in enumerate(rows):
        y = 142 + index * 48
        if index % 2:
            page.box(50, y - 8, 810, y + 36, (240, 244, 249))
        for x, text in zip(edges, (name, str(orders), str(returns), _money(Decimal(revenue))), strict=True):
            page.text(x, y, text, anchor="la" if x == 60 else "ra")
    total = sum((Decimal(row[3]) for row in rows), Decimal(0))
    return Drawn(page.picture, Truth("table", None, "USD", None, {}, len(rows), total))


def statement() -> Drawn:
    page = _page(960, 620, 16)
    page.text(50, 34, "First Harbour Bank", bold=True, scale=1.4, fill=INK)
    page.text(910, 40, "Account Statement", anchor="ra", bold=True, scale=1.1)
    page.text(50, 84, "Marlow & Finch Bookshop · Current account · GBP", fill=PALE)
    edges = (50, 190, 620, 770, 910)
    for index, (x, head) in enumerate(zip(edges, ("Date", "Description", "Debit", "Credit", "Balance"), strict=True)):
        page.text(x, 140, head, anchor="la" if index < 2 else "ra", bold=True)
    page.rule(50, 910, 168, width=2)
    balance = Decimal("4210.35")
    moves = (("02 Apr 2025", "Card takings", "", "862.40"), ("04 Apr 2025", "Rent, Harbor Street", "1450.00", ""),
             ("07 Apr 2025", "Paper & Ink Ltd", "318.75", ""), ("11 Apr 2025", "Card takings", "", "1104.20"),
             ("15 Apr 2025", "Electricity", "126.90", ""), ("22 Apr 2025", "Insurance", "89.00", ""))  # fmt: skip
    rows = [("01 Apr 2025", "Opening Balance", "", "", balance)]
    for date, text, debit, credit in moves:
        balance += Decimal(credit or 0) - Decimal(debit or 0)
        rows.append((date, text, debit, credit, balance))
    for index, (date, text, debit, credit, after) in enumerate(rows):
        y = 184 + index * 46
        page.text(edges[0], y, date)
        page.text(edges[1], y, text)
        for x, value in ((edges[2], debit), (edges[3], credit), (edges[4], str(after))):
            if value:
                page.text(x, y, f"{Decimal(value):,.2f}", anchor="ra")
        page.rule(50, 910, y + 34, fill=(228, 228, 228))
    column = sum((row[4] for row in rows), Decimal(0))
    return Drawn(page.picture, Truth("statement", None, "GBP", None, {}, len(rows), column))


def chart() -> Drawn:
    page = _page(820, 500, 16)
    page.text(60, 28, "Visitors per month", bold=True, scale=1.3, fill=INK)
    values = {"Jan": 1240, "Feb": 1385, "Mar": 1610, "Apr": 1475, "May": 1890, "Jun": 2130}
    base, top = 430, 2400
    for step in range(5):
        y = base - step * 80
        page.rule(70, 780, y, fill=(225, 225, 225))
        page.text(60, y, str(step * 600), anchor="rm", fill=PALE)
    for index, (name, value) in enumerate(values.items()):
        x = 95 + index * 116
        height = round(320 * value / top)
        page.draw.rectangle((x, base - height, x + 70, base - 1), fill=(66, 122, 180))
        page.text(x + 35, base + 14, name, anchor="ma")
        page.text(x + 35, base - height - 6, str(value), anchor="md", bold=True)
    points = {name: Decimal(value) for name, value in values.items()}
    return Drawn(page.picture, Truth("chart", points=points))


SAMPLES: tuple[Sample, ...] = (
    Sample("invoice.png", "What is the total of this invoice?", "3254.00", invoice),
    Sample("receipt.png", "How much is the total?", "12.55", receipt),
    Sample("sales.png", "Which region has the highest revenue?", "63480.00", sales),
    Sample("statement.png", "What is the sum of the debits?", "1984.65", statement),
    Sample("chart.png", "What is the average number of visitors per month?", "1621.67", chart),
)
