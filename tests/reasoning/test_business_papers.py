"""Budgets, aged debts, schedules, ledgers and balance sheets: what is asked of them in plain words, and the nearest
wrong readings."""

from __future__ import annotations

from decimal import Decimal

import pytest

from adapters.planning.embedding import EmbeddingPlanner
from reasoning.judging import answer, outcome
from reasoning.papers import figure, lines, paper, table
from schemas.documents import Column, DocumentDescription, Table

LEDGER = (("Invoice", "text"), ("Date", "date"), ("Customer", "text"), ("Amount", "money"), ("Status", "text"))
PAPERS: dict[str, DocumentDescription] = {
    "budget": paper("table", tables=(table(
        (("Cost centre", "text"), ("Budget", "number"), ("Actual", "number"), ("Variance", "number")),
        (("Staff", "84000", "87250", "-3250"), ("Marketing", "16000", "11940", "4060"),
         ("IT", "9500", "12380", "-2880")),
    ),)),
    "ledger": paper("table", tables=(table(LEDGER, (
        ("INV-1", "2025-07-03", "Tidewater Cafe", "1260.00", "Paid"),
        ("INV-2", "2025-07-19", "Tidewater Cafe", "2310.75", "Paid"),
        ("INV-3", "2025-08-15", "Peak Fitness", "1930.20", "Overdue"),
        ("INV-4", "2025-08-27", "Moor Clinic", "3475.00", "Open"),
    )),)),
    "aged": paper("table", tables=(table(
        (("Customer", "text"), ("Current", "number"), ("31-60 days", "number"), ("Over 60", "number"),
         ("Total", "number")),
        (("Alder", "4210", "1875", "", "6085"), ("Coral Spa", "", "2140", "895", "3035"),
         ("Dunmore", "5640", "", "", "5640")),
    ),)),
    "schedule": paper("statement", tables=(table(
        (("No.", "text"), ("Payment", "money"), ("Interest", "money"), ("Balance", "money")),
        (("1", "270.00", "27.00", "5756.00"), ("2", "270.00", "25.90", "5511.90"), ("3", "270.00", "24.80", "5266.70"),
         ("4", "270.00", "23.70", "5020.40")),
    ),)),
    "assets": paper("table", tables=(table(
        (("Tillgångar", "text"), ("2025-12-31", "number"), ("2024-12-31", "number")),
        (("Varulager", "12675", "10890"), ("Kassa och bank", "6215", "4370"), ("Summa tillgångar", "18890", "15260")),
    ),)),
    "account": paper("table", tables=(table(
        (("Position", "text"), ("Okt 2025", "money"), ("Sep 2025", "money")),
        (("Umsatzerlöse", "128450.00", "119320.00"), ("Wareneinsatz", "-51380.00", "-49875.00"),
         ("Raumkosten", "-7850.00", "-7850.00")),
    ),)),
    "stock": paper("table", tables=(table(
        (("Product", "text"), ("Qty on hand", "number"), ("Unit cost", "money")),
        (("Travel tumbler", "23", "11.90"), ("Ceramic mug", "58", "5.60")),
    ),)),
    "holders": paper("table", tables=(table(
        (("Holder", "text"), ("Shares", "number"), ("Ownership", "percent")),
        (("Lena Vogt", "420000", "42"), ("Samir Haddad", "380000", "38"), ("Pool", "200000", "20")),
    ),)),
    "channels": paper("chart", lines=lines("Leads cost by channel (EUR)"), figures=(
        figure("Google", "5400", "data_point", unit=None), figure("Instagram", "3150", "data_point", unit=None))),
    "regions": paper("chart", lines=lines("Revenue by region"), figures=(
        figure("North", "62", "data_point", unit="%"), figure("South", "38", "data_point", unit="%"))),
    "statement": paper("statement", figures=(
        figure("Opening balance", "18452.30", "opening_balance"),
        figure("Closing balance", "17290.00", "closing_balance")),
        tables=(table((("Date", "date"), ("Text", "text"), ("Credit", "money"), ("Debit", "money"),
                       ("Balance", "money")), (
            ("2025-11-03", "Meier", "7250.00", "", "25702.30"), ("2025-11-12", "Wages", "", "8412.30", "17290.00"))),)),
    "offer": paper("estimate", lines=lines("Quotation Q-1187 · 6 October 2025 · valid for 30 days"), figures=(
        figure("Discount", "8", unit="%"), figure("Discount (8%)", "-537.30", "discount"),
        figure("Total", "6179.00", "total"),
        figure("Deposit required (25%)", "1544.75"))),
    "shifts": paper("table", tables=(table(
        (("Employee", "text"), ("Department", "text"), ("Mon", "number"), ("Tue", "number"), ("Total", "number")),
        (("Amira", "Kitchen", "8", "7", "15"), ("Boris", "Front", "", "8", "8"), ("Chen", "Kitchen", "9", "9", "18")),
    ),)),
    "spending": paper("table", tables=(table(
        (("Date", "date"), ("Description", "text"), ("Category", "text"), ("Amount", "money")),
        (("2025-11-24", "Coffee", "Meals", "-18.75"), ("2025-11-25", "Flight", "Travel", "-386.20"),
         ("2025-11-26", "Payout", "Income", "2960.10"), ("2025-12-01", "Hotel", "Travel", "-472.00")),
    ),)),
    "paid_hours": paper("table", tables=(Table(
        columns=(Column(name="Employee", kind="text"), Column(name="Mon", kind="number"),
                 Column(name="Tue", kind="number"), Column(name="Total", kind="number"),
                 Column(name="Rate", kind="money", unit="USD")),
        rows=table(
            (("Employee", "text"), ("Mon", "number"), ("Tue", "number"), ("Total", "number"), ("Rate", "money")),
            (("Amira", "8", "7", "15", "22.00"), ("Boris", "", "8", "8", "19.50")),
        ).rows,
    ),)),
    "credit": paper("invoice", total=Decimal(-848), total_figure=0, figures=(figure("Total", "-848", "total"),),
        tables=(table((("Item", "text"), ("Qty", "number"), ("Amount", "money")),
                      (("Chair", "3", "-567.00"), ("Arm", "2", "-281.00"))),)),
    "extract": paper("statement", tables=(table(
        (("Datum", "date"), ("Text", "text"), ("Belastung", "money"), ("Saldo", "money")),
        (("03.11.2025", "Miete", "2800.00", "22902.30"), ("07.11.2025", "Telefon", "148.90", "22753.40"),
         ("12.11.2025", "Löhne", "11460.75", "11292.65"), ("28.11.2025", "Spesen", "12.50", "11280.15")),
    ),)),
    "weekdays": paper("table", tables=(table((("Day", "text"), ("Hours", "number")),
                                             (("Mon", "7.5"), ("Tue", "6"), ("Thu", "9"))),)),
    "till": paper("receipt", tables=(table((("Item", "text"), ("Amount", "money")),
                                           (("Paint", "42.50"), ("Brush", "6.29"), ("Member price", "-12.75"))),)),
    "pump": paper("receipt", tables=(table((("Item", "text"), ("Quantity", "number"), ("Amount", "money")),
                                           (("Diesel", "41.37", "82.29"), ("Coffee", "", "3.25"))),)),
    "salon": paper("table", tables=(table((("Treatment", "text"), ("Weekday", "money"), ("Weekend", "money")),
                                          (("Trim", "24.00", "28.00"), ("Colour", "135.00", "150.00"))),)),
    "mixed": paper("table", tables=(table((("Treatment", "text"), ("Weekday", "money"), ("Weekend", "money")),
                                          (("Trim", "24.00", "160.00"), ("Colour", "135.00", "150.00"))),)),
    "gst": paper("invoice", figures=(
        figure("CGST", "9", "tax_rate", unit="%"), figure("CGST 9%", "75411", "tax"),
        figure("SGST", "9", "tax_rate", unit="%"), figure("SGST 9%", "75411", "tax"),
        figure("Total", "988722", "total"))),
    "yen": paper("invoice", total=Decimal(571890), total_figure=0,
                 figures=(figure("Total due", "571890", "amount_due", unit=None),)),
    "owners": paper("table", total=Decimal(1000000), total_figure=0,
                    figures=(figure("Total", "1000000", "total", unit=None),)),
    "cut": paper("invoice", total=Decimal(99), total_figure=3, figures=(
        figure("Subtotal", "100", "subtotal"), figure("Discount", "-10", "discount"), figure("VAT 10%", "9", "tax"),
        figure("Total", "99", "total"))),
    "months": paper("table", tables=(table(
        (("Month", "text"), ("Revenue", "money"), ("Profit", "money")),
        (("July", "21400.00", "6420.00"), ("August", "19850.00", "4530.00"), ("September", "24310.00", "8250.00")),
    ),)),
}  # fmt: skip

