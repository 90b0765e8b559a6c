"""Invoices, statements and tables from words and their places alone."""

from __future__ import annotations

import datetime
from decimal import Decimal

from adapters.vision.layout.describe import Drawing, describe
from adapters.vision.layout.words import Page
from tests.vision.conftest import HEAD, item, page_of, read, run_of, values


def invoice(total: str = "$66.00") -> Page:
    return page_of(
        [(20, "Invoice 17")],
        [(20, "Invoice Date: 03/20/2023")],
        None,
        HEAD,
        item("Desk lamp", "2", "$25.00", "$50.00"),
        item("Mug", "1", "$10.00", "$10.00"),
        [(-680, "Subtotal"), (-860, "$60.00")],
        [(-680, "Sales Tax 10%"), (-860, "$6.00")],
        [(-680, "Total"), (-860, total)],
    )


def test_invoice_gives_total_currency_and_date_when_everything_agrees() -> None:
    document = read(invoice())
    assert (document.kind, document.total, document.currency) == ("invoice", Decimal("66.00"), "USD")
    assert document.date == datetime.date(2023, 3, 20)
    assert document.warnings == ()
    assert document.total_figure is not None
    assert document.figures[document.total_figure].confidence > 0.9


def test_invoice_warns_and_doubts_when_the_printed_total_does_not_add_up() -> None:
    document = read(invoice("$96.00"))
    assert document.total == Decimal("96.00")
    assert document.total_figure is not None
    assert document.figures[document.total_figure].confidence < 0.9
    assert any("96.00" in warning and "66.00" in warning for warning in document.warnings)


def test_table_keeps_sums_apart_when_they_follow_the_items() -> None:
    (table,) = read(invoice()).tables
    assert [column.name for column in table.columns] == ["Description", "Qty", "Unit Price", "Amount"]
    assert [column.kind for column in table.columns] == ["text", "number", "money", "money"]
    assert values(table, 3) == [Decimal("50.00"), Decimal("10.00")]
    assert [row[3].value for row in table.summary_rows] == [Decimal("60.00"), Decimal("6.00"), Decimal("66.00")]


def test_item_warns_when_quantity_times_price_is_not_the_amount() -> None:
    document = read(
        page_of(
            HEAD,
            item("Lamp", "2", "25.00", "50.00"),
            item("Mug", "3", "10.00", "30.00"),
            item("Pen", "4", "2.00", "9.00"),
        )
    )
    assert [warning for warning in document.warnings if warning.startswith("Pen")]


def test_total_is_none_when_two_stand_on_the_page_and_nothing_decides() -> None:
    document = read(
        page_of(
            [(20, "Invoice")],
            [(20, "Total"), (-500, "$66.00")],
            None,
            None,
            None,
            None,
            [(20, "Total"), (-500, "$99.00")],
        )
    )
    assert document.total is None or document.figures[document.total_figure or 0].confidence < 0.6
    assert document.warnings


def test_due_amount_is_its_own_figure_when_part_was_paid() -> None:
    document = read(
        page_of(
            [(20, "Invoice 4")],
            [(20, "Subtotal"), (-500, "$100.00")],
            [(20, "Tax"), (-500, "$10.00")],
            [(20, "Total"), (-500, "$110.00")],
            [(20, "Amount paid"), (-500, "$60.00")],
            [(20, "Balance due"), (-500, "$50.00")],
        )
    )
    assert document.total == Decimal("110.00")
    assert [f.value for f in document.figures if f.role == "amount_due"] == [Decimal("50.00")]


def test_payment_is_no_item_when_it_follows_the_total() -> None:
    (table,) = read(
        page_of(
            HEAD,
            item("Lamp", "2", "25.00", "50.00"),
            item("Mug", "1", "10.00", "10.00"),
            [(-680, "Total"), (-860, "60.00")],
            [(-680, "Paid"), (-860, "-20.00")],
            [(-680, "Balance due"), (-860, "40.00")],
        )
    ).tables
    assert values(table, 3) == [Decimal("50.00"), Decimal("10.00")]
    assert len(table.summary_rows) == 3


