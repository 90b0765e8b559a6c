"""What belongs to a charge counts in the charge's month; what belongs to none that was seen is in no rate."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from processors.measuring.snapshot import explain
from processors.measuring.view import View
from processors.scoring.score import score
from tests.ledger.stories import charge, dispute, refund, transaction
from tests.ledger.webhooks import event
from tests.metrics.ledgers import REFERENCE, BookOf, measured, second
from tests.metrics.stripe_books import books_from

# A charge of January, fee 3.20; disputed in February for a fee of 15.00, and partly refunded there for one of 1.00.
SOLD = transaction("sold", 5, 10_000, "usd", "ch_1", 320)
TAKEN = transaction("taken", 40, -5_000, "usd", "dp_1", 1_500, type="adjustment", reporting_category="dispute")
BACK = transaction("back", 41, -1_000, "usd", "re_1", 100, type="refund")
STORY = [
    event("1", "charge.succeeded", 5, charge("1", 5, 10_000, "usd", balance_transaction=SOLD)),
    event(
        "2",
        "charge.dispute.funds_withdrawn",
        40,
        dispute("1", 40, 5_000, "usd", "1", "needs_response", balance_transactions=[TAKEN]),
    ),
    event("3", "refund.created", 41, refund("1", 41, 1_000, "usd", "1", "succeeded", balance_transaction=BACK)),
]


def monthly(name: str, *events: dict[str, Any]) -> list[Decimal | None]:
    return [month.values.get(name) for month in measured(books_from(events), "2026-03-01").months]


def test_fees_of_disputes_and_refunds_count_in_the_month_of_their_charge() -> None:
    assert monthly("net_revenue", *STORY) == [10_000 - 320, -5_000 - 1_500 - 1_000 - 100]
    assert monthly("net_revenue_cohort", *STORY) == [10_000 - 320 - 5_000 - 1_500 - 1_000 - 100, 0]


def test_records_of_an_explanation_sum_to_the_figure() -> None:
    view = View(books_from(STORY), REFERENCE, second("2026-03-01"))
    for name in ("net_revenue", "net_revenue_cohort", "fees"):
        for month in (view.first, view.last):
            _, found = explain(view, name, month)
            gains, *taken = found.evidence.gathered() if name != "fees" else ([], *found.evidence.gathered())
            lost = sum(one.amount for part in taken for one in part)
            total = sum(one.amount for one in gains) - lost
            assert found.value == (-total if name == "fees" else total), (name, month)


def test_refund_of_a_charge_never_seen_is_in_neither_rate_and_said() -> None:
    book = BookOf()
    for month in range(1, 5):
        known = book.sale(f"2026-{month:02d}-05", 900_000)
    book.refund("2026-04-10", 90_000, known)
    book.refund("2026-04-11", 500_000)
    found = measured(book, "2026-05-01")
    assert found.value("refund_rate") == Decimal("0.033333")  # 90,000 of 2,700,000
    assert found.value("refund_rate_count") == Decimal("0.333333")
    assert found.figure("refund_rate").event_count == 1
    said = "without 1 refund of charges that were never seen"
    assert found.figure("refund_rate").note == found.figure("refund_rate_count").note == said
    assert f"refunds: {said}." in score(found).notes
    assert found.value("refunds") == 590_000
    assert measured(book, "2026-08-01").figure("refund_rate").note is None
