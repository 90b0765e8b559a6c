"""What a stage returns → the messages that are appended: id, topic and attributes follow from the cause alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from processors.stage import Stage
from schemas.base import EventData
from schemas.envelope import Event, derived_id
from schemas.errors import SetupError
from schemas.ledger.observation import Observation
from schemas.wire import Message, encode
from streams.topics import TOPICS, Topic, topic_of

# A larger value belongs into the blob store; Kafka's brokers refuse more than about this by default.
MAX_VALUE_BYTES = 1_000_000


def utc_now() -> datetime:
    return datetime.now(UTC)


class StageOutputs:
    """One stage's outputs as messages. `clock` gives the time of output events (aware, UTC), `topics` where they go.

    Apart from the runner, so that a process that only maps an import's events starts in half the time.
    """

    def __init__(
        self, stage: Stage, *, topics: Sequence[Topic] = TOPICS, clock: Callable[[], datetime] = utc_now
    ) -> None:
        self.stage = stage
        self.source = f"vaultra/{stage.name}/v{stage.version}"
        self._topic_of = {data: topic_of(data, topics).name for data in stage.emits}
        self._clock = clock

    def messages(self, cause: Event[EventData], outputs: Sequence[EventData], traceparent: str | None) -> list[Message]:
        """What a delivery of `cause` appends for these outputs, with the ids it would have however often done.

        Raises SetupError for an output that is too large; pydantic's error for one that cannot be written.
        """
        messages = []
        for ordinal, data in enumerate(outputs):
            message = self.message(
                cause, data, derived_id(cause.id, self.stage.name, ordinal), traceparent, self._topic_of[type(data)]
            )
            if len(message.value) > MAX_VALUE_BYTES:
                raise SetupError(
                    f"stage {self.stage.name} returned a {type(data).__name__} of {len(message.value)} bytes; "
                    f"more than {MAX_VALUE_BYTES} belong into the blob store"
                )
            messages.append(message)
        return messages

    def message(
        self, cause: Event[EventData], data: EventData, id: str, traceparent: str | None, topic: str
    ) -> Message:
        """The message of what the stage says of itself beside its outputs."""
        event = Event(
            id=id,
            source=self.source,
            subject=cause.subject,
            time=self._clock(),
            correlationid=cause.correlationid,
            causationid=cause.id,
            tenantid=cause.tenantid,
            partitionkey=cause.partitionkey,
            traceparent=traceparent,
            data=data,
        )
        if isinstance(data, Observation) and data.business != cause.partitionkey:
            # A fact about another business than its cause's keeps that one's order.
            event = event._replace(subject=data.business, correlationid=data.business, partitionkey=data.business)
        return encode(event, topic)
