from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.vision.layout.numbers import Style, number_of, numbers_in, style_of


@pytest.mark.parametrize(
    ("text", "value", "mark"),
    [
        ("1,234.56", "1234.56", None),
        ("1.234,56", "1234.56", None),
        ("1 234,56 €", "1234.56", "€"),
        ("1'234.56", "1234.56", None),
        ("1’234.50", "1234.50", None),
        ("12,34,567.00", "1234567.00", None),
        ("1.234.567", "1234567", None),
        ("(12.34)", "-12.34", None),
        ("($1,200.00)", "-1200.00", "$"),
        ("-12.34", "-12.34", None),
        ("−12,34", "-12.34", None),
        ("12.34-", "-12.34", None),
        ("$-50.00", "-50.00", "$"),
        ("-$5.00", "-5.00", "$"),
        ("€ -9,32", "-9.32", "€"),
        ("EUR 12,50", "12.50", "EUR"),
        ("12.50 USD", "12.50", "USD"),
        ("CHF 12.-", "12", "CHF"),
        ("5.000,-", "5000", None),
        ("R$ 1.234,00", "1234.00", "R$"),
        ("kr 1 250,00", "1250.00", "kr"),
        ("Rs. 500", "500", "Rs."),
        ("$1.2M", "1200000", "$"),
        ("45K", "45000", None),
        ("1, 234.56", "1234.56", None),
        ("Y5,768.28", "5768.28", "¥"),
        ("0,00", "0.00", None),
        ("4711", "4711", None),
    ],
)
def test_number_has_its_value_when_written_in_any_notation(text: str, value: str, mark: str | None) -> None:
    number = number_of(text)
    assert number is not None
    assert (number.value, number.mark) == (Decimal(value), mark)


@pytest.mark.parametrize(("text", "unit"), [("15.00%", "%"), ("21 %", "%"), ("1.00 kg", "kg"), ("1 PCS", "PCS")])
def test_number_has_its_unit_when_one_follows(text: str, unit: str) -> None:
    number = number_of(text)
    assert number is not None
    assert number.unit == unit


@pytest.mark.parametrize(("text", "side"), [("12.50 CR", "credit"), ("12.50DR", "debit"), ("12.50", None)])
def test_number_tells_its_side_when_marked_as_credit_or_debit(text: str, side: str | None) -> None:
    number = number_of(text)
    assert number is not None
    assert number.side == side


@pytest.mark.parametrize(
    "text",
    ["03/20/2023", "2018-03-04", "10:45", "(415) 555-0199", "+49 30 1234567", "INV/2023/03", "A-4711",
     "NL50INGB0683251309",

     "192.168.1.10", "-", "—", "", "n/a"],
)  # fmt: skip
def test_number_is_none_when_the_text_is_something_else(text: str) -> None:
    assert number_of(text) is None


@pytest.mark.parametrize(
    ("text", "style", "value", "ambiguous"),
    [
        ("1,234", None, "1234", True),
        ("1.234", None, "1234", True),
        ("1,234", "point", "1234", False),
        ("1,234", "comma", "1.234", False),
        ("1.234", "comma", "1234", False),
        ("1.234", "point", "1.234", False),
        ("0.125", None, "0.125", False),
    ],
)
def test_lone_separator_is_read_by_the_document_when_three_digits_follow(
    text: str, style: Style | None, value: str, ambiguous: bool
) -> None:
    number = number_of(text, style)
    assert number is not None
    assert (number.value, number.ambiguous) == (Decimal(value), ambiguous)


@pytest.mark.parametrize(
    ("texts", "style"),
    [
        (["12.50", "1,234"], "point"),
        (["12,50", "1.234"], "comma"),
        (["1,234", "5,678"], None),
        (["12,50", "13.50"], None),
        ([], None),
    ],
)
def test_style_is_told_when_numbers_leave_no_choice(texts: list[str], style: Style | None) -> None:
    assert style_of(texts) == style


def test_misread_letters_count_as_digits_with_doubt_when_the_shape_is_an_amount() -> None:
    number = number_of("1O.5O")
    assert number is not None
    assert number.value == Decimal("10.50")
    assert number.doubt < 1
    assert number_of("SOLO") is None


def test_numbers_in_running_text_leave_out_codes_when_both_are_there() -> None:
    found = numbers_in("Order A-4711 of 3 lamps at $12.50, tel (415) 555-0199")
    assert [number.value for number in found] == [Decimal(3), Decimal("12.50")]


@given(
    st.decimals(min_value=0, max_value=10**9, places=2, allow_nan=False),
    st.sampled_from([(",", "."), (".", ","), (" ", ","), ("'", ".")]),
)
def test_amount_reads_back_when_written_in_a_notation(value: Decimal, separators: tuple[str, str]) -> None:
    group, decimal = separators
    whole, cents = f"{value:.2f}".split(".")
    number = number_of(f"{int(whole):,}".replace(",", group) + decimal + cents)
    assert number is not None
    assert number.value == value


@given(st.text(max_size=60))
def test_any_text_is_a_number_or_not_when_read(text: str) -> None:
    number_of(text)
    for number in numbers_in(text):
        assert 0 <= number.start < number.end <= len(text)
