"""Waiting for what projections have applied: until an event can be read, and for news of a job.

Runners in this process wake waiters at once; what another process applied is noticed by looking again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from projections.applying import Batch
from projections.builds import Positions
from projections.projection import Projection, printable

# Seconds until a waiter looks by itself, for runners in other processes.
POLL = 0.2

_BEHIND = """
SELECT count(*) FROM unnest($1::text[], $2::text[], $3::int[], $4::bigint[]) AS w (projection, topic, partition, next)
LEFT JOIN projections.builds b ON b.projection = w.projection AND b.status = 'active'
LEFT JOIN projections.checkpoints c ON c.schema = b.schema AND c.topic = w.topic AND c.partition = w.partition
WHERE coalesce(c.next_offset, 0) < w.next
"""


class Watch:
    """News of one subject since the last look. Start watching, then read, then wait: nothing is missed between."""

    def __init__(self) -> None:
        self._news = asyncio.Event()

    def wake(self) -> None:
        self._news.set()

    async def wait(self, within: float) -> bool:
        """Whether there was news within `within` seconds."""
        try:
            async with asyncio.timeout(within):
                await self._news.wait()
        except TimeoutError:
            return False
        self._news.clear()
        return True


class Progress:
    """How far the projections are, to wait on. `db` is an asyncpg pool."""

    def __init__(self, db: Any, projections: Sequence[Projection]) -> None:
        self._db = db
        self._projections = projections
        self._watches: dict[tuple[str, str], set[Watch]] = {}
        self._watching_all: set[Watch] = set()
        self._applied_here: dict[tuple[str, str, int], int] = {}

    @contextmanager
    def changes(self, tenant: str, subject: str) -> Iterator[Watch]:
        """Watch a job, or an event, of a tenant: woken whenever a runner of this process applied something of it."""
        watch = Watch()
        self._watches.setdefault((tenant, subject), set()).add(watch)
        try:
            yield watch
        finally:
            watches = self._watches[tenant, subject]
            watches.discard(watch)
            if not watches:
                del self._watches[tenant, subject]

    def stands(self, projection: Projection, positions: Positions) -> None:
        """Called by runners with the positions of the active build, before they go on from there."""
        for (topic, partition), offset in positions.items():
            self._applied_here[projection.name, topic, partition] = offset

    def applied(self, projection: Projection, batch: Batch) -> None:
        """Called by runners after each commit."""
        self.stands(projection, batch.after)
        for watch in self._watching_all:
            watch.wake()
        if self._watches:
            for subject in batch.subjects() & self._watches.keys():
                for watch in self._watches[subject]:
                    watch.wake()

    async def wait_for(self, event_id: str, tenant: str, *, within: float) -> bool:
        """Whether an event is applied by every projection that reads its topic, within `within` seconds.

        False as well for an event that does not exist or is another tenant's.
        """
        with self.changes(tenant, event_id) as watch:
            return await self._until(lambda: self._has_event(event_id, tenant), watch, within, lambda: True)

    async def wait_until(self, positions: Positions, *, within: float) -> bool:
        """Whether every projection has read all before `positions` (next offsets by topic and partition) in time."""
        watch = Watch()
        self._watching_all.add(watch)
        try:
            return await self._until(
                lambda: self._reached(positions), watch, within, lambda: not self._behind(positions)
            )
        finally:
            self._watching_all.discard(watch)

    async def _until(
        self, condition: Callable[[], Awaitable[bool]], watch: Watch, within: float, worth_asking: Callable[[], bool]
    ) -> bool:
        """Ask for the condition whenever there is news that makes it worth while, and now and then without."""
        clock = asyncio.get_running_loop().time
        deadline = clock() + within
        while not await condition():
            ask_at = min(clock() + POLL, deadline)
            if clock() >= deadline:
                return False
            while await watch.wait(ask_at - clock()) and not worth_asking():
                pass
        return True

    async def _has_event(self, event_id: str, tenant: str) -> bool:
        row = await self._db.fetchrow(
            'SELECT topic, partition, "offset" FROM read.lineage WHERE tenant = $1 AND event_id = $2',
            printable(tenant),
            printable(event_id),
        )
        return row is not None and await self._reached({(row["topic"], row["partition"]): row["offset"] + 1})

    async def _reached(self, positions: Positions) -> bool:
        behind = self._behind(positions)
        if not behind:
            return True
        return bool(await self._db.fetchval(_BEHIND, *(list(column) for column in zip(*behind, strict=True))) == 0)

    def _behind(self, positions: Positions) -> list[tuple[str, str, int, int]]:
        """What runners of this process have not applied yet, as far as known without asking the database."""
        return [
            (projection.name, topic, partition, offset)
            for projection in self._projections
            for (topic, partition), offset in positions.items()
            if topic in projection.topics and self._applied_here.get((projection.name, topic, partition), 0) < offset
        ]
