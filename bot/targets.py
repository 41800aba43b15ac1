"""What a button or a modal is for: ids and versions only, packed into the one string that Slack carries for us."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from engine.errors import RetriggerError
from engine.rules.allowed import Action
from engine.stored import Cursor

# Action ids and callback ids. Namespaced, so that they never meet another app's or Slack's own.
PATH = "retrigger.path"
STEPS = "retrigger.steps"  # other steps of a long Progress Path; behind it stands which
PICTURE = "retrigger.picture"
LIST = "retrigger.list"  # another page of the private list; behind it stands which
HOME = "retrigger.home"  # whatever of App Home is no button of a request
HOME_APP, HOME_AGE, HOME_REFRESH = f"{HOME}.app", f"{HOME}.age", f"{HOME}.refresh"
HOME_PAGE = f"{HOME}.page"
OLDER, NEWER = ".older", ".newer"
ACTION_IDS: dict[Action, str] = {
    Action.RETRIGGER: "retrigger.step",
    Action.FLOW: "retrigger.flow",
    Action.INPUT: "retrigger.input",
    Action.CONTINUE: "retrigger.continue",
    Action.WITHDRAW: "retrigger.withdraw",
}
APPROVE = "retrigger.approve"
REJECT = "retrigger.reject"
# Of a cause card: their values are the number of the cause, and of the bulk re-trigger.
BULK = "cause.retrigger"
BULK_STOP = "cause.stop"
LOOK = "retrigger.look"
LOOK_AWAY = "retrigger.look_away"
ACTIONS_BY_ID = {action_id: action for action, action_id in ACTION_IDS.items()}


class OldButton(RetriggerError):
    """The button comes from a version of Retrigger that packed its buttons in another way."""

    def __init__(self) -> None:
        super().__init__(
            "This button or window is from an older version of Retrigger. Open the request anew with /retrigger."
        )


class Target(NamedTuple):
    """What a button acts on: a request, and a step at a version. In a window of an act without a step, ``version`` is
    the request's revision."""

    request_id: int
    node: str | None = None
    version: int | None = None

    def pack(self) -> str:
        return _dump(self._asdict())


class Place(NamedTuple):
    """Where somebody clicked or typed, so that they are answered there. ``thread``: the ts of its first message;
    ``home``: what their App Home showed, packed, when it was there."""

    channel: str | None = None
    thread: str | None = None
    home: str | None = None


class Report(NamedTuple):
    """What of the blocked requests somebody looks at: of one application, blocked for ``longer_than`` so many seconds,
    and which page of them."""

    app: str | None = None
    longer_than: int = 0
    cursor: Cursor | None = None

    def pack(self) -> str:
        return _dump(self)


class PathWindow(NamedTuple):
    """A window with a Progress Path: of which request, opened from where, and which of its pages it shows."""

    request_id: int
    place: Place
    page: int | None = None

    def pack(self) -> str:
        return _dump(self)


class Answer(NamedTuple):
    """What an Approve or a Reject button stands for. ``attempt``: of the approval that asks; one that is issued anew
    has another, which makes the button void."""

    request_id: int
    node: str
    attempt: int
    yes: bool

    def pack(self) -> str:
        return _dump([*self])


class Look(NamedTuple):
    """What a button about who is looking stands for. ``seen``: the id of whoever was, by what the card showed."""

    request_id: int
    seen: str | None

    def pack(self) -> str:
        return _dump([*self])


class AskTicket(NamedTuple):
    """What the window of an answer is for."""

    answer: Answer
    place: Place

    def pack(self) -> str:
        return _dump([*self])


class Settled(NamedTuple):
    """What a person chose before they were asked once more: shown, and no longer theirs to change in that window."""

    version: int | None = None
    new_key: bool = False
    update_status: bool = False

    @property
    def changes_plan(self) -> bool:
        """Whether a plan that was made without this choice may not be the one that would be carried out."""
        return self.version is not None or self.new_key


class ChosenFile(NamedTuple):
    """A file that somebody chose in a window, by its id in Slack."""

    id: str
    name: str


class Ticket(NamedTuple):
    """What an open modal is for. ``digest`` binds it to the engine's state, ``shown`` to the plan that it lists.

    ``confirm``: it asks to confirm that an earlier call may have taken effect. ``prefilled``: the engine's draft
    was too long for its editor, so one that comes back empty means that draft. ``ways`` stands for where it shows that
    decisions will lead, and ``file`` is the one that was chosen in the window before.
    """

    action: Action
    target: Target
    place: Place
    digest: str | None = None
    shown: str | None = None
    confirm: bool = False
    prefilled: bool = False
    settled: Settled | None = None
    ways: str | None = None
    file: ChosenFile | None = None

    def pack(self) -> str:
        return _dump([self.action.value, *self[1:]])


class BulkTicket(NamedTuple):
    """What the window of a bulk re-trigger is for: its preview, which holds the requests."""

    run_id: int
    place: Place

    def pack(self) -> str:
        return _dump(self)


def unpack_bulk(text: str) -> BulkTicket:
    """Raises OldButton."""
    try:
        run_id, place = json.loads(text)
        return BulkTicket(int(run_id), Place(*place))
    except (ValueError, TypeError):
        raise OldButton from None


def unpack_target(text: str) -> Target:
    """Raises OldButton."""
    try:
        fields = json.loads(text)
        return Target(int(fields["request_id"]), fields.get("node"), fields.get("version"))
    except (ValueError, TypeError, KeyError, AttributeError):
        raise OldButton from None


def unpack_report(text: str) -> Report:
    """Raises OldButton."""
    try:
        app, longer_than, cursor = json.loads(text)
        return Report(app, int(longer_than), None if cursor is None else Cursor(*cursor))
    except (ValueError, TypeError):
        raise OldButton from None


def unpack_window(text: str) -> PathWindow:
    """Raises OldButton."""
    try:
        request_id, place, page = json.loads(text)
        return PathWindow(int(request_id), Place(*place), page)
    except (ValueError, TypeError):
        raise OldButton from None


def unpack_ticket(text: str) -> Ticket:
    """Raises OldButton."""
    try:
        action, target, place, digest, shown, confirm, prefilled, settled, ways, file = json.loads(text)
        return Ticket(
            Action(action),
            Target(*target),
            Place(*place),
            digest,
            shown,
            confirm,
            prefilled,
            None if settled is None else Settled(*settled),
            ways,
            None if file is None else ChosenFile(*file),
        )
    except (ValueError, TypeError):
        raise OldButton from None


def unpack_answer(text: str) -> Answer:
    """Raises OldButton."""
    try:
        request_id, node, attempt, yes = json.loads(text)
        return Answer(int(request_id), str(node), int(attempt), bool(yes))
    except (ValueError, TypeError):
        raise OldButton from None


def unpack_look(text: str) -> Look:
    """Raises OldButton."""
    try:
        request_id, seen = json.loads(text)
        return Look(int(request_id), None if seen is None else str(seen))
    except (ValueError, TypeError):
        raise OldButton from None


def unpack_ask_ticket(text: str) -> AskTicket:
    """Raises OldButton."""
    try:
        answer, place = json.loads(text)
        return AskTicket(unpack_answer(json.dumps(answer)), Place(*place))
    except (ValueError, TypeError):
        raise OldButton from None


def _dump(value: Any) -> str:
    # As it is: Slack counts characters, and an escaped emoji has twelve.
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
