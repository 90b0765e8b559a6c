"""The documents in docs/ are what the code says, and are what they claim to be."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from schemas.export import event_schema
from schemas.registry import EVENT_TYPES
from streams.topics import TOPICS
from vaultra.contracts import DOCS, differences, export, generated, main

ASYNCAPI = json.loads(generated()["asyncapi.json"])


def test_documents_are_what_the_code_says() -> None:
    assert differences(DOCS) == [], "run python -m vaultra.contracts"


def test_check_fails_and_names_the_file_when_a_document_differs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert len(export(tmp_path)) == len(EVENT_TYPES) + 2  # and AsyncAPI, OpenAPI
    assert main(["--check", "--docs", str(tmp_path)]) == 0
    changed = tmp_path / "schemas" / "vaultra.cost.recorded.v1.json"
    changed.write_text("{}")
    (tmp_path / "asyncapi.json").unlink()
    gone = tmp_path / "schemas" / "vaultra.gone.v1.json"
    gone.write_text("{}")
    assert main(["--check", "--docs", str(tmp_path)]) == 1
    assert "vaultra.cost.recorded.v1.json differs" in capsys.readouterr().err
    assert len(export(tmp_path)) == 3
    assert differences(tmp_path) == []
    assert not gone.exists()
    assert export(tmp_path) == []


@pytest.mark.parametrize("type_name", sorted(EVENT_TYPES))
def test_schema_is_json_schema_and_says_what_it_describes(type_name: str) -> None:
    schema = event_schema(EVENT_TYPES[type_name])
    jsonschema_rs.meta.validate(schema)
    assert schema["title"] == type_name
    assert schema["description"]


def test_schema_takes_what_was_written_before_a_field_with_a_default_was_added() -> None:
    schema = event_schema(EVENT_TYPES["vaultra.cost.recorded.v1"])
    assert jsonschema_rs.is_valid(schema, {"stage": "vision", "seconds": 0.1})
    assert not jsonschema_rs.is_valid(schema, {"stage": "vision"})
    assert not jsonschema_rs.is_valid(schema, {"stage": "v", "seconds": 1, "models": [{"model": "m", "money": 0.1}]})


def test_asyncapi_has_a_channel_for_each_topic_and_a_message_for_each_type() -> None:
    assert ASYNCAPI["asyncapi"] == "3.0.0"
    assert {"title", "version"} <= ASYNCAPI["info"].keys()
    assert list(ASYNCAPI["channels"]) == [topic.name for topic in TOPICS]
    carried = [name for channel in ASYNCAPI["channels"].values() for name in channel["messages"]]
    assert sorted(carried) == sorted(EVENT_TYPES)
    assert sorted(ASYNCAPI["components"]["messages"]) == sorted(EVENT_TYPES)


def test_asyncapi_references_lead_somewhere() -> None:
    for reference in _references(ASYNCAPI):
        if reference.startswith("#/"):
            target: Any = ASYNCAPI
            for part in reference.removeprefix("#/").split("/"):
                target = target[part]
            assert target
        else:
            assert (DOCS / reference).is_file()


def test_asyncapi_uses_only_what_its_specification_has() -> None:
    """Fields of AsyncAPI 3.0's objects; the full published schema is too large to keep here."""
    assert ASYNCAPI.keys() <= {
        "asyncapi",
        "id",
        "info",
        "servers",
        "defaultContentType",
        "channels",
        "operations",
        "components",
    }
    for channel in ASYNCAPI["channels"].values():
        assert channel.keys() <= {
            "address",
            "messages",
            "title",
            "summary",
            "description",
            "servers",
            "parameters",
            "bindings",
        }
        assert channel["bindings"]["kafka"].keys() <= {
            "topic",
            "partitions",
            "replicas",
            "topicConfiguration",
            "bindingVersion",
        }
        assert all(message.keys() == {"$ref"} for message in channel["messages"].values())
    for message in ASYNCAPI["components"]["messages"].values():
        assert message.keys() <= {
            "headers",
            "payload",
            "correlationId",
            "contentType",
            "name",
            "title",
            "summary",
            "description",
        }
        assert message["payload"].keys() == {"schemaFormat", "schema"}


def test_headers_of_a_message_satisfy_the_document() -> None:
    headers = ASYNCAPI["components"]["schemas"]["cloudEventHeaders"]
    jsonschema_rs.meta.validate(headers)
    written = {
        "ce_specversion": "1.0",
        "ce_id": "e1",
        "ce_type": "vaultra.document.received.v1",
        "ce_source": "api",
        "ce_subject": "job",
        "ce_time": "2024-01-17T09:30:00+00:00",
        "ce_correlationid": "job",
        "ce_tenantid": "local",
        "ce_partitionkey": "job",
    }
    assert jsonschema_rs.is_valid(headers, written)
    assert not jsonschema_rs.is_valid(headers, {**written, "ce_type": "document"})


def _references(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return own + [found for part in value.values() for found in _references(part)]
    return [found for part in value for found in _references(part)] if isinstance(value, list) else []
