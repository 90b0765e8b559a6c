"""One idempotent producer, and what was handed to it and is not acknowledged yet."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError, RecordTooLargeError

from schemas.errors import InvalidEvent, Unavailable, VaultraError
from schemas.wire import Message
from streams.kafka_claims import Identity
from streams.kafka_connection import REQUEST_TIMEOUT_MS, KafkaConnection, reaching_kafka
from streams.kafka_message import headers_of
from streams.kafka_topics import LARGEST_RECORD
from streams.log import TopicPartition

_BATCH_BYTES = 512 * 1024
_TOO_LARGE = (MessageSizeTooLargeError, RecordTooLargeError)
# Called once for each message sent: with its offset, or with what went wrong.
Done = Callable[[Identity, TopicPartition, int | BaseException], None]

log = structlog.get_logger(__name__)


def producer_of(connection: KafkaConnection) -> Any:
    """An idempotent producer that waits for every in-sync replica. To be started."""
    return AIOKafkaProducer(
        **connection.options(),
        enable_idempotence=True,
        acks="all",
        compression_type="zstd",
        max_batch_size=_BATCH_BYTES,
        max_request_size=LARGEST_RECORD,
        request_timeout_ms=REQUEST_TIMEOUT_MS,
    )


class KafkaWriter:
    """Sends messages with acks=all, zstd and Kafka's own protection against doubling by retries.

    The producer never gives a message up: through an outage it stays `pending` and is written when the brokers are
    back. Who asks for the same id meanwhile waits for that one instead of sending another.
    """

    def __init__(self, connection: KafkaConnection, done: Done) -> None:
        self._connection = connection
        self._done = done
        self._producer: Any = None
        self._starting = asyncio.Lock()
        self.pending: dict[Identity, asyncio.Future[int]] = {}

    async def start(self) -> None:
        """Connect. Raises SetupError or Unavailable."""
        async with self._starting:
            if self._producer is not None:
                return
            with reaching_kafka("the log"):
                producer = producer_of(self._connection)
                try:
                    async with asyncio.timeout(REQUEST_TIMEOUT_MS / 1000):
                        await producer.start()
                except BaseException:
                    await producer.stop()
                    raise
            self._producer = producer

    async def send(self, identity: Identity, place: TopicPartition, message: Message) -> asyncio.Future[int]:
        """Hand a message over; the future gives its offset once every in-sync replica has it.

        Raises Unavailable, InvalidEvent for one that Kafka would not take.
        """
        await self.start()
        producer = self._producer
        with reaching_kafka("the log"):
            try:
                sent = await producer.send(
                    self._connection.topic(place.topic),
                    value=message.value,
                    key=message.key.encode(),
                    partition=place.partition,
                    headers=headers_of(message),
                )
            except _TOO_LARGE as error:
                raise InvalidEvent(f"message {message.id!r} is too large for Kafka with its headers") from error
        outcome: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.pending[identity] = outcome
        sent.add_done_callback(lambda sent: self._finish(identity, place, sent, outcome, producer))
        return outcome

    def _finish(
        self, identity: Identity, place: TopicPartition, sent: Any, outcome: asyncio.Future[int], producer: Any
    ) -> None:
        self.pending.pop(identity, None)
        error = asyncio.CancelledError() if sent.cancelled() else sent.exception()
        if error is None:
            offset: int = sent.result().offset
            self._done(identity, place, offset)
            outcome.set_result(offset)
            return
        self._done(identity, place, error)
        outcome.set_exception(_meaning(identity, error))
        outcome.exception()  # perhaps nobody waits any more
        if not isinstance(error, _TOO_LARGE) and self._producer is producer:
            # After an error that it does not retry, its sequence numbers may be of no use: another one takes over.
            self._producer = None
            log.warning("a producer gave up, another takes over", reason=repr(error)[:200])
            stopping = asyncio.get_running_loop().create_task(_stop(producer), name="stop a producer")
            self._stopping = stopping

    async def close(self, patience: float) -> None:
        """Give what is pending a last chance; then it is uncertain whether it stands."""
        producer, self._producer = self._producer, None
        if producer is not None:
            if self.pending:
                await asyncio.wait(list(self.pending.values()), timeout=patience)
            await _stop(producer)


async def _stop(producer: Any) -> None:
    try:
        async with asyncio.timeout(2.0):
            await producer.stop()
    except (TimeoutError, KafkaError):
        # It would wait for its brokers to take what nobody waits for any more.
        producer._sender.sender_task.cancel()
        await producer.client.close()


def _meaning(identity: Identity, error: BaseException) -> VaultraError:
    if isinstance(error, _TOO_LARGE):
        return InvalidEvent(f"message {identity.id!r} is too large for Kafka with its headers")
    return Unavailable(f"the log did not take {identity.topic} {identity.id}: {error!r}"[:300])
