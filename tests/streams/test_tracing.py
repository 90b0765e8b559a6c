"""The trace through a delivery."""

from __future__ import annotations

from collections.abc import Sequence

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from schemas.base import EventData
from schemas.envelope import Event
from schemas.wire import decode
from streams.tracing import Tracing
from tests.streams.stage_kit import TRACEPARENT, Ping, Pong, answer, ping, record_of, runner_of


def exporting() -> tuple[InMemorySpanExporter, Tracing]:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return exporter, Tracing(provider.get_tracer("tests"))


async def pong(event: Event[Ping]) -> Sequence[EventData]:
    assert trace.get_current_span().get_span_context().is_valid
    return [Pong(number=1)]


async def test_span_is_child_of_the_event_and_parent_of_its_outputs_when_traces_are_exported() -> None:
    exporter, tracing = exporting()
    handled = await runner_of(answer(pong), tracing=tracing).handle(record_of(ping(1)))
    (span,) = exporter.get_finished_spans()
    _, trace_id, parent_id, _ = TRACEPARENT.split("-")
    assert f"{span.context.trace_id:032x}" == trace_id
    assert f"{span.parent.span_id:016x}" == parent_id
    output = decode(handled.messages[0].attributes, handled.messages[0].value)
    assert output.traceparent == f"00-{trace_id}-{span.context.span_id:016x}-01"
    assert span.attributes["vaultra.outcome"] == "done"
    assert not trace.get_current_span().get_span_context().is_valid


async def test_span_is_an_error_when_the_delivery_is_given_up() -> None:
    exporter, tracing = exporting()

    async def fail(event: Event[Ping]) -> Sequence[EventData]:
        raise ValueError("x")

    await runner_of(answer(fail), tracing=tracing).handle(record_of(ping(1)))
    (span,) = exporter.get_finished_spans()
    assert span.status.status_code is StatusCode.ERROR


async def test_traceparent_is_passed_on_unchanged_when_nothing_is_exported() -> None:
    async def untraced(event: Event[Ping]) -> Sequence[EventData]:
        return [Pong(number=1)]

    handled = await runner_of(answer(untraced), tracing=Tracing(None)).handle(record_of(ping(1)))
    assert handled.messages[0].attributes["traceparent"] == TRACEPARENT
