"""A message as a Kafka record, and back: CloudEvents 1.0, binary content mode, Kafka's protocol binding.

Attributes are headers `ce_<name>`, all other headers are the message's `extra`. What somebody else wrote is made a
`Record` that can be diverted: texts that are no UTF-8 are escaped, the value's bytes stay as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
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
_Header = tuple[str, Any]
_Texts = tuple[dict[str, str], dict[str, str]]
_EPOCH = datetime.fromtimestamp(0, UTC)


def headers_of(message: Message | Record) -> list[tuple[str, bytes]]:
    """The headers of a message, or of a record that is written again."""
    attributes = [(_PREFIX + name, text.encode()) for name, text in message.attributes.items()]
    return [_CONTENT_TYPE, *attributes, *((name, text.encode()) for name, text in message.extra.items())]


def record_of(found: Any, topic: str) -> Record:
    """The record of a `ConsumerRecord`; `topic` is our name of its topic.

    One without key gets its partition's name for a key, so that it can be diverted.
    """
    attributes, extra = _as_we_write(found.headers) or _as_found(found.headers)
    for name in _NAMED:
        text = attributes.get(name, "")
        if "\0" in text:
            attributes[name] = text.replace("\0", "\\x00")
    return Record(
        topic,
        found.partition,
        found.offset,
        datetime.fromtimestamp(max(0, found.timestamp) / 1000, UTC),
        _text(found.key).replace("\0", "\\x00") or f"{topic}/{found.partition}",
        attributes,
        None if found.value is None else bytes(found.value),
        extra,
    )


def _as_we_write(headers: Sequence[_Header]) -> _Texts | None:
    """What `headers_of` wrote of an event; None for any other headers. Reading a history is bound by this."""
    if not headers or headers[0] != _CONTENT_TYPE:
        return None
    try:
        return {_ATTRIBUTES[name]: value.decode() for name, value in headers[1:]}, {}
    except (KeyError, AttributeError, UnicodeDecodeError):
        return None


def _as_found(headers: Sequence[_Header]) -> _Texts:
    """Attributes and extra from any headers."""
    attributes: dict[str, str] = {}
    extra: dict[str, str] = {}
    for header in headers:
        name, value = header
        if name.startswith(_PREFIX):
            attributes[name[len(_PREFIX) :]] = _text(value)
        elif header != _CONTENT_TYPE:
            extra[name] = _text(value)
    return attributes, extra


def milliseconds(time: datetime) -> int:
    """Since 1970, rounded up: Kafka's stamps have no finer unit, and a search starts at or after `time`."""
    return -((_EPOCH - time) // timedelta(milliseconds=1))


def stamp(time: datetime) -> int:
    """Milliseconds since 1970, as a record carries them."""
    return (time - _EPOCH) // timedelta(milliseconds=1)


def _text(value: bytes | None) -> str:
    return "" if value is None else bytes(value).decode("utf-8", "backslashreplace")
