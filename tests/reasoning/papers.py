"""Hand-made documents, as a reader would describe them, and a way to build more."""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from schemas.documents import Box, Cell, Column, DocumentDescription, Figure, Table, TextLine

BOX = Box(x=10, y=10, width=100, height=20)


def number(text: str) -> Decimal | None:
    cleaned = re.sub(r"[€$£,% ]", "", text)
    try:
        return Decimal(cleaned)
    except InvalidOperation:
        return None


def table(columns: Sequence[tuple[str, str]], rows: Sequence[Sequence[str]], **extra: Any) -> Table:
    """Columns as (name, kind); cells as text, numbers parsed in columns that are not text or dates."""
    kinds = [kind for _, kind in columns]

    def cells(row: Sequence[str]) -> tuple[Cell, ...]:
        return tuple(
            Cell(text=text, value=None if kind in ("text", "date") else number(text), confidence=0.98, box=BOX)
            for text, kind in zip(row, kinds, strict=True)
        )

    summary = extra.pop("summary_rows", ())
    return Table(
        columns=tuple(Column(name=name, kind=kind) for name, kind in columns),
        rows=tuple(cells(row) for row in rows),
        summary_rows=tuple(cells(row) for row in summary),
        **extra,
    )


def figure(label: str, value: str, role: str = "other", unit: str | None = "EUR", confidence: float = 0.97) -> Figure:
    return Figure(label=label, value=Decimal(value), unit=unit, role=role, text=value, confidence=confidence, box=BOX)


def lines(*texts: str) -> tuple[TextLine, ...]:
    return tuple(
        TextLine(text=text, box=Box(x=20, y=20 + 24 * row, width=9 * len(text), height=18), confidence=0.98)
        for row, text in enumerate(texts)
    )


def paper(kind: str, **fields: Any) -> DocumentDescription:
    return DocumentDescription(kind=kind, width=1000, height=1400, **fields)


def invoice() -> DocumentDescription:
    return paper(
        "invoice",
        currency="EUR",
        date=datetime.date(2024, 3, 14),
        total=Decimal("1190.00"),
        total_figure=2,
        figures=(
            figure("Subtotal", "1000.00", "subtotal"),
            figure("VAT 19%", "190.00", "tax"),
            figure("Total", "1190.00", "total"),
            figure("VAT rate", "19", "tax_rate", unit="%"),
        ),
        tables=(
            table(
                (("Description", "text"), ("Qty", "number"), ("Unit price", "money"), ("Amount", "money")),
                (
                    ("Steel hinges", "20", "5.00", "100.00"),
                    ("Oak boards", "10", "45.00", "450.00"),
                    ("Wood glue", "5", "10.00", "50.00"),
                    ("Table legs", "8", "50.00", "400.00"),
                ),
            ),
        ),
        lines=lines(
            "Nordwind Möbel GmbH",
            "Invoice",
            "Invoice number: NW-2024-117",
            "Invoice date: 2024-03-14",
            "Due date: 2024-04-13",
            "Bill to: Café Sonnenschein",
            "Customer no: 4711",
            "Description Qty Unit price Amount",
            "Subtotal 1,000.00",
            "VAT 19% 190.00",
            "Total 1,190.00 EUR",
            "IBAN: DE89 3704 0044 0532 0130 00",
        ),
    )


def receipt() -> DocumentDescription:
    return paper(
        "receipt",
        currency="USD",
        date=datetime.date(2023, 11, 2),
        total=Decimal("24.31"),
        total_figure=3,
        figures=(
            figure("Subtotal", "22.00", "subtotal", "USD"),
            figure("Sales tax 8%", "1.76", "tax", "USD"),
            figure("Tip", "0.55", "tip", "USD"),
            figure("TOTAL", "24.31", "total", "USD"),
            figure("Cash", "30.00", "paid", "USD"),
            figure("Change", "5.69", "change", "USD"),
        ),
        tables=(
            table(
                (("Item", "text"), ("Price", "money")),
                (("Latte", "4.50"), ("Bagel", "3.25"), ("Club sandwich", "9.75"), ("Orange juice", "4.50")),
            ),
        ),
        lines=lines(
            "CORNER CAFE",
            "12 High Street",
            "02/11/2023 09:41",
            "Latte 4.50",
            "Bagel 3.25",
            "Club sandwich 9.75",
            "Orange juice 4.50",
            "Subtotal 22.00",
            "Sales tax 8% 1.76",
            "Tip 0.55",
            "TOTAL $24.31",
            "Cash 30.00",
            "Change 5.69",
            "Thank you!",
        ),
    )


