"""`OpenAiLanguageModel`: chat completions of any OpenAI-compatible server (vLLM, OpenAI, Ollama, llama.cpp)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any

import openai

from adapters.llm import faults
from adapters.llm.connection import connect
from adapters.llm.dialect import Dialect
from adapters.llm.json_answers import UnusableJson, usable_json
from adapters.llm.patience import Patience
from adapters.llm.reading import Completion, Reading, chunks
from adapters.metering import current_meter
from adapters.ports import ChatRequest, LanguageModel, ModelAnswer
from schemas.costs import ModelUse
from schemas.errors import ModelFault, RetryLater, SetupError


class OpenAiLanguageModel(LanguageModel):
    """One model on one server. Answers are streamed, so that a server that died is noticed before `patience.total`.

    `base_url` ends in `/v1`; `concurrency` calls are under way at once, further ones wait. Tries nothing again by
    itself except what a server's refusal teaches (see `Dialect`) and one repair of an answer that is not the JSON
    asked for: retrying is the runner's. Close it (or use it as a context manager) when done.
    """

    def __init__(
        self,
        base_url: str,
        model: str,
        *,
        api_key: str = "",
        patience: Patience | None = None,
        concurrency: int = 2,
    ) -> None:
        if not model:
            raise SetupError("a language model needs the name of a model on the server")
        self._patience = patience or Patience()
        self._model = model
        self._client = connect(base_url, api_key, connect_timeout=self._patience.connect)
        self._server = f"{model} at {self._client.base_url.host}"
        self._slots = asyncio.Semaphore(concurrency)
        self._dialect = Dialect(model)

    @property
    def name(self) -> str:
        return self._model

    async def complete(self, request: ChatRequest) -> str:
        """See the port. Adds the call to the delivery's meter."""
        answer = await self.answer(request)
        current_meter().models.append(
            ModelUse(
                model=self._model,
                input_tokens=answer.input_tokens,
                output_tokens=answer.output_tokens,
                seconds=answer.seconds,
            )
        )
        return answer.body

    async def answer(self, request: ChatRequest) -> ModelAnswer:
        """The answer with its token counts (repair included) and seconds. Not metered: the memo does that.

        Raises RetryLater (time-out, no connection, 408, 429, 5xx), ModelFault (broken stream, empty, truncated,
        filtered, not the JSON asked for) or SetupError (400, 401, 403, 404).
        """
        async with self._slots:
            started = time.monotonic()
            try:
                async with asyncio.timeout(self._patience.total):
                    completion = await self._ask(request)
            except TimeoutError as error:
                raise RetryLater(f"{self._server} took longer than {self._patience.total:g} s") from error
            return ModelAnswer(
                body=completion.text,
                input_tokens=completion.input_tokens,
                output_tokens=completion.output_tokens,
                seconds=time.monotonic() - started,
            )

    async def _ask(self, request: ChatRequest) -> Completion:
        first = await self._say(request)
        if request.schema is None:
            return first
        try:
            return Completion(usable_json(first.text, request.schema), first.input_tokens, first.output_tokens)
        except UnusableJson as error:
            turns = (
                {"role": "assistant", "content": first.text},
                {"role": "user", "content": f"That cannot be used: {error}. Answer again with the JSON object alone."},
            )
        second = await self._say(request, turns)
        try:
            text = usable_json(second.text, request.schema)
        except UnusableJson as error:
            raise ModelFault(f"{self._server}: {error}, nor when asked again") from error
        return Completion(text, first.input_tokens + second.input_tokens, first.output_tokens + second.output_tokens)

    async def _say(self, request: ChatRequest, turns: Sequence[Mapping[str, str]] = ()) -> Completion:
        schema_dropped = False
        while True:
            parameters = self._dialect.parameters(request, turns=turns)
            try:
                return await self._stream(parameters)
            except openai.APIStatusError as error:
                fault = faults.from_status(error, self._server)
                retry = error.status_code in (400, 422, 501) and not isinstance(fault, ModelFault)
                if retry and self._dialect.without(parameters, faults.refused_parameter(error), request):
                    schema_dropped = schema_dropped or "response_format" in parameters
                    continue
                if schema_dropped:
                    self._dialect.restore(request)
                raise fault from error

    async def _stream(self, parameters: dict[str, Any]) -> Completion:
        """One completion. Raises openai.APIStatusError as it is: the caller may learn from it."""
        reading = Reading(self._server)
        try:
            async with asyncio.timeout(self._patience.first_token) as clock:
                stream = await self._client.chat.completions.create(stream=True, **parameters)
                try:
                    async for chunk in chunks(stream, self._server):
                        if reading.add(chunk):
                            clock.reschedule(asyncio.get_running_loop().time() + self._patience.idle)
                finally:
                    await stream.close()
        except TimeoutError as error:
            raise RetryLater(f"{self._server} fell silent {'in its answer' if reading.begun else 'at once'}") from error
        except openai.APIStatusError:
            raise
        except openai.APIError as error:
            raise faults.from_stream(error, self._server, begun=reading.begun) from error
        return reading.finished()

    async def close(self) -> None:
        await self._client.close()

    async def __aenter__(self) -> OpenAiLanguageModel:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
