"""Every stage, and every topic on the log."""

from __future__ import annotations

from processors.codegen import codegen
from processors.conclusion import conclusion
from processors.critic import critic
from processors.execution import execution
from processors.followup import followup
from processors.ledger.stage import ledger
from processors.metrics import metrics
from processors.reasoning import reasoning
from processors.recommendations import recommendations
from processors.scores import scores
from processors.stage import Stage
from processors.vision import vision
from streams.runner import Runner
from streams.topics import TOPICS, Topic, diversion_topics

STAGES: tuple[Stage, ...] = (
    vision,
    reasoning,
    codegen,
    critic,
    execution,
    conclusion,
    ledger,
    metrics,
    scores,
    recommendations,
    followup,
)


def all_topics() -> tuple[Topic, ...]:
    """Every topic on the log: the declared ones, and those for retries and dead letters of each stage."""
    return (*TOPICS, *diversion_topics(stage.name for stage in STAGES))


def ledger_runner() -> Runner:
    """The ledger stage as it runs, for imports that do its work in batches."""
    return Runner(ledger, {}, topics=all_topics())
