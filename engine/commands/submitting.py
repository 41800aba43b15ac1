"""Publishing workflows, and starting requests of them (SPEC 8)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine import events
from engine.catalog import Published
from engine.commands.access import Access
from engine.definition import Workflow
from engine.errors import InvalidInput, KeyReused, NotFound, Refused
from engine.limits import MAX_INPUT_BYTES, MAX_TITLE_CHARS
from engine.records import Event, NewRequest
from engine.rules.command_ids import check_key
from engine.rules.permissions import Actor, Permission, permitted_apps
from engine.rules.provided import check_input
from engine.spelling import nearest_first
from engine.stored import NewestVersion
from engine.templates import TemplateError, build_context
from engine.values.masking import Masker, sensitive_values
from engine.values.strict_json import canonical, dumps


class Submitting(Access):
    """The part of the engine through which workflows and requests come in."""

    def publish(self, actor: Actor, workflow: Workflow) -> tuple[int, bool]:
        """Store a definition that passed its check. Returns (version, whether it is new). Who moves a workflow to
        another application must be Admin of both."""
        self._require(actor, Permission.ADMIN, workflow.app)
        before = next((each for each in self.store.workflows() if each.name == workflow.name), None)
        if before is not None:
            self._require(actor, Permission.ADMIN, before.app)
        published = Event(None, events.PUBLISHED, 0.0, by=actor.name, actor=actor.id, door=actor.door)
        return self.store.publish(workflow.name, workflow.app, workflow.document(), workflow.digest, published)

    def workflows(self, actor: Actor) -> list[NewestVersion]:
        """The newest version of each workflow whose application the person may submit to, or see."""
        grants = self.grants()
        apps = [permitted_apps(grants, actor, each) for each in (Permission.SUBMIT, Permission.VIEW_REPORTS)]
        found = self.store.workflows()
        return [each for each in found if any(known is None or each.app in known for known in apps)]

    def submit(
        self, actor: Actor, name: str, input: Any, *, requester: str | None = None, key: str | None = None
    ) -> tuple[int, bool]:
        """Start a request. Returns (id, whether ``key`` had made it before).

        Raises InvalidInput, NotPermitted, and KeyReused when ``key`` has made another one."""
        published = self._newest(name, self.catalog.newest_known)
        while True:
            try:
                return self._start(published, actor, input, requester, key)
            except Refused:  # perhaps by a version that is not the newest any more
                newest = self._newest(name, self.catalog.get)
                if newest.version == published.version:
                    raise
                published = newest

    def _start(
        self, published: Published, actor: Actor, input: Any, requester: str | None, key: str | None
    ) -> tuple[int, bool]:
        workflow = published.workflow
        name = workflow.name
        self._require(actor, Permission.SUBMIT, workflow.app)
        person = _requester((actor.mail or actor.id) if requester is None else requester)
        if key is not None:
            check_key(key)
        made = None if key is None else self.store.submitted(name, key)
        if made is not None:  # it may not match what the workflow asks for by now
            self._is_same(made, key, dumps(input), person)
            return made, True
        text = check_input(workflow, input, MAX_INPUT_BYTES)
        title = _title(workflow, input, person)
        new = NewRequest(workflow.name, published.version, workflow.app, title, person, text, key)
        facts = {"version": published.version}
        submitted = Event(None, events.SUBMITTED, 0.0, by=actor.name, actor=actor.id, door=actor.door, data=facts)
        number, repeated = self.store.create(new, workflow.graph, submitted)
        if repeated:
            self._is_same(number, key, text, person)
        return number, repeated

    def _is_same(self, number: int, key: str | None, text: str, requester: str) -> None:
        """Raise KeyReused unless the request that ``key`` made is the one that is asked for now."""
        detail = self.store.detail(number)
        if detail.request.pruned_at is not None:
            return  # nobody knows any more what it was
        same = detail.input == text or canonical(detail.input) == canonical(text)
        if not same or detail.request.requester != requester:
            raise KeyReused(key or "", number)

    def _newest(self, name: str, find: Callable[[str], Published]) -> Published:
        try:
            return find(name)
        except NotFound:
            known = nearest_first(name, sorted(w.name for w in self.store.workflows())) or "none yet"
            raise NotFound("workflow", name, f"Published: {known}.") from None


def _title(workflow: Workflow, given: Any, person: str) -> str:
    """Masked before it is stored: lists and cards show titles without reading the request's input."""
    masker = Masker(sensitive_values(workflow.sensitive, given, {}))
    context = build_context(None, given, person, {}, {}, workflow.constants)
    try:
        return masker.text(" ".join(workflow.title_template.text(context).split()))[:MAX_TITLE_CHARS]
    except TemplateError as error:
        raise InvalidInput(f"The request's title cannot be made: {error}.", "input") from None


def _requester(text: str) -> str:
    """A mail or a name on one line: it is shown everywhere, and ``self_action`` compares it."""
    if not text.isprintable() or not text.strip() or len(text) > MAX_TITLE_CHARS:
        raise InvalidInput("The requester must be a mail address or a name, on one line.", "requester")
    return text.strip()
