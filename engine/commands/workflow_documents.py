"""The one document of a published workflow that every door shows (SPEC 8)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from engine.catalog import Catalog
from engine.commands.documents import when
from engine.errors import CannotBeRead
from engine.stored import NewestVersion


class WorkflowDocument(BaseModel):
    """A published workflow, in its newest version."""

    workflow: str
    version: int
    app: str
    published_at: datetime
    input_schema: dict[str, Any] | None = Field(description="The JSON Schema that a request's input must match.")
    unreadable: str | None = Field(description="Why no request of it can be started here; null where one can.")


def workflow_document(catalog: Catalog, newest: NewestVersion) -> WorkflowDocument:
    """Of one that cannot be read, what its row says."""
    schema = unreadable = None
    try:
        schema = catalog.get(newest.name, newest.version).workflow.input_schema
    except CannotBeRead as error:
        unreadable = str(error)
    return WorkflowDocument(
        workflow=newest.name,
        version=newest.version,
        app=newest.app,
        published_at=when(newest.published_at),
        input_schema=schema,
        unreadable=unreadable,
    )
