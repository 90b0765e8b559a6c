"""A stage as a Faust app: Faust joins the group, fetches and commits; `Deliveries` does the rest.

Faust's defaults lose events, so only a part of it is used, and only here: raw bytes in, no acknowledgement but by hand
(`noack`), one agent with isolated partitions, one event at a time a partition, acknowledged after its outcome is
durable. Nothing is sent through Faust, nothing yielded. Where a record is given back it is taken off what Faust waits
for before it lets a partition go, and no later one of that partition is acknowledged, so it stays uncommitted.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import faust
import structlog
from faust.types.auth import CredentialsT

from schemas.errors import VaultraError
from streams.deliveries import Deliveries
from streams.faust_transport import SameLoopTransport
from streams.kafka_connection import KafkaConnection
from streams.kafka_group import GroupTimes
from streams.kafka_message import record_of
from streams.log import Record

log = structlog.get_logger(__name__)

# Events of a partition held in memory ahead of the one at work. While one partition's are full Faust fetches for none:
# with 16, a burst left the others without work.
_BUFFER = 64
_PROCESSING = 300.0


class WorkerEnded(VaultraError):
    """Faust gave up: the process must end and be started again."""


class _Found(NamedTuple):
    """What a record is made of, of a message of Faust's; `timestamp` in milliseconds."""

    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


class _AsFetched(faust.Schema[bytes, bytes]):
    """Keys and values are left as they are, and nothing is called to find that out."""

    def compile(self, app: Any, **_: Any) -> Any:
        async def decode(message: Any, **_: Any) -> Any:
            return app.create_event(message.key, message.value, message.headers, message)

        return decode


class App(faust.App):
    """A stage has no tables to keep on disk: it works where nothing can be written, and leaves nothing behind."""

    def _create_directories(self) -> None:
        pass


class FaustWorker:
    """Works on one stage as a member of its consumer group, until stopped.

    `instance` names this worker among the group's (a static member): unique, and the same after a restart.
    """

    def __init__(
        self,
        deliveries: Deliveries,
        connection: KafkaConnection,
        *,
        times: GroupTimes | None = None,
        instance: str = "",
    ) -> None:
        self.times = times or GroupTimes()
        self._deliveries = deliveries
        self._connection = connection
        self._stopping = False
        self._ended: asyncio.Task[None] | None = None
        self._app = App(
            connection.group(deliveries.name),
            broker=[f"kafka://{address.strip()}" for address in connection.bootstrap_servers.split(",")],
            broker_credentials=_credentials(connection),
            autodiscover=False,
            key_serializer="raw",
            value_serializer="raw",
            processing_guarantee="at_least_once",
            stream_wait_empty=True,
            stream_buffer_maxsize=_BUFFER,
            stream_processing_timeout=_PROCESSING,
            broker_commit_interval=self.times.commit,
            broker_session_timeout=self.times.session,
            broker_heartbeat_interval=self.times.heartbeat,
            broker_rebalance_timeout=self.times.rebalance,
            broker_request_timeout=self.times.request,
            broker_max_poll_interval=self.times.poll,
            consumer_auto_offset_reset="earliest",
            consumer_group_instance_id=instance or None,
            producer_acks=-1,
            producer_linger=0,
            table_standby_replicas=0,
            topic_allow_declare=False,
            topic_disable_leader=True,
            web_enabled=False,
            loop=asyncio.get_running_loop(),
        )
        self._app.transport = SameLoopTransport(self._app.conf.broker_consumer, self._app)
        topics = [connection.topic(name) for name in deliveries.topics]
        source = self._app.topic(*topics, schema=_AsFetched(key_serializer="raw", value_serializer="raw"))
        self._app.agent(source, name="lane", isolated_partitions=True)(self._lane)
        self._app.on_partitions_assigned.connect(self._assigned)

    async def start(self) -> None:
        """Join the group. Raises what aiokafka raises when no broker answers."""
        await self._app.start()
        # It times every event for statistics that nobody reads; ours are in streams/metrics.py.
        self._app.sensors.remove(self._app.monitor)
        self._ended = asyncio.get_running_loop().create_task(self._watch())

    async def stop(self, grace: float) -> None:
        """Finish what is under way within `grace` seconds, else give it back; commit, and leave the group."""
        self._stopping = True
        await self._deliveries.stop(grace * 0.7)
        try:
            async with asyncio.timeout(max(2.0, grace * 0.3)):
                await self._app.stop()
        except TimeoutError:
            log.warning("left the group without a word", stage=self._deliveries.name)
        if self._ended is not None:
            self._ended.cancel()
            await asyncio.gather(self._ended, return_exceptions=True)

    @property
    def rebalancing(self) -> bool:
        return bool(self._app.rebalancing)

    @property
    def generation(self) -> int:
        """The group's generation that this member belongs to; -1 when it belongs to none."""
        with contextlib.suppress(AttributeError):
            # The app remembers the last generation it was assigned in; only the coordinator knows of its loss.
            return int(self._coordinator().generation)
        return -1

    @property
    def member(self) -> str:
        """The id that the coordinator gave this member; empty when it belongs to no group."""
        with contextlib.suppress(AttributeError):
            return str(self._coordinator().member_id)
        return ""

    def _coordinator(self) -> Any:
        consumer: Any = self._app.consumer
        return consumer._thread._consumer._coordinator

    async def _lane(self, stream: Any) -> None:
        async for event in stream.noack().events():
            await self._deliveries.deliver(self._record(event.message), partial(self._done, event))

    def _done(self, event: Any, durable: bool) -> None:
        if durable:
            event.ack()
        else:
            self._app.consumer.unacked.discard(event.message)

    def _record(self, message: Any) -> Record:
        found = _Found(
            message.partition,
            message.offset,
            round(message.timestamp * 1000),
            message.key,
            message.value,
            message.headers or (),
        )
        return record_of(found, self._connection.own(message.topic))

    async def _assigned(self, *_: Any, **__: Any) -> None:
        self._deliveries.assigned()

    async def _watch(self) -> None:
        await self._app.wait_until_stopped()
        if not self._stopping:
            self._deliveries.fail(WorkerEnded(f"Faust ended: {self._app.crash_reason!r}"))


def _credentials(connection: KafkaConnection) -> CredentialsT | None:
    """Faust's words for what the connection's options say."""
    options = connection.options()
    context = options.get("ssl_context")
    if connection.security.startswith("SASL"):
        # Given a context, Faust takes SASL_SSL, and without one SASL_PLAINTEXT: just what is meant.
        return faust.SASLCredentials(
            username=connection.username,
            password=connection.password,
            ssl_context=context,
            mechanism=connection.mechanism,
        )
    return faust.SSLCredentials(context) if context is not None else None
