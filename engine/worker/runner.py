"""Executes claimed steps, and has their outcomes written, however often the database refuses."""

from __future__ import annotations

import logging
import traceback
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial

from engine.errors import LeaseLost, StorageError
from engine.logs import is_noteworthy, logger, of_claim, running
from engine.records import Claim
from engine.rules.decide.finish import Finished, finish
from engine.rules.outcomes import Failure, Waits
from engine.values.masking import step_masker
from engine.worker.execution import Execution
from engine.worker.tools import Tools

log = logger(__name__)
_plain = logging.getLogger(__name__)  # asked for each step, which structlog makes dear


class Runner:
    """Told from the writer's thread: ``on_later``, when a step became due, or a wait will be over, later;
    ``on_settled``, when nothing more is written of a claim's outcome."""

    def __init__(self, tools: Tools) -> None:
        self.tools = tools
        self.on_later: Callable[[], None] = lambda: None
        self.on_settled: Callable[[Claim], None] = lambda claim: None
        self._refused: deque[tuple[Claim, Finished]] = deque()  # outcomes that the database has not taken so far

    def execute(self, claim: Claim) -> Finished | None:
        """Run the step. None when the attempt turned out not to be the current one any more."""
        outer = running.set(claim)
        try:
            return self._execute(claim)
        finally:
            running.reset(outer)
            step_masker.set(None)

    def _execute(self, claim: Claim) -> Finished | None:
        if is_noteworthy(claim) or _plain.isEnabledFor(logging.DEBUG):
            kind, version = claim.attempt.kind, claim.attempt.workflow_version
            log.log(_level(claim), "attempt.started", kind=kind, workflow=claim.workflow, version=version)
        try:
            version = claim.attempt.workflow_version
            published = self.tools.patiently(lambda: self.tools.catalog.get(claim.workflow, version))
            return Execution(self.tools, claim, published.workflow).run()
        except LeaseLost as lost:
            log.info("attempt.lost", says=str(lost))
            return None
        except Exception as defect:
            return _failed(claim, _defect(claim, defect))

    def finish(self, claim: Claim, done: Finished, again: bool = False) -> None:
        """Have the outcome written. The database may be away or full for a while: the outcome is not given up."""
        try:
            written = partial(self._written, claim, done, again)
            self.tools.store.change_then(claim.step.request_id, partial(finish, done=done), written)
        except StorageError as error:
            log.error("outcome.unstored", says=str(error), **of_claim(claim))

    def _written(self, claim: Claim, done: Finished, again: bool, stored: bool | None, error: Exception | None) -> None:
        if error is None:
            self.on_settled(claim)
            _say_ended(claim, done, bool(stored))
            if done.retry_in is not None or isinstance(done.outcome, Waits):
                self.on_later()
        elif isinstance(error, StorageError):
            if not again:
                log.error("outcome.waits", says=f"{error} It is tried until it is stored.", **of_claim(claim))
            self._refused.append((claim, done))
        else:
            blocked = _defect(claim, error)
            if isinstance(done.outcome, Failure) and done.outcome.must_block:
                self.on_settled(claim)  # this was the last that could be tried
                self.tools.store.disown(claim.step.request_id, done.node, done.attempt)  # by others, perhaps, or later
                return
            call = None if isinstance(done.outcome, Waits) else done.outcome.call
            self.finish(claim, _failed(claim, blocked._replace(call=call)))

    def finish_refused(self) -> None:
        """Try the outcomes once more that the database has refused. For one thread at a time."""
        for claim, done in self._take_refused():
            self.finish(claim, done, again=True)

    def leave_refused(self) -> None:
        """The process stops: say whose outcomes are lost. Called when nobody calls ``finish_refused`` any more."""
        for claim, _ in self._take_refused():
            log.error("outcome.unstored", says="The database has refused it to the end.", **of_claim(claim))

    def _take_refused(self) -> Iterator[tuple[Claim, Finished]]:
        """Those that are there now: one that is tried may come back at once."""
        for _ in range(len(self._refused)):
            yield self._refused.popleft()

    def give_up(self, claim: Claim, error: str) -> None:
        """Its time is over: the step has failed, whatever its thread still comes to."""
        self.finish(claim, _failed(claim, Failure(error)))


def _say_ended(claim: Claim, done: Finished, in_time: bool) -> None:
    """Every failure, and whatever a person or a recovery caused; of all that simply works, nothing is told."""
    outcome, late = done.outcome, None if in_time else True
    if isinstance(outcome, Failure):
        facts = {**of_claim(claim), "retry_in": done.retry_in}
        log.info("attempt.failed", says=outcome.error, effect=outcome.call, late=late, **facts)
    elif is_noteworthy(claim) or _plain.isEnabledFor(logging.DEBUG):
        outcome_of = type(outcome).__name__.lower()
        log.log(_level(claim), "attempt.ended", outcome=outcome_of, late=late, **of_claim(claim))


def _level(claim: Claim) -> int:
    return logging.INFO if is_noteworthy(claim) else logging.DEBUG


def _defect(claim: Claim, error: BaseException) -> Failure:
    """Its message may repeat what an outside system sent, so neither the step nor the log gets to see that."""
    where = "".join(traceback.format_tb(error.__traceback__))
    name = type(error).__name__
    log.error("attempt.defect", says=f"A defect of Retrigger, {name}\n{where}", **of_claim(claim))
    return Failure(f"Retrigger itself failed ({name}); the log of the engine says where.", must_block=True)


def _failed(claim: Claim, failure: Failure) -> Finished:
    return Finished(claim.step.node, claim.step.attempt, failure)
