"""Papers and questions written last: asked untuned, 57 of 66 were right, 3 wrong and 6 refused; then mended."""

from __future__ import annotations

import datetime
from decimal import Decimal

from reasoning.papers import figure, lines, paper, table

LATER_PAPERS = {
    "plumber": paper(
        "invoice",
        currency="GBP",
        date=datetime.date(2025, 2, 18),
        total=Decimal("438.00"),
        total_figure=2,
        figures=(
            figure("Net", "365.00", "subtotal", "GBP"),
            figure("VAT @ 20%", "73.00", "tax", "GBP"),
            figure("Amount due", "438.00", "amount_due", "GBP"),
            figure("VAT @ 20%", "20", "tax_rate", "%"),
        ),
        tables=(
            table(
                (("Work done", "text"), ("Hours", "number"), ("Rate", "money"), ("Line total", "money")),
                (
                    ("Boiler repair", "3", "65.00", "195.00"),
                    ("Pipe replacement", "2", "65.00", "130.00"),
                    ("Call-out", "1", "40.00", "40.00"),
                ),
            ),
        ),
        lines=lines("Smith & Sons Plumbing Ltd", "Invoice no. 2231", "Terms: 14 days", "Bill to:  Mrs A. Patel"),
    ),
    "diner": paper(
        "receipt",
        currency="USD",
        date=datetime.date(2025, 8, 30),
        total=Decimal("58.32"),
        total_figure=3,
        figures=(
            figure("Subtotal", "45.00", "subtotal", "USD"),
            figure("Tax", "4.32", "tax", "USD"),
            figure("Gratuity", "9.00", "tip", "USD"),
            figure("Total", "58.32", "total", "USD"),
        ),
        tables=(
            table(
                (("Item", "text"), ("Qty", "number"), ("Amount", "money")),
                (("Cheeseburger", "2", "24.00"), ("Fries", "2", "9.00"), ("Milkshake", "2", "12.00")),
            ),
        ),
        lines=lines("BLUE MOON DINER", "Server: Dana", "Table 12", "08/30/2025 7:15 PM"),
    ),
    "quarters": paper(
        "table",
        currency="EUR",
        tables=(
            table(
                (("Quarter", "text"), ("Turnover", "money"), ("Operating profit", "money"), ("Staff", "number")),
                (
                    ("Q1", "410", "52", "31"),
                    ("Q2", "455", "61", "33"),
                    ("Q3", "390", "40", "33"),
                    ("Q4", "520", "78", "36"),
                ),
            ),
        ),
        lines=lines("Figures in thousand euros"),
    ),
    "teams": paper(
        "table",
        tables=(
            table(
                (("Team", "text"), ("Played", "number"), ("Won", "number"), ("Lost", "number"), ("Points", "number")),
                (
                    ("Lions", "10", "7", "3", "21"),
                    ("Bears", "10", "5", "5", "15"),
                    ("Hawks", "10", "8", "2", "24"),
                    ("Wolves", "10", "2", "8", "6"),
                ),
            ),
        ),
    ),
    "bars": paper(
        "chart",
        figures=tuple(
            figure(name, value, "data_point", unit=None)
            for name, value in (("Mon", "12"), ("Tue", "18"), ("Wed", "9"), ("Thu", "22"), ("Fri", "30"))
        ),
        tables=(
            table(
                (("Category", "text"), ("Value", "number")),
                (("Mon", "12"), ("Tue", "18"), ("Wed", "9"), ("Thu", "22"), ("Fri", "30")),
            ),
        ),
        lines=lines("Support tickets per weekday"),
    ),
    "card": paper(
        "statement",
        currency="USD",
        figures=(
            figure("New balance", "612.40", "closing_balance", "USD"),
            figure("Minimum payment due", "35.00", "amount_due", "USD"),
        ),
        tables=(
            table(
                (("Date", "date"), ("Merchant", "text"), ("Amount", "money")),
                (
                    ("03/14/2025", "Airline Tickets Co", "420.00"),
                    ("03/16/2025", "Book Barn", "32.40"),
                    ("03/21/2025", "Green Grocer", "95.00"),
                    ("03/28/2025", "Green Grocer", "65.00"),
                ),
            ),
        ),
    ),
    "stats": paper(
        "dashboard",
        figures=(
            figure("Sessions", "48211", unit=None),
            figure("Avg. session duration", "182", unit="s"),
            figure("Conversion rate", "3.1", unit="%"),
            figure("Revenue", "15890.00", unit="USD"),
        ),
    ),
}

