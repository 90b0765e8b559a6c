"""What was paid before stands among the sums: it is read whatever its sign, and leads to the amount due."""

from __future__ import annotations

from decimal import Decimal

import pytest

from adapters.vision.layout.lexicon import meaning_of
from adapters.vision.layout.words import Page
from tests.vision.conftest import HEAD, item, page_of, read


def bill(*sums: list[tuple[float, str]]) -> Page:
    """Two items of 60.00 together, a subtotal, VAT of 12.00 and more rows of sums."""
    return page_of(
        [(20, "Invoice 9001"), (-860, "Invoice Date: March 20, 2023")],
        None,
        HEAD,
        item("Lamp", "2", "$25.00", "$50.00"),
        item("Mug", "1", "$10.00", "$10.00"),
        [(-680, "Subtotal"), (-860, "$60.00")],
        [(-680, "VAT 20%"), (-860, "$12.00")],
        *sums,
    )


def row(label: str, amount: str) -> list[tuple[float, str]]:
    return [(-680, label), (-860, amount)]


@pytest.mark.parametrize(
    "paid",
    [
        row("Deposit", "$30.00"),
        row("Less deposit paid", "-$30.00"),
        row("Less prepayment", "$30.00"),
        # Label and amount so close that they are read as one piece of text.
        [(500, "Less deposit paid -$30.00")],
    ],
    ids=lambda runs: " ".join(text for _, text in runs),
)
def test_amount_due_is_not_doubted_when_what_was_paid_leads_to_it(paid: list[tuple[float, str]]) -> None:
    document = read(bill(paid, row("Amount due", "$42.00")))
    assert document.warnings == ()
    assert [abs(figure.value) for figure in document.figures if figure.role == "paid"] == [Decimal("30.00")]
    assert document.total_figure is not None
    assert document.figures[document.total_figure].value == Decimal("42.00")
    assert document.figures[document.total_figure].confidence > 0.9


@pytest.mark.parametrize(
    "sums",
    [
        (row("Deposit", "$30.00"), row("Amount due", "$45.00")),
        (row("Deposit", "$30.00"), row("Total", "$42.00")),
        (row("Cash", "$30.00"), row("Change", "$0.00"), row("Amount due", "$42.00")),
    ],
    ids=["another amount due", "a total", "cash with change"],
)
def test_sum_is_doubted_when_what_was_paid_does_not_lead_to_it(sums: tuple[list[tuple[float, str]], ...]) -> None:
    assert any("which make" in warning for warning in read(bill(*sums)).warnings)


@pytest.mark.parametrize(
    "label",
    ["Less deposit paid", "Less: deposit", "Minus prepayment", "Less advance", "Less advance payment", "Prepayment",
     "abzgl. Anzahlung", "abzüglich Anzahlung vom 3.4.", "moins acompte", "Less retainer", "Less amount paid"],
)  # fmt: skip
def test_label_says_paid_when_it_names_a_payment_made_before(label: str) -> None:
    assert (meaning_of(label).role, meaning_of(label).strength) == ("paid", 3)


@pytest.mark.parametrize("label", ["Advance", "Prepayments"])
def test_label_says_no_payment_when_it_may_name_an_asset(label: str) -> None:
    assert meaning_of(label).role != "paid"
