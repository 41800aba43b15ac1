"""One claimed step, executed: rendered, called or run, and its outcome made ready to be written.

Nothing here decides what follows: the outcome is a value, and engine.rules.decide.finish says what becomes of it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import Any, NamedTuple

from engine import texts
from engine.callbacks import Address
from engine.definition import (
    ActionNode,
    ApprovalNode,
    CallbackNode,
    DecisionNode,
    DelayNode,
    FunctionNode,
    Node,
    SyncNode,
    Workflow,
    approvers_of,
    moment,
)
from engine.errors import ConfirmationNeeded, DamagedValue, LeaseLost, RetriggerError
from engine.functions import Registered
from engine.graph import INSTANT_KINDS
from engine.isolation.answer import Answer
from engine.isolation.errors import Stopped
from engine.logs import running
from engine.nodes.action import prepare, send
from engine.nodes.call import CallRefused
from engine.nodes.function import Caller, apart, here, run_function
from engine.nodes.words import seconds
from engine.records import Approval, Claim
from engine.rules.decide.block import begin_inner, end_inner
from engine.rules.decide.finish import Finished, late
from engine.rules.decide.send import send as about_to_send
from engine.rules.idempotency_keys import function_digest, idempotency_key
from engine.rules.outcomes import Ended, Failure, Outcome, Success, Waits
from engine.rules.retry import next_try
from engine.states import CallEffect
from engine.templates import TemplateError, build_context
from engine.values.masking import sensitive_values, step_masker
from engine.values.strict_json import dumps
from engine.worker.tools import Tools

_OTHER_KEY = (
    f"{texts.EARLIER_CALL}, and the call is no longer rendered as it was, so it would leave under another key. "
    "Re-trigger the step and confirm a second call."
)


class _InnerFailed(NamedTuple):
    """What ended a sync block: the inner step's failure, and when that step's retry rule has the block run again."""

    failure: Failure
    retry_in: float | None


class Execution:
    """One claim with what its templates see, loaded only when something names it.

    ``holder`` is the claim that a worker holds, which for the inner step of a block is the block's.
    """

    def __init__(self, tools: Tools, claim: Claim, workflow: Workflow, holder: Claim | None = None) -> None:
        self._tools, self._claim, self._workflow = tools, claim, workflow
        self._holder = holder or claim
        self._node: Node = workflow.node(claim.step.node)
        self._masker = tools.masker
        self._sent = False
        self._retry_in: float | None = None

    def run(self) -> Finished:
        """Raises LeaseLost when the attempt turned out not to be the current one any more."""
        outcome = self._outcome()
        step = self._claim.step
        if not isinstance(outcome, Failure):
            return Finished(step.node, step.attempt, outcome)
        policy = self._node.action.retry if isinstance(self._node, ActionNode) else None
        delay = next_try(policy, outcome, step.retries) if policy else self._retry_in
        response = None if outcome.response is None else dumps(outcome.response)
        return Finished(step.node, step.attempt, outcome, response=response, retry_in=delay)

    def _outcome(self) -> Outcome:
        """What the step came to. What cannot be rendered blocks it, whatever paths it has (SPEC 2)."""
        node = self._node
        if node.kind in INSTANT_KINDS:  # the first of a workflow: elsewhere they are done when they are reached
            return Success("null")
        execute = _EXECUTE.get(node.kind)
        if execute is None:
            raise RetriggerError(f"Nothing executes a node of kind {node.kind}.")
        try:
            return execute(self, node)
        except (TemplateError, CallRefused, DamagedValue) as error:
            call = CallEffect.NOT_SENT if isinstance(node, ActionNode) else None
            return Failure(self._masker.text(f"{node.id} cannot be rendered: {error}"), call, must_block=True)
        except ConfirmationNeeded:
            return Failure(_OTHER_KEY, CallEffect.NOT_SENT, must_block=True, second_effect=True)

    def _act(self, node: ActionNode) -> Outcome:
        spec, step = node.action, self._claim.step
        connection = self._tools.connections.get(spec.connection)
        if connection is None:
            known = ", ".join(sorted(self._tools.connections)) or "none"
            why = f"There is no connection {spec.connection} in the settings, which have: {known}."
            return Failure(why, CallEffect.NOT_SENT, must_block=True)
        call = prepare(spec, self._context(spec.template.constant), connection)
        key = self._leave(call.digest)
        return send(call, key, self._masker, step.node, self._workflow.sensitive)

    def _call_function(self, node: FunctionNode) -> Outcome:
        """A function that takes the key may change something outside, so it is guarded as a call is."""
        spec = node.function
        args = spec.template.render(self._context(spec.template.constant))
        key = partial(self._leave_for, spec.name, args)
        call = self._here(node) if spec.isolation == "thread" else apart(self._tools.processes, spec.timeout)
        try:
            outcome = run_function(spec.name, args, key, self._masker, call)
        except Stopped:  # a clean stop gave the step back before it ended the process
            step = self._claim.step
            raise LeaseLost(step.request_id, step.node, step.attempt) from None
        if not self._sent or outcome.call is CallEffect.NOT_SENT:
            return outcome
        return outcome._replace(call=CallEffect.ACCEPTED if isinstance(outcome, Success) else CallEffect.UNKNOWN)

    def _here(self, node: FunctionNode) -> Caller:
        """Calls it in this thread. Its time begins with the call, once its key is stored."""
        spec = node.function
        error = f"{spec.name} took longer than {seconds(spec.timeout)}."
        too_long = error if self._holder is self._claim else f"{node.id}: {error}"  # then it is the block's error

        def call(known: Registered, args: Mapping[str, Any]) -> Answer:
            with self._tools.deadlines.within(self._holder, spec.timeout, too_long):
                return here(known, args)

        return call

    def _leave_for(self, name: str, args: Mapping[str, Any]) -> str:
        return self._leave(function_digest(name, args))

    def _leave(self, digest: str) -> str:
        """The key of the call that is about to leave, durable first. Raises LeaseLost, ConfirmationNeeded."""
        step = self._claim.step
        scope = str(self._claim.created_at)
        key = idempotency_key(step.request_id, step.node, step.visit, step.key_salt, digest, scope)
        leave = partial(about_to_send, node=step.node, attempt=step.attempt, key=key)
        self._tools.patiently(lambda: self._tools.store.change(step.request_id, leave))
        self._sent = True
        return key

    def _choose(self, node: DecisionNode) -> Outcome:
        """The first condition that is true wins."""
        path = node.decision.way(self._context(constant=False))
        return Success(dumps({"path": path}), path)

    def _ask(self, node: ApprovalNode) -> Outcome:
        spec = node.approval
        approvers = approvers_of(spec.template.render(self._context(spec.template.constant)))
        return Waits(spec.timeout, approval=Approval(approvers, spec.need))

    def _delay(self, node: DelayNode) -> Outcome:
        template = node.delay.template
        rendered = template.render(self._context(template.constant))
        when = moment(rendered, now=0.0)
        return Waits(seconds=when) if "for" in rendered else Waits(until=when)

    def _await_call(self, node: CallbackNode) -> Outcome:
        return Waits(node.callback.timeout)

    def _run_block(self, node: SyncNode) -> Outcome:
        """Its inner steps one after another; the result is the last one's."""
        result: str | None = "null"
        for name in node.inner:
            done = self._run_inner(name)
            if isinstance(done, _InnerFailed):
                self._retry_in = done.retry_in
                return done.failure
            result = done.result
        return Success(result)

    def _run_inner(self, name: str) -> Success | _InnerFailed:
        block = self._claim.step
        begin = partial(begin_inner, outer=self._claim.attempt, node=name)
        step, attempt = self._tools.patiently(lambda: self._tools.store.change(block.request_id, begin))
        claim = self._claim._replace(step=step, attempt=attempt)
        outer = running.set(claim)
        try:
            done = Execution(self._tools, claim, self._workflow, self._holder).run()
        finally:
            running.reset(outer)
        outcome = done.outcome
        assert not isinstance(outcome, Waits)  # only actions and functions are inside a block
        end = partial(end_inner, block=block.node, attempt=block.attempt, done=done, outcome=outcome)
        self._end_inner(end, done, outcome)
        if isinstance(outcome, Success):
            return outcome
        return _InnerFailed(outcome._replace(error=f"{name}: {outcome.error}"), done.retry_in)

    def _end_inner(self, end: Callable[..., None], done: Finished, outcome: Ended) -> None:
        change, request_id = self._tools.store.change, self._claim.step.request_id
        try:
            self._tools.patiently(lambda: change(request_id, end))
        except LeaseLost:
            self._tools.patiently(lambda: change(request_id, partial(late, done=done, outcome=outcome)))
            raise

    def _context(self, constant: bool) -> Mapping[str, Any]:
        """What the templates see. A step that names nothing, in a workflow that masks nothing, needs no reading."""
        sensitive = self._workflow.sensitive
        if constant and not sensitive:
            return {}
        wanted = self._node.references | self._node.callbacks | self._workflow.sensitive_nodes
        step = self._claim.step
        seen = self._tools.patiently(lambda: self._tools.store.template_values(step.request_id, wanted))
        self._hide(sensitive_values(sensitive, seen.input, seen.results))
        return build_context(
            step.request_id,
            seen.input,
            seen.requester,
            seen.results,
            seen.errors,
            self._workflow.constants,
            lambda node: self._callback_url(node, seen.issues[node]),
        )

    def _callback_url(self, node: str, issue: int) -> str:
        """Whoever knows the address may call it, so it is masked in what is kept."""
        address = Address(self._claim.step.request_id, node, issue)
        url = self._tools.callbacks.url(address)
        self._hide({self._tools.callbacks.token(address)})
        return url

    def _hide(self, values: Collection[str]) -> None:
        """In what is kept of the step, and in what it prints and logs from now on."""
        if values:
            self._masker = self._masker.plus(values)
            step_masker.set(self._masker)


_EXECUTE: Mapping[str, Callable[[Execution, Any], Outcome]] = {
    ActionNode.kind: Execution._act,
    FunctionNode.kind: Execution._call_function,
    DecisionNode.kind: Execution._choose,
    SyncNode.kind: Execution._run_block,
    ApprovalNode.kind: Execution._ask,
    DelayNode.kind: Execution._delay,
    CallbackNode.kind: Execution._await_call,
}
