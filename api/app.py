"""The HTTP application, assembled from its routers. Importing opens nothing; `create_app` opens nothing either."""

from __future__ import annotations

from fastapi import FastAPI
from opentelemetry.trace import TracerProvider

from api import (
    businesses,
    connect,
    errors,
    explain,
    feed,
    files,
    health,
    jobs,
    ledger,
    openapi,
    site,
    uploads,
    webhooks,
)
from api.gate import Gate
from api.services import ApiServices
from api.telemetry import HttpMetrics


def create_app(services: ApiServices) -> FastAPI:
    """The application over these services. It neither opens nor closes them."""
    app = assemble(services.tracer_provider)
    app.state.services = services
    app.state.feeds = set()
    app.add_middleware(Gate, services=services)
    app.add_middleware(HttpMetrics)
    return app


def create_operation(services: ApiServices) -> FastAPI:
    """Health and metrics alone, for a process that runs stages or projections."""
    app = FastAPI(title=openapi.TITLE, version=openapi.VERSION, docs_url=None, redoc_url=None, openapi_url=None)
    app.state.services = services
    errors.install(app)
    app.include_router(health.router)
    app.add_middleware(Gate, services=services)
    return app


def assemble(tracer_provider: TracerProvider | None = None) -> FastAPI:
    """Routes, problem handlers and OpenAPI, without services: enough to describe the API, not to answer."""
    app = FastAPI(
        title=openapi.TITLE,
        description=openapi.DESCRIPTION,
        version=openapi.VERSION,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        # Spans of requests, whose context the uploaded event carries on. Exceptions are logged by the gate.
        telemetry={"tracer_provider": tracer_provider, "metrics": False, "logs": False, "operation_spans": False},
    )
    errors.install(app)
    app.router.routes[:0] = webhooks.routes()  # first: asking FastAPI's routes costs more than verifying a webhook
    for part in (uploads, jobs, feed, files, ledger, businesses, explain, health, connect, site):
        app.include_router(part.router)
    openapi.install(app)
    return app
