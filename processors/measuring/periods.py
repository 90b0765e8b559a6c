"""Complete UTC months as running numbers, and business days."""

from __future__ import annotations

from bisect import bisect_right
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

DAY = 86_400


def month_of(moment: datetime) -> int:
    """The running number of a UTC month: year × 12 + month − 1."""
    return moment.year * 12 + moment.month - 1


def month_start(month: int) -> datetime:
    """The first instant of a month."""
    return datetime(month // 12, month % 12 + 1, 1, tzinfo=UTC)


def month_name(month: int) -> str:
    """`2026-03`."""
    return f"{month // 12:04d}-{month % 12 + 1:02d}"


def month_day(month: int) -> date:
    """The first day of a month."""
    return date(month // 12, month % 12 + 1, 1)


def named_month(name: str) -> int:
    """The running number of `2026-03`."""
    return int(name[:4]) * 12 + int(name[5:7]) - 1


@lru_cache(maxsize=4)
def _starts(first: int, last: int) -> list[int]:
    return [int(month_start(month).timestamp()) for month in range(first, last + 1)]


class Calendar:
    """Months by epoch second, quickly: a ledger asks hundreds of thousands of times."""

    FIRST, LAST = 1970 * 12, 2100 * 12

    def __init__(self) -> None:
        self._starts = _starts(self.FIRST, self.LAST)

    def month(self, second: int) -> int:
        """The month a second is in; the first one for what claims to be older than time."""
        return self.FIRST + max(1, bisect_right(self._starts, second)) - 1

    def start(self, month: int) -> int:
        """The first second of a month."""
        return self._starts[month - self.FIRST]


def instant(second: int) -> datetime:
    """An epoch second as a UTC time."""
    return datetime.fromtimestamp(second, UTC)


def second_of(moment: datetime) -> int:
    """A time as an epoch second."""
    return int(moment.timestamp())


def day_of(second: int) -> date:
    """The UTC day a second is in."""
    return instant(second).date()


def add_business_days(day: date, count: int) -> date:
    """The day `count` business days (Monday to Friday, no holidays) after a day."""
    while count:
        day += timedelta(days=1)
        count -= day.weekday() < 5
    return day
