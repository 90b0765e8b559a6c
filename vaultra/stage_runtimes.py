"""Which runtime the stages run on, from the settings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

from adapters.database import Database
from streams.diversions import Backoff
from streams.embedded import EmbeddedRuntime
from streams.lease import PostgresLease
from streams.log import EventLog
from streams.runner import Runner
from streams.stage_loop import Limits
from vaultra.settings import Settings

if TYPE_CHECKING:
    from streams.kafka_runtime import KafkaRuntime

StageRuntime: TypeAlias = "EmbeddedRuntime | KafkaRuntime"

# The text reader works on one picture at a time and a program may use two cores: more at once would only wait inside
# their stage's time limit.
_CONCURRENCY = {"vision": Limits(concurrency=2), "execution": Limits(concurrency=2)}


def backoff_of(settings: Settings) -> Backoff:
    """When deliveries are tried again: on Kafka after fixed delays, one a retry topic."""
    if settings.runtime == "embedded":
        return Backoff()
    return Backoff(steps=(settings.kafka.retry_delay, settings.kafka.long_retry_delay))


def make_runtime(
    settings: Settings, runners: Sequence[Runner], *, event_log: EventLog, database: Database
) -> StageRuntime:
    """The runtime, not started yet. Raises SetupError for limits that do not go together."""
    limits = {
        runner.stage.name: _CONCURRENCY[runner.stage.name] for runner in runners if runner.stage.name in _CONCURRENCY
    }
    backoff = backoff_of(settings)
    if settings.runtime == "embedded":
        return EmbeddedRuntime(event_log, runners, lease=PostgresLease(database), limits=limits, backoff=backoff)
    from vaultra.kafka import make_kafka_runtime  # loads aiokafka and Faust, which take their time

    return make_kafka_runtime(settings, runners, event_log, limits, backoff)
