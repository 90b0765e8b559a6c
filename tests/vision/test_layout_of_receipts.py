"""Receipts and bills from words and their places alone."""

from __future__ import annotations

import datetime
from decimal import Decimal

from tests.vision.conftest import page_of, read


def test_receipt_items_become_a_table_when_no_header_stands_above() -> None:
    document = read(
        page_of(
            [(20, "CORNER SHOP")],
            [(20, "RECEIPT")],
            [(20, "03/20/2023 10:12")],
            [(20, "Bread"), (-380, "$3.50")],
            [(20, "Cheese")],
            [(20, "2 x $4.00"), (-380, "$8.00")],
            [(20, "Total"), (-380, "$11.50")],
            [(20, "Cash"), (-380, "$20.00")],
            [(20, "Change"), (-380, "$8.50")],
            width=400,
        )
    )
    (table,) = document.tables
    assert document.kind == "receipt"
    assert document.total == Decimal("11.50")
    assert [(row[0].text, row[-1].value) for row in table.rows] == [
        ("Bread", Decimal("3.50")),
        ("Cheese", Decimal("8.00")),
    ]


def test_till_receipt_is_read_when_its_currency_stands_between_label_and_amount() -> None:
    document = read(
        page_of(
            [(20, "CORNERMARKT")],
            [(280, "EUR")],
            [(20, "Milch 3,5%"), (-380, "1,20 A")],
            [(20, "Brot"), (-380, "3,50 A")],
            [(20, "SUMME"), (240, "EUR"), (-350, "4,70")],
            [(20, "BAR"), (240, "EUR"), (-350, "10,00")],
            [(20, "Rückgeld"), (240, "EUR"), (-350, "5,30")],
            None,
            [(20, "02.11.2024"), (180, "17:23")],
            *[None] * 5,
            width=400,
        )
    )
    assert (document.kind, document.total, document.date) == (
        "receipt",
        Decimal("4.70"),
        datetime.date(2024, 11, 2),
    )
    roles = {f.role: f.value for f in document.figures}
    assert (roles["paid"], roles["change"]) == (Decimal("10.00"), Decimal("5.30"))
    assert [row[0].text for row in document.tables[0].rows] == ["Milch 3,5%", "Brot"]


def test_receipt_is_dated_when_a_time_and_a_number_follow_under_an_address() -> None:
    document = read(
        page_of(
            [(70, "CORNER CAFE")],
            [(60, "12 Market Street")],
            [(60, "Tel 555-0100")],
            None,
            [(20, "07/19/2024"), (140, "8:42 AM"), (-380, "#1093")],
            None,
            [(20, "2 Flat White"), (-380, "9.50")],
            [(20, "1 Croissant"), (-380, "4.25")],
            None,
            [(20, "TOTAL"), (-380, "$13.75")],
            [(20, "VISA"), (80, "****4242"), (-380, "13.75")],
            *[None] * 5,
            width=400,
        )
    )
    assert (document.kind, document.total, document.date) == (
        "receipt",
        Decimal("13.75"),
        datetime.date(2024, 7, 19),
    )
    assert document.warnings == ()
    assert [f.value for f in document.figures if f.role == "paid"] == [Decimal("13.75")]


def test_bill_gives_no_warning_when_a_balance_and_a_payment_stand_above_its_charges() -> None:
    document = read(
        page_of(
            [(20, "Power Company")],
            None,
            [(20, "Previous balance"), (-380, "$42.18")],
            [(20, "Payment received"), (-380, "-$42.18")],
            [(20, "Electricity charges"), (-380, "$97.92")],
            [(20, "Meter charges"), (-380, "$31.40")],
            [(20, "Taxes and fees"), (-380, "$8.27")],
            [(20, "Amount due"), (-380, "$137.59")],
            *[None] * 5,
            width=400,
        )
    )
    assert (document.total, document.warnings) == (Decimal("137.59"), ())
    assert [row[0].text for row in document.tables[0].rows] == ["Electricity charges", "Meter charges"]
    assert [f.value for f in document.figures if f.role == "opening_balance"] == [Decimal("42.18")]


def test_pump_receipt_gives_litres_and_price_when_its_taxes_stand_below_as_a_table() -> None:
    document = read(
        page_of(
            [(20, "STATION OOST")],
            [(20, "Pomp 6"), (-380, "Bonnr 00317")],
            None,
            [(20, "Diesel")],
            [(30, "41,37 l x 1,989"), (-380, "82,29")],
            [(20, "Koffie"), (-380, "3,25")],
            [(20, "Totaal EUR"), (-380, "85,54")],
            None,
            [(20, "BTW"), (-250, "over"), (-380, "bedrag")],
            [(20, "21%"), (-250, "68,01"), (-380, "14,28")],
            [(20, "9%"), (-250, "2,98"), (-380, "0,27")],
            *[None] * 4,
            width=400,
        )
    )
    items = document.tables[0]
    assert (document.kind, document.total) == ("receipt", Decimal("85.54"))
    assert [[cell.text for cell in row] for row in items.rows] == [
        ["Diesel", "41,37", "1,989", "82,29"],
        ["Koffie", "", "", "3,25"],
    ]


def test_size_in_a_name_is_no_quantity_when_a_times_sign_follows() -> None:
    document = read(
        page_of(
            [(20, "RECEIPT")],
            [(20, "Compost 50 L x2"), (-380, "19.80")],
            [(20, "Gloves"), (-380, "11.50")],
            [(20, "Total"), (-380, "31.30")],
            width=400,
        )
    )
    assert [row[-1].value for row in document.tables[0].rows] == [Decimal("19.80"), Decimal("11.50")]


def test_address_is_no_part_of_the_first_item_when_no_gap_follows() -> None:
    document = read(
        page_of(
            [(20, "HARBOR HARDWARE")],
            [(20, "1180 Pier Avenue")],
            [(20, "Wood screws"), (-380, "7.49")],
            [(20, "Drop cloth"), (-380, "9.95")],
            [(20, "TOTAL"), (-380, "17.44")],
            *[None] * 10,
            width=400,
        )
    )
    assert [row[0].text for row in document.tables[0].rows] == ["Wood screws", "Drop cloth"]
