"""A language model that gives scripted answers and keeps what it was asked."""

from __future__ import annotations

from adapters.ports import ChatRequest, LanguageModel


class ScriptedModel(LanguageModel):
    def __init__(self, *answers: str) -> None:
        self._answers = list(answers)
        self.asked: list[ChatRequest] = []

    @property
    def name(self) -> str:
        return "scripted"

    async def complete(self, request: ChatRequest) -> str:
        self.asked.append(request)
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