def test_table_is_left_out_when_its_columns_run_into_each_other() -> None:
    rows = [[(20, name), (200, "17.410,4833.267,8112.856,06")] for name in ("North", "South", "East", "West")]
    document = read(page_of([(20, "Region"), (200, "Q1"), (300, "Q2"), (400, "Revenue")], *rows))
    assert document.tables == ()
    assert document.figures == ()


def test_german_amounts_are_read_when_the_document_writes_commas() -> None:
    document = read(
        page_of(
            [(20, "Rechnung Nr. 12")],
            [(20, "Rechnungsdatum: 05.06.2024")],
            [(20, "Zwischensumme"), (-500, "1.000,00 €")],
            [(20, "MwSt. 19 %"), (-500, "190,00 €")],
            [(20, "Gesamtbetrag"), (-500, "1.190,00 €")],
        )
    )
    assert (document.total, document.currency) == (Decimal("1190.00"), "EUR")
    assert document.date == datetime.date(2024, 6, 5)


def test_date_is_none_when_day_and_month_could_be_either() -> None:
    document = read(page_of([(20, "Invoice")], [(20, "Date: 03/04/2024")], [(20, "Total"), (-500, "12.00")]))
    assert document.date is None


def test_due_date_is_not_taken_when_it_is_the_only_date() -> None:
    document = read(page_of([(20, "Invoice")], [(20, "Due Date: 20.03.2024")], [(20, "Total"), (-500, "€12.00")]))
    assert document.date is None


def test_statement_warns_when_a_balance_does_not_follow() -> None:
    head = [(20, "Date"), (140, "Description"), (-560, "Debits"), (-700, "Credits"), (-860, "Balance")]
    rows = [
        [(20, "31Jul2018"), (140, "Balance Forward"), (-860, "100.00")],
        [(20, "01Aug2018"), (140, "Cheque"), (-560, "30.00"), (-860, "130.00")],
        [(20, "02Aug2018"), (140, "Deposit"), (-700, "50.00"), (-860, "80.00")],
        [(20, "03Aug2018"), (140, "Cheque"), (-560, "5.00"), (-860, "85.00")],
    ]
    right = read(page_of(head, *rows))
    assert right.kind == "statement"
    assert right.warnings == ()
    assert [f.value for f in right.figures if f.role == "opening_balance"] == [Decimal("100.00")]
    wrong = read(page_of(head, *rows[:3], [(20, "03Aug2018"), (140, "Cheque"), (-560, "5.00"), (-860, "95.00")]))
    assert any("95.00" in warning for warning in wrong.warnings)


def test_headers_are_cut_when_one_run_stands_over_two_columns() -> None:
    (table,) = read(
        page_of(
            [(20, "Item"), (500, "Disc.% Taxes"), (-860, "Amount")],
            [(20, "Lamp"), (500, "0.00"), (563, "15.00%"), (-860, "$42.00")],
            [(20, "Chair"), (500, "5.00"), (563, "15.00%"), (-860, "$70.00")],
            [(20, "Desk"), (500, "0.00"), (563, "15.00%"), (-860, "$90.00")],
        )
    ).tables
    assert [column.name for column in table.columns] == ["Item", "Disc.%", "Taxes", "Amount"]


def test_second_line_joins_its_item_when_it_stands_close_below() -> None:
    runs = [*page_of(HEAD).runs]
    for index, (name, amount) in enumerate((("Lamp", "50.00"), ("Mug", "10.00"), ("Pen", "2.00"))):
        y = 40.0 + index * 60
        runs += [run_of(name, 20, y), run_of("1", 480, y), run_of(amount, 620, y), run_of(amount, 800, y)]
        runs.append(run_of("colour blue", 20, y + 22))
    (table,) = read(Page(width=1000, height=400, runs=tuple(runs))).tables
    assert [row[0].text for row in table.rows] == ["Lamp colour blue", "Mug colour blue", "Pen colour blue"]


