"""Approvals: whom they ask, what those may see, and how they answer (SPEC 2)."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import NamedTuple

from engine import events
from engine.commands.acting import Acting, Command, act_of
from engine.commands.documents import RequestDocument
from engine.commands.reading import read_document
from engine.errors import NoSuchStep, NotAnApprover, NotFound, Refused
from engine.records import Approval, Event, Request
from engine.rules.decide.act import Accepted
from engine.rules.decide.waits import answer, means
from engine.rules.permissions import Actor, Permission, permitted_apps


class Asked(NamedTuple):
    """The request, and those names of its approvers, as the document shows them, that mean the person."""

    document: RequestDocument
    names: tuple[str, ...]


class Approvals(Acting):
    """The part of the engine that is for those whom an approval names."""

    def asks(self, request_id: int) -> dict[str, Approval]:
        """Whom the request waits for, by step, unmasked: for whoever has to find them. Never shown."""
        _, steps = self.store.status(request_id)
        return {step.node: step.approval for step in steps if step.approval is not None}

    def asked(self, actor: Actor, request_id: int, node: str) -> Asked:
        """For one whom the approval asks, or asked last: who is to answer may see what it is about, whatever else
        they may see. Raises NotFound, NotAnApprover, SelfAction, Refused."""
        detail = self.store.detail(request_id)
        known = [row.step.node for row in detail.steps]
        if node not in known:
            raise self._no_step(actor, detail.request, NoSuchStep(node, request_id, known))
        approvers = _last_asked(detail.events, node)
        self._may_answer(actor, detail.request, node)
        mine = means(approvers, actor.names)
        if not mine:
            raise self._no_approver(actor, request_id, node, approvers)
        document = read_document(detail, self.catalog, self._hidden(detail))
        return Asked(document, tuple(map(self._masker(request_id).text, mine)))

    def answer(
        self,
        actor: Actor,
        request_id: int,
        node: str,
        yes: bool,
        *,
        reason: str | None = None,
        expect_version: int | None = None,
        expect_attempt: int | None = None,
        command_id: str | None = None,
    ) -> Accepted:
        """Approve or reject, which only those whom the approval names may do. ``expect_attempt``: of the approval
        that was shown; one that was issued anew since is another. Raises NotAnApprover, SelfAction, Conflict."""
        request, _ = self.store.status(request_id)
        act = act_of(actor, reason=reason, expect_version=expect_version, command_id=command_id)
        act = self._listed(request_id, act)
        decide = partial(answer, act=act, node=node, yes=yes, names=actor.names, attempt=expect_attempt)
        self._may_answer(actor, request, node)
        try:
            return self._carry_out(Command("answer", request_id, node, act, decide, (yes,)))
        except NoSuchStep as error:
            raise self._no_step(actor, request, error) from None
        except NotAnApprover as error:
            raise self._no_approver(actor, request_id, node, error.approvers) from None

    def _may_answer(self, actor: Actor, request: Request, node: str) -> None:
        try:
            self._not_own(actor, request)
        except Refused as error:
            self.refused(actor, request.id, str(error), node)
            raise

    def _no_step(self, actor: Actor, request: Request, error: NoSuchStep) -> NotFound:
        """Whoever may not see the request learns no names of its steps by misspelling one."""
        apps = permitted_apps(self.grants(), actor, Permission.VIEW_REPORTS)
        return error if apps is None or request.app in apps else NotFound("step", error.name)

    def _no_approver(self, actor: Actor, request_id: int, node: str, approvers: tuple[str, ...]) -> NotAnApprover:
        """The refusal, put into the audit."""
        error = NotAnApprover(node, tuple(map(self._masker(request_id).text, approvers)))
        self.refused(actor, request_id, str(error), node)
        return error


def _last_asked(told: Iterable[Event], node: str) -> tuple[str, ...]:
    """The approvers of the step's present approval, or of its last."""
    waits = [event.data or {} for event in told if event.kind == events.WAITS and event.node == node]
    return tuple(waits[-1].get("approvers", ())) if waits else ()
