"""Events for stages that are called without a runner."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from schemas.base import EventData
from schemas.envelope import Event


def event_of(data: EventData) -> Event[Any]:
    """An event of one job with this data."""
    return Event(
        id="cause",
        source="tests",
        subject="job",
        time=datetime(2026, 5, 4, tzinfo=UTC),
        correlationid="job",
        causationid=None,
        tenantid="local",
        partitionkey="job",
        traceparent=None,
        data=data,
    )
