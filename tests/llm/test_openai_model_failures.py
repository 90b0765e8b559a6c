"""The client against a server that misbehaves in every way we know of."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import socket
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from adapters.llm.openai_model import OpenAiLanguageModel
from adapters.llm.patience import Patience
from adapters.metering import Meter, set_meter
from adapters.ports import ChatRequest
from schemas.errors import ModelFault, RetryLater, SetupError, VaultraError
from tests.llm.crooked_server import (
    CrookedServer,
    Reply,
    broken_chunked,
    chunk,
    comments,
    flood,
    hang_up,
    never,
    raw,
    says,
    status,
    stream,
    trickle,
)

PATIENT = Patience()
# Short only for servers that fall silent: on a busy machine an honest one takes its time.
SHORT = {
    "silent at once": replace(PATIENT, first_token=0.3),
    "silent in its answer": replace(PATIENT, idle=0.3),
}
KEY = "sk-the-secret-key"
ASKED = ChatRequest(purpose="test", system="Be brief.", prompt="What about the secret-prompt?", max_tokens=50)
SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
FOR_JSON = replace(ASKED, schema=SCHEMA)
BEGUN = json.dumps(chunk({"content": "Once upon"}))


async def ask(*replies: Reply, request: ChatRequest = ASKED, patience: Patience = PATIENT) -> tuple[str, CrookedServer]:
    async with (
        CrookedServer(list(replies)) as server,
        OpenAiLanguageModel(server.base_url, "m", api_key=KEY, patience=patience) as model,
    ):
        return await model.complete(request), server


async def failure(*replies: Reply, request: ChatRequest = ASKED, patience: Patience = PATIENT) -> VaultraError:
    with pytest.raises(VaultraError) as caught:
        await ask(*replies, request=request, patience=patience)
    assert KEY not in str(caught.value)
    assert "secret-prompt" not in str(caught.value)
    return caught.value


@pytest.mark.parametrize(
    ("reply", "kind", "words"),
    [
        (never, RetryLater, "silent at once"),
        (comments(), RetryLater, "silent at once"),
        (trickle(BEGUN), RetryLater, "silent at once"),
        (stream(BEGUN, then=never), RetryLater, "silent in its answer"),
        (hang_up, RetryLater, "cannot be reached"),
        (stream(BEGUN), ModelFault, "broke off in the middle"),
        (stream(BEGUN, then=hang_up), ModelFault, "broke off in the middle"),
        (broken_chunked(BEGUN), ModelFault, "broke off in the middle"),
        (stream(), ModelFault, "broke off before"),
        (stream(BEGUN, '{"error":{"message":"secret-prompt","type":"oops"}}'), ModelFault, "broke off"),
        (stream('{"error":{"message":"secret-prompt","type":"oops"}}'), RetryLater, "oops"),
        (stream("{not json"), ModelFault, "no chat completion"),
        (stream("5"), ModelFault, "no chat completion"),
        (stream('{"choices":"many"}'), ModelFault, "no chat completion"),
        (stream('{"choices":[{"delta":{"content":{"a":1}}}]}'), ModelFault, "no chat completion"),
        (raw(b"\xff\xfe", "text/event-stream"), ModelFault, "broke off|no chat completion"),
        (raw(b"<html>hello</html>", "text/html"), ModelFault, "text/html.*base_url"),
        (raw(b"", ""), ModelFault, "base_url"),
        (raw(b"[1]", "application/json"), ModelFault, "no chat completion"),
        (says("  "), ModelFault, "empty"),
        (says(), ModelFault, "empty"),
        (says("Once", finish="length"), ModelFault, "cut off"),
        (says("Once", finish="content_filter"), ModelFault, "refused"),
        (stream(json.dumps(chunk({"refusal": "No."}, finish="stop"))), ModelFault, "refused"),
        (status(408), RetryLater, "408"),
        (status(429), RetryLater, "429"),
        (status(500), RetryLater, "500"),
        (status(503, b"<html>"), RetryLater, "503"),
        (status(400), SetupError, "OpenAI-compatible"),
        (status(401, {"error": {"message": f"bad key {KEY}"}}), SetupError, "set the API key"),
        (status(403), SetupError, "API key"),
        (status(404, {"error": {"code": "model_not_found"}}), SetupError, "model_not_found.*serves this model"),
        (status(307, headers={"location": "/elsewhere"}), SetupError, "redirect"),
        (status(413), ModelFault, "longer than the model takes"),
        (
            status(400, {"error": {"message": "maximum context length is 4096: secret-prompt"}}),
            ModelFault,
            "longer than the model takes",
        ),
    ],
    ids=lambda value: getattr(value, "__qualname__", None),
)
async def test_model_fails_with_the_right_error_when_the_server_misbehaves(
    reply: Reply, kind: type[VaultraError], words: str
) -> None:
    started = time.monotonic()
    error = await failure(reply, patience=SHORT.get(words, PATIENT))
    assert type(error) is kind
    assert re.search(words, str(error)), str(error)
    assert time.monotonic() - started < PATIENT.idle, "it waited for what does not come"


async def test_model_asks_to_retry_when_nobody_listens() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        async with OpenAiLanguageModel(f"http://127.0.0.1:{taken.getsockname()[1]}/v1", "m") as model:
            with pytest.raises(RetryLater, match="cannot be reached"):
                await model.complete(ASKED)


async def test_model_asks_to_retry_when_the_whole_answer_takes_too_long() -> None:
    async def slow(writer: asyncio.StreamWriter) -> None:
        while True:
            writer.write(f"data: {BEGUN}\n\n".encode())
            await writer.drain()
            await asyncio.sleep(0.05)

    error = await failure(stream(BEGUN, then=slow), patience=replace(PATIENT, total=0.5))
    assert isinstance(error, RetryLater)
    assert "longer than 0.5 s" in str(error)


@pytest.mark.parametrize(
    ("headers", "low", "high"),
    [
        ({"retry-after": "7"}, 7, 7),
        ({"retry-after": "0.5"}, 0.5, 0.5),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5, 1.5),
        ({"retry-after": format_datetime(datetime.now(UTC) + timedelta(seconds=3000), usegmt=True)}, 60, 3001),
        ({"retry-after": "999999999"}, 3600, 3600),
        ({"retry-after": "Sat, 01 Jan 2000 00:00:00 GMT"}, 0, 0),
    ],
)
async def test_retry_waits_as_long_as_the_server_says_when_it_says_so(
    headers: dict[str, str], low: float, high: float
) -> None:
    error = await failure(status(429, headers=headers))
    assert isinstance(error, RetryLater)
    assert error.after is not None
    assert low <= error.after <= high


@pytest.mark.parametrize("nonsense", ["soon", "-1", "nan", "inf", "Sat, 99 Foo 2000"])
async def test_retry_is_left_to_the_runner_when_retry_after_is_nonsense(nonsense: str) -> None:
    error = await failure(status(503, headers={"retry-after": nonsense}))
    assert isinstance(error, RetryLater)
    assert error.after is None


async def test_model_gives_up_when_the_answer_never_ends() -> None:
    endless = flood(f"data: {json.dumps(chunk({'content': 'x' * 60_000}))}\n\n".encode())
    error = await failure(endless)
    assert isinstance(error, ModelFault)
    assert "characters" in str(error)


@pytest.mark.parametrize("piece", [b"data: " + b"x" * 65536, b": " + b"x" * 65536 + b"\n"], ids=["line", "comments"])
async def test_model_gives_up_when_the_bytes_never_end(piece: bytes) -> None:
    error = await failure(flood(piece))
    assert isinstance(error, ModelFault)
    assert "bytes" in str(error)


async def test_model_retries_nothing_by_itself_when_the_server_is_busy() -> None:
    async with CrookedServer([status(429)]) as server, OpenAiLanguageModel(server.base_url, "m") as model:
        with pytest.raises(RetryLater):
            await model.complete(ASKED)
        assert len(server.requests) == 1


async def test_answer_is_repaired_when_the_first_is_not_json() -> None:
    answer, server = await ask(says("n is five"), says('{"n": 5}'), request=FOR_JSON)
    assert answer == '{"n": 5}'
    assert [message["role"] for message in server.requests[1].body["messages"]] == [
        "system",
        "user",
        "assistant",
        "user",
    ]


@pytest.mark.parametrize("bad", ['{"n": "five"}', "{}", "[5]", '{"n": NaN}', '{"n": 5', "[" * 100_000])
async def test_answer_is_a_fault_when_it_is_unusable_twice(bad: str) -> None:
    error = await failure(says(bad), request=FOR_JSON)
    assert isinstance(error, ModelFault)
    assert "when asked again" in str(error)


@pytest.mark.parametrize(
    "text",
    [
        'Here you are:\n```json\n{"n": 5}\n```\nAnything else?',
        '<think>{"n": 4}? No.</think>{"n": 5}',
        'The object is {"n": 5}.',
    ],
)
async def test_answer_is_taken_out_of_its_wrapping_when_the_model_chatters(text: str) -> None:
    answer, server = await ask(says(text), request=FOR_JSON)
    assert answer == '{"n": 5}'
    assert len(server.requests) == 1


async def test_schema_goes_into_the_instructions_when_the_server_refuses_it() -> None:
    async with CrookedServer([status(400), says('{"n": 5}')]) as server:
        async with OpenAiLanguageModel(server.base_url, "m") as model:
            assert await model.complete(FOR_JSON) == '{"n": 5}'
            assert await model.complete(FOR_JSON) == '{"n": 5}'
        first, second, third = server.requests
    assert first.body["response_format"]["json_schema"]["schema"] == SCHEMA
    for later in (second, third):
        assert "response_format" not in later.body
        assert json.dumps(SCHEMA, separators=(",", ":")) in later.body["messages"][0]["content"]


async def test_schema_is_tried_again_when_the_refusal_was_about_something_else() -> None:
    async with CrookedServer([status(400), status(400), says('{"n": 5}')]) as server:
        async with OpenAiLanguageModel(server.base_url, "m") as model:
            with pytest.raises(SetupError):
                await model.complete(FOR_JSON)
            assert await model.complete(FOR_JSON) == '{"n": 5}'
        assert "response_format" in server.requests[2].body


async def test_parameters_are_dropped_or_renamed_when_the_server_refuses_them() -> None:
    def refusal(name: str) -> Reply:
        return status(400, {"error": {"code": "unsupported_parameter", "param": name, "message": "no"}})

    answer, server = await ask(refusal("max_tokens"), refusal("temperature"), says("Hello."))
    assert answer == "Hello."
    assert server.requests[2].body["max_completion_tokens"] == 50
    assert "max_tokens" not in server.requests[2].body
    assert "temperature" not in server.requests[2].body


async def test_refusals_end_when_the_server_refuses_everything() -> None:
    everything = status(400, {"error": {"param": "max_tokens", "message": "no"}})
    assert isinstance(await failure(everything, request=FOR_JSON), SetupError)


async def test_answer_is_taken_when_the_server_does_not_stream() -> None:
    whole = {
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello."}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 2},
    }
    answer, _ = await ask(status(200, whole))
    assert answer == "Hello."


async def test_calls_wait_for_each_other_when_more_come_than_may_be_under_way() -> None:
    gate = asyncio.Event()
    replies = [stream(json.dumps(chunk({"content": "Yes."}, finish="stop")), "[DONE]", gate=gate)]
    async with (
        CrookedServer(replies) as server,
        OpenAiLanguageModel(server.base_url, "m", concurrency=2) as model,
    ):
        calls = [asyncio.create_task(model.complete(ASKED)) for _ in range(6)]
        async with asyncio.timeout(5):
            while len(server.requests) < 2:
                await asyncio.sleep(0)
        gate.set()
        assert await asyncio.gather(*calls) == ["Yes."] * 6
        assert server.peak == 2


async def test_slot_is_free_again_when_a_call_is_cancelled() -> None:
    async with (
        CrookedServer([never, says("Yes.")]) as server,
        OpenAiLanguageModel(server.base_url, "m", concurrency=1) as model,
    ):
        call = asyncio.create_task(model.complete(ASKED))
        async with asyncio.timeout(5):
            while not server.requests:
                await asyncio.sleep(0)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert await model.complete(ASKED) == "Yes."


async def test_usage_is_metered_when_the_server_tells_it_and_when_not() -> None:
    meter = Meter(tenant="t", stage="s", cause="c")
    set_meter(meter)
    try:
        await ask(says("Yes", ".", usage={"prompt_tokens": 11, "completion_tokens": 2}))
        await ask(says("Yes", "."))
    finally:
        set_meter(None)
    told, counted = meter.models
    assert (told.model, told.input_tokens, told.output_tokens) == ("m", 11, 2)
    assert counted.output_tokens >= 2
    assert told.seconds > 0


async def test_nothing_of_the_prompt_is_logged_when_everything_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        await ask(says("Yes."))
        await failure(status(500))
    assert "secret-prompt" not in caplog.text
    assert KEY not in caplog.text


async def test_key_and_images_are_sent_when_given_and_nothing_of_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_ORG_ID", "org-of-somebody")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-somebody")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    _, server = await ask(says("Yes."), request=replace(ASKED, images=(b"png",)))
    (request,) = server.requests
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert "openai-organization" not in request.headers
    assert request.path == "/v1/chat/completions"
    assert request.body["stream"] is True
    assert request.body["messages"][1]["content"][0]["image_url"]["url"] == "data:image/png;base64,cG5n"


@pytest.mark.parametrize("address", ["", "localhost:8000", "ftp://host/v1", "http://", "http://[::1"])
def test_model_is_refused_when_its_address_is_none(address: str) -> None:
    with pytest.raises(SetupError, match="base_url"):
        OpenAiLanguageModel(address, "m")


def test_model_is_refused_when_it_has_no_name() -> None:
    with pytest.raises(SetupError, match="name of a model"):
        OpenAiLanguageModel("http://127.0.0.1:1/v1", "")
