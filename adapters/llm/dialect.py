"""The request as one server understands it: what it refuses is left out or renamed from then on."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from adapters.llm.constraint import constraint
from adapters.ports import ChatRequest

# What a server may refuse by name and the answer survives without.
_OPTIONAL = frozenset({"temperature", "seed", "stream_options"})


class Dialect:
    """Builds chat-completion parameters for one model on one server and learns from its refusals.

    OpenAI's reasoning models take `max_completion_tokens` and no temperature, older servers no `response_format` or
    not every JSON Schema. A schema that is refused is put into the instructions instead; the answer is checked
    against it in either case.
    """

    def __init__(self, model: str) -> None:
        self._model = model
        self._left_out: set[str] = set()
        self._refused_schemas: set[str] = set()

    def parameters(self, request: ChatRequest, *, turns: Sequence[Mapping[str, str]] = ()) -> dict[str, Any]:
        """Parameters of `chat.completions.create`. `turns` are further messages after the prompt."""
        constrained = request.schema is not None and _digest(request.schema) not in self._refused_schemas
        system = request.system
        if request.schema is not None and not constrained:
            system += "\nAnswer with one JSON object and nothing else. It satisfies this JSON Schema:\n" + json.dumps(
                request.schema, separators=(",", ":")
            )
        length = "max_completion_tokens" if "max_tokens" in self._left_out else "max_tokens"
        parameters: dict[str, Any] = {
            "model": self._model,
            "messages": [{"role": "system", "content": system}, {"role": "user", "content": _content(request)}, *turns],
            "temperature": request.temperature,
            length: request.max_tokens,
            "stream_options": {"include_usage": True},
        }
        if request.seed is not None:
            parameters["seed"] = request.seed
        if request.schema is not None and constrained:
            # Not strict: OpenAI's strict mode takes only a part of JSON Schema. The answer is checked here in any case.
            parameters["response_format"] = {
                "type": "json_schema",
                "json_schema": {"name": "answer", "schema": constraint(request.schema), "strict": False},
            }
        return {name: value for name, value in parameters.items() if name not in self._left_out}

    def without(self, parameters: Mapping[str, Any], refused: str | None, request: ChatRequest) -> bool:
        """Learn that the server refused the request, naming a parameter or none. True when another try makes sense."""
        if refused == "max_tokens" or refused in _OPTIONAL:
            if refused not in parameters:
                return False
            self._left_out.add(refused)
            return True
        if "response_format" in parameters and request.schema is not None:
            self._refused_schemas.add(_digest(request.schema))
            return True
        return False

    def restore(self, request: ChatRequest) -> None:
        """The refusal was not about the schema: the request failed without it too."""
        if request.schema is not None:
            self._refused_schemas.discard(_digest(request.schema))


def _content(request: ChatRequest) -> str | list[dict[str, Any]]:
    if not request.images:
        return request.prompt
    urls = (f"data:image/png;base64,{base64.b64encode(image).decode()}" for image in request.images)
    return [
        *({"type": "image_url", "image_url": {"url": url}} for url in urls),
        {"type": "text", "text": request.prompt},
    ]


def _digest(schema: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(schema, sort_keys=True).encode()).hexdigest()
