"""JSON in what a model wrote: taken out of fences and chatter, then checked against its JSON Schema."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from itertools import islice
from typing import Any, NoReturn

import jsonschema_rs

_THINKING = re.compile(r"\A\s*<think>.*?</think>", re.DOTALL)
_FENCED = re.compile(r"```[a-zA-Z]*\s*\n(.*?)```", re.DOTALL)


class UnusableJson(ValueError):
    """No JSON that satisfies the schema. The message names places and rules, never values of the answer."""


def without_thinking(text: str) -> str:
    """The answer without the leading `<think>` block that reasoning models write where nobody asked for it."""
    return _THINKING.sub("", text, count=1)


def usable_json(text: str, schema: Mapping[str, Any]) -> str:
    """The JSON object in an answer, verbatim (its decimals keep their digits). Raises UnusableJson."""
    found, value = _find_object(without_thinking(text))
    errors = islice(jsonschema_rs.validator_for(dict(schema)).iter_errors(value), 3)
    places = ["/" + "/".join(map(str, error.instance_path)) + f" ({error.kind.name})" for error in errors]
    if places:
        raise UnusableJson(f"the JSON does not satisfy the schema at {', '.join(places)}")
    return found


def _find_object(text: str) -> tuple[str, dict[str, Any]]:
    candidates = [text.strip(), *(block.strip() for block in _FENCED.findall(text))]
    opening = text.find("{")
    if opening >= 0:
        candidates.append(text[opening : text.rfind("}") + 1])
    fault = "there is no JSON object in the answer"
    for candidate in candidates:
        try:
            value = json.loads(candidate, parse_constant=_refuse_constant)
        except (ValueError, RecursionError) as error:
            if candidate.startswith("{"):
                fault = f"the answer is not JSON ({type(error).__name__})"
            continue
        if isinstance(value, dict):
            return candidate, value
    raise UnusableJson(fault)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
