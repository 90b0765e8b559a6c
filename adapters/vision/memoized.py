"""A `VisionModel` that asks the memo first, so that no picture is read twice after a retry or a crash."""

from __future__ import annotations

import hashlib
import time

from pydantic import ValidationError

from adapters.ports import Memo, ModelAnswer, VisionModel
from schemas.documents import DocumentDescription
from schemas.errors import ModelFault


class MemoizedVision(VisionModel):
    """Keyed by the model's name (which holds its version) and the picture's SHA-256."""

    def __init__(self, inner: VisionModel, memo: Memo) -> None:
        self._inner = inner
        self._memo = memo

    @property
    def name(self) -> str:
        return self._inner.name

    async def describe(self, png: bytes) -> DocumentDescription:
        async def perform() -> ModelAnswer:
            started = time.monotonic()
            described = await self._inner.describe(png)
            return ModelAnswer(body=described.model_dump_json(), seconds=time.monotonic() - started)

        answer = await self._memo.call(
            model=self._inner.name,
            parameters={"operation": "describe"},
            prompt=hashlib.sha256(png).digest(),
            perform=perform,
        )
        try:
            return DocumentDescription.model_validate_json(answer.body)
        except ValidationError as error:
            raise ModelFault(f"the memo's answer of {self.name} is no document") from error
