"""`GET /v1/businesses/{id}/ledger`: a business's entries, and whether they balance."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from api.figures import BusinessId
from api.moments import AsOf, KnownAt
from api.problems import documented, not_found
from api.reads import reading
from api.services import Services, Tenant
from projections.ledger_reads import MAX_PAGE, LedgerPage, PostgresLedgerReader
from schemas.base import Value
from schemas.money import Minor

router = APIRouter(tags=["businesses"])


class BalanceMismatch(Value):
    """A balance transaction that the entries do not account for. Minor units of `currency`."""

    balance_transaction: str
    currency: str
    expected: Minor
    found: Minor
    reason: str


class Reconciliation(Value):
    """Entries against balance transactions. `unsettled` entries name none that is known.

    `moved` is the sum of the balance transactions by settled currency. `unhandled` counts events that made no fact, by
    type. `contradictions` are events whose type and object disagree, by object.
    """

    checked: int
    unsettled: int
    mismatches: tuple[BalanceMismatch, ...]
    moved: dict[str, int]
    unhandled: dict[str, int]
    contradictions: dict[str, tuple[str, ...]]


@router.get(
    "/v1/businesses/{business_id}/ledger",
    responses=documented(400, 401, 404, 422, 503),
    summary="A business's ledger",
    response_description="a page of entries, oldest first",
)
async def ledger(
    business_id: BusinessId,
    services: Services,
    tenant: Tenant,
    as_of: AsOf = None,
    known_at: KnownAt = None,
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE, description="entries a page")] = 100,
    after: Annotated[str | None, Query(max_length=1000, description="`after` of the page before")] = None,
) -> LedgerPage:
    """Movements of money in minor units, each with its cohort charge, its balance transaction and its Stripe events.

    A late event changes what `as_of` a past moment answers, never what `known_at` a past moment answers.
    """
    with reading("the ledger"):
        page = await PostgresLedgerReader(services.database).page(
            tenant, business_id, limit=limit, after=after, as_of=as_of, known_at=known_at
        )
    if page is None:
        raise not_found("No business of yours has this id.")
    return page


@router.get(
    "/v1/businesses/{business_id}/ledger/reconciliation",
    responses=documented(401, 404, 422, 503),
    summary="Whether entries and balance agree",
    response_description="the balance identity, and what could not be used",
)
async def reconciliation(
    business_id: BusinessId, services: Services, tenant: Tenant, known_at: KnownAt = None
) -> Reconciliation:
    """Every known balance transaction against its entries; also unhandled events and contradictions."""
    reader = PostgresLedgerReader(services.database)
    with reading("the ledger"):
        if not await reader.exists(tenant, business_id):
            raise not_found("No business of yours has this id.")
        identity = await reader.identity(tenant, business_id, known_at=known_at)
        unhandled = await reader.unhandled(tenant, business_id)
        contradictions = await reader.contradictions(tenant, business_id)
    return Reconciliation(
        checked=identity.checked,
        unsettled=identity.unsettled,
        mismatches=tuple(
            BalanceMismatch(**{name: getattr(one, name) for name in BalanceMismatch.model_fields})
            for one in identity.mismatches
        ),
        moved=dict(identity.moved),
        unhandled=dict(unhandled),
        contradictions=dict(contradictions),
    )
