from __future__ import annotations

import datetime

import pytest

from adapters.vision.layout.dates import Order, date_of, dates_in, order_of


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("03/20/2023", "2023-03-20"),
        ("20/03/2023", "2023-03-20"),
        ("2024-03-05", "2024-03-05"),
        ("2023/05/06", "2023-05-06"),
        ("05.06.24", "2024-06-05"),
        ("31Jul2018", "2018-07-31"),
        ("01Auğ2018", "2018-08-01"),
        ("Mar 4, 2024, 10:45 AM", "2024-03-04"),
        ("October 2, 2024", "2024-10-02"),
        ("12. März 2024", "2024-03-12"),
        ("3 février 2023", "2023-02-03"),
        ("3 de mayo de 2023", "2023-05-03"),
        ("1º de março de 2023", "2023-03-01"),
        ("4 marzo 2024", "2024-03-04"),
        ("19 april 2014", "2014-04-19"),
        ("15 mei 2015", "2015-05-15"),
        ("12-May-24", "2024-05-12"),
        ("2023年5月6日", "2023-05-06"),
        ("22.07.202310:17", "2023-07-22"),
        ("4/4/2023", "2023-04-04"),
    ],
)
def test_date_is_found_when_written_in_any_form(text: str, date: str) -> None:
    assert [found.date for found in dates_in(text)] == [datetime.date.fromisoformat(date)]


@pytest.mark.parametrize(("order", "date"), [("day_first", "2023-04-03"), ("month_first", "2023-03-04"), (None, None)])
def test_ambiguous_date_follows_the_document_when_it_has_an_order(order: Order | None, date: str | None) -> None:
    (found,) = dates_in("03/04/2023", order)
    assert found.date == (None if date is None else datetime.date.fromisoformat(date))


@pytest.mark.parametrize("text", ["31/31/2023", "2023-13-45", "Page 1 of 2024", "5 Units 2000", "12/2023", "1.2.3", ""])
def test_no_date_is_found_when_there_is_none(text: str) -> None:
    assert [found for found in dates_in(text) if found.date] == []


@pytest.mark.parametrize(
    ("texts", "american", "order"),
    [
        (["03/20/2023", "04/05/2023"], None, "month_first"),
        (["20/03/2023"], True, "day_first"),
        (["03/20/2023", "20/03/2023"], None, None),
        (["03/04/2023"], None, None),
        (["03/04/2023"], True, "month_first"),
        (["03/04/2023"], False, "day_first"),
        (["03.04.2023"], None, "day_first"),
    ],
)
def test_order_is_told_when_a_date_or_the_country_does(
    texts: list[str], american: bool | None, order: Order | None
) -> None:
    assert order_of(texts, american) == order


def test_text_is_no_date_when_it_says_more() -> None:
    assert date_of("delivered on 4 March 2024 by courier") is None
    assert date_of("4 March 2024 10:45") is not None
