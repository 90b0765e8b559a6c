"""One idempotent producer, and what was handed to it and is not acknowledged yet."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
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
_FLUSH = 2.0
# A connection and a request, each with its own limit.
_LAST_ANSWERS = 3 * REQUEST_TIMEOUT_MS / 1000
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
        # What the producer has not acknowledged yet.
        self._sent: set[asyncio.Future[Any]] = set()
        self._stopping: set[asyncio.Task[None]] = set()
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
        if self._producer is None:
            await self.start()
        producer, under_way = self._producer, self._sent
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
        under_way.add(sent)
        sent.add_done_callback(under_way.discard)
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
            under_way, self._producer, self._sent = self._sent, None, set()
            log.warning("a producer gave up, another takes over", reason=repr(error)[:200])
            stopping = asyncio.get_running_loop().create_task(
                _stop(producer, under_way, _LAST_ANSWERS), name="stop a producer"
            )
            self._stopping.add(stopping)
            stopping.add_done_callback(self._stopping.discard)

    async def close(self, patience: float) -> None:
        """Give what is pending a last chance; then it is uncertain whether it stands."""
        producer, self._producer = self._producer, None
        if producer is not None:
            if self.pending:
                await asyncio.wait(list(self.pending.values()), timeout=patience)
            await _stop(producer, self._sent, _FLUSH)
        if self._stopping:
            await asyncio.wait(self._stopping)


async def _stop(producer: Any, under_way: Collection[asyncio.Future[Any]], patience: float) -> None:
    """End a producer. What it has not written by then it never will, and whoever waits for that is told."""
    try:
        async with asyncio.timeout(_FLUSH):
            await producer.stop()
    except (TimeoutError, KafkaError):
        # It would wait for its brokers to take everything. Requests on their way are answered first, `patience`
        # seconds at most: none is to reach a broker after its message was looked for and not found.
        sending = producer._sender.sender_task
        sending.cancel()
        await asyncio.wait({sending}, timeout=patience)
        await producer.client.close()
    finally:
        for sent in list(under_way):
            sent.cancel()


def _meaning(identity: Identity, error: BaseException) -> VaultraError:
    if isinstance(error, _TOO_LARGE):
        return InvalidEvent(f"message {identity.id!r} is too large for Kafka with its headers")
    return Unavailable(f"the log did not take {identity.topic} {identity.id}: {error!r}"[:300])
