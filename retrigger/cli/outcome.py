"""Waiting for what an act came to, and saying it (SPEC 8)."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import nullcontext
from typing import NamedTuple

import click

from engine.ports.store import Store
from engine.records import Request, Step
from engine.rules.decide.act import Accepted
from engine.rules.fence import is_open_wait
from engine.states import FINAL, MOVING, RequestStatus, StepStatus
from retrigger.cli.done import say_done
from retrigger.cli.session import Session
from retrigger.cli.words import plain

NOTHING_RUNS = "accepted, nothing is running it. Start an engine with `retrigger up`."
_POLL = 0.1  # seconds between looks
_LOOK_FOR_ENGINES = 1.0


class Outcome(NamedTuple):
    """What is to be said, and whether the act did what it was for."""

    sentence: str
    good: bool


def wait_for_step(session: Session, accepted: Accepted, node: str) -> Outcome:
    """The outcome of a step that was re-triggered alone."""
    seen = _wait(session, accepted.request_id, node)
    return _nothing_runs(accepted) if seen is None else _masked(session, accepted, _of_step(*seen, node))


def wait_for_request(session: Session, accepted: Accepted) -> Outcome:
    """The outcome of an act after which the flow goes on: the request is final, or Blocked."""
    seen = _wait(session, accepted.request_id, None)
    return _nothing_runs(accepted) if seen is None else _masked(session, accepted, _of_request(*seen))


def _nothing_runs(accepted: Accepted) -> Outcome:
    return Outcome(f"REQ-{accepted.request_id}: {NOTHING_RUNS}", True)


def _masked(session: Session, accepted: Accepted, outcome: Outcome) -> Outcome:
    """The rows are as they are stored: whom an approval asks, and reasons, may be sensitive values."""
    return outcome._replace(sentence=session.app.engine.masked(accepted.request_id, outcome.sentence))


def _wait(session: Session, request_id: int, node: str | None) -> tuple[Request, Sequence[Step]] | None:
    """The rows once nothing more is to be waited for; None when no engine is alive to go on."""
    store = session.app.store
    line = session.err.status(f"REQ-{request_id}") if session.err.is_terminal else nullcontext()
    started = look = time.monotonic()
    with line as status:
        while True:
            request, steps = store.status(request_id)
            if _settled(request, steps, node):
                return request, steps
            if time.monotonic() >= look:
                look = time.monotonic() + _LOOK_FOR_ENGINES
                if not store.workers_alive() and not _now_settled(store, request_id, node):
                    return None
            if status is not None:
                status.update(_progress(request, steps, time.monotonic() - started))
            time.sleep(_POLL)


def _now_settled(store: Store, request_id: int, node: str | None) -> bool:
    """An engine may have ended right after it did the work."""
    return _settled(*store.status(request_id), node)


def _settled(request: Request, steps: Sequence[Step], node: str | None) -> bool:
    """Nothing more comes by itself soon: what waits for people, for a call or for its time may take days."""
    if node is not None:
        return all(not _moves(step) for step in steps if step.node == node)
    if request.status in FINAL or request.status is RequestStatus.FAILED:
        return True
    return not any(map(_moves, steps)) and (request.status is RequestStatus.BLOCKED or any(map(is_open_wait, steps)))


def _moves(step: Step) -> bool:
    return step.status in MOVING and not is_open_wait(step)


def _progress(request: Request, steps: Sequence[Step], seconds: float) -> str:
    moving = [step for step in steps if step.status in MOVING]
    shown = ", ".join(f"{step.node} is {step.status.value}" for step in moving[:2])
    more = f" and {len(moving) - 2} more" if len(moving) > 2 else ""
    return f"REQ-{request.id} is {request.status.label}: {shown or 'going on'}{more} ({seconds:.0f} s)"


def _of_step(request: Request, steps: Sequence[Step], node: str) -> Outcome:
    step = next((step for step in steps if step.node == node), None)
    if step is None:
        return Outcome(f"REQ-{request.id} has no step {node} any more.", False)
    whole = f"REQ-{request.id} is {request.status.label}{_elsewhere(request, node)}"
    if is_open_wait(step):
        return Outcome(f"{node} waits{_for_whom(step)}. {whole}.", True)
    if step.status is not StepStatus.COMPLETED:
        again = " again" if step.status is step.was or step.status is StepStatus.BLOCKED else ""
        return Outcome(f"{node} is {step.status.value}{again}{_why(step)} {whole}.", False)
    held = " It is held: nothing behind it starts until Continue flow." if step.held else ""
    return Outcome(f"{node} completed.{held} {whole}.", True)


def _of_request(request: Request, steps: Sequence[Step]) -> Outcome:
    good = request.status in (RequestStatus.COMPLETED, RequestStatus.REJECTED)
    told = f"REQ-{request.id} is {request.status.label}"
    blocked = [step for step in steps if step.status is StepStatus.BLOCKED and not step.stale]
    if request.status is RequestStatus.BLOCKED and blocked:
        places = " ".join(f"{step.node} is blocked{_why(step)}" for step in blocked)
        return Outcome(f"{told}. {places}", False)
    waiting = [f"{step.node} waits{_for_whom(step)}" for step in steps if is_open_wait(step)]
    if request.status is RequestStatus.IN_PROGRESS and waiting:
        return Outcome(f"{told}: {'; '.join(waiting)}.", True)
    reason = f": {request.reason.rstrip('.')}" if request.reason else ""
    return Outcome(f"{told}{reason}.", good)


def _for_whom(step: Step) -> str:
    if step.approval is None:
        return " for a call from outside" if step.kind == "callback" else " until its time has come"
    return f" for {'each of ' if step.approval.need == 'all' else ''}{', '.join(step.approval.approvers)} to answer"


def _elsewhere(request: Request, node: str) -> str:
    """The request's reason, unless that is this step's error, which was said already."""
    if request.reason is None or request.reason.startswith(f"{node}: "):
        return ""
    return f": {request.reason.rstrip('.')}"


def _why(step: Step) -> str:
    """Its error, as the rest of a sentence."""
    error = f": {step.error.rstrip('.')}" if step.error else ""
    call = f" (the last call: {step.call.label})" if step.call else ""
    return f"{error}{call}."


def say(outcome: Outcome) -> None:
    """Print it, and end with the exit code that goes with it."""
    say_done(plain(outcome.sentence))
    if not outcome.good:
        raise click.exceptions.Exit(1)
