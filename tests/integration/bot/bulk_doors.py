"""The doors of a cause card, which need Take action in every application that the cause concerns: two, here."""

from __future__ import annotations

from typing import Any

from bot.targets import BULK, BULK_STOP, unpack_bulk
from engine import events
from engine.causes.bulk import Bulk
from engine.causes.person import pack_person
from engine.causes.records import RUN_UNDER_WAY, RunState
from engine.causes.runner import told_of
from engine.rules.permissions import Actor
from tests.integration.bot.building import Building
from tests.integration.bot.doors import Door, Json, Needs, Scene, press
from tests.support.engine import HANNA
from tests.support.slack_form import typed


def bulk_doors() -> dict[str, Door]:
    """By name."""
    needs = Needs.ACT_EVERYWHERE
    return {
        "button Re-trigger… of a cause": Door(needs, _click, "One request goes first", (BULK,)),
        "submit Re-trigger… of a cause": Door(needs, _submit, "begins; the card shows how it goes", (), _window),
        "button Stop of a bulk re-trigger": Door(needs, _stop, "This bulk re-trigger is now ended", (BULK_STOP,)),
    }


def _click(scene: Scene) -> Any:
    return press(scene.person, scene.card, BULK, str(scene.office.outage()))


def _window(office: Building, card: Json) -> None:
    press(office.hanna, card, BULK, str(office.outage()))  # type: ignore[arg-type]  # a door needs the server's own people


def _submit(scene: Scene) -> Any:
    """The preview in the window is the person's own: with somebody else's nobody can begin."""
    run_id = _preview(scene.office, scene.person.user)
    with scene.slack.workspace.changed:
        view = scene.slack.workspace.views[scene.window["id"]]
        view["private_metadata"] = unpack_bulk(view["private_metadata"])._replace(run_id=run_id).pack()
    scene.hand_over()
    return scene.person.submit(typed(reason="It is back"))


def _stop(scene: Scene) -> Any:
    """Of one that is over, so that one after another can try."""
    run_id = _preview(scene.office, "U1")
    _end(scene.office, run_id, RunState.DRAFT)
    return press(scene.person, scene.card, BULK_STOP, str(run_id))


def _preview(office: Building, user: str) -> int:
    """As if the person had opened it, while they were permitted to. What was begun before is over."""
    latest = office.causes.latest_run(office.outage())
    if latest is not None and latest.under_way:
        for state in RUN_UNDER_WAY:
            _end(office, latest.id, state)
    preview = Bulk(office.room.engine, office.room.bulks).preview(HANNA, office.outage())
    person = pack_person(Actor(f"slack:T1/{user}", user, "slack", slack_user=user))
    return office.room.bulks.new_run(preview.run._replace(person=person), preview.items)


def _end(office: Building, run_id: int, before: RunState) -> None:
    office.room.bulks.advance(run_id, before, RunState.ENDED, told_of(events.BULK_ENDED, HANNA, run_id))
