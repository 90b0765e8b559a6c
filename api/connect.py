"""`/v1/stripe`: connecting accounts through OAuth, and the accounts that are connected."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from adapters.stripe.accounts import accounts_of
from adapters.stripe.connecting import StripeConnecting
from api.problems import Kind, ProblemError, documented, unavailable
from api.services import ApiServices, Services, Tenant
from schemas.envelope import about_business, uuid7
from schemas.errors import NotFound, RetryLater, SetupError
from schemas.stripe_events import business_id
from schemas.stripe_followups import FollowUpRequested
from schemas.wire import encode
from streams.topics import topic_of

router = APIRouter(tags=["stripe"])

CALLBACK = "/v1/stripe/connect/callback"


class Link(BaseModel):
    """Where the owner of a Stripe account lets this server read it. Good for a quarter of an hour and one use."""

    model_config = ConfigDict(frozen=True)
    url: str


class StripeAccount(BaseModel):
    """A connected account."""

    model_config = ConfigDict(frozen=True)
    account: str = Field(examples=["acct_1PgL0aK2Q8vR"])
    business_id: str
    livemode: bool
    connected_at: datetime
    disconnected_at: datetime | None = None


class Accounts(BaseModel):
    model_config = ConfigDict(frozen=True)
    accounts: list[StripeAccount]


@router.post("/v1/stripe/connect", summary="A link that connects a Stripe account", responses=documented(401, 422))
async def connect(request: Request, services: Services, tenant: Tenant) -> Link:
    """Open the link in a browser; Stripe asks the account's owner and sends the browser back here."""
    back = services.stripe_redirect or f"{request.url.scheme}://{request.url.netloc}{CALLBACK}"
    try:
        return Link(url=_connecting(services).link(tenant, back))
    except SetupError as error:
        raise ProblemError(Kind.INVALID, str(error)) from error


@router.get(
    CALLBACK,
    summary="Where Stripe sends the browser back",
    responses=documented(400, 422, 503),
)
async def callback(
    services: Services,
    state: Annotated[str, Query(max_length=1000, description="as the link carried it")],
    code: Annotated[str, Query(max_length=500, description="to be traded for access")] = "",
    error: Annotated[str, Query(max_length=200, description="why the owner said no")] = "",
) -> StripeAccount:
    """The account is connected, and the import of its history is on its way. The state takes the place of a key."""
    if error or not code:
        raise ProblemError(Kind.BAD_REQUEST, f"The account was not connected: {error or 'Stripe sent no code'}.")
    try:
        done = await _connecting(services).complete(code, state)
    except (NotFound, SetupError) as refused:
        raise ProblemError(Kind.BAD_REQUEST, f"The account was not connected: {refused}.") from refused
    except RetryLater as busy:
        raise unavailable("Stripe does not answer now. Open a new link in a while.") from busy
    now = services.clock()
    business = business_id(done.tenant, done.account, done.livemode)
    request = FollowUpRequested(kind="connected", account=done.account, livemode=done.livemode)
    id = uuid7(int(now.timestamp() * 1000), services.randomness(10))
    event = about_business(business, request, id=id, source="vaultra/api", time=now, tenant=done.tenant)
    await services.log.append([encode(event, topic_of(FollowUpRequested).name)])
    return StripeAccount(account=done.account, business_id=business, livemode=done.livemode, connected_at=now)


@router.get("/v1/stripe/accounts", summary="Connected accounts", responses=documented(401, 503))
async def accounts(services: Services, tenant: Tenant) -> Accounts:
    """Every account that was ever connected, the newest first."""
    return Accounts(
        accounts=[
            StripeAccount(
                account=one.account,
                business_id=business_id(tenant, one.account, one.livemode),
                livemode=one.livemode,
                connected_at=one.connected_at,
                disconnected_at=one.disconnected_at,
            )
            for one in await accounts_of(services.database, tenant)
        ]
    )


def _connecting(services: ApiServices) -> StripeConnecting:
    if services.connecting is None:
        raise SetupError("connecting is not configured")
    return services.connecting
