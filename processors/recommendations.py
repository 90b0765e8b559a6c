"""The stage `recommendations`: what a snapshot calls for is opened, what it no longer calls for is closed."""

from __future__ import annotations

from collections.abc import Sequence

from adapters.ports import AdviceReader
from processors.advising.advice import advise
from processors.scoring.score import score
from processors.stage import stage
from schemas.base import EventData
from schemas.envelope import Event
from schemas.metrics import MetricsComputed
from schemas.recommendations import RecommendationClosed, RecommendationOpened


@stage(
    "recommendations",
    consumes=[MetricsComputed],
    emits=[RecommendationOpened, RecommendationClosed],
    timeout=20,
    retries=3,
)
async def recommendations(event: Event[MetricsComputed], *, advice: AdviceReader) -> Sequence[EventData]:
    """Ids follow from business, rule, subject and episode: opening twice what is not yet read back opens once."""
    given = await advice.given(event.tenantid, event.data.business_id)
    return advise(event.data, score(event.data), given)