def test_cards_become_figures_when_large_numbers_stand_under_captions() -> None:
    runs = [run_of("Dashboard", 20, 0), run_of("Last 30 days", 700, 0)]
    for x, caption, number in ((20, "Revenue", "$1,250.00"), (350, "Active users", "8,450"), (700, "Churn", "1.9%")):
        runs += [run_of(caption, x, 60), run_of(number, x, 90, height=40)]
    document = read(Page(width=1000, height=300, runs=tuple(runs)))
    assert document.kind == "dashboard"
    assert {(f.label, f.value, f.unit) for f in document.figures} == {
        ("Revenue", Decimal("1250.00"), "USD"),
        ("Active users", Decimal(8450), None),
        ("Churn", Decimal("1.9"), "%"),
    }


def test_tax_is_found_when_its_label_carries_the_rate() -> None:
    for label in ("VAT @ 20%", "zzgl. 20% MwSt.", "plus 20% VAT"):
        document = read(
            page_of(
                [(20, "Invoice 17")],
                None,
                HEAD,
                item("Desk lamp", "2", "£25.00", "£50.00"),
                item("Mug", "1", "£10.00", "£10.00"),
                [(450, label), (-860, "£12.00")],
                [(450, "Grand total"), (-860, "£72.00")],
            )
        )
        assert [f.value for f in document.figures if f.role == "tax"] == [Decimal("12.00")]
        assert [len(table.rows) for table in document.tables] == [2]
        assert (document.total, document.warnings) == (Decimal("72.00"), ())


def test_delivery_is_an_item_when_it_has_a_quantity_and_a_price() -> None:
    document = read(
        page_of(
            [(20, "Invoice 17")],
            None,
            HEAD,
            item("Desk lamp", "2", "$25.00", "$50.00"),
            item("Mug", "1", "$10.00", "$10.00"),
            item("Delivery", "1", "$5.00", "$5.00"),
            [(-680, "Total"), (-860, "$65.00")],
        )
    )
    assert values(document.tables[0], 3) == [Decimal("50.00"), Decimal("10.00"), Decimal("5.00")]
    assert [f.value for f in document.figures if f.role == "shipping"] == []
    assert (document.total, document.warnings) == (Decimal("65.00"), ())


def test_count_is_no_total_when_it_stands_in_the_row_of_sums() -> None:
    document = read(
        page_of(
            [(20, "Invoice 17")],
            None,
            HEAD,
            item("Desk lamp", "2", "$25.00", "$50.00"),
            item("Mug", "1", "$10.00", "$10.00"),
            [(20, "Total"), (-500, "3"), (-860, "$60.00")],
        )
    )
    assert [f.value for f in document.figures if f.role == "total"] == [Decimal("60.00")]


def test_doubtful_digits_lower_the_confidence_when_one_is_weak() -> None:
    sure = run_of("$66.00", 400, 0)
    weak = run_of("$66.00", 400, 0, confidence=0.55)
    pages = [Page(width=600, height=60, runs=(run_of("Total", 20, 0), run)) for run in (sure, weak)]
    high, low = (read(page).figures[0].confidence for page in pages)
    assert high > 0.9
    assert low < 0.6


def test_nothing_is_said_when_there_are_no_words() -> None:
    empty = Page(width=300, height=200, runs=())
    assert describe(empty, Drawing(photographic=True)).kind == "photo"
    document = describe(empty, Drawing())
    assert (document.total, document.figures, document.tables) == (None, (), ())


