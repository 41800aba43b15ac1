"""Every command and every reading of the engine × what people hold: whoever may not is refused by the engine itself,
whatever their door has checked, the refusal is audited, and nothing has changed (SPEC 6)."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import NamedTuple

import pytest
from sqlalchemy import func, select

from engine import events
from engine.commands.service import Engine
from engine.definition import load
from engine.errors import NotPermitted, SelfAction
from engine.rules.allowed import Action
from engine.rules.permissions import IMPLIED, Actor, Grant, Permission
from storage.tables import events as audit
from tests.integration.storage.helpers import Worker
from tests.support.engine import HANNA, Room

WORKFLOW = """
workflow: mail
app: HR
nodes:
  send: {action: {connection: mail, method: POST, path: /send}}
  wait: {callback: {timeout: 1d}}
"""
SUBMIT, VIEW, ACT, ADMIN = Permission
ANY = "any application"


class Need(NamedTuple):
    """``app`` None: for every application."""

    permission: Permission
    app: str | None
    call: Callable[[Engine, Actor, int], object]


NEEDS = {
    "document": Need(VIEW, "HR", lambda e, who, it: e.document(who, it)),
    "documents": Need(VIEW, "HR", lambda e, who, it: e.documents(who, app="HR")),
    "blocked": Need(VIEW, "HR", lambda e, who, it: e.blocked(who, app="HR")),
    "counts": Need(VIEW, "HR", lambda e, who, it: e.counts(who, "HR")),
    "apps": Need(VIEW, ANY, lambda e, who, it: e.apps(who)),
    "visible_apps": Need(VIEW, ANY, lambda e, who, it: e.visible_apps(who)),
    "permitted": Need(ACT, "HR", lambda e, who, it: e.permitted(who, it)),
    "permitted_everywhere": Need(ACT, "HR", lambda e, who, it: e.permitted_everywhere(who, ["HR"])),
    "plan": Need(ACT, "HR", lambda e, who, it: e.plan(who, it, Action.FLOW, "send")),
    "input_draft": Need(ACT, "HR", lambda e, who, it: e.input_draft(who, it, "send")),
    "outlook": Need(ACT, "HR", lambda e, who, it: e.outlook(who, e.plan(HANNA, it, Action.INPUT, "send"), "{}")),
    "callback_url": Need(ACT, "HR", lambda e, who, it: e.callback_url(who, it, "wait")),
    "look": Need(ACT, "HR", lambda e, who, it: e.look(who, it)),
    "look_away": Need(ACT, "HR", lambda e, who, it: e.look_away(who, it)),
    "retrigger": Need(ACT, "HR", lambda e, who, it: e.retrigger(who, it, "send", flow=True)),
    "provide_input": Need(ACT, "HR", lambda e, who, it: e.provide_input(who, it, "send", "{}")),
    "continue_flow": Need(ACT, "HR", lambda e, who, it: e.continue_flow(who, it)),
    "withdraw": Need(ACT, "HR", lambda e, who, it: e.withdraw(who, it, reason="not wanted")),
    "submit": Need(SUBMIT, "HR", lambda e, who, it: e.submit(who, "mail", {})),
    "publish": Need(ADMIN, "HR", lambda e, who, it: e.publish(who, load(WORKFLOW, "mail.yaml"))),
    "grant": Need(ADMIN, "HR", lambda e, who, it: e.grant(who, Grant("new@example.com", ACT, "HR"))),
    "revoke": Need(ADMIN, "HR", lambda e, who, it: e.revoke(who, Grant("hr-act", ACT, "HR"))),
    "grants_for": Need(ADMIN, ANY, lambda e, who, it: e.grants_for(who)),
    "may_administer": Need(ADMIN, "HR", lambda e, who, it: e.may_administer(who, "HR")),
    "keys": Need(ADMIN, None, lambda e, who, it: e.keys(who)),
    "create_key": Need(ADMIN, None, lambda e, who, it: e.create_key(who, "ci")),
    "revoke_key": Need(ADMIN, None, lambda e, who, it: e.revoke_key(who, "ci")),
}
# Approvers are named by the workflow; these two show everybody their own; the last writes a refusal itself.
OTHERS = {"answer", "asked", "whoami", "workflows", "refused"}

READINGS = {
    "document", "documents", "blocked", "counts", "apps", "visible_apps", "permitted", "permitted_everywhere", "plan",
    "input_draft", "outlook", "callback_url", "grants_for", "may_administer",
}  # fmt: skip

HOLD: dict[str, Grant | None] = {
    "nobody": None,
    "hr-submit": Grant("hr-submit", SUBMIT, "HR"),
    "hr-view": Grant("hr-view", VIEW, "HR"),
    "hr-act": Grant("hr-act", ACT, "HR"),
    "lab-act": Grant("lab-act", ACT, "Lab"),
    "hr-admin": Grant("hr-admin", ADMIN, "HR"),
    "lab-admin": Grant("lab-admin", ADMIN, "Lab"),
}


class Site(NamedTuple):
    """A request of HR that is blocked at its first step."""

    room: Room
    number: int

    def refusals(self, who: Actor) -> int:
        with self.room.database.reading() as connection:
            mine = (audit.c.kind == events.REFUSED, audit.c.actor == who.id)
            return connection.scalar(select(func.count()).where(*mine)) or 0


@pytest.fixture(scope="module")
def site(new_module_url: Callable[[str], str]) -> Iterator[Site]:
    with closing(Room(new_module_url("sqlite"), {"mail": "http://127.0.0.1:9"})) as room:
        room.publish(WORKFLOW)
        worker = Worker()
        room.store.attach(worker.claimer)
        number = room.submit("mail")
        worker.fail(room.store, worker.wait()[0])
        room.store.detach()
        for held in filter(None, HOLD.values()):
            room.engine.grant(HANNA, held)
        yield Site(room, number)


def may(held: Grant | None, need: Need) -> bool:
    return held is not None and need.permission in IMPLIED[held.permission] and need.app in (ANY, held.app)


EACH = [(who, name, may(held, need)) for name, need in NEEDS.items() for who, held in HOLD.items()]
REFUSED = [(who, name) for who, name, allowed in EACH if not allowed]
READ = [(who, name) for who, name, allowed in EACH if allowed and name in READINGS]


@pytest.mark.parametrize(("who", "name"), REFUSED)
def test_whoever_may_not_is_refused_and_nothing_changes(site: Site, who: str, name: str) -> None:
    actor, engine, store = Actor(who, who, "api"), site.room.engine, site.room.store
    before, refusals, grants = store.status(site.number), site.refusals(actor), engine.grants()
    with pytest.raises(NotPermitted) as refused:
        NEEDS[name].call(engine, actor, site.number)
    assert refused.value.permission == NEEDS[name].permission.label
    assert site.refusals(actor) == refusals + 1
    assert (store.status(site.number), engine.grants()) == (before, grants)


@pytest.mark.parametrize(("who", "name"), READ)
def test_whoever_may_read_it_does(site: Site, who: str, name: str) -> None:
    actor = Actor(who, who, "api")
    refusals = site.refusals(actor)
    NEEDS[name].call(site.room.engine, actor, site.number)
    assert site.refusals(actor) == refusals


RAE = "rae@example.com"


@pytest.mark.parametrize(
    ("requester", "actor", "sure"),
    [
        (RAE, Actor("slack:T1/U1", "Rae", "slack", mail="Rae@Example.com", slack_user="U1"), True),
        ("slack:T1/U1", Actor("slack:T1/U1", "Rae", "slack", slack_user="U1"), True),
        ("key:ci", Actor("key:ci", "key ci", "api"), True),
        (RAE, Actor("slack:T1/U1", "Rae?", "slack", slack_user="U1"), False),
        (RAE, Actor("slack:T1/U2", "Omar", "slack", mail="omar@example.com", slack_user="U2"), None),
        (RAE, Actor("key:ci", "key ci", "api"), None),
    ],
)
def test_nobody_acts_on_their_own_request_where_the_workflow_says_so(
    site: Site, requester: str, actor: Actor, sure: bool | None
) -> None:
    """Nor whoever may be its requester: Slack does not tell a guest's mail, nor anybody's while it does not answer."""
    engine = site.room.engine
    engine.grant(HANNA, Grant(actor.id, ACT, "HR"))
    site.room.publish(WORKFLOW.replace("workflow: mail", "workflow: own\nself_action: false"))
    number = site.room.submit("own", requester=requester)
    refusals = site.refusals(actor)
    if sure is None:
        assert engine.withdraw(actor, number, reason="not wanted").status == "withdrawn"
        return
    with pytest.raises(SelfAction) as refused:
        engine.withdraw(actor, number, reason="not wanted")
    assert refused.value.sure is sure
    assert site.refusals(actor) == refusals + 1
    assert engine.document(HANNA, number).status == "in_progress"


def test_the_table_has_every_command_and_reading() -> None:
    """Whatever takes an actor asks what they may, and stands here."""
    ours = inspect.getmembers(Engine, inspect.isfunction)
    taking = {name for name, each in ours if "actor" in inspect.signature(each).parameters and name[0] != "_"}
    assert taking == {*NEEDS, *OTHERS}
