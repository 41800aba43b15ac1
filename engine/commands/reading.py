"""What people may see: requests as documents, masked (SPEC 7, 8)."""

from __future__ import annotations

from typing import Any

from engine.catalog import Catalog
from engine.commands.documents import RequestDocument, request_document
from engine.definition import Workflow
from engine.records import Approval, Trigger
from engine.stored import AttemptDetail, RequestDetail, StepDetail
from engine.values.masking import Masker, mask_fields, sensitive_values


def masker_for(workflow: Workflow, input: Any, results: dict[str, Any], secrets: frozenset[str]) -> Masker:
    """Masks what the definition lists as sensitive and the connections' secrets, wherever they show."""
    return Masker(secrets | sensitive_values(workflow.sensitive, input, results))


def read_document(detail: RequestDetail, catalog: Catalog, secrets: frozenset[str]) -> RequestDocument:
    """The whole request, every sensitive value masked."""
    request = detail.request
    workflow = catalog.get(request.workflow, request.workflow_version).workflow
    given, results = detail.given, detail.results
    masker = masker_for(workflow, given, results, secrets)
    shown_input, shown_results = mask_fields(workflow.sensitive, given, results)
    return request_document(
        mask_texts(detail, masker) if masker.active else detail,
        workflow.graph,
        masker.value(shown_input),
        {node: masker.value(result) for node, result in shown_results.items()},
    )


def mask_texts(detail: RequestDetail, masker: Masker) -> RequestDetail:
    """Mask what may repeat a sensitive value: titles, requesters, reasons, errors and facts; never statuses, numbers,
    or the names of those who acted."""

    def text(value: str | None) -> str | None:
        return None if value is None else masker.text(value)

    def told(trigger: Trigger | None) -> Trigger | None:
        return trigger and trigger._replace(reason=text(trigger.reason), error=text(trigger.error))

    def attempt(row: AttemptDetail) -> AttemptDetail:
        end = row.end
        if end is not None:
            end = end._replace(error=text(end.error), late=text(end.late))
        return row._replace(start=row.start._replace(trigger=told(row.start.trigger)), end=end)

    def step(row: StepDetail) -> StepDetail:
        asked = row.step.approval
        if asked is not None:
            approvers, approved = (tuple(map(masker.text, names)) for names in (asked.approvers, asked.approved))
            asked = Approval(approvers, asked.need, approved)
        step = row.step._replace(error=text(row.step.error), approval=asked, trigger=told(row.step.trigger))
        return row._replace(step=step)

    return detail._replace(
        title=masker.text(detail.title),
        request=detail.request._replace(
            reason=text(detail.request.reason), requester=masker.text(detail.request.requester)
        ),
        steps=tuple(map(step, detail.steps)),
        attempts=tuple(attempt(row) for row in detail.attempts),
        events=tuple(e._replace(reason=text(e.reason), data=_mask_facts(e.data, masker)) for e in detail.events),
    )


def _mask_facts(data: dict[str, Any] | None, masker: Masker) -> dict[str, Any] | None:
    """An event's facts: only its sentences and the people it names can hold a sensitive value; the rest are words and
    numbers of ours."""
    said = ("error", "before", "approvers", "approver")
    return data and {name: masker.value(fact) if name in said else fact for name, fact in data.items()}