ASKED: tuple[tuple[str, str, str | None], ...] = (
    ("budget", "How much under budget was marketing?", "4060"),
    ("budget", "What percentage of the marketing budget was spent?", "74.63"),
    ("budget", "How many cost centres are over budget?", "2"),
    ("budget", "What was the actual for IT?", "12380"),
    ("ledger", "Which customer has the highest single invoice?", "Moor Clinic"),
    ("ledger", "How much was invoiced after August 10?", "5405.20"),
    ("ledger", "How much was invoiced before 1 August?", "3570.75"),
    ("ledger", "How much did we invoice Peak Fitness?", "1930.20"),
    ("aged", "Who has the largest balance?", "Alder"),
    ("aged", "What percentage of the total is over 60 days?", "6.06"),
    ("schedule", "How much interest is paid in the first three payments?", "77.70"),
    ("schedule", "What is the balance after payment 2?", "5511.90"),
    ("schedule", "Which payment has the lowest interest?", "4, with"),
    ("assets", "How much is the inventory (Varulager) in 2024?", "10890"),
    ("assets", "By how much did cash (Kassa och bank) change?", "1845"),
    ("assets", "What are total assets (Summa tillgångar) in 2025?", "18890"),
    ("account", "Which cost was highest in October?", "Wareneinsatz"),
    ("account", "By how many percent did revenue (Umsatzerlöse) grow year over year?", "7.65"),
    ("stock", "What is the selling price of the travel tumbler?", None),
    ("stock", "What is the unit cost of the travel tumbler?", "11.90"),
    ("stock", "How many ceramic mugs are in stock?", "58"),
    ("holders", "How many shareholders own more than 25%?", "2"),
    ("channels", "How many leads came from Instagram?", None),
    ("channels", "What did Instagram cost?", "3150"),
    ("regions", "What was the revenue of the North in euros?", None),
    ("statement", "By how much did the balance change during the month?", "-1162.30"),
    ("offer", "How large is the discount?", "-537.30"),
    ("offer", "How long is the quote valid?", "30 days"),
    ("shifts", "Who worked the most hours?", "Chen"),
    ("shifts", "How many people work in the kitchen?", "2"),
    ("months", "What is the average monthly profit?", "6400"),
    ("aged", "How much did Coral Spa pay?", None),
    ("aged", "How much does Coral Spa owe?", "3035"),
    ("stock", "How many ceramic mugs were sold?", None),
    ("paid_hours", "How much did Amira earn?", None),
    ("paid_hours", "How many hours did Amira work in total?", "15"),
    ("spending", "Which month had the highest spending?", None),
    ("ledger", "Which month had the highest sales?", None),
    ("budget", "By what percentage was staff over budget?", "3.87"),
    ("budget", "Which cost centre has the largest actual?", "Staff"),
    ("credit", "What do we still have to pay?", None),
    ("extract", "What was the balance on 12 November?", "11292.65"),
    ("extract", "How much was debited before 10 November?", "2948.90"),
    ("regions", "Which region has the largest share?", "North"),
    ("regions", "What is the average price?", None),
    ("regions", "How many items were sold?", None),
    ("aged", "How many items were sold?", None),
    ("aged", "What is the average price?", None),
    ("aged", "Which one is the cheapest?", None),
    ("aged", "Is the total more than 1,000?", None),
    ("ledger", "What is the average per day?", None),
    ("ledger", "How many days are there?", None),
    ("spending", "Which one is the cheapest?", None),
    ("weekdays", "Which month had the highest amount?", None),
    ("weekdays", "Which day had the most hours?", "Thu"),
    ("till", "Which one is the cheapest?", "Brush"),
    ("salon", "Who paid the most?", None),
    ("gst", "Is it paid?", None),
    ("yen", "What do we have to pay?", "571890"),
    ("owners", "How much do we owe?", None),
    ("aged", "How much do we owe?", None),
    ("aged", "How many employees are there?", None),
    ("salon", "Which treatment is the most expensive?", "Colour"),
    ("mixed", "Which treatment is the most expensive?", None),
    ("gst", "How much is CGST?", "75411"),
    ("holders", "Who is the largest shareholder?", "Lena"),
)


