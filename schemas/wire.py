"""CloudEvents 1.0 in binary content mode: attributes in headers, the value is the data's JSON alone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from pydantic import ValidationError

from schemas.base import EventData
from schemas.envelope import Event
from schemas.errors import InvalidEvent
from schemas.registry import parse_data

CONTENT_TYPE = "application/json"
_NO_HEADERS: Mapping[str, str] = {}
_REQUIRED = ("id", "type", "source", "subject", "time", "correlationid", "tenantid", "partitionkey")


class Message(NamedTuple):
    """What goes onto a log: `attributes` are the CloudEvents attributes by name (without the `ce_` prefix).

    `id` and `tenant` together are unique within a topic; `key` decides the partition; `extra` are further headers
    (dead letters and retries use them). A tuple, as every record is one: a frozen dataclass takes five times as long.
    """

    topic: str
    key: str
    id: str
    tenant: str
    attributes: Mapping[str, str]
    value: bytes
    extra: Mapping[str, str] = _NO_HEADERS


def encode(event: Event[EventData], topic: str) -> Message:
    """The message that carries an event."""
    attributes = {
        "specversion": "1.0",
        "id": event.id,
        "type": event.data.TYPE,
        "source": event.source,
        "subject": event.subject,
        "time": event.time.isoformat(),
        "correlationid": event.correlationid,
        "tenantid": event.tenantid,
        "partitionkey": event.partitionkey,
    }
    if event.causationid is not None:
        attributes["causationid"] = event.causationid
    if event.traceparent is not None:
        attributes["traceparent"] = event.traceparent
    return Message(
        topic=topic,
        key=event.partitionkey,
        id=event.id,
        tenant=event.tenantid,
        attributes=attributes,
        value=event.data.__pydantic_serializer__.to_json(event.data),
    )


def decode(attributes: Mapping[str, str], value: bytes | None) -> Event[EventData]:
    """The event in a record, upcast to the newest version of its type.

    Raises InvalidEvent (or a subclass that says more) for anything that is not an event of ours.
    """
    missing = [name for name in _REQUIRED if not attributes.get(name)]
    if missing:
        raise InvalidEvent(f"missing CloudEvents attributes: {', '.join(missing)}")
    if value is None:
        raise InvalidEvent("the record has no value")
    try:
        time = datetime.fromisoformat(attributes["time"])
    except ValueError as error:
        raise InvalidEvent(f"attribute time is not RFC 3339: {attributes['time']!r}") from error
    if time.utcoffset() != timedelta(0):
        raise InvalidEvent(f"attribute time is not UTC: {attributes['time']!r}")
    try:
        data = parse_data(attributes["type"], value)
    except ValidationError as error:
        raise InvalidEvent(
            f"data of {attributes['type']} is not valid: {error.error_count()} errors, first: "
            f"{error.errors(include_input=False, include_url=False)[0]}"
        ) from error
    return Event(
        id=attributes["id"],
        source=attributes["source"],
        subject=attributes["subject"],
        time=time,
        correlationid=attributes["correlationid"],
        causationid=attributes.get("causationid"),
        tenantid=attributes["tenantid"],
        partitionkey=attributes["partitionkey"],
        traceparent=attributes.get("traceparent"),
        data=data,
    )
