"""From appends to the arguments of one call of `log.append` (migration 0001), and from its answer back to each append.

All of it runs once a group in tight loops: what is spent per message here bounds the appends per second.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from pydantic_core import from_json, to_json

from schemas.errors import SetupError, VaultraError
from schemas.wire import Message
from streams.acceptance import check
from streams.log import Advance, Appended, Record, TopicPartition
from streams.partitioner import partition_of
from streams.topics import Topic

_NOTHING: Mapping[str, str] = {}


class Append(NamedTuple):
    """What one caller appends."""

    messages: tuple[Message, ...]
    advance: Advance | None


class _Row(NamedTuple):
    place: TopicPartition
    message: Message
    attributes: str
    extra: str | None


class Places:
    """The partitions of the topics on the log."""

    def __init__(self, topics: Sequence[Topic]) -> None:
        self.of = {topic.name: [TopicPartition(topic.name, n) for n in range(topic.partitions)] for topic in topics}

    def __contains__(self, place: TopicPartition) -> bool:
        return 0 <= place.partition < len(self.of.get(place.topic, ()))

    def start(self, topics: Sequence[str]) -> dict[TopicPartition, int]:
        """Offset 0 of every partition of the topics. Raises SetupError for an unknown topic."""
        return {place: 0 for topic in topics for place in self._of(topic)}

    def place(self, message: Message) -> TopicPartition:
        places = self._of(message.topic)
        return places[partition_of(message.key, len(places))]

    def _of(self, topic: str) -> list[TopicPartition]:
        places = self.of.get(topic)
        if places is None:
            raise SetupError(f"topic {topic!r} is not on the log")
        return places


class Call:
    """Several appends as one call. An append that cannot stand is left out; its outcome is the error.

    What is twice among them is sent once, as the function asks for; partitions are sorted, so that two callers lock
    them in the same order.
    """

    def __init__(self, appends: Sequence[Append], places: Places) -> None:
        self._rows: list[_Row] = []
        self._numbers: list[list[int] | VaultraError] = []  # per append: the rows of its messages
        moves: dict[tuple[str, TopicPartition], int] = {}
        standing: dict[tuple[str, str, str], int] = {}
        for append in appends:
            try:
                rows = _rows(append.messages, places)
                if append.advance is not None:
                    _add(append.advance, moves, places)
            except VaultraError as error:
                self._numbers.append(error)
                continue
            numbers: list[int] = []
            for row in rows:
                message = row.message
                number = standing.setdefault((message.id, message.tenant, message.topic), len(self._rows))
                if number == len(self._rows):
                    self._rows.append(row)
                numbers.append(number)
            self._numbers.append(numbers)
        self.empty = not self._rows and not moves
        parts = sorted({row.place for row in self._rows})
        part_numbers = {place: n for n, place in enumerate(parts, 1)}
        messages = [row.message for row in self._rows]
        extras = [row.extra for row in self._rows]
        self.arguments: tuple[Any, ...] = (
            [place.topic for place in parts],
            [place.partition for place in parts],
            [part_numbers[row.place] for row in self._rows],
            [message.key for message in messages],
            [message.tenant for message in messages],
            [message.id for message in messages],
            [message.attributes.get("type", "") for message in messages],
            [row.attributes for row in self._rows],
            extras if any(extras) else [],  # shorter is filled up with NULL, and each element costs its encoding
            [message.value for message in messages],
            [group for group, _ in moves],
            [place.topic for _, place in moves],
            [place.partition for _, place in moves],
            list(moves.values()),
        )

    def outcomes(self, answer: Sequence[Any] | None) -> tuple[list[Sequence[Appended] | VaultraError], list[Record]]:
        """What each append gets, and the records that are new on the log. `answer` None when `empty`."""
        appended_at, offsets, duplicates, partitions = answer or (None, None, None, None)
        elsewhere = dict(zip(duplicates or (), partitions or (), strict=True))
        standing, fresh = self._settle(appended_at, offsets or (), elsewhere)
        given: set[int] = set()
        dealt: list[Sequence[Appended] | VaultraError] = []
        for numbers in self._numbers:
            if isinstance(numbers, VaultraError):
                dealt.append(numbers)
                continue
            outcome: list[Appended] = []
            for number in numbers:
                one = standing[number]
                if number in given and not one.duplicate:
                    one = Appended(one.topic, one.partition, one.offset, True)
                given.add(number)
                outcome.append(one)
            dealt.append(outcome)
        return dealt, fresh

    def _settle(
        self, appended_at: Any, offsets: Sequence[int], elsewhere: Mapping[int, int]
    ) -> tuple[list[Appended], list[Record]]:
        standing: list[Appended] = []
        fresh: list[Record] = []
        for number, (row, offset) in enumerate(zip(self._rows, offsets, strict=True), 1):
            (topic, partition), message = row.place, row.message
            if number in elsewhere:
                standing.append(Appended(topic, elsewhere[number], offset, True))
                continue
            standing.append(Appended(topic, partition, offset, False))
            fresh.append(
                Record(
                    topic,
                    partition,
                    offset,
                    appended_at,
                    message.key,
                    message.attributes,
                    message.value,
                    message.extra,
                )
            )
        return standing, fresh


def _rows(messages: Sequence[Message], places: Places) -> list[_Row]:
    """Step by step over all messages: less time than message by message, see `StripeMapping.map`."""
    for message in messages:
        check(message)
    found = [places.place(message) for message in messages]
    attributes = [to_json(message.attributes).decode() for message in messages]
    extras = [to_json(message.extra).decode() if message.extra else None for message in messages]
    return list(map(_Row, found, messages, attributes, extras))


def _add(advance: Advance, moves: dict[tuple[str, TopicPartition], int], places: Places) -> None:
    for place, position in advance.positions.items():
        if position < 0 or place not in places:
            raise SetupError(f"group {advance.group} cannot advance to {position} of {place}: not on the log")
    for place, position in advance.positions.items():
        move = (advance.group, place)
        moves[move] = max(position, moves.get(move, 0))


def text_map(text: str | None) -> Mapping[str, str]:
    """A stored JSON object of strings."""
    if text is None:
        return _NOTHING
    found: Mapping[str, str] = from_json(text)
    return found
