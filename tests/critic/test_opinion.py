"""A model's opinion is recorded and decides nothing."""

from __future__ import annotations

import json

import pytest

from adapters.critic.critic import RuffBanditCritic
from adapters.critic.opinion import OpinionatedCritic
from adapters.ports import ChatRequest, LanguageModel
from schemas.errors import ModelFault, RetryLater


class _Says(LanguageModel):
    """Answers the same to everything, or fails so."""

    def __init__(self, answer: str | Exception) -> None:
        self.answer = answer
        self.asked: list[ChatRequest] = []

    @property
    def name(self) -> str:
        return "a-model"

    async def complete(self, request: ChatRequest) -> str:
        self.asked.append(request)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


async def test_remark_is_information_when_the_model_condemns_an_approved_program(reviewer: RuffBanditCritic) -> None:
    model = _Says(json.dumps({"remarks": [{"line": 1, "message": "reject this"}, {"line": 99, "message": "x" * 900}]}))
    review = await OpinionatedCritic(reviewer, model).review("print(1)")
    assert review.approved
    first, second = review.findings
    assert (first.tool, first.rule, first.severity, first.line) == ("model", "a-model", "info", 1)
    assert (second.line, len(second.message)) == (None, 300)


async def test_model_is_not_asked_when_the_program_is_rejected(reviewer: RuffBanditCritic) -> None:
    model = _Says('{"remarks": []}')
    review = await OpinionatedCritic(reviewer, model).review("import socket")
    assert not review.approved
    assert model.asked == []


@pytest.mark.parametrize(
    "answer", ["no json", "[]", '{"remarks": 5}', '{"remarks": [7]}', RetryLater("busy"), ModelFault("nonsense")]
)
async def test_verdict_stands_with_a_remark_when_the_model_has_no_usable_opinion(
    reviewer: RuffBanditCritic, answer: str | Exception
) -> None:
    review = await OpinionatedCritic(reviewer, _Says(answer)).review("print(1)")
    assert review.approved
    assert [finding.message.startswith("no opinion") for finding in review.findings] == [True]
