"""What people may see: requests as documents, masked (SPEC 7, 8)."""

from __future__ import annotations

import json
from typing import Any

from engine.catalog import Catalog
from engine.definition import Workflow
from engine.documents import RequestDocument, request_document
from engine.masking import Masker, mask_fields, sensitive_values
from engine.store import RequestDetail


def load(text: str | None) -> Any:
    """JSON text of the database as a value."""
    return None if text is None else json.loads(text)


def masker_for(workflow: Workflow, input: Any, results: dict[str, Any], secrets: frozenset[str]) -> Masker:
    """Masks what the definition lists as sensitive and the connections' secrets, wherever they show."""
    return Masker(secrets | sensitive_values(workflow.sensitive, input, results))


def read_document(detail: RequestDetail, catalog: Catalog, secrets: frozenset[str]) -> RequestDocument:
    """The whole request, every sensitive value masked."""
    request = detail.request
    workflow = catalog.get(request.workflow, request.workflow_version).workflow
    given = load(detail.input)
    results = {row.step.node: load(row.result) for row in detail.steps if row.result is not None}
    masker = masker_for(workflow, given, results, secrets)
    shown_input, shown_results = mask_fields(workflow.sensitive, given, results)
    document = request_document(
        detail._replace(title=masker.text(detail.title)),
        workflow.graph,
        masker.value(shown_input),
        {node: masker.value(result) for node, result in shown_results.items()},
    )
    return _mask_texts(document, masker)


def _mask_texts(document: RequestDocument, masker: Masker) -> RequestDocument:
    """Errors, reasons and event facts may repeat a sensitive value that came back from outside."""
    if not masker.active:
        return document
    plain = document.model_dump(mode="python", exclude={"input": True})
    kept = {key: plain.pop(key) for key in ("id", "workflow", "version", "app", "created_at", "updated_at")}
    return RequestDocument.model_validate({**masker.value(plain), **kept, "input": document.input})
