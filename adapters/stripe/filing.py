"""A Stripe event as an event of ours: filed under the business it belongs to, whatever way it came."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from adapters.stripe.reading import StripeEvent
from schemas.envelope import Event
from schemas.stripe_events import Endpoint, SignatureVerdict, WebhookReceived, business_id

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
    return Event(
        id=head.id,
        source=source,
        subject=business,
        time=created,
        correlationid=business,
        causationid=None,
        tenantid=tenant,
        partitionkey=business,
        traceparent=traceparent,
        data=WebhookReceived(
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
        ),
    )
