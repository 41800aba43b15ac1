"""Executes claimed steps, and has their outcomes written, however often the database refuses."""

from __future__ import annotations

import logging
import threading
import traceback
from collections.abc import Callable
from functools import partial

from engine.decide.finish import Finished, finish
from engine.errors import LeaseLost, StorageError
from engine.execution import Execution
from engine.outcomes import Failure, Waits
from engine.records import Claim
from engine.tools import AGAIN, Tools

log = logging.getLogger(__name__)


class Runner:
    """Told from the writer's thread: ``on_later``, when a step became due, or a wait will be over, later;
    ``on_settled``, when nothing more is written of a claim's outcome."""

    def __init__(self, tools: Tools) -> None:
        self.tools = tools
        self.on_later: Callable[[], None] = lambda: None
        self.on_settled: Callable[[Claim], None] = lambda claim: None

    def execute(self, claim: Claim) -> Finished | None:
        """Run the step. None when the attempt turned out not to be the current one any more."""
        try:
            version = claim.attempt.workflow_version
            published = self.tools.patiently(lambda: self.tools.catalog.get(claim.workflow, version))
            return Execution(self.tools, claim, published.workflow).run()
        except LeaseLost as lost:
            log.info("%s", lost)
            return None
        except Exception as defect:
            return _failed(claim, _defect(claim, defect))

    def finish(self, claim: Claim, done: Finished) -> None:
        """Have the outcome written. The database may be away or full for a while: the outcome is not given up."""
        try:
            written = partial(self._written, claim, done)
            self.tools.store.change_then(claim.step.request_id, partial(finish, done=done), written)
        except StorageError as error:
            log.error("The outcome of REQ-%s %s is not stored: %s", claim.step.request_id, done.node, error)

    def _written(self, claim: Claim, done: Finished, stored: bool | None, error: Exception | None) -> None:
        if error is None:
            self.on_settled(claim)
            if done.retry_in is not None or isinstance(done.outcome, Waits):
                self.on_later()
        elif isinstance(error, StorageError):
            log.error("%s Trying again to store the outcome of REQ-%s %s.", error, claim.step.request_id, done.node)
            again = threading.Timer(AGAIN, self.finish, (claim, done))
            again.daemon = True
            again.start()
        else:
            blocked = _defect(claim, error)
            if isinstance(done.outcome, Failure) and done.outcome.must_block:
                self.on_settled(claim)  # this was the last that could be tried
                return
            call = None if isinstance(done.outcome, Waits) else done.outcome.call
            self.finish(claim, _failed(claim, blocked._replace(call=call)))

    def give_up(self, claim: Claim, error: str) -> None:
        """Its time is over: the step has failed, whatever its thread still comes to."""
        self.finish(claim, _failed(claim, Failure(error)))


def _defect(claim: Claim, error: BaseException) -> Failure:
    """Its message may repeat what an outside system sent, so neither the step nor the log gets to see that."""
    where = "".join(traceback.format_tb(error.__traceback__))
    name = type(error).__name__
    log.error("REQ-%s %s: a defect of Retrigger, %s\n%s", claim.step.request_id, claim.step.node, name, where)
    return Failure(f"Retrigger itself failed ({name}); the log of the engine says where.", must_block=True)


def _failed(claim: Claim, failure: Failure) -> Finished:
    return Finished(claim.step.node, claim.step.attempt, failure)
