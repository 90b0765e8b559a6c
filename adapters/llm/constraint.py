"""The part of a JSON Schema that a server is asked to enforce while it writes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# Servers turn a schema into a grammar, and a bound such as maxItems 2000 into 2000 rules. With llama.cpp an answer in
# the plan's schema took over half a minute with its bounds and 1.5 s without. Bounds are checked afterwards.
_BOUNDS = frozenset({"minItems", "maxItems", "minLength", "maxLength", "pattern", "minimum", "maximum"})
_NOTES = frozenset({"title", "description", "default", "examples", "discriminator"})


def constraint(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema's structure without bounds and notes. Constants are required, since they tell variants apart."""
    return {name: _part(name, value) for name, value in _with_constants_required(schema).items() if _kept(name)}


def _part(name: str, value: Any) -> Any:
    if name in ("properties", "$defs", "definitions"):
        # Their keys are names that somebody chose, not keywords.
        return {key: constraint(part) if isinstance(part, dict) else part for key, part in value.items()}
    if isinstance(value, dict):
        return constraint(value)
    if isinstance(value, list):
        return [constraint(part) if isinstance(part, dict) else part for part in value]
    return value


def _with_constants_required(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    properties = schema.get("properties")
    if not isinstance(properties, dict):
        return schema
    telling = [name for name, part in properties.items() if isinstance(part, dict) and "const" in part]
    required = list(dict.fromkeys([*telling, *schema.get("required", ())]))
    return {**schema, "required": required} if required else schema


def _kept(name: str) -> bool:
    return name not in _BOUNDS and name not in _NOTES
