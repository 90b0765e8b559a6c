"""Businesses: what their owners declared, which months were closed for them, and the list of all of them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from adapters.database import reaching
from adapters.ports import Declared, KnownBusiness, LedgerReader
from projections.cursor import read_cursor, write_cursor
from projections.projection import Column, Fact, Projection, Row, Table, printable
from schemas.base import Amount, Value
from schemas.businesses import BusinessDeclared, MonthClosed
from schemas.scores import Band, Confidence

MAX_PAGE = 200

DECLARATIONS = Table(
    "business_declarations",
    columns=(
        Column("tenant", "text"),
        Column("business", "text"),
        Column("event_id", "text"),
        Column("at", "timestamptz"),
        Column("data", "text"),
        Column("offset", "bigint"),
    ),
    key=("tenant", "business", "event_id"),
)
# How far the facts of a business's key on topic `businesses` are known, and the end of its newest closed month.
STANDING = Table(
    "business_standing",
    columns=(
        Column("tenant", "text"),
        Column("business", "text"),
        Column("newest", "bigint", "greatest"),
        Column("known", "timestamptz", "greatest"),
        Column("closed_through", "timestamptz", "greatest"),
    ),
    key=("tenant", "business"),
)


def apply(fact: Fact) -> Iterable[tuple[Table, Row]]:
    match fact.type:
        case BusinessDeclared.TYPE:
            business = fact.data["business_id"]
            yield DECLARATIONS, (fact.tenant, business, fact.id, fact.time, fact.json, fact.offset)
            yield STANDING, (fact.tenant, business, fact.offset, fact.time, None)
        case MonthClosed.TYPE:
            closed_at = datetime.fromisoformat(fact.data["closed_at"])
            yield STANDING, (fact.tenant, fact.data["business_id"], fact.offset, fact.time, closed_at)


PROJECTION = Projection(
    name="businesses", version=1, topics=("businesses",), tables=(DECLARATIONS, STANDING), apply=apply
)


class BusinessSummary(Value):
    """A business in a list. `score` None: unscored, or not computed yet. `newest` is its newest event's time.

    Where `confidence` is low, the score may as well be anything from `low` to `high`.
    """

    business_id: str
    name: str | None
    account: str | None
    livemode: bool
    newest: datetime
    score: Amount | None
    low: Amount | None
    high: Amount | None
    band: Band | None
    confidence: Confidence | None
    as_of: datetime | None


class BusinessPage(Value):
    """Businesses, the one with the newest event first. `after` is the cursor of the next page, None on the last."""

    businesses: tuple[BusinessSummary, ...]
    after: str | None


_ONE = """
SELECT l.business AS business_id, coalesce(d.data::json->>'name', a.state::json->>'name') AS name, l.account,
  coalesce(l.livemode, false) AS livemode, l.happened AS newest, s.score, s.low, s.high, s.band, s.confidence,
  s.as_of
FROM read.ledger_standing l
LEFT JOIN LATERAL (
  SELECT data FROM read.business_declarations d WHERE (d.tenant, d.business) = (l.tenant, l.business)
  ORDER BY at DESC, event_id DESC LIMIT 1
) d ON true
LEFT JOIN LATERAL (
  SELECT state FROM read.ledger_objects a
  WHERE (a.tenant, a.business, a.kind) = (l.tenant, l.business, 'account') ORDER BY changed DESC LIMIT 1
) a ON true
LEFT JOIN LATERAL (
  SELECT score, low, high, band, s.data::json->>'confidence' AS confidence, as_of FROM read.scores s
  WHERE (s.tenant, s.business) = (l.tenant, l.business) ORDER BY "offset" DESC LIMIT 1
) s ON true
WHERE l.tenant = $1
"""
_LIST = f"""
{_ONE} AND ($2::timestamptz IS NULL OR (l.happened, l.business) < ($2, $3))
ORDER BY l.happened DESC, l.business DESC LIMIT $4
"""


async def list_businesses(db: Any, tenant: str, *, limit: int = 50, after: str | None = None) -> BusinessPage:
    """A page of a tenant's businesses. Raises InvalidCursor for an `after` that no page gave."""
    time, name = read_cursor(after) if after is not None else (None, None)
    with reaching("the businesses"):
        rows = await db.fetch(_LIST, printable(tenant), time, name, limit + 1)
    shown = tuple(BusinessSummary(**row) for row in rows[:limit])
    cursor = write_cursor(shown[-1].newest, shown[-1].business_id) if len(rows) > limit else None
    return BusinessPage(businesses=shown, after=cursor)


