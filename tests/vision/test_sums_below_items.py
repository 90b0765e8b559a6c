"""What stands below the items of a table: sums, taxes of any name and number, and items that only sound like one."""

from __future__ import annotations

from decimal import Decimal

from adapters.vision.layout.words import Page
from tests.vision.conftest import HEAD, item, page_of, read, values


def bill(*below: tuple[str, str], total: str) -> Page:
    """Two items of 60.00 together, then labels and amounts."""
    return page_of(
        [(20, "Invoice 9001"), (-860, "Invoice Date: March 20, 2023")],
        None,
        HEAD,
        item("Lamp", "2", "$25.00", "$50.00"),
        item("Mug", "1", "$10.00", "$10.00"),
        [(-680, "Subtotal"), (-860, "$60.00")],
        *([(-680, label), (-860, amount)] for label, amount in below),
        [(-680, "Total"), (-860, total)],
    )


def test_row_between_subtotal_and_total_is_no_item_when_it_has_a_label_and_an_amount_only() -> None:
    (table,) = read(bill(("Rounding", "$0.02"), total="$60.02")).tables
    assert values(table, 3) == [Decimal("50.00"), Decimal("10.00")]
    assert [row[3].value for row in table.summary_rows] == [Decimal("60.00"), Decimal("0.02"), Decimal("60.02")]


def test_total_is_not_doubted_when_two_taxes_are_equal() -> None:
    document = read(bill(("CGST 2.5%", "$1.50"), ("SGST 2.5%", "$1.50"), total="$63.00"))
    assert document.warnings == ()
    assert [f.value for f in document.figures if f.role == "tax"] == [Decimal("1.50"), Decimal("1.50")]
    assert document.total_figure is not None
    assert document.figures[document.total_figure].confidence > 0.9


def test_total_is_doubted_when_no_number_of_its_taxes_leads_to_it() -> None:
    document = read(bill(("CGST 2.5%", "$1.50"), ("SGST 2.5%", "$1.50"), total="$66.00"))
    assert any("66.00" in warning for warning in document.warnings)


def test_tax_is_an_item_when_it_has_a_quantity_and_a_price() -> None:
    page = page_of(
        HEAD,
        item("Room", "3", "142.00", "426.00"),
        item("City tax", "6", "2.10", "12.60"),
        item("Breakfast", "6", "19.50", "117.00"),
        [(-680, "Total"), (-860, "555.60")],
    )
    (table,) = read(page).tables
    assert values(table, 3) == [Decimal("426.00"), Decimal("12.60"), Decimal("117.00")]
