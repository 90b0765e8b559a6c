"""What makes two questions the same, and that the same is asked once."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from adapters.llm.memoized import MemoizedLanguageModel, prompt_bytes
from adapters.ports import ChatRequest, Memo, ModelAnswer

ASKED = ChatRequest(purpose="plan", system="s", prompt="p", images=(b"one",), schema={"type": "object"})


class _Counted:
    name = "counted"
    calls = 0

    async def answer(self, request: ChatRequest) -> ModelAnswer:
        self.calls += 1
        return ModelAnswer(body=f"answer {self.calls}", input_tokens=1, output_tokens=2, seconds=0.5)


class _DictMemo(Memo):
    def __init__(self) -> None:
        self.kept: dict[str, ModelAnswer] = {}

    async def call(
        self,
        *,
        model: str,
        parameters: Mapping[str, Any],
        prompt: bytes,
        perform: Callable[[], Awaitable[ModelAnswer]],
    ) -> ModelAnswer:
        key = json.dumps([model, parameters, prompt.decode()], sort_keys=True)
        if key not in self.kept:
            self.kept[key] = await perform()
        return self.kept[key]


@pytest.mark.parametrize("same", [ASKED, replace(ASKED, purpose="other"), replace(ASKED, images=(b"one",))])
async def test_model_is_asked_once_when_the_question_is_the_same(same: ChatRequest) -> None:
    inner = _Counted()
    model = MemoizedLanguageModel(inner, _DictMemo())
    assert await model.complete(ASKED) == await model.complete(same) == "answer 1"
    assert inner.calls == 1
    assert model.name == "counted"


@pytest.mark.parametrize(
    "other",
    [
        replace(ASKED, system="other"),
        replace(ASKED, prompt="other"),
        replace(ASKED, system="sp", prompt=""),
        replace(ASKED, images=()),
        replace(ASKED, images=(b"one", b"one")),
        replace(ASKED, schema=None),
        replace(ASKED, schema={"type": "array"}),
        replace(ASKED, max_tokens=1),
        replace(ASKED, temperature=0.5),
        replace(ASKED, seed=None),
    ],
)
async def test_model_is_asked_again_when_anything_that_shapes_the_answer_differs(other: ChatRequest) -> None:
    inner = _Counted()
    model = MemoizedLanguageModel(inner, _DictMemo())
    await model.complete(ASKED)
    await model.complete(other)
    assert inner.calls == 2


def test_prompt_has_bytes_when_its_text_holds_half_a_surrogate_pair() -> None:
    assert prompt_bytes(replace(ASKED, prompt="\ud800"))
