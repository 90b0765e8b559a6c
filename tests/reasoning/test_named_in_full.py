"""Questions that name a row, a chart's title, an abbreviation or the whole document: each answered for what it names,
and refused where the document has no such thing."""

from __future__ import annotations

from decimal import Decimal

import pytest

from adapters.planning.embedding import EmbeddingPlanner
from reasoning.judging import answer
from reasoning.papers import figure, invoice, lines, months, paper, table
from schemas.documents import DocumentDescription


def order_form() -> DocumentDescription:
    return paper(
        "estimate",
        currency="USD",
        tables=(
            table(
                (("Description", "text"), ("Quantity", "number"), ("Amount", "money")),
                (("A3 folder", "25", "75.00"), ("Visiting cards", "300", "40.00"), ("Bar stool", "4", "90.00")),
            ),
        ),
    )


def regions(name: str | None, title: str = "Quarterly sales 2023") -> DocumentDescription:
    rows = (("Spring", "10", "20"), ("Summer", "30", "45"))
    columns = (("Season", "text"), ("Coast", "number"), ("Inland", "number"))
    grid = table(columns, rows, summary_rows=(("Total", "40", "65"),), name=name)
    return paper("table", tables=(grid,), lines=lines(title, "Season Coast Inland", "Spring 10 20"))


def income() -> DocumentDescription:
    rows = (("Turnover", "500", "600"), ("Result before tax", "200", "250"), ("Tax", "50", "60"))
    return paper(
        "table",
        figures=(figure("Tax", "50", "tax"),),
        tables=(table((("", "text"), ("2020", "number"), ("2021", "number")), rows),),
    )


def calls() -> DocumentDescription:
    points = (("Mon", "5"), ("Tue", "7"), ("Wed", "9"))
    figures = tuple(figure(name, value, "data_point", unit=None) for name, value in points)
    return paper("chart", figures=figures, lines=lines("Orders per day", "Mon", "Tue", "Wed"))


def charted() -> DocumentDescription:
    """As a drawn chart is read: its points once as figures and once as a table."""
    grid = table((("Category", "text"), ("Value", "number")), (("Mon", "5"), ("Tue", "7"), ("Wed", "9")), name="Chart")
    return calls().model_copy(update={"tables": (grid,)})


def metrics() -> DocumentDescription:
    figures = (
        figure("Monthly recurring revenue", "900.00"),
        figure("Average order value", "52.10"),
        figure("Total support hours", "12", unit=None),
        figure("Average response rate", "88", unit="%"),
    )
    return paper("dashboard", figures=figures)


def account() -> DocumentDescription:
    columns = (("Date", "date"), ("Details", "text"), ("Withdrawals", "money"), ("Deposits", "money"))
    rows = (
        ("02 Jan 2024", "Wages", "", "2000.00"),
        ("05 Jan 2024", "GROCERIES", "75.00", ""),
        ("07 Jan 2024", "Shoe refund", "", "40.00"),
    )
    return paper("statement", currency="GBP", tables=(table(columns, rows),))


def folio() -> DocumentDescription:
    columns = (("Date", "date"), ("Description", "text"), ("Charges", "money"), ("Credits", "money"))
    rows = (
        ("04 Mar 2025", "Room", "129.00", ""),
        ("05 Mar 2025", "Parking", "15.00", ""),
        ("07 Mar 2025", "Card payment", "", "100.00"),
    )
    figures = (figure("Total charges", "144.00", "total"), figure("Balance due", "44.00", "amount_due"))
    return paper("invoice", currency="GBP", figures=figures, tables=(table(columns, rows),))


def spending() -> DocumentDescription:
    columns = (("Category", "text"), ("Merchant", "text"), ("Amount", "money"))
    rows = (("Travel", "Rail", "89.00"), ("Meals", "Bistro", "34.00"), ("Meals", "Cafe", "16.00"))
    return paper(
        "table",
        currency="EUR",
        total=Decimal("139.00"),
        total_figure=0,
        figures=(figure("Total", "139.00", "total"),),
        tables=(table(columns, rows),),
    )


def balance_sheet() -> DocumentDescription:
    rows = (("Stock", "508", "460"), ("Equipment", "3110", "3275"))
    figures = (figure("Total assets 2024", "3618", "total"), figure("Total assets 2023", "3735", "total"))
    columns = (("", "text"), ("2024", "number"), ("2023", "number"))
    return paper("table", figures=figures, tables=(table(columns, rows),))


def statement() -> DocumentDescription:
    columns = (("Date", "date"), ("Details", "text"), ("Paid out", "money"), ("Paid in", "money"))
    rows = (
        ("22 Apr 2025", "Direct debit Harbour Gas", "98.75", ""),
        ("28 Apr 2025", "Salary", "", "2410.00"),
    )
    return paper("statement", currency="GBP", tables=(table(columns, rows),))


def till() -> DocumentDescription:
    rows = (
        ("Tea", "4.00"),
        ("Gift card", "7.00"),
        ("Discount", "-1.00"),
        ("VAT", "0.50"),
        ("Total due", "10.00"),
        ("VISA ****1234", "10.00"),
        ("Cash", "20.00"),
        ("Rückgeld", "10.00"),
    )
    return paper("receipt", currency="EUR", tables=(table((("Item", "text"), ("Price", "money")), rows),))


def net_labelled(label: str) -> DocumentDescription:
    figures = (figure(label, "100.00", "subtotal"), figure("Total", "119.00", "total"))
    return paper("invoice", currency="EUR", total=Decimal("119.00"), total_figure=1, figures=figures)