@pytest.mark.parametrize(("name", "question", "expected"), ASKED)
async def test_question_is_answered_rightly_or_refused_when_it_is_about_a_business_paper(
    planner: EmbeddingPlanner, name: str, question: str, expected: str | None
) -> None:
    given = await answer(planner, question, PAPERS[name])
    assert outcome(expected, given) == "right", given


async def test_greatest_spending_is_the_most_negative_when_groups_are_added_up(planner: EmbeddingPlanner) -> None:
    given = await answer(planner, "Which category has the highest spending?", PAPERS["spending"])
    assert given is not None
    assert given.text.startswith("Travel")


@pytest.mark.parametrize(
    ("name", "question", "said"),
    [
        ("pump", "How many hours is that?", "Quantity"),
        ("inv", "How many items were sold?", "pieces"),
        ("cut", "What is the total excluding VAT?", "not the total less tax"),
    ],
)
async def test_answer_is_unverified_when_a_word_was_taken_for_another(
    planner: EmbeddingPlanner, name: str, question: str, said: str
) -> None:
    given = await answer(planner, question, PAPERS.get(name) or sold())
    assert given is not None
    assert given.verdict == "unverified"
    assert said in given.text


def sold() -> DocumentDescription:
    columns = (("Description", "text"), ("Seats", "number"), ("Line total", "money"))
    return paper("invoice", tables=(table(columns, (("Analytics", "12", "1944.00"), ("Workshop", "1", "520.00"))),))


async def test_share_of_one_in_another_has_the_second_as_its_base(planner: EmbeddingPlanner) -> None:
    bill = paper(
        "invoice",
        figures=(figure("Net", "200", "subtotal"), figure("Consulting", "50"), figure("Total", "240", "total")),
    )
    given = await answer(planner, "What is the share of consulting of the net amount?", bill)
    assert given is not None
    assert given.value == 25


async def test_largest_of_a_group_says_so_when_the_largest_row_is_anothers(planner: EmbeddingPlanner) -> None:
    given = await answer(planner, "Which customer has the highest amount?", PAPERS["ledger"])
    assert given is not None
    assert given.verdict == "unverified"
    assert "Moor Clinic" in given.text
