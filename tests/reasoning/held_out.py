"""Papers and questions that thresholds and vocabulary were not tuned on: the planner's rates are measured here."""

from __future__ import annotations

import datetime
from decimal import Decimal

from reasoning.papers import figure, lines, paper, table

HELD_OUT_PAPERS = {
    "hotel": paper(
        "invoice",
        currency="EUR",
        date=datetime.date(2025, 5, 9),
        total=Decimal("642.00"),
        total_figure=1,
        figures=(
            figure("incl. 7% MwSt.", "42.00", "tax"),
            figure("Gesamtbetrag", "642.00", "total"),
        ),
        tables=(
            table(
                (("Leistung", "text"), ("Menge", "number"), ("Einzelpreis", "money"), ("Betrag", "money")),
                (
                    ("Doppelzimmer", "4", "120.00", "480.00"),
                    ("Frühstück", "8", "15.00", "120.00"),
                    ("Parkplatz", "4", "10.50", "42.00"),
                ),
            ),
        ),
        lines=lines(
            "Hotel Seeblick", "Rechnung", "Rechnungsnummer: 2025-0815", "Gast: Frau Weber", "Gesamtbetrag 642,00 EUR"
        ),
    ),
    "konbini": paper(
        "receipt",
        currency="JPY",
        total=Decimal("1284"),
        total_figure=0,
        figures=(figure("Total", "1284", "total", "JPY"), figure("Tax 8%", "95", "tax", "JPY")),
        tables=(table((("", "text"), ("", "money")), (("Onigiri", "320"), ("Green tea", "164"), ("Bento", "800"))),),
        lines=lines("FAMILY SHOP", "Onigiri 320", "Green tea 164", "Bento 800", "Total 1,284"),
    ),
    "countries": paper(
        "table",
        tables=(
            table(
                (("Country", "text"), ("Capital", "text"), ("Population (millions)", "number"), ("Area km2", "number")),
                (
                    ("France", "Paris", "68", "551695"),
                    ("Germany", "Berlin", "84", "357588"),
                    ("Spain", "Madrid", "48", "505990"),
                    ("Italy", "Rome", "59", "301340"),
                    ("Poland", "Warsaw", "38", "312696"),
                ),
            ),
        ),
    ),
    "grades": paper(
        "table",
        tables=(
            table(
                (("Student", "text"), ("Maths", "number"), ("English", "number"), ("Science", "number")),
                (
                    ("Alice Brown", "91", "78", "85"),
                    ("Bob Stone", "67", "88", "72"),
                    ("Carla Diaz", "95", "90", "97"),
                    ("Dan Moss", "58", "64", "70"),
                ),
            ),
        ),
    ),
    "pie": paper(
        "chart",
        figures=tuple(
            figure(name, value, "data_point", unit="%")
            for name, value in (
                ("Rent", "35"),
                ("Food", "20"),
                ("Transport", "15"),
                ("Leisure", "18"),
                ("Savings", "12"),
            )
        ),
        lines=lines("Household budget"),
    ),
    "years": paper(
        "chart",
        tables=(
            table(
                (("Year", "number"), ("Visitors", "number")),
                (("2018", "1200"), ("2019", "1500"), ("2020", "400"), ("2021", "650"), ("2022", "1400")),
            ),
        ),
        lines=lines("Museum visitors per year"),
    ),
    "signed": paper(
        "statement",
        currency="EUR",
        figures=(figure("Anfangssaldo", "500.00", "opening_balance"), figure("Endsaldo", "1233.10", "closing_balance")),
        tables=(
            table(
                (("Datum", "date"), ("Text", "text"), ("Betrag", "money")),
                (
                    ("2025-02-03", "Gehalt Muster AG", "1800.00"),
                    ("2025-02-04", "Miete", "-850.00"),
                    ("2025-02-11", "Stadtwerke Strom", "-96.90"),
                    ("2025-02-20", "Supermarkt", "-120.00"),
                ),
            ),
        ),
    ),
    "expenses": paper(
        "table",
        currency="USD",
        tables=(
            table(
                (("Date", "date"), ("Employee", "text"), ("Category", "text"), ("Amount", "money")),
                (
                    ("2024-06-03", "Kim", "Travel", "420.00"),
                    ("2024-06-07", "Lee", "Meals", "38.50"),
                    ("2024-06-12", "Kim", "Meals", "61.50"),
                    ("2024-07-01", "Lee", "Travel", "980.00"),
                    ("2024-07-15", "Ana", "Software", "149.00"),
                    ("2024-07-22", "Kim", "Travel", "275.00"),
                ),
            ),
        ),
    ),
    "inventory": paper(
        "table",
        tables=(
            table(
                (("SKU", "text"), ("Product", "text"), ("In stock", "number"), ("Reorder level", "number")),
                (
                    ("A-100", "USB cable", "340", "100"),
                    ("A-200", "Keyboard", "25", "40"),
                    ("B-100", "Monitor", "12", "10"),
                    ("B-300", "Mouse", "8", "30"),
                ),
            ),
        ),
    ),
    "shop": paper(
        "invoice",
        currency="USD",
        date=datetime.date(2024, 12, 1),
        total=Decimal("107.50"),
        total_figure=4,
        figures=(
            figure("Subtotal", "100.00", "subtotal", "USD"),
            figure("Discount", "-10.00", "discount", "USD"),
            figure("Shipping & handling", "8.50", "shipping", "USD"),
            figure("Tax", "9.00", "tax", "USD"),
            figure("Order total", "107.50", "total", "USD"),
        ),
        tables=(
            table(
                (("Item", "text"), ("Qty", "number"), ("Price", "money"), ("Total", "money")),
                (
                    ("Running shoes", "1", "60.00", "60.00"),
                    ("Socks (3 pack)", "2", "12.50", "25.00"),
                    ("Water bottle", "1", "15.00", "15.00"),
                ),
            ),
        ),
        lines=lines("Order # 55-1209", "Ship to: M. Jones", "Payment method: Visa ending in 4242"),
    ),
    "saas": paper(
        "dashboard",
        currency="USD",
        figures=(
            figure("Total revenue", "128400.00", unit="USD"),
            figure("Orders", "2310", unit=None),
            figure("Average order value", "55.58", unit="USD"),
            figure("Bounce rate", "41.3", unit="%"),
            figure("Visitors today", "5120", unit=None),
        ),
    ),
}

