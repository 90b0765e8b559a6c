"""The Kafka cluster of the settings: how it is reached, and the log on it."""

from __future__ import annotations

from pathlib import Path

from adapters.database import Database
from streams.kafka_connection import KafkaConnection
from streams.kafka_log import KafkaEventLog
from vaultra.catalogue import all_topics
from vaultra.settings import Settings


async def open_kafka_log(settings: Settings, database: Database) -> KafkaEventLog:
    """The log on the configured cluster. Raises SetupError and Unavailable."""
    return await KafkaEventLog.open(
        kafka_connection(settings), all_topics(), database=database, patience=settings.kafka.patience
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
