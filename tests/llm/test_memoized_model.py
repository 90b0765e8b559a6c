"""What makes two questions the same, and that the same is asked once."""

from __future__ import annotations

from dataclasses import replace

import pytest

from adapters.llm.memoized import MemoizedLanguageModel, prompt_bytes
from adapters.llm.openai_model import OpenAiLanguageModel
from adapters.memo import MemoryMemo
from adapters.metering import Meter, set_meter
from adapters.ports import ChatRequest, ModelAnswer
from schemas.errors import RetryLater
from tests.llm.crooked_server import CrookedServer, says, status

ASKED = ChatRequest(purpose="plan", system="s", prompt="p", images=(b"one",), schema={"type": "object"})


class _Counted:
    name = "counted"
    calls = 0

    async def answer(self, request: ChatRequest) -> ModelAnswer:
        self.calls += 1
        return ModelAnswer(body=f"answer {self.calls}", input_tokens=1, output_tokens=2, seconds=0.5)


@pytest.mark.parametrize("same", [ASKED, replace(ASKED, purpose="other"), replace(ASKED, images=(b"one",))])
async def test_model_is_asked_once_when_the_question_is_the_same(same: ChatRequest) -> None:
    inner = _Counted()
    model = MemoizedLanguageModel(inner, MemoryMemo())
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
    model = MemoizedLanguageModel(inner, MemoryMemo())
    await model.complete(ASKED)
    await model.complete(other)
    assert inner.calls == 2


def test_prompt_has_bytes_when_its_text_holds_half_a_surrogate_pair() -> None:
    assert prompt_bytes(replace(ASKED, prompt="\ud800"))


async def test_failure_is_not_remembered_and_the_answer_is_paid_once_when_the_server_recovers() -> None:
    meter = Meter(tenant="t", stage="s", cause="c", delivery="first")
    later = Meter(tenant="t", stage="s", cause="c", delivery="second")
    async with (
        CrookedServer([status(503), says("{}", usage={"prompt_tokens": 7, "completion_tokens": 1})]) as server,
        OpenAiLanguageModel(server.base_url, "m") as inner,
    ):
        model = MemoizedLanguageModel(inner, MemoryMemo())
        try:
            set_meter(meter)
            with pytest.raises(RetryLater):
                await model.complete(ASKED)
            assert await model.complete(ASKED) == "{}"
            set_meter(later)
            assert await model.complete(ASKED) == "{}"
        finally:
            set_meter(None)
        assert len(server.requests) == 2
    (paid,), (remembered,) = meter.models, later.models
    assert (paid.input_tokens, paid.output_tokens, paid.memoized) == (7, 1, False)
    assert remembered.memoized
