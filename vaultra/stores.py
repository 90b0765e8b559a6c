"""Where the program keeps things: the database, the log, blobs and secrets, as the settings say."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from adapters.blob_store import LocalBlobStore
from adapters.database import Database
from adapters.ports import BlobStore
from adapters.s3_blob_store import Bucket, S3BlobStore
from adapters.secrets import StoredSecrets
from streams.log import EventLog
from streams.postgres_log import PostgresEventLog
from vaultra.catalogue import all_topics
from vaultra.settings import Settings


@asynccontextmanager
async def open_log(settings: Settings) -> AsyncIterator[tuple[Database, EventLog]]:
    """The database and the log of the runtime alone, for commands that only look or rebuild."""
    async with AsyncExitStack() as stack:
        url = settings.database_url.get_secret_value()
        database = await Database.open(data_dir=settings.data_dir, url=url)
        stack.push_async_callback(database.close)
        event_log = await open_event_log(settings, database)
        stack.push_async_callback(event_log.close)
        yield database, event_log


async def open_event_log(settings: Settings, database: Database) -> EventLog:
    """The log of the configured runtime. Raises SetupError and Unavailable."""
    if settings.runtime == "embedded":
        return await PostgresEventLog.open(database, all_topics())
    from vaultra.kafka import open_kafka_log  # loads aiokafka, which takes its time

    return await open_kafka_log(settings, database)


async def open_blobs(settings: Settings) -> BlobStore:
    """The bucket where one is set, else a directory. Raises SetupError and Unavailable."""
    blobs = settings.blobs
    if not blobs.url:
        return LocalBlobStore(settings.data_dir / "blobs")
    return await S3BlobStore.open(
        Bucket(
            url=blobs.url,
            endpoint=blobs.endpoint,
            region=blobs.region,
            access_key_id=blobs.access_key_id.get_secret_value(),
            secret_access_key=blobs.secret_access_key.get_secret_value(),
        )
    )


def make_secrets(settings: Settings) -> StoredSecrets:
    """Configured secrets by the names the parts know them under, and room for those that come to be."""
    configured = {
        "stripe/webhook/platform": settings.stripe.webhook_secrets.get_secret_value(),
        "stripe/webhook/connect": settings.stripe.connect_webhook_secrets.get_secret_value(),
        "stripe/api-key": settings.stripe.api_key.get_secret_value(),
    }
    return StoredSecrets(configured, settings.data_dir / "secrets")
