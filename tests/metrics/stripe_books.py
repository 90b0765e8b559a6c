"""Books from Stripe's own events, folded by the ledger as the projection folds them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from processors.measuring.bookkeeping import books_of
from processors.measuring.books import Books
from tests.ledger import stories
from tests.ledger.webhooks import BUSINESS


def books_from(payloads: Iterable[Mapping[str, Any]], business: str = BUSINESS) -> Books:
    """The books of a live business, by default the platform, from these webhooks."""
    listed = list(payloads)
    entries, _ = stories.books(listed, business)
    histories = list(stories.histories(listed, business).values())
    return books_of("biz_test", livemode=True, entries=entries, histories=histories)
