"""A message as a Kafka record, and back: CloudEvents 1.0, binary content mode, Kafka's protocol binding.

Attributes are headers `ce_<name>`, all other headers are the message's `extra`. What somebody else wrote is made a
`Record` that can be diverted: texts that are no UTF-8 are escaped, the value's bytes stay as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
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
_Header = tuple[str, Any]
_NOTHING: Mapping[str, str] = {}
_EPOCH = datetime.fromtimestamp(0, UTC)


def headers_of(message: Message | Record) -> list[tuple[str, bytes]]:
    """The headers of a message, or of a record that is written again."""
    attributes = [(_PREFIX + name, text.encode()) for name, text in message.attributes.items()]
    return [_CONTENT_TYPE, *attributes, *((name, text.encode()) for name, text in message.extra.items())]


def record_of(found: Any, topic: str) -> Record:
    """The record of a `ConsumerRecord`; `topic` is our name of its topic.

    One without key gets its partition's name for a key, so that it can be diverted.
    """
    return _as_we_write(found, topic) or _as_found(found, topic)


def _as_we_write(found: Any, topic: str) -> Record | None:
    """The record of an event with the headers that `headers_of` gives it; None for any other.

    Reading a history is bound by this.
    """
    headers = found.headers
    if not headers or headers[0] != _CONTENT_TYPE:
        return None
    attributes: dict[str, str] = {}
    try:
        for name, value in headers[1:]:
            attributes[_ATTRIBUTES[name]] = value.decode()
        key, data = found.key.decode(), bytes(found.value)
        plain = not ("\0" in attributes["id"] or "\0" in attributes["type"] or "\0" in attributes["tenantid"])
    except (KeyError, AttributeError, TypeError, UnicodeDecodeError):
        return None
    if not plain or not key or "\0" in key:
        return None
    return Record(topic, found.partition, found.offset, _time(found.timestamp), key, attributes, data, _NOTHING)


def _as_found(found: Any, topic: str) -> Record:
    """The record of whatever somebody wrote."""
    attributes: dict[str, str] = {}
    extra: dict[str, str] = {}
    for header in found.headers:
        name, value = header
        if name.startswith(_PREFIX):
            attributes[name[len(_PREFIX) :]] = _text(value)
        elif header != _CONTENT_TYPE:
            extra[name] = _text(value)
    for name in _NAMED:
        if name in attributes:
            attributes[name] = _without_nul(attributes[name])
    return Record(
        topic,
        found.partition,
        found.offset,
        _time(found.timestamp),
        _without_nul(_text(found.key)) or f"{topic}/{found.partition}",
        attributes,
        None if found.value is None else bytes(found.value),
        extra,
    )


@lru_cache(maxsize=1024)
def _time(stamp: int) -> datetime:
    """Records that were appended together have one stamp."""
    return datetime.fromtimestamp(max(0, stamp) / 1000, UTC)


def milliseconds(time: datetime) -> int:
    """Since 1970, rounded up: Kafka's stamps have no finer unit, and a search starts at or after `time`."""
    return -((_EPOCH - time) // timedelta(milliseconds=1))


def stamp(time: datetime) -> int:
    """Milliseconds since 1970, as a record carries them."""
    return (time - _EPOCH) // timedelta(milliseconds=1)


def _text(value: bytes | None) -> str:
    return "" if value is None else bytes(value).decode("utf-8", "backslashreplace")


def _without_nul(text: str) -> str:
    return text.replace("\0", "\\x00")
