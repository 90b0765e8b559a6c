"""W3C trace context carried through the log: one span a delivery, child of the event's, parent of its outputs'.

Without an exporter no span is made; the event's `traceparent` is passed on as it is, so that the trace of whoever
uploaded still holds together end to end.
"""

from __future__ import annotations

from contextvars import Token
from types import TracebackType

from opentelemetry import context, trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from schemas.base import EventData
from schemas.envelope import Event

_PROPAGATOR = TraceContextTextMapPropagator()


class DeliverySpan:
    """A context manager around one delivery. `traceparent` is what its outputs carry."""

    __slots__ = ("_span", "_token", "traceparent")

    def __init__(self, traceparent: str | None, span: Span | None = None) -> None:
        self.traceparent = traceparent
        self._span = span
        self._token: Token[context.Context] | None = None

    def __enter__(self) -> DeliverySpan:
        if self._span is not None:
            self._token = context.attach(trace.set_span_in_context(self._span))
        return self

    def ended(self, outcome: str, *, failed: bool) -> None:
        """Say how the delivery came out."""
        if self._span is not None:
            self._span.set_attribute("vaultra.outcome", outcome)
            if failed:
                self._span.set_status(Status(StatusCode.ERROR))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace_back: TracebackType | None
    ) -> None:
        if self._span is not None:
            if self._token is not None:
                context.detach(self._token)
            self._span.end()


class Tracing:
    """Spans of deliveries. `tracer` None (the default when no SDK provider is set up) makes none."""

    def __init__(self, tracer: Tracer | None) -> None:
        self._tracer = tracer

    @classmethod
    def configured(cls) -> Tracing:
        """With the process's tracer provider, when one that records is set up."""
        provider = trace.get_tracer_provider()
        return cls(provider.get_tracer("vaultra.streams") if isinstance(provider, TracerProvider) else None)

    def delivery(self, stage: str, event: Event[EventData]) -> DeliverySpan:
        if self._tracer is None:
            return DeliverySpan(event.traceparent)
        parent = _PROPAGATOR.extract({"traceparent": event.traceparent}) if event.traceparent else context.Context()
        span = self._tracer.start_span(
            f"{stage} {event.type}",
            context=parent,
            kind=SpanKind.CONSUMER,
            attributes={
                "messaging.system": "vaultra",
                "messaging.operation.type": "process",
                "messaging.consumer.group.name": stage,
                "messaging.message.id": event.id,
                "vaultra.correlation_id": event.correlationid,
            },
        )
        carrier: dict[str, str] = {}
        _PROPAGATOR.inject(carrier, trace.set_span_in_context(span))
        return DeliverySpan(carrier.get("traceparent", event.traceparent), span)
