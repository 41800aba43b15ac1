"""Every door in Slack × every role: who may goes through; who may not is told, privately, and audited (SPEC 6)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot import targets
from bot.command_line import Word
from engine.rules.permissions import Grant, Permission
from tests.integration.bot.building import Building
from tests.integration.bot.bulk_doors import bulk_doors
from tests.integration.bot.doors import Door, Needs, Scene, doors
from tests.integration.bot.office import CHANNEL, PEOPLE, WORKSPACE
from tests.support.poll import wait_until
from tests.support.slack_server import Person, SlackServer

DOORS = {**doors(), **bulk_doors()}
ANY, SEE, ACT, ASKED = Needs.SEE_ANY, Needs.SEE, Needs.ACT, Needs.ASKED
EVERYWHERE, ADMIN_ANY, ADMIN = Needs.ACT_EVERYWHERE, Needs.ADMIN_ANY, Needs.ADMIN
AT_ONCE = 1.0  # seconds
# Role → the person, what they hold, and what they may. Nobody may more than is listed.
ROLES: dict[str, tuple[str, tuple[tuple[str, Permission, str | None], ...], set[Needs]]] = {
    "no grant": ("U11", (), set()),
    "submit": ("U12", (("sam@example.com", Permission.SUBMIT, "HR"),), set()),
    "view": ("U13", (("vic@example.com", Permission.VIEW_REPORTS, "HR"),), {ANY, SEE}),
    "take action of another application": ("U14", (("U14", Permission.TAKE_ACTION, "Lab"),), {ANY}),
    "take action": ("U15", (("U15", Permission.TAKE_ACTION, "HR"),), {ANY, SEE, ACT}),
    "guest with a grant to their mail": ("U16", (("gil@example.com", Permission.TAKE_ACTION, "HR"),), set()),
    "of another organization, with a grant to their mail": (
        "U22",
        (("eve@example.com", Permission.TAKE_ACTION, "HR"),),
        set(),
    ),
    "member of a user group": ("U17", (("@hr-admins", Permission.TAKE_ACTION, "HR"),), {ANY, SEE, ACT, ASKED}),
    "member of a disabled group": ("U18", (("@old-admins", Permission.ADMIN, None),), set()),
    "requester, who may not act on their own": (
        "U19",
        (("rea@example.com", Permission.TAKE_ACTION, "HR"),),
        {ANY, SEE},
    ),
    "take action of both applications": (
        "U23",
        (("U23", Permission.TAKE_ACTION, "HR"), ("bo@example.com", Permission.TAKE_ACTION, "Lab")),
        {ANY, SEE, ACT, EVERYWHERE},
    ),
    "admin": ("U1", (), {ANY, SEE, ACT, EVERYWHERE, ADMIN_ANY, ADMIN}),
    "admin of the application": ("U20", (("U20", Permission.ADMIN, "HR"),), {ANY, SEE, ACT, ADMIN_ANY, ADMIN}),
    "admin of another application": ("U21", (("U21", Permission.ADMIN, "Lab"),), {ANY, ADMIN_ANY}),
}
NAMES = {
    "U11": "Nora", "U12": "Sam", "U13": "Vic", "U14": "Lab", "U15": "Tao", "U16": "Gil", "U17": "Gus", "U18": "Old",
    "U19": "Rea", "U20": "Ada", "U21": "Ben", "U22": "Eve", "U23": "Bo",
}  # fmt: skip
FACTS = {
    **WORKSPACE,
    "users": [
        *WORKSPACE["users"],
        *(
            {"id": user, "name": name.lower(), "real_name": name, "email": f"{name.lower()}@example.com"}
            | ({"is_restricted": True} if user == "U16" else {})
            | ({"team_id": "T9"} if user == "U22" else {})
            for user, name in NAMES.items()
        ),
    ],
    "channels": [{"id": "C0HR", "name": "hr-ops", "members": [*PEOPLE, *NAMES, "U0BOT"]}],
    "usergroups": [
        {"id": "S1", "handle": "hr-admins", "name": "HR admins", "users": ["U17"]},
        {"id": "S2", "handle": "old-admins", "name": "Old admins", "users": ["U18"], "date_delete": 1_600_000_000},
    ],
}


@pytest.fixture(scope="module")
def building(tmp_path_factory: pytest.TempPathFactory, slack_patience: float) -> Iterator[Building]:
    with SlackServer(FACTS, patience=slack_patience) as slack:
        building = Building(Path(tmp_path_factory.mktemp("building")), slack)
        try:
            building.furnish(Grant(*grant) for _, granted, _ in ROLES.values() for grant in granted)
            yield building
        finally:
            building.close()
        assert slack.refused == []


@pytest.mark.parametrize("name", DOORS)
def test_who_may_goes_through_and_who_may_not_is_told_and_audited(building: Building, name: str) -> None:
    door = DOORS[name]
    building.begin()
    scene = enter(building, door)
    for role, (user, _, may) in ROLES.items():
        if door.needs is not Needs.NOTHING and door.needs not in may:
            is_refused(building, door, scene.of(user), refusal(door, role))
    for user, _, may in ROLES.values():
        if door.needs is Needs.NOTHING or door.needs in may:
            goes_through(building, door, scene.of(user))
            if door.window is not None:  # what was submitted is done
                scene = enter(building, door)


@pytest.mark.slow
@pytest.mark.parametrize("name", DOORS)
def test_whoever_comes_through_is_acknowledged_at_once(building: Building, name: str) -> None:
    """Slack's own 3 s are the server's patience here; one person alone waits for far less."""
    door = DOORS[name]
    building.begin()
    scene = enter(building, door)
    user = next(user for user, _, may in reversed(ROLES.values()) if door.needs is Needs.NOTHING or door.needs in may)
    sent = len(building.server.deliveries.sent)
    goes_through(building, door, scene.of(user))
    deliveries = building.server.deliveries.sent[sent:]
    assert deliveries and all(delivery.acknowledged().took < AT_ONCE for delivery in deliveries)


def test_a_misspelt_command_is_no_refused_try(building: Building) -> None:
    nobody = building.server.person("U11")
    before = building.refusals("U11")
    building.forget()
    nobody.command(CHANNEL, "whoam")
    until_seen(building, nobody, "There is no command whoam. Did you mean `/retrigger whoami`?")
    assert building.refusals("U11") == before
    building.forget()
    nobody.command(CHANNEL, "HR")
    until_seen(building, nobody, "View reports")
    assert len(building.refusals("U11")) == len(before) + 1


def is_refused(building: Building, door: Door, scene: Scene, sentence: str) -> None:
    """They are told, in their own sight only; it is in the audit; and nothing has changed."""
    user = scene.person.user
    before, document = building.refusals(user), building.room.document(scene.number)
    building.forget()
    door.go(scene)
    until_seen(building, scene.person, sentence)
    added = building.refusals(user)[len(before) :]
    assert {where for where, _ in added} == ({"slack"} if door.tried else set()), f"of {user} in the audit: {added}"
    after = building.room.document(scene.number)
    assert (after.status, after.steps) == (document.status, document.steps)
    assert door.shows not in building.seen(scene.person)


def goes_through(building: Building, door: Door, scene: Scene) -> None:
    before = building.refusals(scene.person.user)
    building.forget()
    door.go(scene)
    until_seen(building, scene.person, door.shows)
    assert building.refusals(scene.person.user) == before


def until_seen(building: Building, person: Person, text: str) -> None:
    """Fails with what they see instead."""
    try:
        wait_until(lambda: text in building.seen(person), repr(text))
    except AssertionError:
        raise AssertionError(f"{text!r} is not in {building.seen(person)}") from None


def enter(building: Building, door: Door) -> Scene:
    """A request of Rea's that is blocked, and Hanna's window, if the door has one."""
    number, card = building.request()
    building.forget()
    window: dict[str, Any] = {}
    if door.window is not None:
        door.window(building, card)
        window = wait_until(lambda: _ready(building), "Hanna's window")
    return Scene(building, building.server, building.server.person("U1"), number, card, window)


def _ready(building: Building) -> dict[str, Any]:
    view = building.hanna.modal()
    return view if "Looking at the present state" not in json.dumps(view) else {}


def refusal(door: Door, role: str) -> str:
    """What is said to them."""
    if door.needs is Needs.ASKED:
        return "You are not among those who may answer allow: @hr-admins."
    if role.startswith("requester") and door.needs is Needs.ACT:
        return "is your own request, and its workflow does not let requesters act on theirs."
    needed: str = door.needs.value
    return needed.partition(" of ")[0]


def test_the_table_has_every_door() -> None:
    """Whoever adds a button, a window or a command adds it to tests/integration/bot/doors.py or bulk_doors.py, too."""
    listed = {each for door in DOORS.values() for each in door.ids}
    ours = {
        value
        for value in vars(targets).values()
        if isinstance(value, str) and value.startswith(("retrigger.", "cause."))
    }
    assert ours - {targets.HOME} - listed == set()
    assert {word.value for word in Word} - listed == set()