HELD_OUT: tuple[tuple[str, str, str | None], ...] = (
    ("hotel", "What is the total amount due?", "642.00"),
    ("hotel", "How much is the VAT?", "42.00"),
    ("hotel", "Wie teuer war das Frühstück?", "120.00"),
    ("hotel", "Was kostet ein Doppelzimmer pro Nacht?", "120.00"),
    ("hotel", "How much was charged for parking?", None),
    ("hotel", "Was ist die Rechnungsnummer?", "2025-0815"),
    ("hotel", "Stimmt die Summe?", "yes"),
    ("hotel", "What did the minibar cost?", None),
    ("hotel", "Wie hoch war das Trinkgeld?", None),
    ("konbini", "What's the total?", "1284"),
    ("konbini", "How much is the bento?", "800"),
    ("konbini", "What was the priciest item?", "Bento"),
    ("konbini", "how much did onigiri and green tea cost in total", "484"),
    ("konbini", "What tax was charged?", "95"),
    ("konbini", "How much coffee?", None),
    ("konbini", "When was it bought?", None),
    ("countries", "What is the population of Spain?", "48"),
    ("countries", "Which country has the largest area?", "France"),
    ("countries", "What is the capital of Poland?", "Warsaw"),
    ("countries", "total population", "297"),
    ("countries", "Which country has the smallest population?", "Poland"),
    ("countries", "How many countries are listed?", "5"),
    ("countries", "What is the average population of the countries?", "59.4"),
    ("countries", "How many countries have a population over 50?", "3"),
    ("countries", "How much bigger is the population of Germany than that of Italy?", "25"),
    ("countries", "What is the GDP of France?", None),
    ("countries", "What is the population of Portugal?", None),
    ("countries", "What is the population density of Spain?", None),
    ("grades", "Who got the best score in maths?", "Carla Diaz"),
    ("grades", "What was Bob's grade in English?", "88"),
    ("grades", "What is the average science grade?", "81"),
    ("grades", "Which student has the lowest English score?", "Dan Moss"),
    ("grades", "How many students scored above 80 in science?", "2"),
    ("grades", "What did Alice get in history?", None),
    ("grades", "What is the difference between Carla's and Dan's maths grades?", "37"),
    ("grades", "Who is the teacher?", None),
    ("pie", "What is the biggest expense?", "Rent"),
    ("pie", "How much goes to food?", "20"),
    ("pie", "What percentage is spent on transport?", "15"),
    ("pie", "What do rent and food add up to?", "55"),
    ("pie", "Which category is the smallest?", "Savings"),
    ("pie", "How much is spent on clothing?", None),
    ("pie", "How many slices does the pie have?", "5"),
    ("years", "How many visitors came in 2019?", "1500"),
    ("years", "In which year were there the fewest visitors?", "2020"),
    ("years", "How many visitors were there in total?", "5150"),
    ("years", "What was the change in visitors between 2018 and 2022?", "200"),
    ("years", "average number of visitors per year", "1030"),
    ("years", "How many visitors in 2025?", None),
    ("years", "By what percentage did visitors fall from 2019 to 2020?", "-73.33"),
    ("signed", "What is the final balance?", "1233.10"),
    ("signed", "What was the starting balance?", "500.00"),
    ("signed", "How much was the rent (Miete)?", "-850.00"),
    ("signed", "Wie viel wurde im Supermarkt ausgegeben?", "-120.00"),
    ("signed", "sum of all withdrawals", "-1066.90"),
    ("signed", "How much money came in?", "1800.00"),
    ("signed", "Do the movements explain the closing balance?", "yes"),
    ("signed", "How many bookings are there?", "4"),
    ("signed", "What is the credit limit?", None),
    ("expenses", "How much did Kim spend?", "756.50"),
    ("expenses", "What were the total travel expenses?", "1675.00"),
    ("expenses", "Who spent the most?", "Lee"),
    ("expenses", "total for July", "1404.00"),
    ("expenses", "How many expenses did Lee have?", "2"),
    ("expenses", "Which category has the highest total?", "Travel"),
    ("expenses", "How much was spent on meals in June?", "100.00"),
    ("expenses", "What is the largest single amount?", "980.00"),
    ("expenses", "How much did Bob spend?", None),
    ("expenses", "What was spent on hotels?", None),
    ("expenses", "spending in August", None),
    ("inventory", "How many keyboards are in stock?", "25"),
    ("inventory", "Which product has the lowest stock?", "Mouse"),
    ("inventory", "What is the reorder level of the monitor?", "10"),
    ("inventory", "How many units are in stock altogether?", "385"),
    ("inventory", "How many products are there?", "4"),
    ("inventory", "What is the price of the mouse?", None),
    ("inventory", "How many webcams are in stock?", None),
    ("shop", "What did shipping cost?", "8.50"),
    ("shop", "How much was the discount?", "-10.00"),
    ("shop", "How much did I save?", "-10.00"),
    ("shop", "What share of the total is shipping?", "7.91"),
    ("shop", "Does everything add up?", "yes"),
    ("shop", "How did they pay?", "Visa"),
    ("shop", "What is the order number?", "55-1209"),
    ("shop", "How many socks packs were bought?", "2"),
    ("shop", "What was the price of the running shoes?", "60.00"),
    ("shop", "How much is the gift wrapping?", None),
    ("shop", "What's the return policy?", None),
    ("saas", "What's the total revenue?", "128400.00"),
    ("saas", "How many orders were there?", "2310"),
    ("saas", "What is the average order value?", "55.58"),
    ("saas", "what's the bounce rate", "41.3"),
    ("saas", "How many visitors came today?", "5120"),
    ("saas", "How many visitors came yesterday?", None),
    ("saas", "What is the profit?", None),
    ("saas", "What is the click rate?", None),
)
