"""Ask a model, and once more when its answer cannot be used."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from adapters.ports import ChatRequest, LanguageModel
from schemas.errors import ModelFault

T = TypeVar("T")


async def insist(model: LanguageModel, request: ChatRequest, read: Callable[[str], T]) -> T:
    """What `read` makes of the answer. Where it raises ValueError, the model is told its message and asked once more.

    The second question is another prompt, so the memo does not give the first answer again. Raises ModelFault when
    the second answer cannot be used either, and what the model raises.
    """
    answer = await model.complete(request)
    try:
        return read(answer)
    except ValueError as error:
        problem = str(error)
    prompt = f"{request.prompt}\n\nAn earlier answer could not be used: {problem}\nCorrect that."
    answer = await model.complete(replace(request, prompt=prompt))
    try:
        return read(answer)
    except ValueError as error:
        raise ModelFault(f"{model.name} answered twice with something that cannot be used: {error}") from error