def test_table_is_read_when_only_years_head_its_columns() -> None:
    document = read(
        page_of(
            [(20, "Balance sheet")],
            None,
            [(-500, "2024"), (-680, "2023")],
            [(20, "Cash"), (-500, "1,284"), (-680, "967")],
            [(20, "Accounts payable"), (-500, "3,611"), (-680, "2,702")],
            [(20, "Inventory"), (-500, "508"), (-680, "460")],
            [(20, "Total assets"), (-500, "5,403"), (-680, "4,129")],
        )
    )
    (table,) = document.tables
    assert [column.name for column in table.columns] == ["", "2024", "2023"]
    # Three numbers with a comma before three digits and none with another separator: thousands, beyond doubt.
    assert values(table, 1) == [Decimal(1284), Decimal(3611), Decimal(508)]
    assert all(cell.confidence > 0.9 for row in table.rows for cell in row)
    assert {(figure.label, figure.value) for figure in document.figures} == {
        ("Total assets 2024", Decimal(5403)),
        ("Total assets 2023", Decimal(4129)),
    }
    assert (document.total, document.warnings) == (None, ())


def test_tables_are_two_when_they_stand_side_by_side() -> None:
    document = read(
        page_of(
            [(20, "Payments"), (-350, "Amount"), (450, "Deductions"), (-860, "Amount")],
            [(20, "Basic salary"), (-350, "3,250.00"), (450, "Income tax"), (-860, "440.40")],
            [(20, "Bonus"), (-350, "250.00"), (450, "Pension"), (-860, "162.50")],
            [(20, "Overtime"), (-350, "187.50")],
            None,
            [(20, "Net pay"), (-860, "3,084.60")],
        )
    )
    left, right = document.tables
    assert [row[0].text for row in left.rows] == ["Basic salary", "Bonus", "Overtime"]
    assert values(left, 1) == [Decimal("3250.00"), Decimal("250.00"), Decimal("187.50")]
    assert [row[0].text for row in right.rows] == ["Income tax", "Pension"]
    assert document.total == Decimal("3084.60")


def test_tables_are_two_when_one_half_has_more_columns() -> None:
    document = read(
        page_of(
            [(20, "Payments"), (-300, "Hours"), (-400, "Amount"), (500, "Deductions"), (-860, "Amount")],
            [(20, "Basic pay"), (-300, "150"), (-400, "2,610.00"), (500, "Income tax"), (-860, "402.15")],
            [(20, "Overtime"), (-300, "12"), (-400, "313.20"), (500, "Pension"), (-860, "130.50")],
            [(20, "Night work"), (-300, "8"), (-400, "208.80")],
        )
    )
    left, right = document.tables
    assert values(left, 2) == [Decimal("2610.00"), Decimal("313.20"), Decimal("208.80")]
    assert values(right, 1) == [Decimal("402.15"), Decimal("130.50")]


def test_table_stays_one_when_a_header_repeats_but_its_halves_differ() -> None:
    (table,) = read(
        page_of(
            [(20, "Region"), (-350, "Sales"), (-600, "Costs"), (-860, "Sales")],
            [(20, "North"), (-350, "120.00"), (-600, "80.00"), (-860, "95.00")],
            [(20, "South"), (-350, "140.00"), (-600, "70.00"), (-860, "99.00")],
            [(20, "West"), (-350, "110.00"), (-600, "60.00"), (-860, "90.00")],
        )
    ).tables
    assert len(table.columns) == 4


def test_statement_is_a_table_when_its_days_have_no_year() -> None:
    (table,) = read(
        page_of(
            [(20, "Kontoauszug Nr. 7")],
            None,
            [(20, "Buchung"), (150, "Verwendungszweck"), (-680, "Betrag EUR"), (-860, "Saldo EUR")],
            [(20, "02.07."), (150, "Lastschrift Stadtwerke"), (-680, "-184,30"), (-860, "3.227,88")],
            [(20, "04.07."), (150, "Gutschrift Rechnung"), (-680, "+2.640,00"), (-860, "5.867,88")],
            [(20, "11.07."), (150, "Miete"), (-680, "-1.150,00"), (-860, "4.717,88")],
        )
    ).tables
    assert values(table, 2) == [Decimal("-184.30"), Decimal("2640.00"), Decimal("-1150.00")]
    assert [row[0].text for row in table.rows] == ["02.07.", "04.07.", "11.07."]
