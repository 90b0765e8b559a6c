"""The Kafka cluster of the settings: how it is reached, the log on it, and the stages' runtime."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from adapters.database import Database
from streams.diversions import Backoff
from streams.kafka_connection import KafkaConnection
from streams.kafka_group import GroupTimes
from streams.kafka_log import KafkaEventLog
from streams.kafka_runtime import KafkaRuntime
from streams.log import EventLog
from streams.runner import Runner
from streams.stage_loop import Limits
from vaultra.catalogue import all_topics
from vaultra.settings import Settings


async def open_kafka_log(settings: Settings, database: Database) -> KafkaEventLog:
    """The log on the configured cluster. Raises SetupError and Unavailable."""
    return await KafkaEventLog.open(
        kafka_connection(settings), all_topics(), database=database, patience=settings.kafka.patience
    )


def make_kafka_runtime(
    settings: Settings,
    runners: Sequence[Runner],
    event_log: EventLog,
    limits: Mapping[str, Limits],
    backoff: Backoff,
) -> KafkaRuntime:
    """The runtime, not started yet. Raises SetupError for times that do not go together."""
    kafka = settings.kafka
    return KafkaRuntime(
        event_log,
        kafka_connection(settings),
        runners,
        backoff=backoff,
        limits=limits,
        times=GroupTimes.of_session(kafka.session_timeout, kafka.rebalance_timeout),
        instance=kafka.instance,
        worker=kafka.worker,
    )


def kafka_connection(settings: Settings) -> KafkaConnection:
    """How the configured cluster is reached."""
    kafka = settings.kafka
    return KafkaConnection(
        bootstrap_servers=kafka.bootstrap_servers,
        prefix=kafka.prefix,
        security=kafka.security,
        tls_ca=Path(kafka.tls_ca) if kafka.tls_ca else None,
        tls_certificate=Path(kafka.tls_certificate) if kafka.tls_certificate else None,
        tls_key=Path(kafka.tls_key) if kafka.tls_key else None,
        mechanism=kafka.sasl_mechanism,
        username=kafka.sasl_username,
        password=kafka.sasl_password.get_secret_value(),
    )
