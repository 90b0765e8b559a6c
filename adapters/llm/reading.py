"""Reading one streamed answer: chunks checked as they come, put together, judged when they end."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx2
import openai
from openai.types.chat import ChatCompletionChunk

from adapters.llm.patience import MAX_ANSWER_CHARACTERS
from schemas.errors import ModelFault


@dataclass(frozen=True, slots=True)
class Completion:
    """A whole answer and what it took."""

    text: str
    input_tokens: int
    output_tokens: int


async def chunks(stream: openai.AsyncStream[ChatCompletionChunk], server: str) -> AsyncIterator[Mapping[str, Any]]:
    """Chunks as plain objects, because the client does not check what a server sends. A server that does not stream
    and answers with one JSON object gives one chunk of the same shape."""
    kind = stream.response.headers.get("content-type", "").partition(";")[0].strip().lower()
    try:
        if kind == "application/json":
            whole = httpx2.Response(200, content=await stream.response.aread()).json()
            for choice in whole["choices"]:
                choice["delta"] = choice["message"]
            yield whole
        elif kind == "text/event-stream":
            async for chunk in stream:
                yield chunk.model_dump(exclude_unset=True, warnings=False)
        else:
            raise ModelFault(f"{server} answered with {kind[:60]!r}, not a completion: check base_url")
    except (ValueError, AttributeError, TypeError, KeyError) as error:
        raise ModelFault(f"{server} sent something that is no chat completion ({type(error).__name__})") from error
    except httpx2.TransportError as error:
        raise ModelFault(f"{server} broke off in the middle of its answer") from error


class Reading:
    """An answer as it comes in."""

    def __init__(self, server: str) -> None:
        self.begun = False
        self._server = server
        self._parts: list[str] = []
        self._length = 0
        self._finish: str | None = None
        self._refused = False
        self._usage: Mapping[str, Any] = {}

    def add(self, chunk: Mapping[str, Any]) -> bool:
        """Take a chunk in; True when the model got on with its answer."""
        try:
            self._usage = chunk.get("usage") or self._usage
            choice = next(iter(chunk.get("choices") or ()), None)
            if choice is None:
                return False
            self._finish = choice.get("finish_reason") or self._finish
            delta = choice.get("delta") or {}
            text = delta.get("content") or ""
            if not isinstance(text, str):
                raise TypeError("the content is no text")
            self._refused = self._refused or bool(delta.get("refusal"))
            # Reasoning models send their thoughts under further names: that is progress too.
            progress = any(value for name, value in delta.items() if name != "role")
            self._parts.append(text)
            self._length += len(text)
        except (AttributeError, TypeError) as error:
            raise ModelFault(f"{self._server} sent something that is no chat completion") from error
        if self._length > MAX_ANSWER_CHARACTERS:
            raise ModelFault(f"{self._server} answered with more than {MAX_ANSWER_CHARACTERS} characters")
        self.begun = self.begun or progress
        return progress

    def finished(self) -> Completion:
        """The whole answer. Raises ModelFault when it did not end as an answer should."""
        text = "".join(self._parts)
        if self._finish == "length":
            raise ModelFault(f"{self._server}: the answer was cut off at the token limit")
        if self._finish == "content_filter" or self._refused:
            raise ModelFault(f"{self._server} refused to answer (content filter)")
        if self._finish is None:
            raise ModelFault(f"{self._server} broke off {'in the middle of' if self.begun else 'before'} its answer")
        if not text.strip():
            raise ModelFault(f"{self._server} gave an empty answer")
        return Completion(text, self._tokens("prompt_tokens", 0), self._tokens("completion_tokens", len(self._parts)))

    def _tokens(self, name: str, otherwise: int) -> int:
        count = self._usage.get(name) if isinstance(self._usage, Mapping) else None
        return count if isinstance(count, int) and count >= 0 else otherwise
