"""The client against a real server: llama.cpp with SmolLM2. What it says is not judged, how it says it is."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from adapters.llm.local_server import LocalModelServer
from adapters.llm.openai_model import OpenAiLanguageModel
from adapters.ports import ChatRequest
from schemas.errors import ModelFault, RetryLater, SetupError
from schemas.plans import AnalysisPlan

ASKED = ChatRequest(purpose="test", system="You are brief.", prompt="Say hello.", max_tokens=100)
SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string", "maxLength": 30}, "amount": {"type": "integer"}},
    "required": ["name", "amount"],
    "additionalProperties": False,
}


async def test_answer_comes_with_its_tokens_when_a_real_server_chats(local_model: OpenAiLanguageModel) -> None:
    started = time.monotonic()
    answer = await local_model.answer(ASKED)
    assert answer.body.strip()
    assert answer.input_tokens > 5
    assert 0 < answer.output_tokens <= 100
    assert 0 < answer.seconds <= time.monotonic() - started


async def test_answer_is_the_same_when_the_seed_is_the_same(local_model: OpenAiLanguageModel) -> None:
    first, second = await asyncio.gather(local_model.complete(ASKED), local_model.complete(ASKED))
    assert first == second


async def test_answer_satisfies_the_schema_when_a_real_server_is_constrained(local_model: OpenAiLanguageModel) -> None:
    answer = await local_model.complete(replace(ASKED, prompt="A customer and an amount.", schema=SCHEMA))
    data = json.loads(answer)
    assert isinstance(data["name"], str)
    assert isinstance(data["amount"], int)


async def test_answer_is_a_fault_when_a_real_server_cuts_it_off(local_model: OpenAiLanguageModel) -> None:
    with pytest.raises(ModelFault, match="cut off"):
        await local_model.complete(replace(ASKED, prompt="Tell a long story.", max_tokens=5))


async def test_answer_is_a_fault_when_the_prompt_does_not_fit_a_real_server(local_model: OpenAiLanguageModel) -> None:
    with pytest.raises(ModelFault, match="longer than the model takes"):
        await local_model.complete(replace(ASKED, prompt="word " * 20_000))


async def test_model_is_set_up_wrongly_when_a_real_server_cannot_see(local_model: OpenAiLanguageModel) -> None:
    with pytest.raises(SetupError, match="takes no pictures"):
        await local_model.complete(replace(ASKED, images=(b"a picture",)))


async def test_plan_has_its_shape_when_a_real_server_is_constrained_by_its_schema(
    local_model: OpenAiLanguageModel,
) -> None:
    """The grammar of a real server takes the whole vocabulary, quickly."""
    plan = '{"steps":[{"op":"attribute","attribute":"date"}]}'
    request = replace(ASKED, prompt=f"Repeat: {plan}", schema=AnalysisPlan.model_json_schema())
    assert AnalysisPlan.model_validate_json(await local_model.complete(request)).steps


async def test_server_is_gone_when_its_context_ends() -> None:
    async with LocalModelServer() as server, OpenAiLanguageModel(server.base_url, server.model) as model:
        assert await model.complete(ASKED)
    async with OpenAiLanguageModel(server.base_url, server.model) as model:
        with pytest.raises(RetryLater, match="cannot be reached"):
            await model.complete(ASKED)
    await server.stop()


async def test_server_ends_when_its_parent_is_killed() -> None:
    """The parent dies without a word; the server's port closes by itself."""
    root = Path(__file__).parents[2]
    program = (
        "import asyncio\n"
        "from adapters.llm.local_server import LocalModelServer\n"
        "async def main():\n"
        "    server = await LocalModelServer().__aenter__()\n"
        "    print(server.base_url, flush=True)\n"
        "    await asyncio.Event().wait()\n"
        "asyncio.run(main())\n"
    )
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, cwd=root, stdout=asyncio.subprocess.PIPE
    )
    assert parent.stdout is not None
    address = (await parent.stdout.readline()).decode().strip()
    host, port = address.removeprefix("http://").removesuffix("/v1").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    parent.kill()
    await parent.wait()
    async with asyncio.timeout(10):
        # The server's end closes the connection, unasked: with a farewell, or without one.
        with suppress(ConnectionResetError):
            assert await reader.read() == b""
    writer.close()
