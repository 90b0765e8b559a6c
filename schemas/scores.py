"""The readiness score of a business, with how every point came about."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import ClassVar, Literal

from pydantic import Field

from schemas.base import Amount, EventData, Value

Band = Literal["ready", "near", "building", "unscored"]
Confidence = Literal["normal", "low"]


class FactorScore(Value):
    """One factor. `points` is None where the figure is unknown; then it could have been 0 to `weight`.

    `value` is the figure as scored, `full_at` and `zero_at` where it earns all points and none. `low` and `high` bound
    the points where a rate rests on few charges (95 % Wilson interval).
    """

    name: str
    figure: str
    weight: Amount
    points: Amount | None
    low: Amount
    high: Amount
    value: Amount | None
    full_at: Amount
    zero_at: Amount
    unknown: str | None = None


class Cap(Value):
    """A gate that holds the score down, whatever the points say."""

    name: str
    limit: Amount
    reason: str
    event_ids: tuple[str, ...] = ()


class AdverseReason(Value):
    """A scored factor that cost points: what it is, the events behind it, and what would be gained.

    `counterfactual` reads like "at 0.5 % disputes: +6".
    """

    factor: str
    text: str
    lost: Amount
    counterfactual: str
    event_ids: tuple[str, ...] = ()
    event_count: int = 0


class ScoreComputed(EventData):
    """Readiness for funding, 0 to 100: not a probability of default. A pure function of one metrics snapshot.

    `score` is the sum of the factors' points, less what the caps take (`capped_by`): points + capped_by = score. Where
    a factor is unknown or rests on few charges, `low` and `high` give the range and `confidence` is low. Unscored
    businesses have no score and the reason.
    """

    TYPE: ClassVar[str] = "vaultra.score.computed.v1"
    business_id: str
    as_of: datetime
    known_at: datetime
    version: int
    score: Amount | None
    low: Amount | None
    high: Amount | None
    confidence: Confidence
    band: Band
    unscored: str | None = None
    factors: tuple[FactorScore, ...] = ()
    capped_by: Amount = Field(default=Decimal(0), description="points the caps take, 0 or less")
    caps: tuple[Cap, ...] = ()
    reasons: tuple[AdverseReason, ...] = Field(default=(), max_length=4)
    notes: tuple[str, ...] = ()
    metrics_event: str | None = Field(default=None, description="id of the snapshot it was computed from")