async def business_summary(db: Any, tenant: str, business: str) -> BusinessSummary | None:
    """One business; None where the tenant has none of this id."""
    with reaching("the businesses"):
        row = await db.fetchrow(f"{_ONE} AND l.business = $2", printable(tenant), printable(business))
    return None if row is None else BusinessSummary(**row)


async def declarations(db: Any, tenant: str, business: str, known_at: datetime | None = None) -> Sequence[Declared]:
    """What was declared of a business, oldest first."""
    with reaching("the businesses"):
        rows = await db.fetch(
            "SELECT at, event_id, data FROM read.business_declarations WHERE tenant = $1 AND business = $2 "
            "AND ($3::timestamptz IS NULL OR at <= $3) ORDER BY at, event_id",
            printable(tenant),
            printable(business),
            known_at,
        )
    return [Declared(row["at"], row["event_id"], BusinessDeclared.model_validate_json(row["data"])) for row in rows]


_STANDING = """
SELECT l.newest AS ledger_offset, coalesce(l.livemode, false) AS livemode, l.known AS ledger_known, l.happened,
  coalesce(b.newest, -1) AS business_offset, b.known AS business_known, b.closed_through
FROM read.ledger_standing l LEFT JOIN read.business_standing b USING (tenant, business)
WHERE l.tenant = $1 AND l.business = $2
"""
_HAPPENED = "SELECT max(created) FROM read.ledger_facts WHERE tenant = $1 AND business = $2 AND known <= $3"


class PostgresBusinessReader:
    """The port `BusinessReader` on the ledger and on what was declared. `db`: an asyncpg pool."""

    def __init__(self, db: Any, ledger: LedgerReader) -> None:
        self._db = db
        self._ledger = ledger

    async def read(
        self, tenant: str, business: str, kinds: Sequence[str], *, known_at: datetime | None = None
    ) -> KnownBusiness | None:
        """See `BusinessReader.read`. What is newer than the standing it names may be in it as well: never less."""
        with reaching("the businesses"):
            standing = await self._db.fetchrow(_STANDING, printable(tenant), printable(business))
        if standing is None:
            return None
        happened = standing["happened"] if known_at is None else await self._happened(tenant, business, known_at)
        if happened is None:
            return None
        entries, histories, declared = await asyncio.gather(
            self._ledger.entries(tenant, business, known_at=known_at),
            self._ledger.histories(tenant, business, kinds, known_at=known_at),
            declarations(self._db, tenant, business, known_at),
        )
        newest = max(filter(None, (standing["ledger_known"], standing["business_known"])))
        return KnownBusiness(
            livemode=standing["livemode"],
            happened=happened,
            entries=entries,
            histories=histories,
            declarations=declared,
            known_at=newest if known_at is None else min(known_at, newest),
            ledger_offset=standing["ledger_offset"],
            business_offset=standing["business_offset"],
            closed_through=standing["closed_through"],
        )

    async def _happened(self, tenant: str, business: str, known_at: datetime) -> datetime | None:
        """The newest moment of what was known at a moment; None where nothing was."""
        with reaching("the businesses"):
            found: datetime | None = await self._db.fetchval(
                _HAPPENED, printable(tenant), printable(business), known_at
            )
        return found
