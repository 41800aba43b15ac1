"""The Progress Path in a terminal: a request's steps as a timeline, and what may be done now (SPEC 1, 8)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from rich.console import Console
from rich.text import Text

from engine import events
from engine.commands.documents import AttemptDocument, EventDocument, RequestDocument, StepDocument
from engine.rules.allowed import Action
from engine.states import AttemptKind, StepStatus
from engine.texts import PROGRESS_PATH, REMOVED, REMOVED_WHAT
from retrigger.cli.session import command_line
from retrigger.cli.words import CALLS, REQUEST_STYLES, STEP_SYMBOLS, age, attempts, clock, plain, versions

_LONGEST_NAME = 28
_TELLING = (StepStatus.BLOCKED, StepStatus.FAILED, StepStatus.WAITING)
_COMMENTS = {
    Action.RETRIGGER: "this step only",
    Action.FLOW: "the step and the flow behind it",
    Action.INPUT: "its result, by hand",
}


def show_path(console: Console, document: RequestDocument, now: datetime, shell_variables: str | None) -> None:
    """``shell_variables``: a line that the commands at the end need before them."""
    _head(console, document, now)
    console.print()
    console.print(Text(PROGRESS_PATH, "bold"))
    widest = min(_LONGEST_NAME, max((len(_name(step)) for step in document.steps), default=0))
    not_begun = document.not_begun()
    for place, step in enumerate(document.steps):
        last = place == len(document.steps) - 1
        details = [*_details(step, document.version, now), *_not_begun(not_begun.get(step.node, ()), now)]
        _step(console, step, details, widest, now, rail=" " if last else "│")
    commands = list(_commands(document))
    if commands:
        console.print()
        console.print(Text("What may be done now", "bold"))
        _paste(console, [(shell_variables, "once"), *commands] if shell_variables else commands)


def _paste(console: Console, commands: Sequence[tuple[str, str]]) -> None:
    """Lines to paste, each with what it is for where the window has room for that."""
    room = max(len(command) for command, _ in commands[-4:])
    for command, comment in commands:
        line = Text(f"  {command}")
        if comment and room + len(comment) + 6 <= console.width:
            line.append(f"{' ' * (room - len(command))}  # {comment}", "dim")
        console.print(line, no_wrap=True, overflow="ignore", crop=False)


def _head(console: Console, document: RequestDocument, now: datetime) -> None:
    console.print(Text.assemble((document.id, "bold"), "  ", plain(document.title)))
    facts = [
        plain(document.app),
        f"{plain(document.workflow)}, version {document.version}",
        f"requested by {plain(document.requester)}",
        age(document.created_at, now),
    ]
    console.print(Text.assemble((document.status.label, REQUEST_STYLES[document.status]), "  ", " · ".join(facts)))
    if document.reason_to_tell:
        console.print(Text(plain(document.reason_to_tell)))
    if document.pruned_at:
        console.print(Text(f"{REMOVED_WHAT} {REMOVED}, {clock(document.pruned_at, now)}.", "dim"))
    if document.looking:
        until = clock(document.looking.until, now)
        console.print(Text(f"{plain(document.looking.by)} is looking at this, until {until}."))


def _step(console: Console, step: StepDocument, details: Sequence[Text], widest: int, now: datetime, rail: str) -> None:
    symbol, style = STEP_SYMBOLS[step.status]
    moment = _moment(step)
    line = Text.assemble(
        "  ",
        (symbol, f"bold {style}"),
        f" {_name(step):<{widest}}  ",
        (f"{step.status.label:<9}" if moment else step.status.label, style),
        (f"  {clock(moment, now)}" if moment else "", "dim"),
    )
    console.print(line, no_wrap=True, overflow="ellipsis")
    for detail in details:
        for part in detail.wrap(console, max(20, console.width - 6)):
            console.print(Text.assemble(f"  {rail}   ", part), no_wrap=True, overflow="ignore", crop=False)


def _name(step: StepDocument) -> str:
    """The steps inside a sync block stand below it, moved in."""
    return f"  {step.node}" if step.part_of else step.node


def _moment(step: StepDocument) -> datetime | None:
    """When it last changed by itself or by a person."""
    if not step.attempts:
        return None
    last = step.attempts[-1]
    return last.ended_at or last.started_at


def _details(step: StepDocument, version: int, now: datetime) -> Iterator[Text]:
    yield from _ran(step, version)
    if step.error and step.status in _TELLING:
        yield Text(plain(step.error), "red" if step.status is StepStatus.BLOCKED else "")
    if step.call and step.status in _TELLING:
        yield Text(f"The last call: {CALLS[step.call]}.")
    if step.status is StepStatus.WAITING:
        yield from _waiting(step, now)
    if step.held:
        yield Text("Held: nothing behind it starts until Continue flow.", "cyan")
    if step.stale:
        yield Text("Stale: it ran before an earlier step was re-triggered alone.", "yellow")
    for attempt in step.attempts:
        if attempt in step.acts:
            yield Text(_tag(attempt, now), "italic")
        if attempt.late is not None:
            yield Text(f"Attempt {attempt.number} answered late: kept as evidence, nothing changed.", "dim")


def _ran(step: StepDocument, version: int) -> Iterator[Text]:
    return (Text(told, "dim") for told in (attempts(step.attempts), versions(step.attempts, version)) if told)


def _waiting(step: StepDocument, now: datetime) -> Iterator[Text]:
    if step.waits_for:
        until = f", until {clock(step.wakes_at, now)}" if step.wakes_at else ""
        yield Text(f"Waits for {plain(step.waits_for)}{until}.")
    if step.due_at:
        yield Text(f"Next try at {clock(step.due_at, now)}.")


def _tag(attempt: AttemptDocument, now: datetime) -> str:
    """Such as "Re-triggered by Hanna Lead, 10:42"."""
    did = "input provided" if attempt.kind is AttemptKind.PROVIDED_INPUT else attempt.did or "re-triggered"
    return _did(did, attempt, attempt.acted_at or attempt.started_at, now)


def _not_begun(acts: Sequence[EventDocument], now: datetime) -> Iterator[Text]:
    return (Text(f"{_did(events.DID[act.kind], act, act.at, now)}; no attempt yet", "italic") for act in acts)


def _did(did: str, act: AttemptDocument | EventDocument, at: datetime, now: datetime) -> str:
    why = f": {plain(act.reason)}" if act.reason else ""
    return f"{did.capitalize()} by {plain(act.by or 'somebody')}, {clock(at, now)}{why}"


def _commands(document: RequestDocument) -> Iterator[tuple[str, str]]:
    for step in document.steps:
        if step.approvers:
            yield command_line("approve", document.id, step.node), "for those whom it waits for"
            yield command_line("reject", document.id, step.node), ""
        for action in step.actions:
            name = {Action.RETRIGGER: "step"}.get(action, action.value)
            more = ("--json", "@result.json") if action is Action.INPUT else ()
            yield command_line(name, document.id, step.node, *more), _COMMENTS[action]
    for action in document.actions:
        more = ("--reason", "TEXT") if action is Action.WITHDRAW else ()
        yield command_line(action.value, document.id, *more), ""
