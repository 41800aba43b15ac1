"""The API's own description, completed where FastAPI's is not what the API does."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from retrigger.api.problems import Problem

_SCHEMAS = "#/components/schemas/{model}"


def describe(api: FastAPI, public_url: str | None) -> dict[str, Any]:
    """OpenAPI 3.1 of all routes."""
    described = get_openapi(
        title=api.title,
        version=api.version,
        summary=api.summary,
        routes=api.routes,
        servers=[{"url": public_url}] if public_url else None,
    )
    _add_problem(described["components"]["schemas"])
    for operations in described["paths"].values():
        for operation in operations.values():
            for parameter in operation.get("parameters", ()):
                _never_null(parameter["schema"])
    return described


def _add_problem(schemas: dict[str, Any]) -> None:
    """No route names it as its model: it comes under a media type of its own."""
    problem = Problem.model_json_schema(ref_template=_SCHEMAS, mode="serialization")
    schemas.update(problem.pop("$defs", {}))
    schemas[Problem.__name__] = problem


def _never_null(schema: dict[str, Any]) -> None:
    """A parameter that may be left out is told as one that may be null, which in an address or a header is a text."""
    kinds = [kind for kind in schema.get("anyOf", ()) if kind != {"type": "null"}]
    if len(kinds) == 1:
        del schema["anyOf"]
        schema.update(kinds[0])
