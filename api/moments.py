"""The two times a request for figures may name: `as_of` and `known_at`."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated

from fastapi import Query
from pydantic import AfterValidator, AwareDatetime, BeforeValidator, WithJsonSchema

# What Stripe's facts and the calendar of months can hold.
EARLIEST, LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2099, 1, 1, tzinfo=UTC)

_BOUNDS = "must be between 2000 and 2099"
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


def _end_of_day(given: object) -> object:
    """A date alone is its whole day: it becomes the midnight, UTC, in which it ends."""
    if not isinstance(given, str) or not _DATE.fullmatch(given):
        return given
    try:
        return datetime.combine(date.fromisoformat(given), time(), UTC) + timedelta(days=1)
    except OverflowError as error:  # the last day of the calendar
        raise ValueError(_BOUNDS) from error


def _within(moment: datetime) -> datetime:
    if not EARLIEST <= moment < LATEST:
        raise ValueError(_BOUNDS)
    return moment


Moment = Annotated[
    AwareDatetime,
    BeforeValidator(_end_of_day),
    AfterValidator(_within),
    WithJsonSchema({"anyOf": [{"type": "string", "format": "date-time"}, {"type": "string", "format": "date"}]}),
]
AsOf = Annotated[
    Moment | None,
    Query(
        description="the moment that is described, with all that is known today; a date alone means its end, UTC; "
        "the newest event when absent"
    ),
]
KnownAt = Annotated[
    Moment | None,
    Query(description="nothing received after this moment: what was known then; a date alone means its end, UTC"),
]
