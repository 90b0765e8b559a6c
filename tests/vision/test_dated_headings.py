"""Tables whose columns are headed by dates: two years side by side."""

from __future__ import annotations

from tests.vision.conftest import page_of, read

ROWS = (("Inventories", "96.4", "103.2"), ("Receivables", "141.7", "129.5"), ("Cash", "88.0", "61.3"))


def test_table_is_read_when_two_dates_head_its_columns() -> None:
    page = page_of(
        [(20, "Assets"), (-600, "31 Dec 2024"), (-860, "31 Dec 2023")],
        *([(20, name), (-600, this), (-860, last)] for name, this, last in ROWS),
    )
    (table,) = read(page).tables
    assert [column.name for column in table.columns] == ["Assets", "31 Dec 2024", "31 Dec 2023"]
    assert [row[0].text for row in table.rows] == [name for name, _, _ in ROWS]


def test_dated_row_is_no_heading_when_it_brings_an_amount() -> None:
    page = page_of(
        [(20, "Text"), (-400, "Booked"), (-600, "Valued"), (-860, "Amount")],
        *([(20, name), (-400, "03 Jul 2025"), (-600, "04 Jul 2025"), (-860, amount)] for name, _, amount in ROWS),
    )
    (table,) = read(page).tables
    assert [column.name for column in table.columns] == ["Text", "Booked", "Valued", "Amount"]
    assert len(table.rows) == 3
