"""The stage `metrics`: a business whose figures are out of date gets a snapshot of them all."""

from __future__ import annotations

from collections.abc import Sequence

from adapters.ports import BusinessReader
from processors.measuring.bookkeeping import KINDS, books_of_known, described
from processors.measuring.snapshot import snapshot
from processors.stage import stage
from schemas.base import EventData
from schemas.envelope import Event
from schemas.metrics import MetricsComputed, MetricsDue
from schemas.reference import Reference


@stage("metrics", consumes=[MetricsDue], emits=[MetricsComputed], timeout=60, retries=5)
async def metrics(event: Event[MetricsDue], *, businesses: BusinessReader, reference: Reference) -> Sequence[EventData]:
    """Read the business's ledger as far as it is known and compute every figure.

    `as_of` is the newest moment anything is known of, or the end of the last closed month: no clock takes part.
    """
    due = event.data
    known = await businesses.read(event.tenantid, due.business_id, KINDS)
    if known is None:
        return []
    books = books_of_known(due.business_id, known)
    return [
        snapshot(
            books,
            reference,
            as_of=described(books, due.closed_through),
            known_at=known.known_at,
            ledger_offset=known.ledger_offset,
            business_offset=known.business_offset,
        )
    ]
