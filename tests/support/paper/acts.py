"""What people may do, what it does, and why it is refused (SPEC 4 and 5)."""

from __future__ import annotations

from copy import deepcopy
from typing import NamedTuple

from tests.support.paper.execute import Outcome
from tests.support.paper.flow import cancel, fence, go_on, let_go, open_up, recalculate, set_status, take_back
from tests.support.paper.shape import APPROVAL, CALLBACK, INSTANT, OK, WORK, YES
from tests.support.paper.state import ANY, MOVING, PaperRequest, PaperStep, Try
from tests.support.paper.versions import forgotten, lacks, use_version
from tests.support.paper.work import completed, conclude, reject

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
        found.add(INVALID)
    return found


def _of_the_request(paper: PaperRequest, command: Command) -> set[str]:
    found = {CONFLICT} if command.late else set()
    if paper.status == "withdrawn":  # whoever comes now is told who did that
        wrong = command.node and (command.node not in paper.steps or command.version not in (None, *paper.shapes))
        return found | ({UNKNOWN} if wrong else {CONFLICT}) | _said_wrongly(command)
    if command.action == "withdraw":
        found |= set() if command.reason else {INVALID}
        return found | (set() if "withdraw" in paper.actions() else {REFUSED})
    if command.action == "continue":
        first = CONFLICT if paper.last_act == "continue" else REFUSED
        return found | (_unsure(paper, command) if paper.can_continue() else {first})
    found |= _said_wrongly(command)
    if command.new_key and not command.reason:
        found.add(INVALID)
    if command.node not in paper.steps or command.version not in (None, *paper.shapes):
        return {*found, UNKNOWN}
    step = paper.steps[command.node]
    if command.action not in paper.step_actions(step):  # somebody was first, or it was never possible
        return {*found, CONFLICT if step.acted_on and step.status in (*MOVING, "completed") else REFUSED}
    if command.version is not None and lacks(paper, command.version, command.node, command.action == "flow"):
        return {*found, REFUSED}
    return found | _unsure(paper, command)


def _said_wrongly(command: Command) -> set[str]:
    """What is refused before the request is looked at."""
    ticked_too = command.action == "flow" and command.ticked
    no_result = command.action == "input" and isinstance(command.typed, str)
    return {INVALID} if ticked_too or no_result else set()


def _unsure(paper: PaperRequest, command: Command) -> set[str]:
    sure = command.confirmed and command.reason
    return set() if sure or not (repeated(paper, command) or forgotten(paper, command.version)) else {UNSURE}


def rehearsed(paper: PaperRequest, command: Command) -> PaperRequest:
    """What the paper would be like."""
    after = deepcopy(paper)
    _DO[command.action](after, command._replace(typed=1))
    return after


def may_run(paper: PaperRequest, after: PaperRequest) -> list[str]:
    """What an act has started, and what may follow from that, or from what it has decided; and, on another version,
    from what moves by itself: plans list it."""
    runs = [s.node for s in after.present() if s.status == "ready" and s.starts != _starts(paper, s.node)]
    decided = {s.node for s in after.present() if _is_over(s) and not _is_over(paper.steps.get(s.node))}
    anew = after.version != paper.version
    moving = {s.node for s in after.present() if anew and s.status in MOVING and not s.stale}
    for place in after.shape.places:
        sources = [way.source for way in after.shape.into(place) if way.source in (*runs, *decided, *moving)]
        if after.steps[place].status == "pending" and any(not after.steps[source].alone for source in sources):
            runs.append(place)
    ordered = [place for place in after.shape.places if place in runs and after.steps[place].kind not in INSTANT]
    return [member for place in ordered for member in after.shape.unit(place)]


def _is_over(step: PaperStep | None) -> bool:
    """The flow has gone on from it, or has passed it by."""
    if step is None:
        return False
    left_out, done = ("skipped", "cancelled"), ("completed", "failed")
    return step.status in left_out or (step.status in done and not step.held and not step.stale)


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
    if after.kind not in WORK:
        return False
    running = before.under_way
    made = (running.intent if running else None) or before.effect
    return made is not None and (made[1:3] != (after.visit, after.new_keys) or before.stopped)


