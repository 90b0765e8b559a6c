"""Who may append an id to Kafka: claims in PostgreSQL, since a Kafka topic takes the same id any number of times.

An id is claimed in a commit of its own before it is sent, with an offset below which it cannot come to stand; where
it stands is noted afterwards. Whoever meets a claim that is not settled waits for its owner; when the owner is gone,
takes it over, looks for the record from that offset on, and appends only what is not there.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import NamedTuple

import asyncpg

from adapters.database import CONNECTION_ERRORS, Database, reaching
from streams.kafka_connection import KafkaConnection
from streams.kafka_topics import administering
from streams.log import TopicPartition

# Nobody: whose append failed and may or may not stand.
NOBODY = 0
_PATIENCE = 10.0
# A machine that vanished says no farewell: the server notices in half a minute, by itself in two hours.
_NOTICED = {"tcp_keepalives_idle": "10", "tcp_keepalives_interval": "5", "tcp_keepalives_count": "4"}


class Identity(NamedTuple):
    """What a topic holds once."""

    topic: str
    tenant: str
    id: str


class Claim(NamedTuple):
    """An id's claim. `offset` None: not settled; the record then stands at `floor` or later, or nowhere."""

    place: TopicPartition
    floor: int
    owner: int
    offset: int | None


# Every statement below goes by the primary key, whatever the planner believes of a table that grows by thousands of
# rows a second: joined with a list of ids, it read all of it once an id.
# Sorted: two instances that claim the same ids wait for each other in one order.
_CLAIM = """
INSERT INTO log.claims (log, topic, tenant, id, partition, floor, owner)
SELECT $1, w.topic, w.tenant, w.id, w.partition, w.floor, $7
FROM unnest($2::text[], $3::text[], $4::text[], $5::int[], $6::bigint[]) AS w (topic, tenant, id, partition, floor)
CROSS JOIN (SELECT CASE WHEN $8 THEN set_config('synchronous_commit', 'off', true) END) AS commit
ORDER BY w.id, w.tenant, w.topic
ON CONFLICT DO NOTHING
RETURNING topic, tenant, id
"""
_LOOK = """
SELECT c.topic, c.tenant, c.id, c.partition, c.floor, c.owner, c."offset"
FROM unnest($2::text[], $3::text[], $4::text[]) AS w (topic, tenant, id)
CROSS JOIN LATERAL (
    SELECT * FROM log.claims c WHERE c.log = $1 AND c.topic = w.topic AND c.tenant = w.tenant AND c.id = w.id LIMIT 1
) c
"""
# A claim that a crash of the database forgot is made again.
_SETTLE = """
INSERT INTO log.claims AS c (log, topic, tenant, id, partition, floor, owner, "offset")
SELECT $1, w.topic, w.tenant, w.id, w.partition, w.o, $7, w.o
FROM unnest($2::text[], $3::text[], $4::text[], $5::int[], $6::bigint[]) AS w (topic, tenant, id, partition, o)
CROSS JOIN set_config('synchronous_commit', 'off', true)
ORDER BY w.id, w.tenant, w.topic
ON CONFLICT (id, tenant, topic, log) DO UPDATE SET partition = excluded.partition, "offset" = excluded."offset"
WHERE c."offset" IS NULL
"""
_RESTORE = """
INSERT INTO log.claims (log, topic, tenant, id, partition, floor, owner, "offset")
SELECT $1, w.topic, w.tenant, w.id, w.partition, 0, 0, w.o
FROM unnest($2::text[], $3::text[], $4::text[], $5::int[], $6::bigint[]) AS w (topic, tenant, id, partition, o)
ORDER BY w.id, w.tenant, w.topic
ON CONFLICT DO NOTHING
"""
_GIVE_UP = """
UPDATE log.claims SET owner = 0
WHERE log = $1 AND topic = $2 AND tenant = $3 AND id = $4 AND "offset" IS NULL AND owner = $5
"""
_TAKE_OVER = """
UPDATE log.claims SET owner = $5
WHERE log = $1 AND topic = $2 AND tenant = $3 AND id = $4 AND "offset" IS NULL AND owner = $6
"""
_MOVE = """
UPDATE log.claims SET partition = $5, floor = $6
WHERE log = $1 AND topic = $2 AND tenant = $3 AND id = $4 AND "offset" IS NULL AND owner = $7
"""


