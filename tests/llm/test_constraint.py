"""What of a schema goes to the server."""

from __future__ import annotations

from adapters.llm.constraint import constraint
from schemas.plans import AnalysisPlan


def test_bounds_and_notes_are_left_out_when_a_server_is_constrained() -> None:
    schema = {
        "title": "T",
        "type": "object",
        "properties": {"n": {"type": "array", "maxItems": 2000, "items": {"type": "string", "maxLength": 4}}},
        "required": ["n"],
    }
    assert constraint(schema) == {
        "type": "object",
        "properties": {"n": {"type": "array", "items": {"type": "string"}}},
        "required": ["n"],
    }


def test_properties_stay_when_they_are_named_like_keywords() -> None:
    names = {name: {"type": "string"} for name in ("title", "pattern", "default", "maximum", "required")}
    assert constraint({"type": "object", "properties": names}) == {"type": "object", "properties": names}


def test_constants_are_required_when_they_tell_variants_apart() -> None:
    defined = constraint(AnalysisPlan.model_json_schema())["$defs"]
    assert "source" in defined["ColumnValues"]["required"]
    assert "op" in defined["FreeForm"]["required"]
