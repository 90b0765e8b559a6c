"""Businesses: the list, figures over time, readiness, advice, and what their owners declare."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from adapters.ports import Advised
from api.figures import BusinessId, OfBusiness, computable, compute
from api.problems import documented, not_found
from api.reads import reading
from api.services import ApiServices, Services, Tenant
from processors.advising.advice import advise, top_of_the_week
from processors.measuring.snapshot import SERIES, series, snapshot
from processors.scoring.factors import SCORECARDS
from processors.scoring.score import score
from projections import businesses, readiness
from projections.businesses import MAX_PAGE, BusinessPage, BusinessSummary
from projections.readiness import Recommendation
from schemas.base import Value
from schemas.businesses import BusinessDeclared
from schemas.envelope import about_business, uuid7
from schemas.metrics import DueEvidence, Figure, Month, UnconvertedMoney
from schemas.money import Currency
from schemas.recommendations import RecommendationOpened
from schemas.scores import ScoreComputed
from schemas.wire import encode
from streams.topics import topic_of

router = APIRouter(tags=["businesses"])

_MAX_MONTHS = 60


class Declaration(Value):
    """What the owner says of the business, whole: it replaces what was said before. Minor units a month."""

    name: str | None = Field(default=None, max_length=200, pattern=r"^[^\x00]*$")
    reporting_currency: Currency | None = None
    monthly_burn: int | None = Field(default=None, ge=0, le=10**15, description="spent a month outside Stripe")
    monthly_debt_service: int | None = Field(default=None, ge=0, le=10**15, description="taken by loans a month")


class Recorded(Value):
    """Where the declaration stands on the log."""

    event_id: str


class BusinessDetail(BusinessSummary):
    """A business with what its owner declared last."""

    declaration: Declaration | None
    declared_at: datetime | None


class MonthSeries(Value):
    """The figures of one complete UTC month."""

    month: Month
    figures: tuple[Figure, ...]


class Metrics(Value):
    """Every figure as of a moment, and the monthly ones of the complete months before it, oldest first.

    `rates_through` is the date of the newest exchange rate that was at hand.
    """

    business_id: str
    as_of: datetime
    known_at: datetime
    currency: str
    figures: tuple[Figure, ...]
    months: tuple[MonthSeries, ...]
    unconverted: tuple[UnconvertedMoney, ...]
    open_matters: tuple[DueEvidence, ...]
    rates_through: str | None


class Advice(Value):
    """Advice to a business. `top` are the three of this week; `closed` has what was measured beside the prediction."""

    business_id: str
    top: tuple[RecommendationOpened, ...]
    standing: tuple[RecommendationOpened, ...]
    closed: tuple[Recommendation, ...]


@router.get(
    "/v1/businesses",
    responses=documented(400, 401, 422, 503),
    summary="Businesses, the most recently active first",
    response_description="a page of businesses",
)
async def list_all(
    services: Services,
    tenant: Tenant,
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE, description="businesses a page")] = 50,
    after: Annotated[str | None, Query(max_length=1000, description="`after` of the page before")] = None,
) -> BusinessPage:
    """Every business that a fact is known of, with its newest score and how sure that is."""
    with reading("the businesses"):
        return await businesses.list_businesses(services.database, tenant, limit=limit, after=after)


@router.get(
    "/v1/businesses/{business_id}",
    responses=documented(401, 404, 422, 503),
    summary="A business",
    response_description="the business",
)
async def one(business_id: BusinessId, services: Services, tenant: Tenant) -> BusinessDetail:
    """The business with its newest score and its last declaration."""
    summary = await _known(services, tenant, business_id)
    with reading("the businesses"):
        declared = await businesses.declarations(services.database, tenant, business_id)
    last = declared[-1] if declared else None
    return BusinessDetail(
        **summary.model_dump(),
        declaration=Declaration(**last.data.model_dump(exclude={"business_id"})) if last else None,
        declared_at=last.at if last else None,
    )


@router.put(
    "/v1/businesses/{business_id}/declarations",
    status_code=202,
    responses=documented(400, 401, 404, 413, 422, 503),
    summary="Declare what Stripe cannot see",
    response_description="on the log; figures follow",
)
async def declare(business_id: BusinessId, body: Declaration, services: Services, tenant: Tenant) -> Recorded:
    """Name, reporting currency, monthly burn and debt service. The declaration is an event: history keeps all."""
    await _known(services, tenant, business_id)
    now = services.clock()
    id = uuid7(int(now.timestamp() * 1000), services.randomness(10))
    data = BusinessDeclared(business_id=business_id, **body.model_dump())
    event = about_business(business_id, data, id=id, source="vaultra/api", time=now, tenant=tenant)
    await services.log.append([encode(event, topic_of(BusinessDeclared).name)])
    return Recorded(event_id=id)


@router.get(
    "/v1/businesses/{business_id}/metrics",
    responses=documented(401, 404, 422, 503),
    summary="A business's figures",
    response_description="figures and their series",
)
async def metrics(
    asked: OfBusiness,
    months: Annotated[int, Query(ge=0, le=_MAX_MONTHS, description="complete months in the series")] = SERIES,
) -> Metrics:
    """Every figure with its definition's version, both times and the events it rests on. What cannot be known says why.

    A late event changes what `as_of` a past moment answers, never what `known_at` a past moment answers.
    """
    found = await computable(asked)

    def work() -> Metrics:
        whole = snapshot(found.books, found.reference, as_of=found.as_of, known_at=found.known_at)
        listed = series(found.books, found.reference, as_of=found.as_of, known_at=found.known_at, months=months)
        return Metrics(
            business_id=asked.business_id,
            as_of=found.as_of,
            known_at=found.known_at,
            currency=whole.currency,
            figures=whole.figures,
            months=tuple(MonthSeries(month=month, figures=figures) for month, figures in listed),
            unconverted=whole.unconverted,
            open_matters=whole.open_matters,
            rates_through=whole.rates_through,
        )

    return await compute(work)


@router.get(
    "/v1/businesses/{business_id}/readiness",
    responses=documented(401, 404, 422, 503),
    summary="How ready a business is for funding",
    response_description="the score with its breakdown",
)
async def business_readiness(
    asked: OfBusiness,
    version: Annotated[int, Query(ge=1, le=max(SCORECARDS), description="version of the score")] = 1,
) -> ScoreComputed:
    """The score, every factor's points, caps, and at most four reasons with the events behind them.

    Without `as_of`, `known_at` and another version, it is the one that was computed and recorded last.
    """
    if asked.as_of is None and asked.known_at is None and version == 1:
        with reading("the scores"):
            recorded = await readiness.newest_score(asked.services.database, asked.tenant, asked.business_id)
        if recorded is not None:
            return recorded
    found = await computable(asked)
    versions = SCORECARDS[version].figures

    def work() -> ScoreComputed:
        figures = snapshot(found.books, found.reference, as_of=found.as_of, known_at=found.known_at, versions=versions)
        return score(figures, version=version)

    return await compute(work)


@router.get(
    "/v1/businesses/{business_id}/recommendations",
    responses=documented(401, 404, 422, 503),
    summary="What to do next",
    response_description="advice, ranked",
)
async def recommendations(asked: OfBusiness) -> Advice:
    """Advice with its trigger, evidence, predicted and, once closed, measured uplift.

    With `as_of`, what the rules say of that moment; otherwise what was recorded (until `known_at`).
    """
    if asked.as_of is None:
        await _known(asked.services, asked.tenant, asked.business_id)
        with reading("the recommendations"):
            given = await readiness.recommendations_of(
                asked.services.database, asked.tenant, asked.business_id, known_at=asked.known_at
            )
        standing = sorted(
            (found.opened for found in given if found.closed_at is None),
            key=lambda advice: (-advice.rank, advice.rule, advice.recommendation_id),
        )
        closed = tuple(found for found in given if found.closed_at is not None)
    else:
        found = await computable(asked)

        def work() -> list[RecommendationOpened]:
            figures = snapshot(found.books, found.reference, as_of=found.as_of, known_at=found.known_at)
            advised = advise(figures, score(figures), Advised())
            return [advice for advice in advised if isinstance(advice, RecommendationOpened)]

        standing, closed = await compute(work), ()
    return Advice(
        business_id=asked.business_id, top=tuple(top_of_the_week(standing)), standing=tuple(standing), closed=closed
    )


async def _known(services: ApiServices, tenant: str, business_id: str) -> BusinessSummary:
    with reading("the businesses"):
        summary = await businesses.business_summary(services.database, tenant, business_id)
    if summary is None:
        raise not_found("No business of yours has this id.")
    return summary
