"""Every topic of the log, declared once: partitions, retention, and which event types stand on it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from schemas import (
    analyses,
    businesses,
    costs,
    documents,
    metrics,
    recommendations,
    scores,
    stripe_events,
    stripe_followups,
)
from schemas.base import EventData
from schemas.errors import SetupError
from schemas.ledger.facts import LEDGER_EVENTS
from streams.partitioner import partition_of as partition_of

# One event is in flight per partition, so partitions are the concurrency a stage can reach.
SLOW_STAGE_PARTITIONS = 24
# Retries of one stage under way at once.
DUE_PARTITIONS = 6
# Keyed by business: stages over them only compute, so a few are enough to fill every core.
BUSINESS_PARTITIONS = 12


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic. `retention_days` None keeps facts for ever; facts are never compacted."""

    name: str
    partitions: int
    carries: tuple[type[EventData], ...]
    retention_days: int | None = None


TOPICS: tuple[Topic, ...] = (
    Topic("uploads", SLOW_STAGE_PARTITIONS, (documents.DocumentReceived, documents.DocumentRefused)),
    Topic("documents", SLOW_STAGE_PARTITIONS, (documents.DocumentDescribed,)),
    Topic("plans", SLOW_STAGE_PARTITIONS, (analyses.AnalysisPlanned,)),
    Topic("code", SLOW_STAGE_PARTITIONS, (analyses.CodeGenerated, analyses.CodeReviewed)),
    Topic("executions", SLOW_STAGE_PARTITIONS, (analyses.CodeExecuted,)),
    Topic("analyses", SLOW_STAGE_PARTITIONS, (analyses.AnalysisCompleted, analyses.AnalysisFailed)),
    Topic("stripe-events", BUSINESS_PARTITIONS, (stripe_events.WebhookReceived,)),
    Topic("ledger", BUSINESS_PARTITIONS, LEDGER_EVENTS),
    Topic("businesses", BUSINESS_PARTITIONS, (businesses.BusinessDeclared, businesses.MonthClosed)),
    Topic("metrics", BUSINESS_PARTITIONS, (metrics.MetricsDue, metrics.MetricsComputed)),
    Topic("scores", BUSINESS_PARTITIONS, (scores.ScoreComputed,)),
    Topic(
        "recommendations",
        BUSINESS_PARTITIONS,
        (recommendations.RecommendationOpened, recommendations.RecommendationClosed),
    ),
    Topic(
        "stripe-followups",
        6,
        (stripe_followups.FollowUpRequested, stripe_followups.FollowUpDone, stripe_followups.FollowUpParked),
    ),
    Topic("costs", 6, (costs.CostRecorded,)),
)


def topic_of(data: type[EventData], topics: Sequence[Topic] = TOPICS) -> Topic:
    """The topic a type of event stands on. Raises SetupError for a type on none."""
    for topic in topics:
        if data in topic.carries:
            return topic
    raise SetupError(f"{data.__name__} stands on no topic: add it to streams/topics.py")


def consumed_topics(consumes: Sequence[type[EventData]], topics: Sequence[Topic] = TOPICS) -> tuple[Topic, ...]:
    """The topics a stage reads, in the order of declaration."""
    wanted = {topic_of(data, topics) for data in consumes}
    return tuple(topic for topic in topics if topic in wanted)


def retry_topic(stage: str) -> Topic:
    return Topic(f"{stage}.retry", 1, ())


def long_retry_topic(stage: str) -> Topic:
    """Where a runtime with fixed delays keeps what waits for the longer of them: each topic is then in order of due."""
    return Topic(f"{stage}.retry-long", 1, ())


def due_topic(stage: str) -> Topic:
    """Retries that have come due, for whichever worker of the stage is free (Kafka)."""
    return Topic(f"{stage}.due", DUE_PARTITIONS, ())


def dead_topic(stage: str) -> Topic:
    return Topic(f"{stage}.dead", 1, ())


def diversion_topics(stages: Iterable[str]) -> tuple[Topic, ...]:
    """The retry and dead-letter topics of stages: a log must be opened with them besides TOPICS."""
    kinds = (retry_topic, long_retry_topic, due_topic, dead_topic)
    return tuple(topic(stage) for stage in stages for topic in kinds)
