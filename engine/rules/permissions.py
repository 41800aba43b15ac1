"""Who may do what (SPEC 6). Pure: grants and the person are passed in."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple

from engine.errors import NotPermitted
from engine.texts import EVERY_APPLICATION
from engine.values.somebody import KEY

MOST_ASKED = 3  # people that a refusal names


class Permission(StrEnum):
    """In rising order of reach. Take action sees what it acts on; Admin is all."""

    SUBMIT = "submit"
    VIEW_REPORTS = "view_reports"
    TAKE_ACTION = "take_action"
    ADMIN = "admin"

    @property
    def label(self) -> str:
        return self.value.replace("_", " ").capitalize()


IMPLIED: dict[Permission, frozenset[Permission]] = {
    Permission.SUBMIT: frozenset({Permission.SUBMIT}),
    Permission.VIEW_REPORTS: frozenset({Permission.VIEW_REPORTS}),
    Permission.TAKE_ACTION: frozenset({Permission.TAKE_ACTION, Permission.VIEW_REPORTS}),
    Permission.ADMIN: frozenset(Permission),
}


class Grant(NamedTuple):
    """``who``: a mail, a Slack user's or user group's id, "@group" by its handle, or "key:NAME". ``app`` None means
    every application.

    ``source``: who granted it, and ``at`` when (seconds since the epoch). Those of the settings file, which can only be
    changed there, have no time.
    """

    who: str
    permission: Permission
    app: str | None = None
    source: str = "settings"
    at: float | None = None

    def is_as(self, other: Grant) -> bool:
        """Whether it gives the same permission to the same, whoever granted it."""
        return self.key == other.key

    @property
    def key(self) -> tuple[str, Permission, str | None]:
        """By which a grant is known; case does not count in who."""
        return self.who.lower(), self.permission, self.app


class Actor(NamedTuple):
    """The person (or key) behind a command, as its door established them.

    ``id`` is stable ("slack:T1/U1", a mail, "key:NAME"); ``mail`` is None for guests, bots and deactivated users.
    ``groups``: every name of the Slack user groups that they are in ("@hr-admins", "S0123456789").
    ``owner``: they can read the settings file, so they are Admin (SPEC 8). ``away``: they do not act at the request's
    card, so that nothing that is told there would reach them.
    """

    id: str
    name: str
    door: str  # slack, cli, api
    mail: str | None = None
    slack_user: str | None = None
    groups: frozenset[str] = frozenset()
    owner: bool = False
    away: bool = False

    @property
    def own_names(self) -> frozenset[str]:
        """Every name that means this actor and nobody else, lower case."""
        return frozenset(name.lower() for name in (self.id, self.mail, self.slack_user) if name)

    @property
    def names(self) -> frozenset[str]:
        """Every ``who`` that means this actor, lower case."""
        return self.own_names | {group.lower() for group in self.groups}


def of_owner(actor: Actor) -> Grant:
    """What whoever can read the settings file holds (SPEC 8)."""
    return Grant(actor.id, Permission.ADMIN, None, "reads the settings file")


def find_grant(grants: Iterable[Grant], actor: Actor, permission: Permission, app: str | None) -> Grant | None:
    """The first grant that gives ``actor`` this permission for ``app`` (None: for every application), or None."""
    if actor.owner:
        return of_owner(actor)
    names = actor.names
    for grant in grants:
        if grant.who.lower() in names and grant.app in (None, app) and permission in IMPLIED[grant.permission]:
            return grant
    return None


def grants_giving(
    grants: Iterable[Grant], names: frozenset[str], permission: Permission, app: str | None
) -> list[Grant]:
    """Every grant by which whoever has these names (lower case) holds ``permission``: for ``app``, or (None) for any
    application."""
    return [
        grant
        for grant in grants
        if grant.who.lower() in names
        and permission in IMPLIED[grant.permission]
        and (not app or grant.app in (None, app))
    ]


def permitted_apps(grants: Iterable[Grant], actor: Actor, permission: Permission) -> frozenset[str] | None:
    """The applications for which ``actor`` holds ``permission``; None means all of them."""
    if actor.owner:
        return None
    apps: set[str] = set()
    for grant in grants:
        if grant.who.lower() in actor.names and permission in IMPLIED[grant.permission]:
            if grant.app is None:
                return None
            apps.add(grant.app)
    return frozenset(apps)


def require(grants: Iterable[Grant], actor: Actor, permission: Permission, app: str | None) -> Grant:
    """The grant that allows it; ``app`` None: one for every application. Raises NotPermitted, which names whom to
    ask."""
    known = list(grants)
    grant = find_grant(known, actor, permission, app)
    if grant is None:
        ask = admins(g for g in known if g.app in (None, app))
        raise NotPermitted(permission.label, app or EVERY_APPLICATION, ask[:MOST_ASKED])
    return grant


def admins(grants: Iterable[Grant]) -> tuple[str, ...]:
    """Who of these holds Admin, and so can be asked. Programs are left out: nobody can ask them."""
    found = {grant.who for grant in grants if grant.permission is Permission.ADMIN}
    return tuple(sorted(who for who in found if not who.lower().startswith(KEY)))