ANSWERED: tuple[tuple[DocumentDescription, str, str], ...] = (
    (order_form(), "How many folders?", "25"),
    (order_form(), "How many A3 folders were ordered?", "25"),
    (order_form(), "How many visiting cards?", "300"),
    (order_form(), "How many bar stools?", "4"),
    (order_form(), "How many items are there?", "3"),
    (order_form(), "Wie viele Positionen gibt es?", "3"),
    (regions("Quarterly sales 2023"), "What was the total sales in Inland?", "65"),
    (regions(None), "What was the total sales in Inland?", "65"),
    (regions(None), "What was the total sales in Inland in 2023?", "65"),
    (income(), "What was the result before tax in 2021?", "250"),
    (income(), "What was the tax in 2021?", "60"),
    (calls(), "What is the total number of orders?", "21"),
    (calls(), "How many orders were there on Tue?", "7"),
    (calls(), "How many days are there?", "3"),
    (calls(), "How many bars are there?", "3"),
    (charted(), "What is the total number of orders?", "21"),
    (charted(), "Which day had the most orders?", "Wed"),
    (statement(), "How much was paid in total to Harbour Gas?", "98.75"),
    (metrics(), "What is the MRR?", "900.00"),
    (metrics(), "what is our aov", "52.10"),
    (account(), "How much was spent on groceries?", "75.00"),
    (account(), "How much did we pay for grocery?", "75.00"),
    (account(), "How much was received from wages?", "2000.00"),
    (folio(), "How much was parking?", "15.00"),
    (folio(), "What is the total including VAT?", "144.00"),
    (spending(), "How much was spent on meals?", "50.00"),
    (balance_sheet(), "What were total assets in 2024?", "3618"),
    (balance_sheet(), "What was the equipment in 2023?", "3275"),
    (net_labelled("Base imponible"), "What is the tax base?", "100.00"),
    (till(), "Most expensive item", "Gift card"),
    (till(), "What is the cheapest item?", "Tea"),
    (till(), "How many items are there?", "2"),
    (till(), "What is the sum of the items?", "11.00"),
    (invoice(), "What is the total of this invoice?", "1190.00"),
    (invoice(), "How much did we pay in total?", "1190.00"),
    (invoice(), "What is the sum of the amounts?", "1000.00"),
)

REFUSED: tuple[tuple[DocumentDescription, str], ...] = (
    (folio(), "How much was received for parking?"),
    (spending(), "Total by category"),
    (order_form(), "How many lamps?"),
    (order_form(), "How many invoices?"),
    (order_form(), "How many posters are there?"),
    (order_form(), "How many bars?"),
    (order_form(), "How many folder items?"),
    (till(), "Does it add up?"),
    (months(), "How many years?"),
    (account(), "How many months?"),
    (account(), "How much was received from groceries?"),
    (regions(None), "What was the total sales in Inland in 2022?"),
    (regions(None), "What were the total costs in Inland?"),
    (regions(None), "total sales"),
    (income(), "What was the result after tax in 2021?"),
    (calls(), "How many invoices?"),
    (calls(), "What is the total number of returns?"),
    (metrics(), "What is the ARR?"),
)


@pytest.mark.parametrize(("document", "question", "expected"), ANSWERED, ids=[case[1] for case in ANSWERED])
async def test_what_is_named_is_answered(
    planner: EmbeddingPlanner, document: DocumentDescription, question: str, expected: str
) -> None:
    given = await answer(planner, question, document)
    assert given is not None, (await planner.plan(question, document)).reason
    assert given.verdict == "answered", given.text
    if expected[0].isdigit():
        assert given.value == Decimal(expected), given.text
    else:
        assert given.text.startswith(expected), given.text


@pytest.mark.parametrize(("document", "question"), REFUSED, ids=[case[1] for case in REFUSED])
async def test_what_the_document_does_not_have_is_refused(
    planner: EmbeddingPlanner, document: DocumentDescription, question: str
) -> None:
    given = await answer(planner, question, document)
    assert given is None or given.verdict in ("not_found", "not_understood"), given.text


@pytest.mark.parametrize("label", ["Subtotal", "Nettobetrag", "Total HT", "Base imponible", "Subtotaal", "Imponibile"])
@pytest.mark.parametrize(
    "question",
    [
        "What is the net amount?",
        "Nettobetrag",
        "Wie hoch ist die Zwischensumme?",
        "HT",
        "Quel est le montant HT ?",
        "¿Cuál es el importe neto?",
        "Wat is het bedrag exclusief btw?",
        "Qual è l'imponibile?",
    ],
)
async def test_net_amount_is_the_subtotal_in_every_language(
    planner: EmbeddingPlanner, label: str, question: str
) -> None:
    given = await answer(planner, question, net_labelled(label))
    assert given is not None
    assert given.value == Decimal("100.00")


async def test_initials_that_only_happen_to_fit_are_not_stated_as_fact(planner: EmbeddingPlanner) -> None:
    given = await answer(planner, "What is the TSH?", metrics())
    assert given is None or given.verdict != "answered"


async def test_lines_added_up_for_want_of_a_total_are_not_stated_as_fact(planner: EmbeddingPlanner) -> None:
    without = invoice().model_copy(update={"figures": invoice().figures[:2], "total": None, "total_figure": None})
    given = await answer(planner, "What is the total of this invoice?", without)
    assert given is None or given.verdict == "unverified"
