"""Claims in PostgreSQL: what they wait for, what a note costs, and what becomes of one that was forgotten."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

import pytest

from adapters.database import Database
from streams.kafka_claims import Claims, Identity
from streams.log import TopicPartition

PLACE = TopicPartition("numbers", 0)


@pytest.fixture
async def claims(database: Database, prefix: str) -> AsyncIterator[Claims]:
    found = await Claims.open(database, "cluster", prefix)
    yield found
    await found.close()


def identities(count: int) -> list[Identity]:
    return [Identity("numbers", "local", str(number)) for number in range(count)]


async def test_a_claim_does_not_wait_for_the_disk_when_it_is_made_in_a_hurry(
    claims: Claims, database: Database
) -> None:
    on_its_way = []
    for identity in identities(20):  # now and then the server writes just then
        await claims.claim({identity: (PLACE, 0)}, hurried=True)
        on_its_way.append(
            await database.pool.fetchval("SELECT pg_current_wal_insert_lsn() > pg_current_wal_flush_lsn()")
        )
    assert any(on_its_way)


async def test_notes_cost_as_much_as_claims_when_thousands_are_not_settled(claims: Claims) -> None:
    """Joined with the table, 3000 took a hundred times as long as to claim them, and the second processor."""
    many = identities(3000)
    for _ in range(10):  # PostgreSQL plans anew for what it is first given, and then once for all
        await claims.settle({many[0]: (PLACE, 0)})
        await claims.look(many[:1])
    began = time.perf_counter()
    await claims.claim(dict.fromkeys(many, (PLACE, 0)))
    claimed = time.perf_counter()
    await claims.settle({identity: (PLACE, offset) for offset, identity in enumerate(many)})
    settled = time.perf_counter()
    found = await claims.look(many)
    looked = time.perf_counter()
    assert [found[identity].offset for identity in many] == list(range(3000))
    assert settled - claimed < 20 * (claimed - began)
    assert looked - settled < 20 * (claimed - began)


async def test_a_note_claims_again_when_a_crash_of_the_database_forgot_the_claim(claims: Claims) -> None:
    [identity] = identities(1)
    assert await claims.look([identity]) == {}
    await claims.settle({identity: (PLACE, 7)})
    assert (await claims.look([identity]))[identity].offset == 7
    await claims.settle({identity: (PLACE, 8)})
    assert (await claims.look([identity]))[identity].offset == 7, "where it stood first"
