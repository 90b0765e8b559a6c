"""Advice to a business: opened with its reasons, closed with what it brought."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Literal

from schemas.base import Amount, EventData

Effort = Literal["low", "medium", "high"]


class RecommendationOpened(EventData):
    """Something worth doing, why, and what it should bring.

    `predicted_uplift` is in points of the score, computed anew with the trigger cured. `rank` is uplift × confidence ÷
    effort. `closes_when` says which event ends it. `subject` tells several of one `rule` apart (an object's id).
    """

    TYPE: ClassVar[str] = "vaultra.recommendation.opened.v1"
    business_id: str
    recommendation_id: str
    rule: str
    rule_version: int = 1
    subject: str = ""
    action: str
    trigger: str
    event_ids: tuple[str, ...] = ()
    predicted_uplift: Amount
    confidence: Amount
    effort: Effort
    rank: Amount
    due_by: datetime | None = None
    closes_when: str
    score_before: Amount | None
    as_of: datetime


class RecommendationClosed(EventData):
    """Its trigger is gone. `measured_uplift` is the score since it was opened, beside what was predicted.

    It measures what happened meanwhile, not what the action alone caused.
    """

    TYPE: ClassVar[str] = "vaultra.recommendation.closed.v1"
    business_id: str
    recommendation_id: str
    rule: str
    subject: str = ""
    predicted_uplift: Amount
    measured_uplift: Amount | None
    score_before: Amount | None
    score_after: Amount | None
    as_of: datetime
