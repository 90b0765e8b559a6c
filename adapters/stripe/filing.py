"""A Stripe event as an event of ours: filed under the business it belongs to, whatever way it came."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from adapters.stripe.reading import StripeEvent
from schemas.envelope import Event, about_business, derived_id
from schemas.stripe_events import Endpoint, SignatureVerdict, WebhookReceived, business_id
from schemas.stripe_followups import FollowUp, FollowUpRequested

UNSIGNED = SignatureVerdict(checked=False)
_NO_HEADERS: Mapping[str, str] = {}


def filed(
    stripe: StripeEvent,
    *,
    tenant: str,
    source: str,
    endpoint: Endpoint,
    now: datetime,
    verdict: SignatureVerdict = UNSIGNED,
    headers: Mapping[str, str] = _NO_HEADERS,
    traceparent: str | None = None,
) -> Event[WebhookReceived]:
    """The event to append. Its id is Stripe's own, so that one event stands on the log once, however it came.

    `created` is `now` (aware, UTC) where the event does not say.
    """
    head = stripe.head
    livemode = head.livemode is True
    business = business_id(tenant, head.account, livemode)
    created = now if head.created is None else datetime.fromtimestamp(head.created, UTC)
    data = WebhookReceived(
        business=business,
        account=head.account,
        livemode=livemode,
        endpoint=endpoint,
        stripe_event=head.id,
        stripe_type=head.type,
        created=created,
        received=now,
        api_version=head.api_version,
        headers=dict(headers),
        verdict=verdict,
        body=stripe.body,
    )
    return about_business(
        business, data, id=head.id, source=source, time=created, tenant=tenant, traceparent=traceparent
    )


def follow_up(event: Event[WebhookReceived], kind: FollowUp) -> Event[FollowUpRequested]:
    """What an event asks for beyond being stored, to be appended together with it: the same whoever took it in."""
    data = event.data
    request = FollowUpRequested(kind=kind, account=data.account, livemode=data.livemode, stripe_event=data.stripe_event)
    return about_business(
        data.business,
        request,
        id=derived_id(event.id, "api", 0),
        source=event.source,
        time=event.time,
        tenant=event.tenantid,
        cause=event.id,
        traceparent=event.traceparent,
    )
