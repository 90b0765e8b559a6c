"""What figures, reasons and advice say in words: one of a thing, caution about a first month, the right events."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from processors.advising.rules import advices
from processors.measuring.snapshot import explain
from processors.measuring.view import View
from processors.measuring.words import many, spoken
from processors.scoring.score import score
from tests.metrics.ledgers import REFERENCE, BookOf, measured, second


@pytest.mark.parametrize(
    ("number", "said"), [(0, "0 charges"), (1, "1 charge"), (2, "2 charges"), (1200, "1,200 charges")]
)
def test_one_of_a_thing_is_not_many(number: int, said: str) -> None:
    assert many(number, "charge") == said


def test_one_month_is_not_months() -> None:
    assert [spoken(Decimal(number), "months") for number in (1, 2)] == ["1 month", "2 months"]
    book = BookOf()
    book.sale("2025-01-05", 900_000)
    young = measured(book, "2025-02-01")
    assert score(young).unscored == "1 complete month of history; a score needs 3"
    assert [one.trigger for one in advices(young) if one.rule == "wait_for_history"] == [
        "1 complete month of history so far"
    ]


def test_average_is_that_of_the_months_there_are_when_a_business_is_young() -> None:
    book = BookOf()
    book.sale("2025-01-01", 60_000)
    book.sale("2025-02-05", 40_000)
    assert measured(book, "2025-02-01").value("average_net") == 60_000
    assert measured(book, "2025-03-01").value("average_net") == 50_000
    assert measured(book, "2025-04-01").value("average_net") == 33_333
    assert measured(book, "2025-05-01").value("average_net") == 13_333


def test_first_month_is_remarked_on_as_long_as_a_window_holds_it_and_it_was_cut_short() -> None:
    book, whole = BookOf(), BookOf()
    book.sale("2025-01-28", 1_000)
    whole.sale("2025-01-01", 1_000)
    for one in (book, whole):
        one.steady("2025-02", 14)
    remark = "the month of the first charge, 2025-01-28, counts as a whole one"
    for day, noted in (("2025-04-01", True), ("2025-05-01", False)):
        assert (measured(book, day).figure("average_net").note == remark) is noted
        assert measured(whole, day).figure("average_net").note is None
    for name in ("trend", "volatility"):
        assert measured(book, "2026-01-01").figure(name).note == remark
        assert measured(book, "2026-02-01").figure(name).note is None
        assert measured(whole, "2026-01-01").figure(name).note is None
    assert f"average_net: {remark}." in score(measured(book, "2025-04-01")).notes


def test_every_cap_names_the_events_that_show_it_and_no_others() -> None:
    book = BookOf()
    sales = [book.sale("2025-01-05", 100_000, customer=f"cus_{n}", network="mastercard") for n in range(200)]
    book.steady("2024-10", 3)
    book.steady("2025-02", 1)
    disputed = [book.dispute("2025-02-10", sale) for sale in sales[:100]]
    book.switch("2025-02-20", enabled=False)
    caps = {cap.name: cap.event_ids for cap in score(measured(book, "2025-03-01")).caps}
    (off,) = caps["payouts_disabled"]
    assert off == book.found["switches"][0].event
    assert caps["mastercard_ecm"] == tuple(one.events[0] for one in sorted(disputed, key=lambda one: one.id)[:5])


def test_recurring_revenue_is_explained_by_subscriptions_with_what_they_are_worth_and_since_when() -> None:
    book = BookOf()
    book.sale("2025-01-05", 1_000)
    kept = book.subscription("cus_1", ("2025-01-10", 1_000), ("2025-02-11", 2_500))
    book.subscription("cus_2", ("2025-01-10", 500), ("2025-02-12", 0))
    _, found = explain(View(book.books(), REFERENCE, second("2025-03-01")), "mrr", None)
    ((shown,),) = found.evidence.gathered()
    assert (shown.id, shown.at, shown.amount, shown.currency) == (kept.id, second("2025-02-11"), 2_500, "usd")
    assert (found.value, type(shown).__name__.strip("_").lower()) == (2_500, "subscription")


def test_score_says_of_when_it_is_when_what_is_known_came_in_long_after() -> None:
    book = BookOf()
    book.steady("2025-01", 6)
    plain = measured(book, "2025-07-01")
    late = plain.model_copy(update={"known_at": plain.as_of + timedelta(days=110)})
    said = "It describes 2025-07-01, 110 days before the newest of what is known came in."
    assert said in score(late).notes
    assert not any(note.startswith("It describes") for note in score(plain).notes)
