"""Accounts, forms and schedules: rows that only sound like sums, months as headings, thousands by spaces, numbered
lines, several labels on one line."""

from __future__ import annotations

from decimal import Decimal

from tests.vision.conftest import HEAD, item, page_of, read, values


def account(name: str, *amounts: str) -> list[tuple[float, str]]:
    return [(20, name), *((-500 - 180 * place, amount) for place, amount in enumerate(amounts) if amount)]


def test_account_stays_a_row_when_its_name_sounds_like_a_tax_or_a_discount() -> None:
    page = page_of(
        account("Cost centre", "Budget", "Actual", "Variance"),
        account("Staff", "84,000", "87,250", "(3,250)"),
        account("Remises", "21,500", "21,480", "20"),
        account("Tax", "4,100", "6,800", "(2,700)"),
        account("Travel", "7,200", "5,015", "2,185"),
        account("Total", "116,800", "120,545", "(3,745)"),
    )
    (table,) = read(page).tables
    assert [row[0].text for row in table.rows] == ["Staff", "Remises", "Tax", "Travel"]
    assert values(table, 3) == [Decimal(-3250), Decimal(20), Decimal(-2700), Decimal(2185)]


def test_discount_stays_a_sum_when_it_stands_below_items_with_prices() -> None:
    page = page_of(
        HEAD,
        item("Lamp", "2", "$25.00", "$50.00"),
        [(20, "Discount"), (-680, "10%"), (-860, "-$5.00")],
        item("Mug", "1", "$10.00", "$10.00"),
        [(-680, "Total"), (-860, "$55.00")],
    )
    (table,) = read(page).tables
    assert [row[0].text for row in table.rows] == ["Lamp", "Mug"]


def test_months_head_columns_when_they_have_their_year() -> None:
    page = page_of(
        account("Position", "Okt 2025", "Sep 2025"),
        account("Umsatzerlöse", "128.450,00", "119.320,00"),
        account("Wareneinsatz", "-51.380,00", "-49.875,00"),
        account("Rohertrag", "77.070,00", "69.445,00"),
    )
    (table,) = read(page).tables
    assert [column.name for column in table.columns] == ["Position", "Okt 2025", "Sep 2025"]


def test_thousands_are_read_when_spaces_part_them_and_nothing_has_decimals() -> None:
    page = page_of(
        account("Tillgångar", "2025-12-31", "2024-12-31"),
        account("Varulager", "12 675", "10 890"),
        account("Kundfordringar", "9 840", "11 205"),
        account("Kassa och bank", "6 215", "4 370"),
    )
    (table,) = read(page).tables
    assert values(table, 1) == [Decimal(12675), Decimal(9840), Decimal(6215)]


def test_spaced_digits_are_no_thousands_when_other_numbers_have_commas() -> None:
    page = page_of(
        account("Room", "Guests", "Paid"), account("12 101", "2", "1,240.00"), account("12 102", "3", "1,310.00")
    )
    assert all(figure.value != 12101 for figure in read(page).figures)


def test_labels_are_told_apart_when_several_stand_on_one_line() -> None:
    page = page_of([(20, "Principal: $60,000.00 Annual rate: 5.40% Term: 24 months")])
    assert [(f.label, f.value) for f in read(page).figures] == [
        ("Principal", Decimal("60000.00")),
        ("Annual rate", Decimal("5.40")),
        ("Term", Decimal(24)),
    ]


def test_line_number_is_no_figure_when_a_form_prints_it_before_its_label() -> None:
    page = page_of(
        [(20, "Part II Expenses")],
        [(20, "8"), (120, "Advertising"), (-860, "6,230")],
        [(20, "26"), (120, "Wages"), (-860, "38,700")],
    )
    assert [(f.label, f.value) for f in read(page).figures] == [("Advertising", 6230), ("Wages", 38700)]


def test_net_and_deposit_are_no_payment_and_no_item_when_an_offer_ends_with_them() -> None:
    page = page_of(
        HEAD,
        item("Doors", "14", "£285.00", "£3,990.00"),
        item("Fitting", "14", "£60.00", "£840.00"),
        [(-680, "Net"), (-860, "£4,830.00")],
        [(-680, "VAT @ 20%"), (-860, "£966.00")],
        [(-680, "Quote total"), (-860, "£5,796.00")],
        [(-680, "Deposit required (25%)"), (-860, "£1,449.00")],
    )
    document = read(page)
    roles = {figure.label: figure.role for figure in document.figures}
    assert (roles["Net"], roles["Deposit required (25%)"]) == ("subtotal", "other")
    assert (document.total, document.warnings) == (Decimal("5796.00"), ())


def test_payroll_register_is_no_receipt_when_it_only_has_the_word_in_its_name() -> None:
    page = page_of(
        [(20, "Payroll register October 2025")],
        None,
        account("Employee", "Gross", "Net"),
        account("Nguyen", "3,120.00", "2,199.45"),
        account("Osei", "2,480.50", "1,772.70"),
        account("Park", "2,890.00", "2,047.75"),
        account("Total", "8,490.50", "6,019.90"),
    )
    assert read(page).kind == "table"


def test_profit_before_tax_is_no_subtotal_when_an_account_states_it() -> None:
    page = page_of([(20, "Profit before tax"), (-500, "232.00")], [(20, "Amount before tax"), (-500, "180.00")])
    assert [figure.role for figure in read(page).figures] == ["other", "subtotal"]


def test_list_of_invoices_is_no_invoice_when_a_column_is_called_so() -> None:
    page = page_of(
        [(20, "Sales ledger Q3")],
        None,
        [(20, "Invoice"), (200, "Date"), (400, "Customer"), (-860, "Amount")],
        [(20, "INV-301"), (200, "2025-07-03"), (400, "Tidewater"), (-860, "1,260.00")],
        [(20, "INV-302"), (200, "2025-07-11"), (400, "Peak"), (-860, "845.50")],
        [(20, "INV-303"), (200, "2025-07-19"), (400, "Moor"), (-860, "2,310.75")],
    )
    assert read(page).kind == "table"
