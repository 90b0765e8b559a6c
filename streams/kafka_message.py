"""A message as a Kafka record, and back: CloudEvents 1.0, binary content mode, Kafka's protocol binding.

Attributes are headers `ce_<name>`, all other headers are the message's `extra`. What somebody else wrote is made a
`Record` that can be diverted: texts that are no UTF-8 are escaped, the value's bytes stay as they are.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from schemas.wire import CONTENT_TYPE, Message
from streams.log import Record

_PREFIX = "ce_"
_CONTENT_TYPE = ("content-type", CONTENT_TYPE.encode())
# No NUL in what a database keeps as text; see streams/acceptance.py.
_NAMED = frozenset({"ce_id", "ce_type", "ce_tenantid"})
_EPOCH = datetime.fromtimestamp(0, UTC)


def headers_of(message: Message | Record) -> list[tuple[str, bytes]]:
    """The headers of a message, or of a record that is written again."""
    attributes = [(_PREFIX + name, text.encode()) for name, text in message.attributes.items()]
    return [_CONTENT_TYPE, *attributes, *((name, text.encode()) for name, text in message.extra.items())]


def record_of(found: Any, topic: str) -> Record:
    """The record of a `ConsumerRecord`; `topic` is our name of its topic.

    One without key gets its partition's name for a key, so that it can be diverted.
    """
    attributes: dict[str, str] = {}
    extra: dict[str, str] = {}
    for name, value in found.headers:
        if name.startswith(_PREFIX):
            text = _text(value)
            attributes[name[3:]] = text.replace("\0", "\\x00") if name in _NAMED else text
        elif (name, value) != _CONTENT_TYPE:
            extra[name] = _text(value)
    return Record(
        topic=topic,
        partition=found.partition,
        offset=found.offset,
        appended_at=_EPOCH + timedelta(milliseconds=max(0, found.timestamp)),
        key=_text(found.key).replace("\0", "\\x00") or f"{topic}/{found.partition}",
        attributes=attributes,
        value=None if found.value is None else bytes(found.value),
        extra=extra,
    )


def milliseconds(time: datetime) -> int:
    """Since 1970, rounded up: Kafka's stamps have no finer unit, and a search starts at or after `time`."""
    return -((_EPOCH - time) // timedelta(milliseconds=1))


def stamp(time: datetime) -> int:
    """Milliseconds since 1970, as a record carries them."""
    return (time - _EPOCH) // timedelta(milliseconds=1)


def _text(value: bytes | None) -> str:
    return "" if value is None else bytes(value).decode("utf-8", "backslashreplace")