def carry_out(paper: PaperRequest, command: Command) -> None:
    """Do what nothing speaks against."""
    again = repeated(paper, command)
    _DO[command.action](paper, command)
    paper.last_act = command.action
    if command.confirmed:
        unit = paper.shape.unit(command.node) if command.node else []
        own = [node for node in unit if paper.steps[node].may_have_had_effect]
        for node in {*again, *own}:
            paper.steps[node].allowed, paper.steps[node].stopped = ANY, False
    if command.id:
        paper.commands.add(command.id)


def _again(paper: PaperRequest, command: Command) -> None:
    step = paper.steps[command.node]
    flow = command.action == "flow"
    step.was = step.status
    fence(step)  # a waiting approval or callback: a new one is issued, the old is void
    if command.version is not None:
        use_version(paper, command.version)
    step.status, step.next_kind, step.retries, step.recoveries = "ready", "retrigger", 0, 0
    step.starts += 1
    step.alone, step.ticked, step.held, step.early = not flow, command.ticked, False, None
    step.by, step.acted_on = command.by, True
    step.new_keys += command.new_key or step.kind == CALLBACK
    for inner in paper.inside(step.node):
        inner.retries = 0
        inner.new_keys += command.new_key
    if flow:
        take_back(paper, step.node, command.by)
        let_go(paper, paper.shape.behind(step.node), command.by)
        paper.cut_off.clear()  # whichever act it was that named the version
        go_on(paper, command.by)
        set_status(paper, "in_progress")
        if not paper.moving():
            recalculate(paper)


def _input(paper: PaperRequest, command: Command) -> None:
    step = paper.steps[command.node]
    number = len(step.tries) + 1
    step.tries.append(Try(number, "provided_input", step.visit, paper.version, command.by, "succeeded"))
    step.by, step.held, step.alone, step.acted_on = command.by, False, False, True
    step.result = int(command.typed)
    take_back(paper, step.node, command.by)
    completed(paper, step, OK)


def _continue(paper: PaperRequest, command: Command) -> None:
    released, lost = let_go(paper, (), command.by), bool(paper.cut_off)
    paper.cut_off.clear()
    go_on(paper, command.by)
    if not released and not lost:
        open_up(paper, command.by)
    recalculate(paper)


def _withdraw(paper: PaperRequest, command: Command) -> None:
    cancel(paper, list(paper.shape.places))
    set_status(paper, "withdrawn", command.reason or "")


_DO = {"retrigger": _again, "flow": _again, "input": _input, "continue": _continue, "withdraw": _withdraw}


# --- answers to what waits -------------------------------------------------------------------------------------------

NO_APPROVER, TOO_LATE = "NotAnApprover", "CallbackRefused"


def answer_refusals(paper: PaperRequest, who: str, node: str, yes: bool, late: bool, asked: bool) -> set[str]:
    """Every reason to refuse a person's answer to an approval. ``asked``: it is one of those that are."""
    if node not in paper.steps:
        return {UNKNOWN}
    found = {CONFLICT} if late else set()
    step = paper.steps[node]
    if step.kind != APPROVAL:  # of what was withdrawn, whoever comes now is told who did that
        return {*found, CONFLICT if paper.status == "withdrawn" else REFUSED}
    if not step.open:
        return {*found, CONFLICT}
    if not asked:
        return {*found, NO_APPROVER}
    return {*found, REFUSED} if yes and who in step.yes else found


def answer(paper: PaperRequest, who: str, node: str, yes: bool, everybody: int) -> None:
    """A person approves or rejects; ``everybody``: so many must approve, if all must."""
    step = paper.steps[node]
    paper.last_act = "answer"
    if not yes:
        reject(paper, step)
    else:
        step.yes.add(who)
        if paper.shape.places[node].everybody and len(step.yes) < everybody:
            return
        conclude(paper, step, Outcome(1, YES))
    step.acted_on = True


def call_refusals(paper: PaperRequest, node: str, issue: int, typed: int | str) -> set[str]:
    """Every reason to refuse a call to a callback's address. ``issue``: what the address was made of."""
    found = {INVALID} if isinstance(typed, str) else set()
    step = paper.steps[node]
    open_or_early = step.open or (step.status in ("pending", *MOVING) and step.early is None)
    if step.kind != CALLBACK or issue != step.new_keys or paper.final or not open_or_early:
        found.add(TOO_LATE)
    return found


def call_back(paper: PaperRequest, node: str, typed: int) -> None:
    """The outside system called: what comes early is kept."""
    step = paper.steps[node]
    if step.open:
        conclude(paper, step, Outcome(typed))
    else:
        step.early = typed
