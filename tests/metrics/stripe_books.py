"""Books from Stripe's own events, folded by the ledger as the projection folds them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from processors.measuring.bookkeeping import books_of
from processors.measuring.books import Books
from tests.ledger import stories


def books_from(payloads: Iterable[Mapping[str, Any]]) -> Books:
    """The books of a live business whose webhooks these are."""
    listed = list(payloads)
    entries, _ = stories.books(listed)
    return books_of("biz_test", livemode=True, entries=entries, histories=list(stories.histories(listed).values()))
