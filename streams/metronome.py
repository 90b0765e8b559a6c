"""Asks for figures when they are out of date: facts have come, an owner has declared something, a month has ended.

A backfill of 100,000 facts asks a few times, not 100,000 times: a business is asked for once its facts have stopped
coming for a look, or every few seconds while they keep coming, and never while an answer is still awaited. Ids follow
from what is asked for, so several processes may do this side by side.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import structlog

from adapters.database import reaching
from schemas.base import EventData
from schemas.businesses import MonthClosed
from schemas.envelope import about_business, derived_id
from schemas.errors import Unavailable
from schemas.metrics import MetricsDue
from schemas.wire import Message, encode
from streams.log import EventLog
from streams.topics import topic_of

# A month is closed for businesses that something happened to within so long before its end. One that has been silent
# for longer keeps its last figures, with their date.
ALIVE = timedelta(days=92)
_SOURCE = "vaultra/metronome"

log = structlog.get_logger(__name__)

# Businesses whose figures do not see everything, and what was asked for last.
_BEHIND = """
SELECT l.tenant, l.business, l.newest AS ledger_offset, coalesce(b.newest, -1) AS business_offset, b.closed_through,
  coalesce(a.ledger_offset, -1) AS asked_ledger, coalesce(a.business_offset, -1) AS asked_business, a.asked_at,
  coalesce(d.ledger_offset, -1) AS done_ledger, coalesce(d.business_offset, -1) AS done_business
FROM read.ledger_standing l
LEFT JOIN read.business_standing b USING (tenant, business)
LEFT JOIN read.metrics_due a USING (tenant, business)
LEFT JOIN read.metrics_done d USING (tenant, business)
WHERE l.newest > coalesce(d.ledger_offset, -1) OR coalesce(b.newest, -1) > coalesce(d.business_offset, -1)
"""
_OPEN_MONTHS = """
SELECT l.tenant, l.business FROM read.ledger_standing l LEFT JOIN read.business_standing b USING (tenant, business)
WHERE l.happened >= $1 AND l.happened < $2 AND coalesce(b.closed_through < $2, true)
"""


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds. `look`: between looks; `longest`: how long facts that keep coming may put a business off;
    `patience`: how long an answer is awaited before it is asked for again."""

    look: float = 0.25
    longest: float = 5.0
    patience: float = 60.0


@dataclass(slots=True)
class _Waiting:
    since: float
    seen: tuple[int, int]


class Metronome:
    """Keeps asking until stopped. `db` is an asyncpg pool on the projections, `clock` gives the time (aware, UTC)."""

    def __init__(
        self,
        event_log: EventLog,
        db: Any,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        pace: Pace | None = None,
    ) -> None:
        self._log = event_log
        self._db = db
        self._clock = clock
        self._pace = pace or Pace()
        self._waiting: dict[tuple[str, str], _Waiting] = {}
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin; returns at once."""
        self._task = asyncio.get_running_loop().create_task(self._keep(), name="metronome")

    async def stop(self) -> None:
        """End; what was asked for stays asked for."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def look(self) -> int:
        """Look once and ask for what is due; how much was asked for. Raises Unavailable."""
        with reaching("the projections"):
            try:
                closing = await self._months()
                behind = await self._db.fetch(_BEHIND)
            except asyncpg.UndefinedTableError as error:
                raise Unavailable("the projections were never started") from error
        messages = [*closing, *self._due(behind)]
        if messages:
            await self._log.append(messages)
        return len(messages)

    async def _keep(self) -> None:
        while True:
            pause = self._pace.look
            try:
                await self.look()
            except Unavailable as error:
                log.warning("figures cannot be asked for now", reason=str(error)[:200])
                pause = self._pace.longest
            await asyncio.sleep(pause)

    async def _months(self) -> Sequence[Message]:
        """The last complete month, closed for every business that is alive and whose figures may end before it."""
        now = self._clock()
        ended = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        month = f"{ended - timedelta(days=1):%Y-%m}"
        rows = await self._db.fetch(_OPEN_MONTHS, ended - ALIVE, ended)
        return [
            self._message(
                row,
                MonthClosed(business_id=row["business"], month=month, closed_at=ended),
                derived_id(f"{row['tenant']}/{row['business']}/{month}", "month-closed", 0),
            )
            for row in rows
        ]

    def _due(self, behind: Sequence[Mapping[str, Any]]) -> Sequence[Message]:
        now = asyncio.get_running_loop().time()
        messages = []
        waiting: dict[tuple[str, str], _Waiting] = {}
        for row in behind:
            key = (row["tenant"], row["business"])
            wanted = (row["ledger_offset"], row["business_offset"])
            before = self._waiting.get(key)
            if self._awaited(row):
                waiting[key] = before or _Waiting(now, wanted)
            elif before is not None and (before.seen == wanted or now - before.since >= self._pace.longest):
                messages.append(self._ask(row, wanted))
            else:
                waiting[key] = _Waiting(before.since if before else now, wanted)
        self._waiting = waiting
        return messages

    def _awaited(self, row: Mapping[str, Any]) -> bool:
        """Whether figures were asked for that have not come yet, and may still."""
        asked = (row["asked_ledger"], row["asked_business"])
        done = (row["done_ledger"], row["done_business"])
        if asked[0] <= done[0] and asked[1] <= done[1]:
            return False
        waited: timedelta = self._clock() - row["asked_at"]
        return waited < timedelta(seconds=self._pace.patience)

    def _ask(self, row: Mapping[str, Any], wanted: tuple[int, int]) -> Message:
        # An answer that never came is asked for under another id: its delivery was given up.
        again = 0 if row["asked_at"] is None else int(row["asked_at"].timestamp())
        repeated = again if (row["asked_ledger"], row["asked_business"]) == wanted else 0
        data = MetricsDue(
            business_id=row["business"],
            ledger_offset=wanted[0],
            business_offset=wanted[1],
            closed_through=row["closed_through"],
        )
        return self._message(
            row,
            data,
            derived_id(f"{row['tenant']}/{row['business']}/{wanted[0]}/{wanted[1]}", "metrics-due", repeated),
        )

    def _message(self, row: Mapping[str, Any], data: EventData, id: str) -> Message:
        event = about_business(row["business"], data, id=id, source=_SOURCE, time=self._clock(), tenant=row["tenant"])
        return encode(event, topic_of(type(data)).name)
