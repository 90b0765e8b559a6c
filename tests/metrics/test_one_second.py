"""Changes of one second: their order is what the chain of previous attributes says, not that of their ids."""

from __future__ import annotations

from typing import Any

import pytest

from tests.ledger.stories import charge
from tests.ledger.webhooks import at, event
from tests.metrics.ledgers import measured
from tests.metrics.stripe_books import books_from

SOLD = event("0", "charge.succeeded", 1, charge("1", 1, 10_000, "usd"))


def account(number: str, day: float, *, enabled: bool, changed: bool = True) -> dict[str, Any]:
    more = {"previous": {"payouts_enabled": not enabled}} if changed else {}
    return event(
        number, "account.updated", day, {"id": "acct_1", "object": "account", "payouts_enabled": enabled}, **more
    )


@pytest.mark.parametrize(("off", "on"), [("8", "9"), ("9", "8")])
def test_payouts_stay_enabled_when_they_were_off_and_on_again_within_a_second(off: str, on: str) -> None:
    story = [
        SOLD,
        account("1", 2, enabled=True, changed=False),
        account(off, 40, enabled=False),
        account(on, 40, enabled=True),
    ]
    books = books_from(story)
    assert [(one.at, one.enabled) for one in books.switches] == [(at(2), True), (at(40), False), (at(40), True)]
    found = measured(books, "2026-06-01")
    assert not found.standing.payouts_disabled
    assert found.value("payouts_disabled_days") == 0
