"""Every door in Slack, as a person goes through it, and what each asks for: the table of test_permissions."""

from __future__ import annotations

import json
from collections.abc import Callable
from enum import Enum
from typing import Any, NamedTuple

from bot.targets import (
    ACTION_IDS,
    APPROVE,
    HOME_AGE,
    HOME_APP,
    HOME_PAGE,
    HOME_REFRESH,
    LIST,
    LOOK,
    LOOK_AWAY,
    NEWER,
    OLDER,
    PATH,
    PICTURE,
    REJECT,
    STEPS,
    Look,
    PathWindow,
    Place,
    Report,
)
from engine.rules.allowed import Action
from engine.rules.permissions import Actor
from tests.integration.bot.building import Building
from tests.integration.bot.office import CHANNEL
from tests.support.slack_form import typed
from tests.support.slack_server import Person, SlackServer

Json = dict[str, Any]
OMAR = Actor("slack:T1/U2", "Omar Ops", "slack", mail="omar@example.com", slack_user="U2")


class Needs(Enum):
    """What a door asks for."""

    NOTHING = "nothing"
    SEE = "View reports"
    SEE_ANY = "View reports of any application"
    ACT = "Take action"
    ACT_EVERYWHERE = "Take action of every application concerned"
    ADMIN = "Admin"
    ADMIN_ANY = "Admin of any application"
    ASKED = "to be among the approvers"


class Scene(NamedTuple):
    """Who goes where: ``number`` is a request that is blocked, ``card`` its card, ``window`` one that Hanna opened."""

    office: Building
    slack: SlackServer
    person: Person
    number: int
    card: Json
    window: Json

    def of(self, user: str) -> Scene:
        """The same, with somebody else in front of it."""
        return self._replace(person=self.slack.person(user))

    def hand_over(self) -> None:
        """The person has Hanna's window before them, as if their permission had gone while it was open."""
        with self.slack.workspace.changed:
            self.slack.workspace.stacks[self.person.user] = [self.window["id"]]


class Door(NamedTuple):
    """``go`` is what the person does; ``shows`` is in what they then see, if they may. ``ids``: which buttons, windows
    and words of the command it is. ``window``: what Hanna does before, to open the window that is handed over.
    ``tried`` False: it opens by itself, so that it stays shut to somebody is no refused try for the audit."""

    needs: Needs
    go: Callable[[Scene], Any]
    shows: str
    ids: tuple[str, ...] = ()
    window: Callable[[Building, Json], Any] | None = None
    tried: bool = True


def doors() -> dict[str, Door]:
    """By name."""
    found = {f"command {text or 'alone'}": door for text, door in _commands()}
    found |= {f"button {action_id}": _card_button(action, action_id) for action, action_id in ACTION_IDS.items()}
    found |= {f"submit {action_id}": _submit(action, action_id) for action, action_id in ACTION_IDS.items()}
    return {**found, **_looking(), **_looking_at(), **_home(), **_approving()}


def press(person: Person, where: Json, action_id: str, value: str, **chosen: Any) -> Any:
    """A button of a message or window that the test puts there itself."""
    element = {"type": "button", "action_id": action_id, "value": value, "text": {"type": "plain_text", "text": "x"}}
    return person.click(
        {**where, "blocks": [{"type": "actions", "block_id": "x", "elements": [element]}]}, action_id, **chosen
    )


def _commands() -> list[tuple[str, Door]]:
    def door(needs: Needs, text: str, shows: str, *ids: str) -> tuple[str, Door]:
        def go(scene: Scene) -> Any:
            return scene.person.command(CHANNEL, text.format(n=scene.number))

        return text, Door(needs, go, shows, ids)

    return [
        door(Needs.SEE_ANY, "", "locked", "list"),
        door(Needs.SEE_ANY, "list HR", " HR"),
        door(Needs.SEE, "REQ-{n}", "Onboard Ada"),
        door(Needs.ACT, "REQ-{n} create_account", "will only re-execute"),
        door(Needs.ACT, "REQ-{n} create_account flow", "remaining flow"),
        door(Needs.ACT, "REQ-{n} create_account input", "Request body"),
        door(Needs.ACT, "REQ-{n} continue", "nothing was done. REQ-"),
        door(Needs.ACT, "REQ-{n} withdraw", "The request ends here"),
        door(Needs.NOTHING, "whoami", "What you may do", "whoami"),
        door(Needs.NOTHING, "help", "How to use", "help"),
        door(Needs.ADMIN_ANY, "grants", "Who may do what", "grants"),
        door(Needs.ADMIN, "grant <@U99|new> submit HR", "granted to <@U99>", "grant"),
        door(Needs.ADMIN, "revoke <@U99|new> submit HR", " <@U99>.", "revoke"),
    ]


WINDOWS = {
    Action.RETRIGGER: "will only re-execute",
    Action.FLOW: "remaining flow",
    Action.INPUT: "Request body",
    Action.CONTINUE: "What is held is released",
    Action.WITHDRAW: "The request ends here",
}
DONE = {
    Action.RETRIGGER: "runs now, by itself",
    Action.FLOW: "and the remaining flow behind it",
    Action.INPUT: "is completed with your input",
    Action.CONTINUE: "The flow goes on",
    Action.WITHDRAW: "is Withdrawn",
}


def _value(action: Action, number: int) -> str:
    node = None if action in (Action.CONTINUE, Action.WITHDRAW) else "create_account"
    return json.dumps({"request_id": number, "node": node, "version": None})


def _card_button(action: Action, action_id: str) -> Door:
    def go(scene: Scene) -> Any:
        return press(scene.person, scene.card, action_id, _value(action, scene.number))

    return Door(Needs.ACT, go, "nothing was done" if action is Action.CONTINUE else WINDOWS[action], (action_id,))


