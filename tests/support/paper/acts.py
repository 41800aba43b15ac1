"""What people may do, what it does, and why it is refused (SPEC 4 and 5)."""

from __future__ import annotations

from copy import deepcopy
from typing import NamedTuple

from tests.support.paper.flow import cancel, let_go, open_up, recalculate, set_status, take_back
from tests.support.paper.shape import OK
from tests.support.paper.state import ANY, PaperRequest, PaperStep, Try
from tests.support.paper.work import completed

REFUSED, CONFLICT, CHANGED, UNSURE, UNKNOWN, INVALID = (
    "Refused",
    "Conflict",
    "PlanChanged",
    "ConfirmationNeeded",
    "NotFound",
    "InvalidInput",
)


class Command(NamedTuple):
    """``late``: the button's version of the step is not its version any more; ``outdated``: nor is the plan's state
    the present one. ``typed``: the result provided by hand, or why it is none."""

    by: str
    action: str
    node: str = ""
    ticked: bool = False
    new_key: bool = False
    reason: str | None = None
    confirmed: bool = False
    version: int | None = None
    late: bool = False
    outdated: bool = False
    typed: int | str = 1
    id: str | None = None


def refusals(paper: PaperRequest, command: Command) -> set[str]:
    """Every reason to refuse it. Empty: it must be accepted."""
    found = _of_the_request(paper, command)
    if command.outdated:
        found.add(CHANGED)
    if command.confirmed and not command.reason:
        found.add(REFUSED)
    return found


def _of_the_request(paper: PaperRequest, command: Command) -> set[str]:
    if command.action == "withdraw":
        return set() if "withdraw" in paper.actions() and command.reason else {REFUSED}
    if command.action == "continue":
        return _unsure(paper, command) if paper.can_continue() else {REFUSED}
    found = {CONFLICT} if command.late else set()
    if command.action == "flow" and command.ticked:
        found.add(INVALID)
    if command.action == "input" and isinstance(command.typed, str):
        found.add(INVALID)
    if command.new_key and not command.reason:
        found.add(REFUSED)
    if command.node not in paper.steps:
        return {*found, UNKNOWN}
    if command.action not in paper.step_actions(paper.steps[command.node]):
        return {*found, REFUSED}
    return found | _unsure(paper, command)


def _unsure(paper: PaperRequest, command: Command) -> set[str]:
    sure = command.confirmed and command.reason
    return {UNSURE} if repeated(paper, command) and not sure else set()


def rehearsed(paper: PaperRequest, command: Command) -> PaperRequest:
    """What the paper would be like."""
    after = deepcopy(paper)
    _DO[command.action](after, command._replace(typed=1))
    return after


def may_run(paper: PaperRequest, after: PaperRequest) -> list[str]:
    """What an act has started, and what may follow from that: plans list it."""
    runs = [s.node for s in after.present() if s.status == "ready" and s.starts != _starts(paper, s.node)]
    for place in after.shape.places:
        sources = [way.source for way in after.shape.into(place) if way.source in runs]
        if after.steps[place].status == "pending" and any(not after.steps[source].alone for source in sources):
            runs.append(place)
    return [place for place in after.shape.places if place in runs]


def _starts(paper: PaperRequest, node: str) -> int:
    return paper.steps[node].starts if node in paper.steps else 0


def repeated(paper: PaperRequest, command: Command) -> list[str]:
    """The steps whose calls may have taken effect, and which the act would make, or let be made, under other keys."""
    after = rehearsed(paper, command)
    return [
        node
        for node in may_run(paper, after)
        if node in paper.steps and _is_repeat(paper.steps[node], after.steps[node])
    ]


def _is_repeat(before: PaperStep, after: PaperStep) -> bool:
    another = (before.visit, before.new_keys) != (after.visit, after.new_keys) or before.stopped
    return another and before.may_have_had_effect


def carry_out(paper: PaperRequest, command: Command) -> None:
    """Do what nothing speaks against."""
    again = repeated(paper, command)
    _DO[command.action](paper, command)
    if command.confirmed:
        own = [command.node] if command.node and paper.steps[command.node].may_have_had_effect else []
        for node in {*again, *own}:
            paper.steps[node].allowed, paper.steps[node].stopped = ANY, False
    if command.id:
        paper.commands.add(command.id)


def _again(paper: PaperRequest, command: Command) -> None:
    step = paper.steps[command.node]
    flow = command.action == "flow"
    step.was = step.status
    step.status, step.next_kind, step.retries, step.recoveries = "ready", "retrigger", 0, 0
    step.starts += 1
    step.alone, step.ticked, step.held = not flow, command.ticked, False
    step.by = command.by
    step.new_keys += command.new_key
    if flow:
        take_back(paper, step.node, command.by)
        let_go(paper, paper.shape.behind(step.node), command.by)
        set_status(paper, "in_progress")


def _input(paper: PaperRequest, command: Command) -> None:
    step = paper.steps[command.node]
    number = len(step.tries) + 1
    step.tries.append(Try(number, "provided_input", step.visit, paper.version, command.by, "succeeded"))
    step.by, step.held, step.alone = command.by, False, False
    step.result = int(command.typed)
    take_back(paper, step.node, command.by)
    completed(paper, step, OK)


def _continue(paper: PaperRequest, command: Command) -> None:
    if not let_go(paper, (), command.by):
        open_up(paper, command.by)
    recalculate(paper)


def _withdraw(paper: PaperRequest, command: Command) -> None:
    cancel(paper, list(paper.shape.places))
    set_status(paper, "withdrawn", command.reason or "")


_DO = {"retrigger": _again, "flow": _again, "input": _input, "continue": _continue, "withdraw": _withdraw}
