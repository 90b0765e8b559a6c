"""Incremental fetches (Kafka's KIP-227), which aiokafka does not make: a fetch names only the partitions with news.

aiokafka names every partition of a consumer in each request, and each answer names every one again. A stage has thirty;
to find one record in them took a third of what a lone record costs a worker, and as much of the broker's. In a session
the broker remembers what is asked for: requests say where positions have moved, answers hold what has come.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from aiokafka.protocol.fetch import FetchRequest

# An idle consumer asks as often as this, which costs it less than one hundredth of a processor.
LONGEST_WAIT_MS = 200
# The first version of the request that knows of sessions.
_SINCE = 7
_LAST_EPOCH = 2**31 - 1
# (topic, partition) → (position, most bytes)
_Asked = Mapping[tuple[str, int], tuple[int, int]]


@dataclass(frozen=True, slots=True)
class _Session:
    """What a broker remembers; at epoch 0 nothing yet, and what it had under this number it forgets."""

    number: int = 0
    epoch: int = 0
    asked: _Asked = field(default_factory=dict)


class _Incremental(FetchRequest):  # type: ignore[misc]  # aiokafka has no types
    """A fetch within a session."""

    def __init__(self, whole: FetchRequest, session: _Session, wanted: _Asked) -> None:
        news = {place: at for place, at in wanted.items() if session.asked.get(place) != at}
        super().__init__(
            whole._max_wait_ms,
            whole._min_bytes,
            whole._max_bytes,
            whole._isolation_level,
            [
                (topic, [(partition, *news[topic, partition]) for partition in partitions])
                for topic, partitions in _by_topic(news)
            ],
            whole._rack_id,
        )
        self._whole = whole
        self._session = session
        self._forgotten = _by_topic(session.asked.keys() - wanted.keys())

    def build(self, request_struct_class: Any) -> Any:
        if request_struct_class.API_VERSION < _SINCE:
            return self._whole.build(request_struct_class)
        request = super().build(request_struct_class)
        request.session_id = self._session.number
        request.session_epoch = self._session.epoch
        request.forgotten_topics_data = self._forgotten
        return request


class _Sessions:
    """The sessions of one client, one a broker: aiokafka has one fetch a broker under way at a time."""

    def __init__(self, send: Any) -> None:
        self._send = send
        self._of: dict[int, _Session] = {}

    async def send(self, node: int, request: Any, **options: Any) -> Any:
        if not isinstance(request, FetchRequest):
            return await self._send(node, request, **options)
        session = self._of.get(node, _Session())
        # Until it is answered, nobody knows what the broker makes of it: the next one begins anew.
        self._of[node] = _Session(session.number)
        wanted = {
            (topic, partition): (position, most)
            for topic, partitions in request.topics
            for partition, position, most in partitions
        }
        answer = await self._send(node, _Incremental(request, session, wanted), **options)
        # An answer with an error holds no partitions: the broker has lost the session. Without a number there is none.
        if answer.API_VERSION >= _SINCE and not answer.error_code and answer.session_id:
            epoch = 1 if session.epoch == _LAST_EPOCH else session.epoch + 1
            self._of[node] = _Session(answer.session_id, epoch, wanted)
        return answer


def fetch_incrementally(consumer: Any) -> Any:
    """The consumer, an `AIOKafkaConsumer` that is not started yet, with fetch sessions."""
    client = consumer._client
    client.send = _Sessions(client.send).send
    # A partition whose records nobody has taken for 0.1 s is left out of the next fetch, and taken or not stays out of
    # it for as long as that waits at the broker: half a second as it comes, and one and a half in Faust.
    consumer._fetch_max_wait_ms = min(consumer._fetch_max_wait_ms, LONGEST_WAIT_MS)
    return consumer


def _by_topic(places: Collection[tuple[str, int]]) -> list[tuple[str, list[int]]]:
    return [
        (topic, [partition for _, partition in those])
        for topic, those in groupby(sorted(places), lambda place: place[0])
    ]
