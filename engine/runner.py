"""Executes one claimed step: renders it, makes its call or runs its function, and has the outcome written.

Nothing here decides what follows: the outcome is a value, and engine.decide.finish says what becomes of it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from functools import partial
from typing import Any, TypeVar

from engine import texts
from engine.catalog import Catalog
from engine.connections import Connection
from engine.deadlines import Deadlines
from engine.decide.finish import Finished, finish
from engine.decide.send import send as about_to_send
from engine.definition import Node, Workflow
from engine.definition.nodes import ActionNode, DecisionNode, FunctionNode
from engine.errors import ConfirmationNeeded, LeaseLost, RetriggerError, StorageError
from engine.graph import INSTANT_KINDS
from engine.isolation.errors import Stopped
from engine.isolation.pool import Processes
from engine.keys import function_digest, idempotency_key
from engine.masking import Masker, sensitive_values
from engine.nodes.action import prepare, send
from engine.nodes.call import CallRefused
from engine.nodes.function import apart, here, run_function
from engine.outcomes import Failure, Outcome, Success
from engine.records import Claim
from engine.retry import next_try
from engine.states import CallEffect
from engine.store import Store
from engine.strict_json import dumps
from engine.templates import TemplateError, build_context

log = logging.getLogger(__name__)
T = TypeVar("T")

_OTHER_KEY = (
    f"{texts.EARLIER_CALL}, and the call is no longer rendered as it was, so it would leave under another key. "
    "Re-trigger the step and confirm a second call."
)
_AGAIN = 1.0  # seconds until a write that the database refused is tried again


class Runner:
    """``connections`` by name. ``secrets`` are masked in whatever is kept. ``functions``: the modules that register
    them. ``on_later`` is told, from the writer's thread, when a step became due at a later time."""

    def __init__(
        self,
        store: Store,
        catalog: Catalog,
        connections: Mapping[str, Connection],
        secrets: frozenset[str],
        functions: Sequence[str] = (),
    ) -> None:
        self.store, self._catalog, self.connections = store, catalog, connections
        self.processes = Processes(functions)
        self.masker = Masker(secrets)
        self.deadlines = Deadlines(time.monotonic)
        self.on_later: Callable[[], None] = lambda: None

    def execute(self, claim: Claim) -> Finished | None:
        """Run the step. None when the attempt turned out not to be the current one any more."""
        try:
            published = self.patiently(lambda: self._catalog.get(claim.workflow, claim.attempt.workflow_version))
            step = _Execution(self, claim, published.workflow)
            return step.finished(step.outcome())
        except LeaseLost as lost:
            log.info("%s", lost)
            return None
        except Exception as defect:
            log.exception("REQ-%s %s", claim.step.request_id, claim.step.node)
            return _failed(claim, Failure(f"Retrigger itself failed: {defect!r}", must_block=True))

    def finish(self, claim: Claim, done: Finished) -> None:
        """Have the outcome written. The database may be away or full for a while: the outcome is not given up."""
        try:
            future = self.store.change_soon(claim.step.request_id, partial(finish, done=done))
        except StorageError as error:
            log.error("The outcome of REQ-%s %s is not stored: %s", claim.step.request_id, done.node, error)
            return
        future.add_done_callback(partial(self._written, claim, done))

    def _written(self, claim: Claim, done: Finished, future: Future[bool]) -> None:
        error = future.exception()
        if error is None:
            if done.retry_in is not None:
                self.on_later()
        elif isinstance(error, StorageError):
            log.error("%s Trying again to store the outcome of REQ-%s %s.", error, claim.step.request_id, done.node)
            again = threading.Timer(_AGAIN, self.finish, (claim, done))
            again.daemon = True
            again.start()
        else:
            log.error("REQ-%s %s", claim.step.request_id, done.node, exc_info=error)
            if isinstance(done.outcome, Failure) and done.outcome.must_block:
                return  # this was the last that could be tried
            blocked = Failure(f"Retrigger itself failed: {error!r}", done.outcome.call, must_block=True)
            self.finish(claim, _failed(claim, blocked))

    def give_up(self, claim: Claim, limit: float) -> None:
        """Its time is over: the step has failed, whatever its thread still comes to."""
        self.finish(claim, _failed(claim, Failure(f"{claim.step.node} took longer than {limit:g} s.")))

    def patiently(self, read: Callable[[], T]) -> T:
        """Read what a step needs, as long as it takes: a database that is away is no failure of the step."""
        while True:
            try:
                return read()
            except StorageError as error:
                log.error("%s Trying again.", error)
                time.sleep(_AGAIN)


