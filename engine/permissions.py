"""Who may do what (SPEC 6). Pure: grants and the person are passed in."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple

from engine.errors import NotPermitted


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
    """``who``: a mail, a Slack user id, "@group" or "key:NAME". ``app`` None means every application.

    ``source``: "settings" (can only be changed in the settings file) or who granted it.
    """

    who: str
    permission: Permission
    app: str | None = None
    source: str = "settings"


class Actor(NamedTuple):
    """The person (or key) behind a command, as its door established them.

    ``id`` is stable ("slack:T1/U1", a mail, "key:NAME"); ``mail`` is None for guests, bots and deactivated users.
    ``owner``: they can read the settings file, so they are Admin (SPEC 8).
    """

    id: str
    name: str
    door: str  # slack, cli, api
    mail: str | None = None
    slack_user: str | None = None
    groups: frozenset[str] = frozenset()
    owner: bool = False

    @property
    def names(self) -> frozenset[str]:
        """Every ``who`` that means this actor, lower case."""
        own = {self.id, self.mail, self.slack_user} | {f"@{group}" for group in self.groups}
        return frozenset(name.lower() for name in own if name)


def find_grant(grants: Iterable[Grant], actor: Actor, permission: Permission, app: str) -> Grant | None:
    """The first grant that gives ``actor`` this permission for ``app``, or None."""
    if actor.owner:
        return Grant(actor.id, Permission.ADMIN, None, "reads the settings file")
    names = actor.names
    for grant in grants:
        if grant.who.lower() in names and grant.app in (None, app) and permission in IMPLIED[grant.permission]:
            return grant
    return None


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


def require(grants: Iterable[Grant], actor: Actor, permission: Permission, app: str) -> Grant:
    """The grant that allows it. Raises NotPermitted, which names whom to ask."""
    known = list(grants)
    grant = find_grant(known, actor, permission, app)
    if grant is None:
        raise NotPermitted(permission.label, app, admins(g for g in known if g.app in (None, app)))
    return grant


def admins(grants: Iterable[Grant]) -> tuple[str, ...]:
    """Whom to ask for a permission: at most three."""
    return tuple(sorted({grant.who for grant in grants if grant.permission is Permission.ADMIN})[:3])