def _submit(action: Action, action_id: str) -> Door:
    def window(office: Building, card: Json) -> None:
        number = json.loads(next(e["value"] for b in card["blocks"] for e in b.get("elements", []) if "value" in e))
        if action is Action.CONTINUE:
            office.hold(number["request_id"])
        press(office.hanna, card, action_id, _value(action, number["request_id"]))  # type: ignore[arg-type]  # a door needs the server's own people

    def go(scene: Scene) -> Any:
        scene.hand_over()
        body = typed(request_body='{"id": "acc-1"}') if action is Action.INPUT else {}
        return scene.person.submit({**typed(reason="asked to"), **body})

    return Door(Needs.ACT, go, DONE[action], (), window)


def _looking() -> dict[str, Door]:
    def path(scene: Scene) -> Any:
        return press(scene.person, scene.card, PATH, _value(Action.RETRIGGER, scene.number))

    def picture(scene: Scene) -> Any:
        return press(scene.person, scene.card, PICTURE, _value(Action.RETRIGGER, scene.number))

    def page(action_id: str) -> Callable[[Scene], Any]:
        where = {"channel": CHANNEL, "ts": "1.1", "subtype": "ephemeral"}
        return lambda scene: press(scene.person, where, action_id, Report().pack())

    def open_path(office: Building, card: Json) -> None:
        office.hanna.click(card, PATH)

    def steps(scene: Scene) -> Any:
        scene.hand_over()
        packed = PathWindow(scene.number, Place()).pack()
        view = {**scene.window, "private_metadata": packed}
        return press(scene.person, view, f"{STEPS}{NEWER}", json.dumps([scene.number, 0]))

    return {
        "button Progress Path": Door(Needs.SEE, path, "Onboard Ada", (PATH,)),
        "button Picture": Door(Needs.SEE, picture, "The picture is in your direct messages", (PICTURE,)),
        "button of the list, older": Door(Needs.SEE_ANY, page(f"{LIST}{OLDER}"), "locked", (LIST, OLDER)),
        "button of the list, newer": Door(Needs.SEE_ANY, page(f"{LIST}{NEWER}"), "locked", (NEWER,)),
        "button of the Progress Path, other steps": Door(Needs.SEE, steps, "Onboard Ada", (STEPS,), open_path),
    }


def _home() -> dict[str, Door]:
    def choose(action_id: str, option: str = "") -> Callable[[Scene], Any]:
        def go(scene: Scene) -> Any:
            scene.slack.workspace.homes.pop(scene.person.user, None)
            view = {"id": "V1", "type": "home", "private_metadata": Report().pack(), "hash": "h", "callback_id": ""}
            chosen = {"selected_option": {"value": option}} if option else {}
            return press(scene.person, view, action_id, Report().pack(), **chosen)

        return go

    def opened(scene: Scene) -> Any:
        scene.slack.workspace.homes.pop(scene.person.user, None)
        return scene.person.open_home()

    shows = HOME_REFRESH
    return {
        "App Home": Door(Needs.SEE_ANY, opened, shows, tried=False),
        "App Home, application": Door(Needs.SEE_ANY, choose(HOME_APP, "HR"), shows, (HOME_APP,)),
        "App Home, age": Door(Needs.SEE_ANY, choose(HOME_AGE, "0"), shows, (HOME_AGE,)),
        "App Home, page": Door(Needs.SEE_ANY, choose(f"{HOME_PAGE}{OLDER}"), shows, (HOME_PAGE,)),
        "App Home, refresh": Door(Needs.SEE_ANY, choose(HOME_REFRESH), shows, (HOME_REFRESH,)),
    }


def _looking_at() -> dict[str, Door]:
    """Omar looks already, so whoever may is told that."""

    def go(action_id: str) -> Callable[[Scene], Any]:
        def pressed(scene: Scene) -> Any:
            scene.office.room.engine.look(OMAR, scene.number)
            return press(scene.person, scene.card, action_id, Look(scene.number, None).pack())

        return pressed

    return {
        "button I'm looking at this": Door(Needs.ACT, go(LOOK), "Omar Ops", (LOOK,)),
        "button I'm no longer looking": Door(Needs.ACT, go(LOOK_AWAY), "Omar Ops", (LOOK_AWAY,)),
    }


def _approving() -> dict[str, Door]:
    def value(office: Building, number: int, yes: bool) -> str:
        return json.dumps([number, "allow", office.room.step(number, "allow").attempts[-1].number, yes])

    def click(yes: bool, action_id: str) -> Callable[[Scene], Any]:
        def go(scene: Scene) -> Any:
            number = scene.office.waiting()
            return press(scene.person, scene.card, action_id, value(scene.office, number, yes))

        return go

    def submit(yes: bool, action_id: str) -> Door:
        def go(scene: Scene) -> Any:
            number = scene.office.waiting(anew=True)
            member = scene.slack.person("U17")
            press(member, scene.card, action_id, value(scene.office, number, yes))
            view = member.modal("Reason")
            scene._replace(window=view).hand_over()
            return scene.person.submit(typed(reason="asked to"))

        return Door(Needs.ASKED, go, f"You {'approved' if yes else 'rejected'} allow", ())

    return {
        "button Approve": Door(Needs.ASKED, click(True, APPROVE), "Reason", (APPROVE,)),
        "button Reject": Door(Needs.ASKED, click(False, REJECT), "Reason", (REJECT,)),
        "submit Approve": submit(True, APPROVE),
        "submit Reject": submit(False, REJECT),
    }
