"""The OpenAPI document: FastAPI's, with problem documents and the key scheme as they really are."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from api import connect, webhooks
from api.problems import FieldProblem, Problem
from projections.lineage import JobEvent

TITLE = "Vaultra"
VERSION = "1"
DESCRIPTION = (
    "Document pictures go in, checked and executed analyses come out, and every figure leads back to its pixels. "
    "Errors are problem documents (RFC 9457). Requests carry an API key as a bearer token, unless the server listens "
    "on loopback only."
)
_REF = "#/components/schemas/{model}"


def install(app: FastAPI) -> None:
    """Make `/openapi.json` serve `describe(app)`, computed once."""

    def cached() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = describe(app)
        return app.openapi_schema

    app.openapi = cached  # type: ignore[method-assign]  # FastAPI's documented way


def describe(app: FastAPI) -> dict[str, Any]:
    """The document as JSON-able data."""
    document = get_openapi(
        title=app.title, version=app.version, description=app.description, routes=app.routes, openapi_version="3.1.0"
    )
    webhooks.describe(document["paths"])
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for model in (Problem, FieldProblem, JobEvent):
        schema = model.model_json_schema(ref_template=_REF)
        schema.pop("$defs", None)
        schemas[model.__name__] = schema
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    components["securitySchemes"] = {
        "key": {"type": "http", "scheme": "bearer", "description": "`vk_<id>_<secret>`, from `vaultra keys create`"}
    }
    for path, operations in document["paths"].items():
        for operation in operations.values():
            _drop_default_errors(operation)
            if (
                not path.startswith(webhooks.PREFIX)
                and path != connect.CALLBACK
                and (path.startswith("/v1/") or path == "/metrics")
            ):
                operation["security"] = [{"key": []}]
    return document


def _drop_default_errors(operation: dict[str, Any]) -> None:
    """FastAPI documents a 422 of its own wherever there is a parameter; ours say which problems they answer."""
    if "application/json" in operation["responses"].get("422", {}).get("content", {}):
        del operation["responses"]["422"]


def openapi_document() -> dict[str, Any]:
    """What `docs/openapi.json` holds; needs no services."""
    from api.app import assemble  # the application imports this module

    return describe(assemble())
