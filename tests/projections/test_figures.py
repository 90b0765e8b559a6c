"""The tables of declarations, figures, scores and advice: the same from any order of facts; what was known when."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random

import pytest

from adapters.database import Database
from adapters.ports import Advised, OpenAdvice
from adapters.reference.tables import load_reference
from processors.advising.advice import advise
from processors.ledger.observe import facts_of
from processors.measuring.bookkeeping import KINDS, books_of_known
from processors.measuring.snapshot import snapshot
from processors.scoring.score import score
from projections import businesses, readiness
from projections.businesses import PostgresBusinessReader
from projections.ledger_reads import PostgresLedgerReader
from projections.projection import Projection
from projections.rebuild import rebuild
from projections.runner import ProjectionRunner
from projections.writing import table_hash
from schemas.base import EventData
from schemas.businesses import BusinessDeclared, MonthClosed
from schemas.envelope import about_business
from schemas.metrics import MetricsDue
from schemas.recommendations import RecommendationClosed, RecommendationOpened
from schemas.wire import Message, encode
from streams.log import Record
from streams.memory_log import MemoryEventLog
from streams.topics import topic_of
from tests.ledger.stories import messages, payout
from tests.ledger.webhooks import BUSINESS, START, event, webhook
from tests.metrics.ledgers import measured
from tests.metrics.stripe_books import books_from
from vaultra.samples.business import Story, stripe_events

UNTIL = datetime(2026, 3, 20, tzinfo=UTC)
OF_FIGURES = (businesses.PROJECTION, readiness.PROJECTION)
EACH = pytest.mark.parametrize("projection", OF_FIGURES, ids=lambda one: one.name)


def _told() -> list[EventData]:
    """What is said of a business: declared twice, two months closed, figures twice, advice opened and closed."""
    books = books_from(stripe_events(Story(until=UNTIL, months=7, orders=9, subscribers=5, seed=3)))
    told: list[EventData] = [
        BusinessDeclared(business_id="biz_test", name="Corner shop", monthly_burn=10_000),
        BusinessDeclared(business_id="biz_test", name="Corner shop", monthly_burn=20_000),
        MonthClosed(business_id="biz_test", month="2026-01", closed_at=datetime(2026, 2, 1, tzinfo=UTC)),
        MonthClosed(business_id="biz_test", month="2026-02", closed_at=datetime(2026, 3, 1, tzinfo=UTC)),
    ]
    former = OpenAdvice("rec_former", "a_rule_of_before", "everything", Decimal(4), Decimal(50))
    for number, as_of in enumerate(("2026-02-20", "2026-03-20")):
        told.append(MetricsDue(business_id="biz_test", ledger_offset=10 * number, business_offset=number))
        found = measured(books, as_of)
        scored = score(found, metrics_event=f"event-{number}")
        told += [found, scored, *advise(found, scored, Advised((former,), {}) if number else Advised())]
    return told


def _message(number: int, data: EventData) -> Message:
    return encode(
        about_business(
            "biz_test",
            data,
            id=f"event-{number}",
            source="/test",
            time=START + timedelta(seconds=number),
            tenant="local",
        ),
        topic_of(type(data)).name,
    )


TOLD = _told()
MESSAGES = [_message(number, data) for number, data in enumerate(TOLD)]
RECORDS = [
    Record(one.topic, 0, offset, START, one.key, one.attributes, one.value, {}) for offset, one in enumerate(MESSAGES)
]


def test_story_says_everything_there_is_to_say() -> None:
    kinds = {type(one) for one in TOLD}
    assert {BusinessDeclared, MonthClosed, MetricsDue, RecommendationOpened, RecommendationClosed} <= kinds
    assert len(kinds) == 7


@EACH
async def test_tables_have_the_same_hash_when_facts_come_in_any_order_and_twice(
    projection: Projection, hash_of: Callable[[Projection, Sequence[Sequence[Record]]], Awaitable[str]]
) -> None:
    own = [one for one in RECORDS if one.topic in projection.topics]
    expected = await hash_of(projection, [own])
    for seed in range(3):
        delivered = [*own, *own[::2]]
        Random(seed).shuffle(delivered)
        assert await hash_of(projection, [delivered[: 2 + seed], delivered[2 + seed :]]) == expected
    assert await hash_of(projection, [own[:1] + own[2:]]) != expected


@EACH
async def test_rebuild_gives_the_rows_that_were_there_when_facts_were_appended_in_any_order_and_twice(
    projection: Projection, log: MemoryEventLog, runner: ProjectionRunner, database: Database
) -> None:
    told = [*MESSAGES, *MESSAGES[::3]]
    Random(5).shuffle(told)
    for start in range(0, len(told), 9):
        await log.append(told[start : start + 9])
        assert await runner.caught_up(within=10)
    before = await table_hash(database.pool, projection)
    rebuilt = await rebuild(database.pool, log, projection, batch=7)
    assert rebuilt.rows_hash == before
    assert rebuilt.applied


async def test_payout_that_failed_late_changes_as_of_and_never_known_at(
    log: MemoryEventLog, runner: ProjectionRunner, database: Database
) -> None:
    """Paid on 3 January, sent back on the 6th, of which we hear on 20 February: the figures of 15 February."""
    reader = PostgresBusinessReader(database.pool, PostgresLedgerReader(database.pool))
    as_of, then = START + timedelta(days=45), START + timedelta(days=46)

    async def reliability(known_at: datetime | None = None) -> list[Decimal | None]:
        known = await reader.read("local", BUSINESS, KINDS, known_at=known_at)
        assert known is not None
        found = snapshot(books_of_known(BUSINESS, known), load_reference(), as_of=as_of, known_at=known.known_at)
        return [one.value for one in found.figures if one.name in ("payout_reliability", "payouts_failed")]

    paid = payout("1", 0, 400, "eur", "paid")
    await log.append(messages([event("1", "payout.paid", 2, paid)]))
    assert await runner.caught_up(within=10)
    assert await reliability() == [1, 0]

    failed = event("2", "payout.failed", 5, {**paid, "status": "failed"})
    late = facts_of(webhook(failed, received=START + timedelta(days=50)))[0]
    await log.append([messages([failed])[0]._replace(value=late.model_dump_json().encode())])
    assert await runner.caught_up(within=10)
    assert await reliability() == [0, 1]
    assert await reliability(known_at=then) == [1, 0]
    assert await reliability(known_at=START + timedelta(days=51)) == [0, 1]
