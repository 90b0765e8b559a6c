"""The contracts as documents for readers in other languages: JSON Schema for each event type, AsyncAPI for the whole.

Pure: it renders, and takes the topics as an argument. `vaultra/contracts.py` writes the files and checks them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from schemas.base import EventData
from schemas.registry import EVENT_TYPES

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_KAFKA_BINDING = "0.5.0"


@dataclass(frozen=True, slots=True)
class Channel:
    """A topic as the contract names it: `partitions` is None where it is not fixed."""

    name: str
    carries: Sequence[type[EventData]]
    partitions: int | None = None


def event_schema(data: type[EventData]) -> dict[str, Any]:
    """JSON Schema of an event's data as it is written: amounts are strings.

    What has a default may be missing: events written before the field was added do not have it.
    """
    schema = data.model_json_schema(mode="serialization")
    described = schema.pop("description", "")
    return {
        "$schema": _DIALECT,
        "$id": f"urn:vaultra:{data.TYPE}",
        **_defaults_optional(schema),
        "title": data.TYPE,
        "description": " ".join(described.split()),
    }


def asyncapi(channels: Iterable[Channel], *, version: str) -> dict[str, Any]:
    """The AsyncAPI 3.0 document: topics as channels, event types as messages with CloudEvents headers.

    Payloads are references to the JSON Schema files next to it (`schemas/<type>.json`).
    """
    listed = tuple(channels)
    carried = {data.TYPE: data for channel in listed for data in channel.carries}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Vaultra events",
            "version": version,
            "description": "Facts about documents and their analyses. CloudEvents 1.0 in binary content mode: the "
            "attributes are headers, the value is the data alone. Order is promised per key (partitionkey). "
            "Readers ignore fields they do not know.",
        },
        "defaultContentType": "application/json",
        "channels": {channel.name: _channel(channel) for channel in listed},
        "components": {
            "messages": {name: _message(data) for name, data in sorted(carried.items())},
            "schemas": {"cloudEventHeaders": _headers()},
        },
    }


def documents(channels: Iterable[Channel], *, version: str) -> dict[str, str]:
    """Every generated file: path below docs/ → text."""
    files = {f"schemas/{name}.json": _text(event_schema(data)) for name, data in sorted(EVENT_TYPES.items())}
    return {**files, "asyncapi.json": _text(asyncapi(channels, version=version))}


def _channel(channel: Channel) -> dict[str, Any]:
    binding: dict[str, Any] = {"bindingVersion": _KAFKA_BINDING, "topic": channel.name}
    if channel.partitions is not None:
        binding["partitions"] = channel.partitions
    return {
        "address": channel.name,
        "messages": {data.TYPE: {"$ref": f"#/components/messages/{data.TYPE}"} for data in channel.carries},
        "bindings": {"kafka": binding},
    }


def _message(data: type[EventData]) -> dict[str, Any]:
    return {
        "name": data.TYPE,
        "title": data.__name__,
        "summary": " ".join((data.__doc__ or "").split()),
        "contentType": "application/json",
        "headers": {"$ref": "#/components/schemas/cloudEventHeaders"},
        "payload": {
            "schemaFormat": "application/schema+json;version=draft-2020-12",
            "schema": {"$ref": f"schemas/{data.TYPE}.json"},
        },
    }


def _headers() -> dict[str, Any]:
    """CloudEvents attributes as Kafka headers. The embedded log keeps them by name without `ce_`."""
    text = {"type": "string", "minLength": 1}
    properties: dict[str, dict[str, Any]] = {
        "ce_specversion": {"type": "string", "const": "1.0"},
        "ce_id": {**text, "description": "unique for a tenant in a topic; an event delivered twice has it twice"},
        "ce_type": {**text, "pattern": r"^vaultra\.[a-z_]+\.[a-z_]+\.v[1-9][0-9]*$"},
        "ce_source": {**text, "description": "who wrote it"},
        "ce_subject": {**text, "description": "job or business"},
        "ce_time": {"type": "string", "format": "date-time", "description": "when it happened, UTC"},
        "ce_correlationid": {**text, "description": "job or business run it belongs to"},
        "ce_causationid": {**text, "description": "id of the event that caused it; absent when it came from outside"},
        "ce_tenantid": {**text, "description": "owner"},
        "ce_partitionkey": {**text, "description": "key on the log"},
        "ce_traceparent": {**text, "description": "W3C trace context"},
        "content-type": {"type": "string", "const": "application/json"},
    }
    optional = {"ce_causationid", "ce_traceparent", "content-type"}
    return {
        "type": "object",
        "required": [name for name in properties if name not in optional],
        "properties": properties,
    }


def _defaults_optional(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema, at every depth, without requiring properties that have a default."""
    result = {name: _optional_within(value) for name, value in schema.items()}
    properties = schema.get("properties")
    if isinstance(properties, dict) and "required" in schema:
        result["required"] = [name for name in schema["required"] if "default" not in properties.get(name, {})]
    return result


def _optional_within(value: Any) -> Any:
    if isinstance(value, dict):
        return _defaults_optional(value)
    if isinstance(value, list):
        return [_optional_within(part) for part in value]
    return value


def _text(document: Mapping[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