LATER: tuple[tuple[str, str, str | None], ...] = (
    ("plumber", "How much do I owe the plumber?", None),
    ("plumber", "What's the amount due?", "438.00"),
    ("plumber", "total?", "438.00"),
    ("plumber", "How much is it without VAT?", "365.00"),
    ("plumber", "How many hours were worked in total?", "6"),
    ("plumber", "What was the hourly rate for the boiler repair?", "65.00"),
    ("plumber", "How long did the pipe replacement take?", None),
    ("plumber", "What did the boiler repair cost?", "195.00"),
    ("plumber", "What are the payment terms?", "14 days"),
    ("plumber", "Is the VAT calculated correctly?", "yes"),
    ("plumber", "Which work was the most expensive?", "Boiler repair"),
    ("plumber", "How much was charged for materials?", None),
    ("plumber", "Is there a late fee?", None),
    ("plumber", "What percentage of the net is the boiler repair?", "53.42"),
    ("diner", "How much did we tip?", "9.00"),
    ("diner", "how many milkshakes did we order", "2"),
    ("diner", "What was the tip as a percentage of the subtotal?", "20"),
    ("diner", "Who served us?", "Dana"),
    ("diner", "What was the server's name?", "Dana"),
    ("diner", "What did the fries cost?", "9.00"),
    ("diner", "How much was the total without the tip?", None),
    ("diner", "Sum of food items", "45.00"),
    ("diner", "How much was the coffee?", None),
    ("diner", "When did we eat there?", None),
    ("diner", "What's the date on the receipt?", "2025-08-30"),
    ("quarters", "What was the turnover in Q3?", "390"),
    ("quarters", "Which quarter had the best operating profit?", "Q4"),
    ("quarters", "total turnover for the year", "1775"),
    ("quarters", "What is the total turnover?", "1775"),
    ("quarters", "How did turnover change from Q1 to Q4?", "110"),
    ("quarters", "What was the Q3 profit margin?", None),
    ("quarters", "average operating profit", "57.75"),
    ("quarters", "How many staff were there in the second quarter?", "33"),
    ("quarters", "In which quarters was turnover above 450?", "Q2; Q4"),
    ("quarters", "What were the marketing costs in Q2?", None),
    ("quarters", "What share of turnover came from Q4?", "29.3"),
    ("teams", "Which team won the most?", "Hawks"),
    ("teams", "How many points do the Bears have?", "15"),
    ("teams", "Who is last?", None),
    ("teams", "Which team has the fewest points?", "Wolves"),
    ("teams", "How many games did the Lions lose?", None),
    ("teams", "How many points separate the Hawks and the Lions?", None),
    ("teams", "What is the difference in points between Hawks and Lions?", "3"),
    ("teams", "How many goals did the Bears score?", None),
    ("teams", "How many teams are there?", "4"),
    ("bars", "On which day were there the most tickets?", "Fri"),
    ("bars", "How many tickets on Wed?", "9"),
    ("bars", "How many support tickets were there in total?", "91"),
    ("bars", "What's the average number of tickets per weekday?", "18.2"),
    ("bars", "How many more tickets were there on Friday than on Monday?", "18"),
    ("bars", "How many tickets were there on Sat?", None),
    ("card", "What's the new balance?", "612.40"),
    ("card", "What is the minimum payment?", "35.00"),
    ("card", "How much did I spend at Green Grocer?", "160.00"),
    ("card", "What was the biggest purchase?", "Airline Tickets Co"),
    ("card", "How many transactions were over 50?", "3"),
    ("card", "total spent", "612.40"),
    ("card", "What is the APR?", None),
    ("card", "How much was spent on 21 March?", "95.00"),
    ("card", "how much did I spend on taxis", None),
    ("stats", "How many sessions were there?", "48211"),
    ("stats", "What is the conversion rate?", "3.1"),
    ("stats", "average session duration", "182"),
    ("stats", "How much revenue?", "15890.00"),
    ("stats", "What is the revenue per session?", None),
    ("stats", "How many sessions came from mobile?", None),
)