def months() -> DocumentDescription:
    return paper(
        "table",
        currency="USD",
        tables=(
            table(
                (("Month", "text"), ("Revenue", "money"), ("Costs", "money"), ("Customers", "number")),
                (
                    ("January", "12000", "9000", "120"),
                    ("February", "15000", "9500", "135"),
                    ("March", "11000", "8800", "128"),
                    ("April", "18000", "12000", "160"),
                    ("May", "17500", "11000", "171"),
                    ("June", "21000", "13000", "190"),
                ),
            ),
        ),
        lines=lines("Monthly results 2023", "Month Revenue Costs Customers"),
    )


def sales() -> DocumentDescription:
    return paper(
        "table",
        tables=(
            table(
                (("Region", "text"), ("Product", "text"), ("Units", "number"), ("Sales", "money")),
                (
                    ("North", "Widgets", "10", "500.00"),
                    ("North", "Gadgets", "4", "400.00"),
                    ("South", "Widgets", "25", "1250.00"),
                    ("South", "Gadgets", "7", "700.00"),
                    ("West", "Widgets", "3", "150.00"),
                ),
            ),
        ),
    )


def chart() -> DocumentDescription:
    values = (("Apples", "28"), ("Pears", "55"), ("Plums", "43"), ("Cherries", "91"), ("Figs", "19"))
    return paper(
        "chart",
        figures=tuple(figure(name, value, "data_point", unit=None, confidence=0.93) for name, value in values),
        lines=lines("Fruit sold (crates)", "Apples", "Pears", "Plums", "Cherries", "Figs"),
    )


def statement() -> DocumentDescription:
    return paper(
        "statement",
        currency="GBP",
        date=datetime.date(2024, 1, 31),
        figures=(
            figure("Opening balance", "1000.00", "opening_balance", "GBP"),
            figure("Closing balance", "2104.50", "closing_balance", "GBP"),
        ),
        tables=(
            table(
                (
                    ("Date", "date"),
                    ("Description", "text"),
                    ("Debit", "money"),
                    ("Credit", "money"),
                    ("Balance", "money"),
                ),
                (
                    ("02 Jan 2024", "Salary ACME", "", "2000.00", "3000.00"),
                    ("05 Jan 2024", "Rent", "750.00", "", "2250.00"),
                    ("12 Jan 2024", "Grocery Mart", "85.50", "", "2164.50"),
                    ("19 Jan 2024", "Grocery Mart", "60.00", "", "2104.50"),
                ),
            ),
        ),
        lines=lines("City Bank", "Account number: 12345678", "Opening balance 1,000.00", "Closing balance 2,104.50"),
    )


def dashboard() -> DocumentDescription:
    return paper(
        "dashboard",
        currency="USD",
        figures=(
            figure("Active users", "1284", unit=None),
            figure("Monthly recurring revenue", "45200.00", unit="USD"),
            figure("Churn rate", "2.4", unit="%"),
            figure("New signups", "312", unit=None),
            figure("Refunds", "890.00", unit="USD"),
        ),
        lines=lines("Overview", "Active users", "1,284", "Monthly recurring revenue", "$45,200.00"),
    )


def wrong_total() -> DocumentDescription:
    """An estimate whose printed total is not what its lines give."""
    base = invoice()
    figures = (*base.figures[:2], figure("Grand total", "1290.00", "total"))
    return base.model_copy(update={"figures": figures, "total": Decimal("1290.00")})


def photo() -> DocumentDescription:
    return paper("photo")
