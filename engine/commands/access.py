"""Who may do what: the grants, how they are given, and how a try without one is refused and audited (SPEC 6)."""

from __future__ import annotations

from collections.abc import Iterable

from engine import events
from engine.catalog import Catalog
from engine.errors import InvalidInput, NotPermitted, Refused, SelfAction
from engine.limits import MAX_REASON_CHARS, MAX_WHO_CHARS
from engine.logs import logger
from engine.ports.store import Store
from engine.records import Event, Request
from engine.rules.permissions import MOST_ASKED, Actor, Grant, Permission, admins, of_owner, permitted_apps, require
from engine.texts import EVERY_APPLICATION

_ONLY_THERE = "it can only be changed there"

log = logger(__name__)


class Access:
    """The part of the engine that permits. ``grants`` are those of the settings file; the database's are added."""

    def __init__(self, store: Store, catalog: Catalog, grants: tuple[Grant, ...]) -> None:
        self.store = store
        self.catalog = catalog
        self._settings_grants = grants

    def grants(self) -> list[Grant]:
        """Every grant: the settings file's first."""
        return [*self._settings_grants, *self.store.grants()]

    def permitted(self, actor: Actor, request_id: int) -> None:
        """Raise NotPermitted or SelfAction unless the person may act on the request; the refusal is audited."""
        request, _ = self.store.status(request_id)
        self._may_act(actor, request)

    def permitted_everywhere(self, actor: Actor, apps: Iterable[str]) -> None:
        """Raise NotPermitted unless the person may act in all these applications; the refusal is audited."""
        for app in sorted(apps):
            self._require(actor, Permission.TAKE_ACTION, app)

    def whoami(self, actor: Actor) -> list[Grant]:
        """The person's grants, each with where it comes from."""
        own = [grant for grant in self.grants() if grant.who.lower() in actor.names]
        if actor.owner:
            own.insert(0, of_owner(actor))
        return own

    def visible_apps(self, actor: Actor, *, tried: bool = True) -> frozenset[str] | None:
        """The applications whose requests the person may see; None: all. Raises NotPermitted when there are none;
        that refusal is audited, unless they ``tried`` nothing: what opens by itself shows them a closed door."""
        apps = permitted_apps(self.grants(), actor, Permission.VIEW_REPORTS)
        if apps is not None and not apps:
            ask = admins(self.grants())[:MOST_ASKED]
            refusal = NotPermitted(Permission.VIEW_REPORTS.label, "any application", ask)
            raise self._not_permitted(actor, refusal) if tried else refusal
        return apps

    def grants_for(self, actor: Actor) -> list[Grant]:
        """Every grant that counts in the applications whose Admin the person is. Raises NotPermitted."""
        known = self.grants()
        apps = permitted_apps(known, actor, Permission.ADMIN)
        if apps is not None and not apps:
            self._require(actor, Permission.ADMIN, None)
        return [grant for grant in known if apps is None or grant.app is None or grant.app in apps]

    def may_administer(self, actor: Actor, app: str | None) -> None:
        """Raise NotPermitted unless the person may give and take back permissions, and remove what ended long ago, in
        ``app`` (None: in all)."""
        self._require(actor, Permission.ADMIN, app)

    def grant(self, actor: Actor, grant: Grant) -> bool:
        """Give a permission. False when it was there already."""
        self._require(actor, Permission.ADMIN, grant.app)
        _written(grant)
        if self._is_of_the_file(grant):
            raise Refused(f"The settings file grants this already; {_ONLY_THERE}.")
        return self.store.add_grant(grant._replace(source=actor.name), _event(actor, events.GRANTED, grant))

    def revoke(self, actor: Actor, grant: Grant) -> bool:
        """Take a permission back. False when nobody had granted it. Raises Refused for the last Admin of all."""
        self._require(actor, Permission.ADMIN, grant.app)
        _written(grant)
        if self._is_of_the_file(grant):
            why = f"This grant comes from the settings file; {_ONLY_THERE}: take it out under grants, and start anew."
            raise Refused(why)
        self._leaves_an_admin(actor, grant)
        return self.store.remove_grant(grant, _event(actor, events.GRANT_REVOKED, grant))

    def _is_of_the_file(self, grant: Grant) -> bool:
        return any(one.is_as(grant) for one in self._settings_grants)

    def _leaves_an_admin(self, actor: Actor, grant: Grant) -> None:
        """Raise Refused where the last Admin would go: nobody could take that back from here, but those who can read
        the settings file, who may do this, too."""
        if actor.owner or grant.permission is not Permission.ADMIN:
            return
        known = self.grants()
        rest = [one for one in known if not one.is_as(grant)]
        if len(rest) < len(known) and not admins(one for one in rest if one.app in (None, grant.app)):
            where = grant.app or EVERY_APPLICATION
            raise Refused(
                f"Nobody else holds Admin for {where}, so nobody could give it back from here. Grant it to somebody "
                "else first, or revoke it with `retrigger revoke` on the command line."
            )

    def _require(self, actor: Actor, permission: Permission, app: str | None, request_id: int | None = None) -> None:
        """Raise NotPermitted unless a grant gives it (``app`` None: for every application); the refusal is audited.
        Who owns the settings needs no grant, and no reading."""
        if actor.owner:
            return
        try:
            require(self.grants(), actor, permission, app)
        except NotPermitted as error:
            raise self._not_permitted(actor, error, request_id) from None

    def _not_permitted(self, actor: Actor, error: NotPermitted, request_id: int | None = None) -> NotPermitted:
        """The refusal, once it is audited."""
        self.refused(actor, request_id, str(error))
        return error

    def _may_act(self, actor: Actor, request: Request) -> None:
        self._require(actor, Permission.TAKE_ACTION, request.app, request.id)
        try:
            self._not_own(actor, request)
        except SelfAction as error:
            self.refused(actor, request.id, str(error))
            raise

    def _not_own(self, actor: Actor, request: Request) -> None:
        """Raise SelfAction where the workflow bars requesters from their own requests (``self_action: false``)."""
        workflow = self.catalog.get(request.workflow, request.workflow_version).workflow
        if workflow.self_action:
            return
        if request.requester.lower() in actor.own_names:
            raise SelfAction(request.id)
        if actor.mail is None and actor.slack_user is not None:
            raise SelfAction(request.id, sure=False)

    def refused(self, actor: Actor, request_id: int | None, why: str, node: str | None = None) -> None:
        """Put a refused try into the audit (SPEC 6)."""
        request = None if request_id is None else f"REQ-{request_id}"
        log.info("act.refused", says=why, request=request, step=node, actor=actor.id, door=actor.door)
        self.store.record(
            Event(request_id, events.REFUSED, 0.0, node, None, actor.name, actor.id, actor.door, why[:MAX_REASON_CHARS])
        )


def _written(grant: Grant) -> None:
    """Raise InvalidInput for what is no text on one line. An application without a name would be all of them."""
    for field, text in (("who", grant.who), ("app", grant.app)):
        if text is not None and not (0 < len(text) <= MAX_WHO_CHARS and text.isprintable()):
            raise InvalidInput(f"{field} has 1 to {MAX_WHO_CHARS} characters, on one line.", field)


def _event(actor: Actor, kind: str, grant: Grant) -> Event:
    given = {"who": grant.who, "permission": grant.permission.value, "app": grant.app}
    return Event(None, kind, 0.0, by=actor.name, actor=actor.id, door=actor.door, data=given)
