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
_NAMED = ("id", "type", "tenantid")
# The headers that every event has, and the attributes they carry.
_ATTRIBUTES = {
    _PREFIX + name: name
    for name in (
        "specversion",
        "id",
        "type",
        "source",
        "subject",
        "time",
        "correlationid",
        "causationid",
        "tenantid",
        "partitionkey",
        "traceparent",
    )
}
_EPOCH = datetime.fromtimestamp(0, UTC)


def headers_of(message: Message | Record) -> list[tuple[str, bytes]]:
    """The headers of a message, or of a record that is written again."""
    attributes = [(_PREFIX + name, text.encode()) for name, text in message.attributes.items()]
    return [_CONTENT_TYPE, *attributes, *((name, text.encode()) for name, text in message.extra.items())]


def record_of(found: Any, topic: str) -> Record:
    """The record of a `ConsumerRecord`; `topic` is our name of its topic.

    One without key gets its partition's name for a key, so that it can be diverted. Reading is bound by what is done
    here, once a header: what is not as we write it goes the longer way.
    """
    attributes: dict[str, str] = {}
    extra: dict[str, str] = {}
    for name, value in found.headers:
        try:
            text = value.decode()
        except (AttributeError, UnicodeDecodeError):
            text = _text(value)
        attribute = _ATTRIBUTES.get(name)
        if attribute is not None:
            attributes[attribute] = text
        elif name.startswith(_PREFIX):
            attributes[name[len(_PREFIX) :]] = text
        elif (name, value) != _CONTENT_TYPE:
            extra[name] = text
    for name in _NAMED:
        text = attributes.get(name, "")
        if "\0" in text:
            attributes[name] = text.replace("\0", "\\x00")
    return Record(
        topic,
        found.partition,
        found.offset,
        _EPOCH + timedelta(milliseconds=max(0, found.timestamp)),
        _text(found.key).replace("\0", "\\x00") or f"{topic}/{found.partition}",
        attributes,
        None if found.value is None else bytes(found.value),
        extra,
    )


def milliseconds(time: datetime) -> int:
    """Since 1970, rounded up: Kafka's stamps have no finer unit, and a search starts at or after `time`."""
    return -((_EPOCH - time) // timedelta(milliseconds=1))


def stamp(time: datetime) -> int:
    """Milliseconds since 1970, as a record carries them."""
    return (time - _EPOCH) // timedelta(milliseconds=1)


def _text(value: bytes | None) -> str:
    return "" if value is None else bytes(value).decode("utf-8", "backslashreplace")