class _Execution:
    """One claim with what its templates see, loaded only when something names it."""

    def __init__(self, runner: Runner, claim: Claim, workflow: Workflow) -> None:
        self._runner, self._claim, self._workflow = runner, claim, workflow
        self._node: Node = workflow.nodes[claim.step.node]
        self._masker = runner.masker

    def outcome(self) -> Outcome:
        """What the step came to. What cannot be rendered blocks it, whatever paths it has (SPEC 2)."""
        node = self._node
        try:
            if isinstance(node, ActionNode):
                return self._act(node)
            if isinstance(node, FunctionNode):
                return self._call_function(node)
            if isinstance(node, DecisionNode):
                return self._choose(node)
            if node.kind in INSTANT_KINDS:  # the first of a workflow: elsewhere they are done when they are reached
                return Success(None)
        except (TemplateError, CallRefused) as error:
            call = CallEffect.NOT_SENT if isinstance(node, ActionNode) else None
            return Failure(self._masker.text(f"{node.id} cannot be rendered: {error}"), call, must_block=True)
        except ConfirmationNeeded:
            return Failure(_OTHER_KEY, CallEffect.NOT_SENT, must_block=True, second_effect=True)
        raise RetriggerError(f"Nothing executes a node of kind {node.kind}.")

    def finished(self, outcome: Outcome) -> Finished:
        """The outcome with everything serialised, ready to be written."""
        step = self._claim.step
        if isinstance(outcome, Success):
            return Finished(step.node, step.attempt, outcome, result=dumps(outcome.result))
        policy = self._node.action.retry if isinstance(self._node, ActionNode) else None
        delay = next_try(policy, outcome, step.retries)
        response = None if outcome.response is None else dumps(outcome.response)
        return Finished(step.node, step.attempt, outcome, response=response, retry_in=delay)

    def _act(self, node: ActionNode) -> Outcome:
        spec, step = node.action, self._claim.step
        connection = self._runner.connections.get(spec.connection)
        if connection is None:
            known = ", ".join(sorted(self._runner.connections)) or "none"
            why = f"There is no connection {spec.connection} in the settings, which have: {known}."
            return Failure(why, CallEffect.NOT_SENT, must_block=True)
        call = prepare(spec, self._context(spec.template.constant), connection)
        key = self._key(call.digest)
        leave = partial(about_to_send, node=step.node, attempt=step.attempt, key=key)
        self._runner.patiently(lambda: self._runner.store.change(step.request_id, leave))
        return send(call, key, self._masker, step.node, self._workflow.sensitive)

    def _call_function(self, node: FunctionNode) -> Outcome:
        spec = node.function
        args = spec.template.render(self._context(spec.template.constant))
        key = partial(self._function_key, spec.name, args)
        if spec.isolation == "thread":
            with self._runner.deadlines.within(self._claim, spec.timeout):
                return run_function(spec.name, args, key, self._masker, here)
        try:
            return run_function(spec.name, args, key, self._masker, apart(self._runner.processes, spec.timeout))
        except Stopped:
            step = self._claim.step
            raise LeaseLost(step.request_id, step.node, step.attempt) from None

    def _function_key(self, name: str, args: Mapping[str, Any]) -> str:
        return self._key(function_digest(name, args))

    def _choose(self, node: DecisionNode) -> Outcome:
        """The first condition that is true wins."""
        context = self._context(constant=False)
        taken = (case.target for case in node.decision.cases if case.template.truth(context))
        path = next(taken, node.decision.default)
        return Success({"path": path}, path)

    def _context(self, constant: bool) -> Mapping[str, Any]:
        """What the templates see. A step that names nothing, in a workflow that masks nothing, needs no reading."""
        sensitive = self._workflow.sensitive
        if constant and not sensitive:
            return {}
        masked = {path.split(".")[1] for path in sensitive if path.startswith("nodes.")}
        step = self._claim.step
        seen = self._runner.patiently(
            lambda: self._runner.store.context(step.request_id, self._node.references | masked)
        )
        self._masker = self._masker.plus(sensitive_values(sensitive, seen["input"], seen["results"]))
        return build_context(
            step.request_id,
            seen["input"],
            seen["requester"],
            seen["results"],
            seen["errors"],
            self._workflow.constants,
        )

    def _key(self, digest: str) -> str:
        step = self._claim.step
        scope = str(self._claim.created_at)
        return idempotency_key(step.request_id, step.node, step.visit, step.key_salt, digest, scope)


def _failed(claim: Claim, failure: Failure) -> Finished:
    return Finished(claim.step.node, claim.step.attempt, failure)
