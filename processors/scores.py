"""The stage `scores`: every metrics snapshot gets its readiness score."""

from __future__ import annotations

from collections.abc import Sequence

from processors.scoring.score import score
from processors.stage import stage
from schemas.base import EventData
from schemas.envelope import Event
from schemas.metrics import MetricsComputed
from schemas.scores import ScoreComputed


@stage("scores", consumes=[MetricsComputed], emits=[ScoreComputed], timeout=20, retries=3)
async def scores(event: Event[MetricsComputed]) -> Sequence[EventData]:
    """The score of the version that is in force."""
    return [score(event.data, metrics_event=event.id)]
