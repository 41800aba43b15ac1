"""The engine as its doors see it: every command and every reading, permitted, audited and refused by the same rules.

Slack, the command line and the API call nothing else (SPEC 8).
"""

from __future__ import annotations

from functools import partial
from typing import Unpack

from engine.callbacks import Address
from engine.commands.acting import Bound, Command, Said, act_of
from engine.commands.api_keys import ApiKeys
from engine.commands.approvals import Approvals
from engine.commands.documents import RequestDocument
from engine.commands.lookouts import Lookouts
from engine.commands.reading import read_document
from engine.commands.reports import Reports
from engine.commands.submitting import Submitting
from engine.errors import InvalidInput, NoSuchStep, PlanChanged
from engine.graph import Graph
from engine.rules.allowed import Action
from engine.rules.decide import options
from engine.rules.decide.act import Accepted
from engine.rules.decide.waits import call_back
from engine.rules.draft import Draft
from engine.rules.outlook import Outlook, outlook
from engine.rules.permissions import Actor, Permission
from engine.rules.plan import Plan
from engine.rules.provided import check_provided, check_result, draft_for
from engine.values.strict_json import canonical


class Engine(Approvals, Lookouts, Reports, Submitting, ApiKeys):
    """Made of its parts, each of which is a class of its own."""

    # --- reading -----------------------------------------------------------------------------------------------

    def document(self, actor: Actor, request_id: int) -> RequestDocument:
        """Everything of a request. Raises NotFound, NotPermitted (View reports)."""
        detail = self.store.detail(request_id)
        self._require(actor, Permission.VIEW_REPORTS, detail.request.app, request_id)
        return read_document(detail, self.catalog, self._hidden(detail))

    def graph(self, document: RequestDocument) -> Graph:
        """The graph of the version that a request is on."""
        return self.catalog.graph(document.workflow, document.version)

    def card(self, request_id: int) -> RequestDocument:
        """A request for its public card: no person is asked for, and whoever shows it prints no bodies."""
        detail = self.store.detail(request_id)
        return read_document(detail, self.catalog, self._hidden(detail))

    def plan(
        self,
        actor: Actor,
        request_id: int,
        action: Action,
        node: str | None = None,
        new_key: bool = False,
        version: int | None = None,
        *,
        update_status: bool = False,
        expect_version: int | None = None,
        text: str | None = None,
    ) -> Plan:
        """What the act would run, on ``version`` if one is named. Raises what the act itself would be refused with, but
        for want of a confirmation or a reason; for Provide input, what is wrong with the JSON ``text``, once there is
        one."""
        if action is Action.FLOW:
            _no_tick_box(update_status)
        request, rows = self.store.status(request_id)
        self._may_act(actor, request)
        graph = self.catalog.graph(request.workflow, request.workflow_version)
        onto = None if version is None else (version, self.catalog.graph(request.workflow, version))
        if node is not None and action not in (Action.RETRIGGER, Action.FLOW):
            onto = None
        if node is not None and text is not None:
            check_provided(self.catalog.get(request.workflow, request.workflow_version).workflow, node, text)
        draft = Draft(request, {step.node: step for step in rows}, graph, 0.0, False)
        return self._naming_who_was_first(
            request_id,
            node,
            action is Action.CONTINUE,
            lambda: options.rehearse(draft, action, node, new_key, onto, expect_version),
        )

    def input_draft(self, actor: Actor, request_id: int, node: str) -> str:
        """JSON text to start Provide input from (SPEC 4): the expected shape or the step's own last response."""
        detail = self.store.detail(request_id)
        self._may_act(actor, detail.request)
        workflow = self.catalog.get(detail.request.workflow, detail.request.workflow_version).workflow
        if node not in workflow.nodes:
            raise NoSuchStep(node, request_id, workflow.nodes)
        return draft_for(workflow, node, detail)

    def outlook(self, actor: Actor, plan: Plan, text: str, *, draft: bool = False) -> Outlook:
        """What the JSON ``text`` as a step's result will do, when input is provided by ``plan``. Raises InvalidInput
        as the act would, unless it is a ``draft``, in which places are still empty."""
        detail = self.store.detail(plan.request_id)
        self._may_act(actor, detail.request)
        workflow = self.catalog.get(detail.request.workflow, detail.request.workflow_version).workflow
        return outlook(workflow, plan, detail, text if draft else check_provided(workflow, plan.node or "", text))

    # --- acting ------------------------------------------------------------------------------------------------

    def retrigger(
        self,
        actor: Actor,
        request_id: int,
        node: str,
        *,
        flow: bool = False,
        update_status: bool = False,
        version: int | None = None,
        new_key: bool = False,
        bulk: int | None = None,
        **said: Unpack[Said],
    ) -> Accepted:
        """Re-trigger the step alone, or with the flow behind it. Returns once the act is stored. ``bulk``: the bulk
        re-trigger that it is a part of."""
        if flow:
            _no_tick_box(update_status)
        request = self._permitted_request(actor, request_id)
        act = act_of(actor, **said)._replace(bulk=bulk)
        onto = None if version is None else (version, self.catalog.graph(request.workflow, version))
        retrigger = partial(options.retrigger, act=act, node=node, flow=flow, onto=onto)
        decide = partial(retrigger, update_status=update_status, new_key=new_key)
        did = Action.FLOW if flow else Action.RETRIGGER
        return self._carry_out(Command(did, request_id, node, act, decide, (update_status, new_key, version)))

    def provide_input(self, actor: Actor, request_id: int, node: str, text: str, **said: Unpack[Said]) -> Accepted:
        """The JSON ``text`` becomes the step's result, and the flow goes on."""
        request = self._permitted_request(actor, request_id)
        workflow = self.catalog.get(request.workflow, request.workflow_version).workflow
        act = act_of(actor, **said)
        result = check_provided(workflow, node, text)
        decide = partial(options.provide_input, act=act, node=node, result=result, checked=request.workflow_version)
        return self._carry_out(Command(Action.INPUT, request_id, node, act, decide, (canonical(result),)))

    def continue_flow(self, actor: Actor, request_id: int, **said: Unpack[Said]) -> Accepted:
        """Release what is held, or mend what was lost. ``expect_version``: the request's ``revision``."""
        self._permitted_request(actor, request_id)
        act = act_of(actor, **said)
        decide = partial(options.continue_flow, act=act)
        return self._carry_out(Command(Action.CONTINUE, request_id, None, act, decide))

    def withdraw(self, actor: Actor, request_id: int, *, reason: str | None, **bound: Unpack[Bound]) -> Accepted:
        """End the request. What runs is fenced off. ``expect_version``: the request's ``revision``."""
        self._permitted_request(actor, request_id)
        act = self._listed(request_id, act_of(actor, reason=reason, **bound))
        decide = partial(options.withdraw, act=act)
        return self._carry_out(Command(Action.WITHDRAW, request_id, None, act, decide))

    def call_back(self, token: str, text: str) -> Accepted:
        """An outside system called a callback's address; the JSON ``text`` becomes the step's result.

        Raises NotFound for an address that was never given out, CallbackRefused, InvalidInput.
        """
        address = self._callbacks.read(token)
        while True:
            request, _ = self.store.status(address.request_id)
            version = request.workflow_version
            result = check_result(self.catalog.get(request.workflow, version).workflow, address.node, text)
            take = partial(call_back, node=address.node, issue=address.issue, result=result, checked=version)
            try:
                return self.store.change(address.request_id, take)
            except PlanChanged:  # a re-trigger has just named another version, whose schema counts
                continue

    def callback_url(self, actor: Actor, request_id: int, node: str) -> str | None:
        """The present address of a callback, for who may act on the request; None where it is no callback, or where
        the settings do not say at which address others reach us."""
        request, rows = self.store.status(request_id)
        self._may_act(actor, request)
        step = next((row for row in rows if row.node == node and row.kind == "callback"), None)
        if step is None or not self._callbacks.reachable:
            return None
        return self._callbacks.url(Address(request_id, node, step.key_salt))


def _no_tick_box(ticked: bool) -> None:
    if ticked:
        why = "The status is always updated with the flow; leave the tick box to the step-only re-trigger."
        raise InvalidInput(why, "update_status")
