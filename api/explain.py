"""Opening a figure down to its events, and an event down to the bytes that Stripe sent."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import JsonValue
from pydantic_core import from_json

from adapters.database import reaching
from api.figures import BusinessId, OfBusiness, computable, compute
from api.problems import documented, not_found
from api.reads import reading
from api.services import Services, Tenant
from processors.measuring.periods import instant, month_start, named_month
from processors.measuring.snapshot import definitions, explain, figure_of
from processors.measuring.view import View
from schemas.base import Value
from schemas.errors import NotFound
from schemas.ledger.facts import ATTRIBUTED
from schemas.metrics import Figure, Month
from schemas.stripe_events import SignatureVerdict, WebhookReceived
from schemas.stripe_events import business_id as business_id_of
from schemas.wire import decode
from streams.log import Record, TopicPartition
from streams.partitioner import partition_of
from streams.topics import topic_of

router = APIRouter(tags=["businesses"])

MAX_RECORDS = 1000
# An event stands on the log a moment after it was received; an import takes its time.
_APPENDED_BEFORE = timedelta(seconds=5)
_READ, _LOOK_THROUGH = 500, 200_000

# When an event was known, and whether it is a platform's that was attributed to this business.
_KNOWN = """
SELECT min(found.known) AS at, bool_and(attributed) AS attributed, bool_or(livemode) AS livemode FROM (
  SELECT known, kind = ANY($4::text[]) AS attributed FROM read.ledger_facts
  WHERE tenant = $1 AND business = $2 AND stripe_event = $3 UNION ALL
  SELECT known, false FROM read.ledger_unhandled WHERE tenant = $1 AND business = $2 AND stripe_event = $3
) found, read.ledger_standing s WHERE s.tenant = $1 AND s.business = $2
"""


class Contribution(Value):
    """One record a figure rests on. `amount` is in minor units of `currency`, as the object states it."""

    kind: str
    id: str
    at: datetime | None
    amount: int | None
    currency: str | None
    events: tuple[str, ...]


class Explanation(Value):
    """A figure, what it means, and the records it rests on; each names Stripe's events (`…/events/{id}`)."""

    figure: Figure
    title: str
    definition: str
    records: tuple[Contribution, ...]
    after: int | None


class ReceivedEvent(Value):
    """A Stripe event as it was received. `payload` is its JSON; the bytes themselves are at `…/raw`."""

    event_id: str
    type: str
    created: datetime
    received: datetime
    api_version: str | None
    endpoint: str
    verdict: SignatureVerdict
    topic: str
    partition: int
    offset: int
    payload: JsonValue


async def _received(
    business_id: BusinessId,
    event_id: Annotated[str, Path(max_length=255, description="Stripe's id of the event")],
    services: Services,
    tenant: Tenant,
) -> tuple[Record, WebhookReceived]:
    """The record of an event. The ledger says when it was known; the log is read from there on."""
    with reading("the ledger"), reaching("the ledger"):
        known = await services.database.fetchrow(
            _KNOWN, tenant, business_id.replace("\0", ""), event_id.replace("\0", ""), list(ATTRIBUTED)
        )
    if known["at"] is None:
        raise not_found("No event of this business has this id.")
    topic = topic_of(WebhookReceived)
    key = business_id_of(tenant, None, known["livemode"]) if known["attributed"] else business_id
    place = TopicPartition(topic.name, partition_of(key, topic.partitions))
    start = (await services.log.at_time([topic.name], known["at"] - _APPENDED_BEFORE))[place]
    for _ in range(0, _LOOK_THROUGH, _READ):
        records = await services.log.read({place: start}, limit=_READ)
        for record in records:
            if (record.attributes.get("id"), record.attributes.get("tenantid")) == (event_id, tenant):
                found = decode(record.attributes, record.value).data
                if isinstance(found, WebhookReceived):
                    return record, found
        if not records:
            break
        start = records[-1].offset + 1
    raise not_found("The event was received, but does not stand on the log where it was looked for.")


Received = Annotated[tuple[Record, WebhookReceived], Depends(_received)]


@router.get(
    "/v1/businesses/{business_id}/metrics/{name}/explain",
    responses=documented(401, 404, 422, 503),
    summary="What a figure rests on",
    response_description="the figure and its records",
)
async def explain_figure(
    asked: OfBusiness,
    name: Annotated[str, Path(max_length=64, description="name of the figure")],
    month: Annotated[Month | None, Query(description="a complete month; the last one when absent")] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_RECORDS, description="records a page")] = 100,
    after: Annotated[int, Query(ge=0, le=10**9, description="`after` of the page before")] = 0,
) -> Explanation:
    """The same definition over the same books, with every record it used: the same call that made the figure."""
    found = await computable(asked)

    def work() -> Explanation:
        view = View(found.books, found.reference, int(found.as_of.timestamp()))
        number = view.last if month is None else named_month(month)
        if number > view.last or not number > view.calendar.FIRST:
            raise not_found("That month is not complete, or too long ago.")
        try:
            definition, measured = explain(view, name, number)
        except NotFound as error:
            raise not_found(f"There is no figure {name}; there are {', '.join(definitions())}.") from error
        end = found.as_of if month is None else month_start(number + 1)
        records = [record for part in measured.evidence.gathered() for record in part]
        page = records[after : after + limit]
        return Explanation(
            figure=figure_of(view, definition, number, end, found.known_at),
            title=definition.title,
            definition=definition.describes,
            records=tuple(_contributions(page)),
            after=after + limit if after + limit < len(records) else None,
        )

    return await compute(work)


@router.get(
    "/v1/businesses/{business_id}/events/{event_id}",
    responses=documented(401, 404, 422, 503),
    summary="A Stripe event as it was received",
    response_description="the event, its verdict and its place on the log",
)
async def event(found: Received) -> ReceivedEvent:
    """What was received, when, whether its signature held, and where it stands on the log."""
    record, received = found
    return ReceivedEvent(
        event_id=received.stripe_event,
        type=received.stripe_type,
        created=received.created,
        received=received.received,
        api_version=received.api_version,
        endpoint=received.endpoint,
        verdict=received.verdict,
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        payload=from_json(received.body),
    )


@router.get(
    "/v1/businesses/{business_id}/events/{event_id}/raw",
    responses={**documented(401, 404, 422, 503), 200: {"content": {"application/json": {}}}},
    response_class=Response,
    summary="The bytes Stripe sent",
    response_description="the body, byte for byte as it was signed",
)
async def raw(found: Received) -> Response:
    """The webhook's body as it was received: what its signature covers."""
    _, received = found
    return Response(received.body.encode(), media_type="application/json")


def _contributions(records: list[Any]) -> Iterator[Contribution]:
    for record in records:
        at = getattr(record, "at", None)
        yield Contribution(
            kind=type(record).__name__.strip("_").lower(),
            id=getattr(record, "id", record.events[0] if record.events else ""),
            at=None if at is None else instant(at),
            amount=getattr(record, "amount", None),
            currency=getattr(record, "currency", None),
            events=record.events,
        )
