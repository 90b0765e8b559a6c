"""The examples are what older writers wrote: append-only, and every one is read for ever."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from schemas.export import event_schema
from schemas.registry import EVENT_TYPES, parse_data

EXAMPLES = Path(__file__).parents[2] / "schemas" / "examples"
FILES = sorted(EXAMPLES.glob("*.json"))


def lost(old: Any, new: Any, place: str = "") -> list[str]:
    """Places where what was written is no longer what is read. New fields with defaults lose nothing."""
    if isinstance(old, dict) and isinstance(new, dict):
        return [
            found
            for name, value in old.items()
            for found in (lost(value, new[name], f"{place}/{name}") if name in new else [f"{place}/{name}"])
        ]
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        return [
            found for index, pair in enumerate(zip(old, new, strict=True)) for found in lost(*pair, f"{place}/{index}")
        ]
    return [] if old == new else [place]


@pytest.mark.parametrize("type_name", sorted(EVENT_TYPES))
def test_type_has_an_example_when_it_is_registered(type_name: str) -> None:
    assert (EXAMPLES / f"{type_name}.json").is_file(), f"write schemas/examples/{type_name}.json"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_example_is_read_in_full_when_the_code_moves_on(path: Path) -> None:
    """Fails when a released field is renamed, removed, retyped, or a required one is added."""
    data = parse_data(path.stem, path.read_bytes())
    if path.stem == type(data).TYPE:
        assert lost(json.loads(path.read_bytes()), json.loads(data.model_dump_json())) == []
    assert parse_data(type(data).TYPE, data.model_dump_json().encode()) == data


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_example_satisfies_its_exported_schema(path: Path) -> None:
    if path.stem in EVENT_TYPES:
        jsonschema_rs.validator_for(event_schema(EVENT_TYPES[path.stem])).validate(json.loads(path.read_bytes()))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_example_is_read_when_a_newer_writer_added_fields(path: Path) -> None:
    plain = json.loads(path.read_bytes())
    newer = {**plain, "added_later": {"by": "a newer writer"}}
    assert parse_data(path.stem, json.dumps(newer).encode()) == parse_data(path.stem, path.read_bytes())


def test_loss_is_found_when_a_field_is_renamed_or_changed() -> None:
    assert lost({"a": 1, "b": [{"c": "1.0"}]}, {"a": 1, "b": [{"c": "1.0"}], "new": None}) == []
    assert lost({"a": 1, "b": [{"c": "1.0"}]}, {"b": [{"c": "1"}]}) == ["/a", "/b/0/c"]
    assert lost({"a": [1]}, {"a": [1, 2]}) == ["/a"]
