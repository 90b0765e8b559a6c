"""The stage `followup`: does what some webhooks ask for beyond being stored."""

from __future__ import annotations

from collections.abc import Sequence

from adapters.ports import StripeFollowUps
from processors.stage import stage
from schemas.base import EventData
from schemas.envelope import Event
from schemas.errors import NoStripeKey, NotFound, SetupError
from schemas.stripe_followups import FollowUpDone, FollowUpParked, FollowUpRequested


@stage(
    "followup",
    consumes=[FollowUpRequested],
    emits=[FollowUpDone, FollowUpParked, FollowUpRequested],
    timeout=120,
    retries=8,
)
async def followup(event: Event[FollowUpRequested], *, stripe_follow_ups: StripeFollowUps) -> Sequence[EventData]:
    """Done, asked for again where it takes longer than a delivery should, or parked with the reason where
    configuration or Stripe does not let it."""
    try:
        return [await stripe_follow_ups.perform(event.tenantid, event.data)]
    except (SetupError, NotFound) as error:
        needs_key = isinstance(error, NoStripeKey)
        return [FollowUpParked(request=event.data, reason=str(error), needs_key=needs_key)]
