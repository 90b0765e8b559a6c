"""One delivery, start to outcome."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from prometheus_client import REGISTRY

from adapters.metering import current_meter
from processors.stage import stage
from schemas.base import EventData
from schemas.costs import CostRecorded, ModelUse
from schemas.envelope import Event, derived_id
from schemas.errors import ModelFault, RetryLater, SetupError, StageHalted, Unavailable
from schemas.registry import UPCASTERS
from schemas.wire import Message
from streams.log import Record
from streams.outputs import MAX_VALUE_BYTES
from streams.runner import Handled, Outcome, Runner
from tests.streams.stage_kit import (
    KIT_TOPICS,
    NOW,
    TRACEPARENT,
    Lost,
    Ping,
    Pong,
    answer,
    broken,
    data_of,
    ping,
    record_of,
    runner_of,
)


async def pong(event: Event[Ping]) -> Sequence[EventData]:
    return [Pong(number=event.data.number), Pong(number=-event.data.number)]


def failing(*errors: BaseException) -> tuple[list[int], object]:
    """Work that raises the errors one call after the other, then succeeds; and the list of its calls."""
    calls: list[int] = []

    async def work(event: Event[Ping]) -> Sequence[EventData]:
        calls.append(event.data.number)
        if len(calls) <= len(errors):
            raise errors[len(calls) - 1]
        return await pong(event)

    return calls, work


async def test_outputs_inherit_from_their_cause_when_a_delivery_is_done() -> None:
    handled = await runner_of(answer(pong)).handle(record_of(ping(7)))
    assert handled.outcome is Outcome.DONE
    assert [data_of(message) for message in handled.messages] == [Pong(number=7), Pong(number=-7)]
    assert [message.id for message in handled.messages] == [derived_id("ping-7", "answer", n) for n in (0, 1)]
    message = handled.messages[0]
    assert (message.topic, message.key, message.tenant) == ("pongs", "job-7", "local")
    assert message.attributes == {
        "specversion": "1.0",
        "id": message.id,
        "type": Pong.TYPE,
        "source": "vaultra/answer/v1",
        "subject": "job-7",
        "time": NOW.isoformat(),
        "correlationid": "job-7",
        "causationid": "ping-7",
        "tenantid": "local",
        "partitionkey": "job-7",
        "traceparent": TRACEPARENT,
    }


async def test_delivery_is_skipped_unparsed_when_the_stage_does_not_consume_its_type() -> None:
    message = ping(1)
    record = record_of(Message("pings", "k", "x", "local", {**message.attributes, "type": Pong.TYPE}, b"not JSON"))
    assert await runner_of(answer(pong)).handle(record) == Handled(Outcome.SKIPPED)


async def test_older_version_is_upcast_when_it_leads_to_a_consumed_type(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(UPCASTERS, "vaultra.test.ping.v0", (Ping.TYPE, lambda data: {"number": data["n"]}))
    message = ping(1)
    record = record_of(
        Message("pings", "k", "x", "local", {**message.attributes, "type": "vaultra.test.ping.v0"}, b'{"n": 5}')
    )
    handled = await runner_of(answer(pong)).handle(record)
    assert data_of(handled.messages[0]) == Pong(number=5)


@pytest.mark.parametrize(
    ("attributes", "value", "error"),
    [
        ({}, b'{"number": ', "InvalidEvent"),
        ({}, None, "InvalidEvent"),
        ({}, b'{"number": "many"}', "InvalidEvent"),
        ({"type": ""}, b"{}", "InvalidEvent"),
        ({"type": "vaultra.unheard.of.v1"}, b"{}", "UnknownEventType"),
        ({"type": "vaultra.test.ping.v9"}, b"{}", "UnknownEventVersion"),
        ({"time": "yesterday"}, b'{"number": 1}', "InvalidEvent"),
    ],
)
async def test_record_is_dead_lettered_with_its_bytes_when_it_is_no_event(
    attributes: dict[str, str], value: bytes | None, error: str
) -> None:
    message = ping(1)
    record = record_of(
        Message("pings", "k", "x", "local", {**message.attributes, **attributes}, b"-"), value=value, offset=41
    )
    handled = await runner_of(answer(pong)).handle(record)
    assert handled.outcome is Outcome.DEAD
    (letter,) = handled.messages
    assert letter.topic == "answer.dead"
    assert (letter.value, letter.extra.get("null-value")) == (value or b"", "1" if value is None else None)
    assert letter.attributes == record.attributes
    assert letter.extra["cause"].startswith(error)
    assert (letter.extra["origin-topic"], letter.extra["origin-partition"], letter.extra["origin-offset"]) == (
        "pings",
        "0",
        "41",
    )


async def test_dead_letter_tells_what_happened_when_a_stage_raises() -> None:
    _, work = failing(ValueError("nonsense \x00 \udc80"))
    record = record_of(ping(3))
    handled = await runner_of(answer(work)).handle(record)
    letter, last_words = handled.messages[:2]
    assert handled.outcome is Outcome.DEAD
    assert letter.value == record.value
    assert letter.extra["reason"] == "nonsense \\x00 \\udc80"
    assert letter.extra["attempts"] == "1"
    assert letter.extra["stage"] == "answer"
    assert "ValueError" in letter.extra["traceback"]
    assert "in work" in letter.extra["cause"]
    assert data_of(last_words) == Lost(reason="nonsense \\x00 \\udc80")
    assert last_words.id != derived_id("ping-3", "answer", 0)


@pytest.mark.parametrize(
    "error",
    [ValueError("x"), RecursionError(), MemoryError(), SystemExit(3), asyncio.CancelledError(), SetupError("x")],
)
async def test_process_survives_when_a_stage_raises(error: BaseException) -> None:
    _, work = failing(error)
    assert (await runner_of(answer(work)).handle(record_of(ping(1)))).outcome is Outcome.DEAD


@pytest.mark.parametrize(
    "outputs",
    [
        [Lost(reason="not declared")],
        None,
        Pong(number=1),
        [Pong(number=1, text="x" * MAX_VALUE_BYTES)],
        [Pong(number=1, text="\ud800")],
    ],
    ids=["undeclared", "none", "bare", "too large", "unwritable"],
)
async def test_delivery_is_given_up_when_a_stage_returns_what_cannot_be_appended(outputs: object) -> None:
    async def work(event: Event[Ping]) -> object:
        return outputs

    handled = await runner_of(answer(work)).handle(record_of(ping(1)))
    assert handled.outcome is Outcome.DEAD
    assert len(handled.messages[0].extra["traceback"]) <= 8_000


@pytest.mark.parametrize("error", [RetryLater("busy"), ModelFault("the stream broke")], ids=["busy", "unusable"])
async def test_stage_is_called_again_at_once_when_the_first_call_says_later(error: Exception) -> None:
    calls, work = failing(error)
    assert (await runner_of(answer(work)).handle(record_of(ping(1)))).outcome is Outcome.DONE
    assert len(calls) == 2


@pytest.mark.parametrize("error", [RetryLater("busy"), ModelFault("the stream broke")], ids=["busy", "unusable"])
async def test_delivery_goes_to_the_retry_topic_when_a_stage_keeps_saying_later(error: Exception) -> None:
    calls, work = failing(*[error] * 9)
    record = record_of(ping(1), offset=5)
    handled = await runner_of(answer(work, retries=5)).handle(record)
    message = handled.messages[0]
    assert (handled.outcome, len(calls), message.topic) == (Outcome.RETRIED, 2, "answer.retry")
    assert (message.attributes, message.value) == (record.attributes, record.value)
    assert message.attributes["id"] == "ping-1"
    assert message.extra["attempts"] == "2"
    assert message.extra["origin-offset"] == "5"
    assert message.extra["due"] > NOW.isoformat()


async def test_retry_waits_as_long_as_the_server_asked_when_it_said_so() -> None:
    calls, work = failing(RetryLater("busy", after=30.0))
    handled = await runner_of(answer(work)).handle(record_of(ping(1)))
    assert len(calls) == 1
    assert handled.messages[0].extra["due"] >= "2026-05-04T12:00:30"


async def test_delivery_is_given_up_when_its_retries_are_used_up() -> None:
    calls, work = failing(*[RetryLater("busy")] * 9)
    runner = runner_of(answer(work, retries=2))
    first = (await runner.handle(record_of(ping(1)))).messages[0]
    last = await runner.handle(as_delivered(first))
    assert (last.outcome, len(calls)) == (Outcome.DEAD, 3)
    assert last.messages[0].extra["attempts"] == "3"
    assert last.messages[0].extra["origin-topic"] == "pings"


async def test_stage_is_called_once_when_it_allows_no_retries() -> None:
    calls, work = failing(RetryLater("busy"))
    assert (await runner_of(answer(work, retries=0)).handle(record_of(ping(1)))).outcome is Outcome.DEAD
    assert len(calls) == 1


async def test_delivery_is_retried_then_given_up_when_it_takes_too_long() -> None:
    async def work(event: Event[Ping]) -> Sequence[EventData]:
        await asyncio.Event().wait()
        return []

    runner = runner_of(answer(work, timeout=0.01, retries=1))
    first = await runner.handle(record_of(ping(1)))
    assert first.outcome is Outcome.RETRIED
    second = await runner.handle(as_delivered(first.messages[0]))
    assert second.outcome is Outcome.DEAD
    assert second.messages[0].extra["reason"] == "took longer than 0.01 s"


async def test_event_waits_without_using_up_attempts_when_a_store_is_gone() -> None:
    calls, work = failing(*[Unavailable("no database")] * 7)
    handled = await runner_of(answer(work, retries=0)).handle(record_of(ping(1)))
    assert (handled.outcome, len(calls)) == (Outcome.DONE, 8)


async def test_cancellation_passes_through_when_the_runtime_cancels() -> None:
    begun = asyncio.Event()

    async def work(event: Event[Ping]) -> Sequence[EventData]:
        begun.set()
        await asyncio.Event().wait()
        return []

    task = asyncio.create_task(runner_of(answer(work)).handle(record_of(ping(1))))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_stage_halts_when_dead_letters_come_in_a_row() -> None:
    runner = runner_of(answer(pong), halt_after=3)
    for n in range(3):
        assert not runner.halted
        await runner.handle(record_of(broken(f"b{n}"), offset=n))
    assert runner.halted
    assert REGISTRY.get_sample_value("vaultra_stage_halted", {"stage": "answer"}) == 1
    with pytest.raises(StageHalted):
        await runner.handle(record_of(broken("b3"), offset=3))
    runner.resume()
    assert REGISTRY.get_sample_value("vaultra_stage_halted", {"stage": "answer"}) == 0
    assert (await runner.handle(record_of(broken("b3"), offset=3))).outcome is Outcome.DEAD


async def test_run_of_dead_letters_ends_when_a_delivery_succeeds() -> None:
    runner = runner_of(answer(pong), halt_after=2)
    for n in range(3):
        await runner.handle(record_of(broken(f"b{n}"), offset=n))
        await runner.handle(record_of(ping(n)))
    assert not runner.halted


async def test_same_messages_come_out_when_a_delivery_is_done_over() -> None:
    for work in (pong, failing(*[ValueError()] * 9)[1], failing(*[RetryLater("busy")] * 9)[1]):
        runner = runner_of(answer(work))
        record = record_of(ping(1), offset=9)
        first, second = await runner.handle(record), await runner.handle(record)
        # Whether a delivery cost anything to speak of depends on how long it took.
        told = [[(m.topic, m.id) for m in each.messages if m.topic != "costs"] for each in (first, second)]
        assert told[0] == told[1]


async def test_cost_is_recorded_when_a_delivery_used_a_model() -> None:
    async def work(event: Event[Ping]) -> Sequence[EventData]:
        meter = current_meter()
        assert (meter.tenant, meter.stage, meter.cause, meter.delivery) == (
            "local",
            "answer",
            "ping-1",
            "pings/local/ping-1",
        )
        meter.models.append(ModelUse(model="m", input_tokens=3, output_tokens=5))
        return await pong(event)

    handled = await runner_of(answer(work)).handle(record_of(ping(1), offset=4))
    cost = handled.messages[-1]
    data = data_of(cost)
    assert isinstance(data, CostRecorded)
    assert (cost.topic, cost.key, cost.attributes["causationid"]) == ("costs", "job-1", "ping-1")
    assert (data.stage, data.attempts, data.models[0].output_tokens) == ("answer", 1, 5)
    assert current_meter().stage == "none"


async def test_cost_is_recorded_when_a_delivery_is_given_up_after_using_a_model() -> None:
    async def work(event: Event[Ping]) -> Sequence[EventData]:
        current_meter().models.append(ModelUse(model="m", input_tokens=3))
        raise ValueError("unusable")

    handled = await runner_of(answer(work)).handle(record_of(ping(1)))
    assert [message.topic for message in handled.messages] == ["answer.dead", "pongs", "costs"]


def test_runner_refuses_a_stage_when_a_port_or_topic_is_missing() -> None:
    @stage("needy", consumes=[Ping], emits=[Pong], timeout=1, retries=0)
    async def needy(event: Event[Ping], *, memo: object) -> Sequence[EventData]:
        return []

    with pytest.raises(SetupError, match="memo"):
        Runner(needy, {}, topics=KIT_TOPICS)
    with pytest.raises(SetupError, match="stands on no topic"):
        Runner(answer(pong), {}, topics=KIT_TOPICS[:1])


def as_delivered(message: Message) -> Record:
    return record_of(message, offset=0)
