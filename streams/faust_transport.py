"""Faust's Kafka transport without its thread and without four tasks a message: what makes Faust fast enough here.

Faust runs each app's consumer in a thread with an event loop of its own. Threads of one process take turns holding the
interpreter, and every fetch and commit crosses over twice. Here the consumer lives in the loop of the stage: nothing
that would block that loop runs in it (work that needs the processor has processes of its own).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread, Consumer, Transport
from faust.types import TP
from mode import Service
from mode.services import WaitResults
from mode.utils.futures import maybe_async

from streams.fetch_sessions import fetch_incrementally


class _SameLoop(AIOKafkaConsumerThread):
    """What Faust runs in a thread, as a service of the loop that it is started in."""

    wait_for_shutdown = False

    def __init__(self, consumer: Consumer, **options: Any) -> None:
        super().__init__(consumer, thread_loop=options["loop"], **options)

    async def start(self) -> None:
        self._thread_started.set()
        await self._default_start()

    def _create_worker_consumer(self, transport: Transport) -> Any:
        return fetch_incrementally(super()._create_worker_consumer(transport))

    async def stop(self) -> None:
        if not self._stopped.is_set():
            self._stopped.set()
            await self._shutdown_thread()

    async def crash(self, exc: BaseException) -> None:
        await Service.crash(self, exc)

    async def call_thread(self, fun: Callable[..., Awaitable[Any]], *args: Any, **kwargs: Any) -> Any:
        return await maybe_async(fun(*args, **kwargs))

    async def on_thread_started(self) -> None:
        """There is no queue of calls to start."""


class _Consumer(Consumer):
    """Hands messages to lanes that have room at once; Faust's own way, with tasks to wait by, is for full ones."""

    _place: TP | None = None

    def _new_consumer_thread(self) -> _SameLoop:
        return _SameLoop(self, loop=self.loop, beacon=self.beacon)

    def _to_message(self, tp: TP, record: Any) -> Any:
        self._place = tp
        return super()._to_message(tp, record)

    async def _commit_offsets(self, offsets: Mapping[TP, int], start_new_transaction: bool = True) -> bool:
        """Commit what is this worker's, and no more: Faust draws a table of it for a log that nobody reads."""
        held = self.assignment()
        ours = {place: offset for place, offset in offsets.items() if place in held}
        if not ours or not await self._commit(ours):
            return False
        self._committed_offset.update(ours)
        return True

    async def verify_all_partitions_active(self) -> None:
        """Faust looks at every partition once a second, and only writes to its log: the watchdog judges here."""

    async def wait_first(self, *coros: Any, **limits: Any) -> WaitResults:
        """Faust calls this with two for each message: its delivery, and what would interrupt that."""
        place, self._place = self._place, None
        if len(coros) != 2 or place is None or not self._has_room(place):
            return await super().wait_first(*coros, **limits)
        delivery, interruption = coros
        interruption.close()
        return WaitResults([delivery], [await delivery], False)

    def _has_room(self, place: TP) -> bool:
        """Whether a message goes into its lane's queue without waiting."""
        app: Any = self.app
        return (
            self.flow_active
            and bool(app.flow_control.is_active())
            and not any(lane.queue.full() for lane in app.topics._tp_index[place])
        )


class SameLoopTransport(Transport):
    Consumer = _Consumer
