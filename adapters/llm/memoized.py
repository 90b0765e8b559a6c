"""`MemoizedLanguageModel`: asks a model once for the same question."""

from __future__ import annotations

import hashlib
import json
from typing import Protocol

from adapters.ports import ChatRequest, LanguageModel, Memo, ModelAnswer


class AnsweringModel(Protocol):
    """A language model that tells what an answer took, as the memo keeps it."""

    @property
    def name(self) -> str: ...

    async def answer(self, request: ChatRequest) -> ModelAnswer: ...


class MemoizedLanguageModel(LanguageModel):
    """A language model behind the memo: a retry or a crash never pays twice.

    The key is the model, what shapes the answer (temperature, seed, length, schema) and the prompt with its system
    part and images. `purpose` is only a label and no part of it.
    """

    def __init__(self, inner: AnsweringModel, memo: Memo) -> None:
        self._inner = inner
        self._memo = memo

    @property
    def name(self) -> str:
        return self._inner.name

    async def complete(self, request: ChatRequest) -> str:
        answer = await self._memo.call(
            model=self._inner.name,
            parameters={
                "temperature": request.temperature,
                "max_tokens": request.max_tokens,
                "seed": request.seed,
                "schema": None if request.schema is None else dict(request.schema),
            },
            prompt=prompt_bytes(request),
            perform=lambda: self._inner.answer(request),
        )
        return answer.body


def prompt_bytes(request: ChatRequest) -> bytes:
    """System part, prompt and the images' hashes, unambiguously one after the other."""
    images = [hashlib.sha256(image).hexdigest() for image in request.images]
    return json.dumps([request.system, request.prompt, images], ensure_ascii=False).encode("utf-8", "surrogatepass")
