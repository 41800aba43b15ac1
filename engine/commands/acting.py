"""How a person's act is carried out: one guarded write, the same once however often it is asked for (SPEC 5)."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypedDict, TypeVar, Unpack

from engine.callbacks import Callbacks
from engine.catalog import Catalog
from engine.commands.access import Access
from engine.commands.reading import mask_texts, masker_for
from engine.errors import AlreadyDone, Conflict, InvalidInput, Refused, RetriggerError
from engine.limits import MAX_REASON_CHARS
from engine.logs import bound, logger
from engine.ports.retention import Masked
from engine.ports.store import Store
from engine.records import Request
from engine.rules.allowed import Action
from engine.rules.command_ids import answered, check_key, meaning, remember
from engine.rules.decide.act import Accepted, Act
from engine.rules.draft import Draft
from engine.rules.permissions import Actor, Grant
from engine.rules.who_was_first import with_who_was_first
from engine.stored import RequestDetail
from engine.values.masking import Masker

T = TypeVar("T")

log = logger(__name__)


class Bound(TypedDict, total=False):
    """What keeps an act to the state that the person saw, and to one time; see Act."""

    expect_version: int | None
    plan_digest: str | None
    command_id: str | None


class Said(Bound, total=False):
    """The same, with what the person says to it."""

    reason: str | None
    confirmed: bool


class Command(NamedTuple):
    """An act on a request, or on its step ``node``, ready to be carried out: ``decide`` drafts its changes.

    ``did`` names it: an Action, or "answer" to an approval. ``chosen``: what the person chose beside that. A repetition
    with the same id must ask for the same (engine.rules.command_ids).
    """

    did: str
    request_id: int
    node: str | None
    act: Act
    decide: Callable[[Draft], Accepted]
    chosen: tuple[object, ...] = ()

    @property
    def meaning(self) -> str:
        """The same for every command that asks for the same."""
        return meaning(self.request_id, self.node, self.act.reason, self.act.confirmed, self.did, *self.chosen)


class Acting(Access):
    """The part of the engine that carries out acts. ``grants`` are those of the settings file; the database's are
    added. ``secrets`` are masked everywhere."""

    def __init__(
        self,
        store: Store,
        catalog: Catalog,
        grants: tuple[Grant, ...] = (),
        secrets: frozenset[str] = frozenset(),
        callbacks: Callbacks | None = None,
    ) -> None:
        super().__init__(store, catalog, grants)
        self._secrets = secrets
        self._callbacks = callbacks or Callbacks(None, store.installation_secret)

    def _masker(self, request_id: int) -> Masker:
        """Hides what the request's definition lists as sensitive."""
        return self._masker_of(self.store.detail(request_id))

    def _masker_of(self, detail: RequestDetail) -> Masker:
        workflow = self.catalog.get(detail.request.workflow, detail.request.workflow_version).workflow
        return masker_for(workflow, detail.given, detail.results, self._hidden(detail))

    def masked(self, request_id: int, text: str) -> str:
        """A sentence about the request without what its definition lists as sensitive."""
        return self._masker(request_id).text(text)

    def masked_texts(self, request_id: int) -> Masked:
        """A request, and the same with no sensitive value in the texts that stay when its contents are removed."""
        detail = self.store.detail(request_id)
        return Masked(detail, mask_texts(detail, self._masker_of(detail)))

    def _listed(self, request_id: int, act: Act) -> Act:
        """An act whose reason becomes why the request stands where it does, which lists show without reading what the
        request hides: so it is masked before it is stored."""
        if act.reason is None:
            return act
        return act._replace(reason=self.masked(request_id, act.reason), typed=act.reason)

    def _hidden(self, detail: RequestDetail) -> frozenset[str]:
        return self._secrets | self._callbacks.tokens(row.step for row in detail.steps)

    def _permitted_request(self, actor: Actor, request_id: int) -> Request:
        request, _ = self.store.status(request_id)
        self._may_act(actor, request)
        return request

    def _carry_out(self, command: Command) -> Accepted:
        """One guarded write. Raises what refuses it, and who was first if somebody was. What a rule says may repeat
        what somebody typed, so only the rule's name is logged."""
        did, act = command.did, command.act
        with bound(command=act.command_id, request=f"REQ-{command.request_id}", step=command.node):
            try:
                accepted = self._naming_who_was_first(
                    command.request_id, command.node, did == Action.CONTINUE, lambda: self._once(command)
                )
            except RetriggerError as error:
                log.info("act.not_done", did=did, why=type(error).__name__, actor=act.actor, door=act.door)
                raise
            log.info(
                "act.done",
                did=did,
                status=accepted.status,
                attempt=accepted.attempt,
                repeated=accepted.repeated or None,
                actor=act.actor,
                door=act.door,
            )
            return accepted

    def _naming_who_was_first(self, request_id: int, node: str | None, continuing: bool, do: Callable[[], T]) -> T:
        """What ``do`` gives. What refuses it is raised with who was first, if somebody was."""
        try:
            return do()
        except Refused as refusal:
            if type(refusal) not in (Refused, Conflict):
                raise
            detail = self.store.detail(request_id)
            graph = self.catalog.graph(detail.request.workflow, detail.request.workflow_version)
            raise with_who_was_first(refusal, detail, graph, node, continuing=continuing) from None

    def _once(self, command: Command) -> Accepted:
        """The same command a second time changes nothing and is answered alike (SPEC 5)."""
        request_id, command_id = command.request_id, command.act.command_id
        if command_id is None:
            return self.store.change(request_id, command.decide)

        def run(draft: Draft) -> Accepted:
            accepted = command.decide(draft)
            remember(draft, command_id, command.meaning, accepted)
            return accepted

        try:
            return self.store.change(request_id, run, command_id)
        except AlreadyDone:
            event = self.store.command(command_id)
            assert event is not None  # it was found a moment ago, and nothing deletes events
            return answered(event, command.meaning)


def act_of(actor: Actor, **said: Unpack[Said]) -> Act:
    """The person and what they said. Raises InvalidInput."""
    reason, command_id = said.get("reason"), said.get("command_id")
    if reason is not None and len(reason) > MAX_REASON_CHARS:
        raise InvalidInput(f"The reason is {len(reason)} characters long; keep it under {MAX_REASON_CHARS}.", "reason")
    if command_id is not None:
        check_key(command_id)
    said["reason"] = (reason or "").strip() or None
    return Act(actor.name, actor.id, actor.door, **said, away=actor.away)
