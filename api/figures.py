"""Figures computed for a request: a business's books as known at a moment, and what is made of them as of another."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, TypeVar

from fastapi import Depends, Path

from adapters.reference.tables import load_reference
from api.moments import AsOf, KnownAt
from api.problems import not_found
from api.reads import reading
from api.services import ApiServices, Services, Tenant
from processors.measuring.bookkeeping import KINDS, books_of_known, described
from processors.measuring.books import Books
from projections.businesses import PostgresBusinessReader
from projections.ledger_reads import PostgresLedgerReader
from schemas.reference import Reference

T = TypeVar("T")

BusinessId = Annotated[str, Path(max_length=64, description="id of the business")]


@dataclass(frozen=True, slots=True)
class Computable:
    """What figures are computed from: books, reference data, and both times."""

    books: Books
    reference: Reference
    as_of: datetime
    known_at: datetime


@dataclass(frozen=True, slots=True)
class Asked:
    """Which business a request is about, whose it is, and both times."""

    services: ApiServices
    tenant: str
    business_id: str
    as_of: datetime | None
    known_at: datetime | None


async def _asked(
    business_id: BusinessId, services: Services, tenant: Tenant, as_of: AsOf = None, known_at: KnownAt = None
) -> Asked:
    return Asked(services, tenant, business_id, as_of, known_at)


OfBusiness = Annotated[Asked, Depends(_asked)]


async def computable(asked: Asked) -> Computable:
    """The books of a business. Raises a 404 problem for one that is not the tenant's, or was not known yet."""
    services, business_id, as_of, known_at = asked.services, asked.business_id, asked.as_of, asked.known_at
    reader = PostgresBusinessReader(services.database, PostgresLedgerReader(services.database))
    with reading("the ledger"):
        known = await reader.read(asked.tenant, business_id, KINDS, known_at=known_at)
    if known is None:
        raise not_found("No business of yours has this id, or nothing was known of it at that moment.")
    books = await asyncio.to_thread(books_of_known, business_id, known)
    reference = await asyncio.to_thread(load_reference)
    moment = as_of or described(books, known.closed_through if known_at is None else None)
    return Computable(books, reference, moment.astimezone(UTC), known.known_at)


async def compute(work: Callable[[], T]) -> T:
    """Run a computation of up to some hundred milliseconds without holding up other requests."""
    return await asyncio.to_thread(work)