# Some of each topic's: enough to see that another topic stands under its name.
_SOME = """
SELECT c.topic, c.partition, max(c."offset") FROM unnest($2::text[]) AS t (topic)
CROSS JOIN LATERAL (
    SELECT * FROM log.claims WHERE log = $1 AND topic = t.topic AND "offset" IS NOT NULL LIMIT 100
) c GROUP BY c.topic, c.partition
"""


class Claims:
    """The claims of one log. `owner` is this instance; it counts as alive while its connection holds a lock."""

    def __init__(self, database: Database, number: int) -> None:
        self._database = database
        self._number = number
        self.owner = int.from_bytes(os.urandom(8), "big") >> 1 | 1
        self._life: asyncpg.Connection | None = None
        self._living = asyncio.Lock()
        self._claiming = asyncio.Lock()

    @classmethod
    async def open(cls, database: Database, cluster: str, prefix: str) -> Claims:
        """The claims of a log, told apart from other logs by the cluster's id and the prefix. Raises Unavailable."""
        with reaching("the claims"):
            await database.pool.execute(
                "INSERT INTO log.kafka_logs (cluster, prefix) VALUES ($1, $2) ON CONFLICT DO NOTHING", cluster, prefix
            )
            number = await database.pool.fetchval(
                "SELECT number FROM log.kafka_logs WHERE cluster = $1 AND prefix = $2", cluster, prefix
            )
        return cls(database, number)

    @classmethod
    async def of(cls, database: Database, connection: KafkaConnection) -> Claims:
        """The claims of the log that a connection leads to. Raises SetupError or Unavailable."""
        async with administering(connection) as admin:
            cluster: str = (await admin.describe_cluster())["cluster_id"]
        return await cls.open(database, cluster, connection.prefix)

    async def claim(
        self, wanted: Mapping[Identity, tuple[TopicPartition, int]], *, hurried: bool = False
    ) -> dict[Identity, Claim]:
        """Claim ids for this instance, each with its place and floor; gives the claims that stood before.

        `hurried` ones hold at once, too, but do not wait for the disk: a crash of the database may forget them.
        """
        if not wanted:
            return {}
        topics, tenants, ids = _columns(wanted)
        partitions = [place.partition for place, _ in wanted.values()]
        floors = [floor for _, floor in wanted.values()]
        # On the connection that says we are alive: what it commits, no other instance takes for a dead one's.
        async with self._claiming:
            connection = await self._live()
            with reaching("the claims"):
                rows = await connection.fetch(
                    _CLAIM,
                    self._number,
                    topics,
                    tenants,
                    ids,
                    partitions,
                    floors,
                    self.owner,
                    hurried,
                    timeout=_PATIENCE,
                )
        if len(rows) == len(wanted):
            return {}
        ours = {Identity(*row) for row in rows}
        return await self.look([identity for identity in wanted if identity not in ours])

    async def look(self, identities: Collection[Identity]) -> dict[Identity, Claim]:
        """Claims as they are now."""
        with reaching("the claims"):
            rows = await self._database.pool.fetch(_LOOK, self._number, *_columns(identities), timeout=_PATIENCE)
        return {
            Identity(topic, tenant, id): Claim(TopicPartition(topic, partition), floor, owner, offset)
            for topic, tenant, id, partition, floor, owner, offset in rows
        }

    async def some(self, topics: Sequence[str]) -> dict[TopicPartition, int]:
        """Offsets at which records of these topics were noted: one of a few partitions each."""
        with reaching("the claims"):
            rows = await self._database.pool.fetch(_SOME, self._number, list(topics), timeout=_PATIENCE)
        return {TopicPartition(topic, partition): offset for topic, partition, offset in rows}

    async def settle(self, standing: Mapping[Identity, tuple[TopicPartition, int]]) -> None:
        """Note where records stand. Lost in a crash of the database it is found out again, so nobody waits for disk."""
        places = [place.partition for place, _ in standing.values()]
        offsets = [offset for _, offset in standing.values()]
        with reaching("the claims"):
            await self._database.pool.execute(
                _SETTLE, self._number, *_columns(standing), places, offsets, self.owner, timeout=_PATIENCE
            )

    async def restore(self, standing: Mapping[Identity, tuple[TopicPartition, int]]) -> None:
        """Claims of records that were copied: their ids are taken, for ever."""
        places = [place.partition for place, _ in standing.values()]
        offsets = [offset for _, offset in standing.values()]
        with reaching("the claims"):
            await self._database.pool.execute(
                _RESTORE, self._number, *_columns(standing), places, offsets, timeout=_PATIENCE
            )

    async def give_up(self, identities: Collection[Identity]) -> None:
        """Appends of this instance failed: whoever comes next finds out whether they stand."""
        with reaching("the claims"):
            await self._database.pool.executemany(
                _GIVE_UP, [(self._number, *identity, self.owner) for identity in identities], timeout=_PATIENCE
            )

    async def take_over(self, identity: Identity, claim: Claim) -> bool:
        """Own a claim whose owner is gone; false when another was quicker or it is settled."""
        await self._live()
        with reaching("the claims"):
            done = await self._database.pool.execute(
                _TAKE_OVER, self._number, *identity, self.owner, claim.owner, timeout=_PATIENCE
            )
        return bool(done == "UPDATE 1")

    async def move(self, identity: Identity, place: TopicPartition, floor: int) -> None:
        """A claim taken over is appended elsewhere than its first owner would have."""
        with reaching("the claims"):
            await self._database.pool.execute(
                _MOVE, self._number, *identity, place.partition, floor, self.owner, timeout=_PATIENCE
            )

    async def alive(self, owner: int) -> bool:
        """Whether the instance that made a claim still is there."""
        if owner == NOBODY:
            return False
        with reaching("the claims"):
            gone = await self._database.pool.fetchval(
                "SELECT pg_try_advisory_xact_lock_shared($1)", owner, timeout=_PATIENCE
            )
        return not gone

    @asynccontextmanager
    async def alone(self, what: str) -> AsyncIterator[None]:
        """One instance at a time does this."""
        number = int.from_bytes(hashlib.sha256(f"vaultra/kafka/{self._number}/{what}".encode()).digest()[:8], "big")
        with reaching("the claims"):
            connection = await self._database.pool.acquire(timeout=_PATIENCE)
        try:
            transaction = connection.transaction()
            with reaching("the claims"):
                await transaction.start()
                await connection.execute("SELECT pg_advisory_xact_lock($1)", number - (1 << 63), timeout=_PATIENCE)
            try:
                yield
            finally:
                with suppress(*CONNECTION_ERRORS):
                    await transaction.rollback()
        finally:
            await self._database.pool.release(connection)

    async def close(self) -> None:
        """Give way: what is not settled is found out by whoever needs it."""
        if self._life is not None:
            with suppress(*CONNECTION_ERRORS):
                await self._life.close(timeout=2.0)

    async def _live(self) -> asyncpg.Connection:
        """The connection whose lock says that this instance is alive; another one after it broke."""
        if self._life is not None and not self._life.is_closed():
            return self._life
        async with self._living:
            if self._life is None or self._life.is_closed():
                connection = await self._database.connect(idle_session_timeout="0", **_NOTICED)
                with reaching("the claims"):
                    await connection.execute("SELECT pg_advisory_lock($1)", self.owner, timeout=_PATIENCE)
                self._life = connection
        return self._life


def _columns(identities: Collection[Identity] | Mapping[Identity, object]) -> tuple[list[str], list[str], list[str]]:
    return (
        [identity.topic for identity in identities],
        [identity.tenant for identity in identities],
        [identity.id for identity in identities],
    )
