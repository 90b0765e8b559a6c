"""Snapshots, scores and advice as they were computed: tables, and what is read of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from adapters.database import reaching
from adapters.ports import Advised, OpenAdvice
from projections.projection import Column, Fact, Projection, Row, Table, printable
from schemas.base import Amount, Value
from schemas.metrics import MetricsComputed, MetricsDue
from schemas.recommendations import RecommendationClosed, RecommendationOpened
from schemas.scores import ScoreComputed

_BUSINESS = (Column("tenant", "text"), Column("business", "text"))

# What was asked for, and until where: the newest of each.
DUE = Table(
    "metrics_due",
    columns=(
        *_BUSINESS,
        Column("ledger_offset", "bigint", "greatest"),
        Column("business_offset", "bigint", "greatest"),
        Column("asked_at", "timestamptz", "greatest"),
    ),
    key=("tenant", "business"),
)
# How far the newest figures see.
DONE = Table(
    "metrics_done",
    columns=(
        *_BUSINESS,
        Column("ledger_offset", "bigint", "greatest"),
        Column("business_offset", "bigint", "greatest"),
    ),
    key=("tenant", "business"),
)
METRICS = Table(
    "metrics",
    columns=(
        *_BUSINESS,
        Column("event_id", "text"),
        Column("as_of", "timestamptz"),
        Column("known_at", "timestamptz"),
        Column("data", "text"),
        Column("offset", "bigint"),
    ),
    key=("tenant", "business", "event_id"),
    indexes=('tenant, business, "offset"',),
)
SCORES = Table(
    "scores",
    columns=(
        *_BUSINESS,
        Column("event_id", "text"),
        Column("as_of", "timestamptz"),
        Column("known_at", "timestamptz"),
        Column("score", "numeric"),
        Column("low", "numeric"),
        Column("high", "numeric"),
        Column("band", "text"),
        Column("data", "text"),
        Column("offset", "bigint"),
    ),
    key=("tenant", "business", "event_id"),
    indexes=('tenant, business, "offset"',),
)


def _advice_table(name: str) -> Table:
    return Table(
        name,
        columns=(
            *_BUSINESS,
            Column("recommendation_id", "text"),
            Column("rule", "text"),
            Column("subject", "text"),
            Column("at", "timestamptz"),
            Column("data", "text"),
            Column("offset", "bigint"),
        ),
        key=("tenant", "business", "recommendation_id"),
    )


OPENED = _advice_table("recommendations_opened")
CLOSED = _advice_table("recommendations_closed")


_TYPES = frozenset(
    one.TYPE for one in (MetricsDue, MetricsComputed, ScoreComputed, RecommendationOpened, RecommendationClosed)
)


def apply(fact: Fact) -> Iterable[tuple[Table, Row]]:
    if fact.type not in _TYPES:
        return
    data = fact.data
    key = (fact.tenant, data["business_id"])
    match fact.type:
        case MetricsDue.TYPE:
            yield DUE, (*key, data["ledger_offset"], data["business_offset"], fact.time)
        case MetricsComputed.TYPE:
            yield DONE, (*key, data["ledger_offset"], data["business_offset"])
            yield METRICS, (*key, fact.id, *_times(data), fact.json, fact.offset)
        case ScoreComputed.TYPE:
            numbers = (None if data[name] is None else Decimal(data[name]) for name in ("score", "low", "high"))
            yield SCORES, (*key, fact.id, *_times(data), *numbers, data["band"], fact.json, fact.offset)
        case RecommendationOpened.TYPE | RecommendationClosed.TYPE:
            table = OPENED if fact.type == RecommendationOpened.TYPE else CLOSED
            yield (
                table,
                (*key, data["recommendation_id"], data["rule"], data["subject"], fact.time, fact.json, fact.offset),
            )


def _times(data: dict[str, Any]) -> tuple[datetime, datetime]:
    return datetime.fromisoformat(data["as_of"]), datetime.fromisoformat(data["known_at"])


PROJECTION = Projection(
    name="readiness",
    version=1,
    topics=("metrics", "scores", "recommendations"),
    tables=(DUE, DONE, METRICS, SCORES, OPENED, CLOSED),
    apply=apply,
)


class Recommendation(Value):
    """A recommendation as it stands. `measured_uplift` is the score since it was opened, once it is closed."""

    opened: RecommendationOpened
    opened_at: datetime
    closed_at: datetime | None
    measured_uplift: Amount | None
    score_after: Amount | None


async def newest_score(db: Any, tenant: str, business: str) -> ScoreComputed | None:
    """The newest score of a business, as it was computed."""
    with reaching("the scores"):
        data = await db.fetchval(
            'SELECT data FROM read.scores WHERE tenant = $1 AND business = $2 ORDER BY "offset" DESC LIMIT 1',
            printable(tenant),
            printable(business),
        )
    return None if data is None else ScoreComputed.model_validate_json(data)


_ADVICE = """
SELECT o.data AS opened, o.at AS opened_at, c.data AS closed, c.at AS closed_at
FROM read.recommendations_opened o
LEFT JOIN read.recommendations_closed c USING (tenant, business, recommendation_id)
WHERE o.tenant = $1 AND o.business = $2 AND ($3::timestamptz IS NULL OR o.at <= $3)
ORDER BY o.at DESC, o.recommendation_id
"""


async def recommendations_of(
    db: Any, tenant: str, business: str, *, known_at: datetime | None = None
) -> Sequence[Recommendation]:
    """Every recommendation of a business, newest first; with `known_at`, as they stood then."""
    with reaching("the recommendations"):
        rows = await db.fetch(_ADVICE, printable(tenant), printable(business), known_at)
    found = []
    for row in rows:
        closed = row["closed"] is not None and (known_at is None or row["closed_at"] <= known_at)
        ended = RecommendationClosed.model_validate_json(row["closed"]) if closed else None
        found.append(
            Recommendation(
                opened=RecommendationOpened.model_validate_json(row["opened"]),
                opened_at=row["opened_at"],
                closed_at=row["closed_at"] if ended else None,
                measured_uplift=ended.measured_uplift if ended else None,
                score_after=ended.score_after if ended else None,
            )
        )
    return found


class PostgresAdviceReader:
    """The port `AdviceReader` on the tables of this projection. `db`: an asyncpg pool."""

    def __init__(self, db: Any) -> None:
        self._db = db

    async def given(self, tenant: str, business: str) -> Advised:
        """See `AdviceReader.given`."""
        standing, closed = [], dict[tuple[str, str], int]()
        for one in await recommendations_of(self._db, tenant, business):
            key = (one.opened.rule, one.opened.subject)
            if one.closed_at is not None:
                closed[key] = closed.get(key, 0) + 1
            else:
                opened = one.opened
                standing.append(
                    OpenAdvice(opened.recommendation_id, *key, opened.predicted_uplift, opened.score_before)
                )
        return Advised(tuple(standing), closed)
