"""Who may do what: the grants, how they are given, and how a try without one is refused and audited (SPEC 6)."""

from __future__ import annotations

from engine import events
from engine.catalog import Catalog
from engine.errors import InvalidInput, NotPermitted, Refused, SelfAction
from engine.limits import MAX_REASON_CHARS, MAX_WHO_CHARS
from engine.permissions import Actor, Grant, Permission, admins, permitted_apps, require
from engine.records import Event, Request
from engine.store import Store


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

    def whoami(self, actor: Actor) -> list[Grant]:
        """The person's grants, each with where it comes from."""
        own = [grant for grant in self.grants() if grant.who.lower() in actor.names]
        if actor.owner:
            own.insert(0, Grant(actor.id, Permission.ADMIN, None, "reads the settings file"))
        return own

    def visible_apps(self, actor: Actor) -> frozenset[str] | None:
        """The applications whose requests the person may see; None: all. Raises NotPermitted when there are none."""
        apps = permitted_apps(self.grants(), actor, Permission.VIEW_REPORTS)
        if apps is not None and not apps:
            raise NotPermitted(Permission.VIEW_REPORTS.label, "any application", admins(self.grants()))
        return apps

    def grant(self, actor: Actor, grant: Grant) -> bool:
        """Give a permission. False when it was there already."""
        self._require(actor, Permission.ADMIN, grant.app or "every application")
        if not all(0 < len(text) <= MAX_WHO_CHARS and text.isprintable() for text in (grant.who, grant.app or "all")):
            raise InvalidInput(f"Who, and the application, have 1 to {MAX_WHO_CHARS} characters, on one line.", "who")
        if grant._replace(source="settings") in self._settings_grants:
            raise Refused("The settings file grants this already; it can only be changed there.")
        return self.store.add_grant(grant._replace(source=actor.name))

    def revoke(self, actor: Actor, grant: Grant) -> bool:
        """Take a permission back. False when nobody had granted it."""
        self._require(actor, Permission.ADMIN, grant.app or "every application")
        if grant._replace(source="settings") in self._settings_grants:
            raise Refused("This grant comes from the settings file; it can only be changed there.")
        return self.store.remove_grant(grant)

    def _require(self, actor: Actor, permission: Permission, app: str) -> None:
        """Raise NotPermitted unless a grant gives it. Who owns the settings needs none, and no reading."""
        if not actor.owner:
            require(self.grants(), actor, permission, app)

    def _may_act(self, actor: Actor, request: Request) -> None:
        try:
            self._require(actor, Permission.TAKE_ACTION, request.app)
            self._not_own(actor, request)
        except Refused as error:
            self.refused(actor, request.id, str(error))
            raise

    def _not_own(self, actor: Actor, request: Request) -> None:
        """Raise SelfAction where the workflow bars requesters from their own requests (``self_action: false``)."""
        workflow = self.catalog.get(request.workflow, request.workflow_version).workflow
        if workflow.self_action:
            return
        if request.requester.lower() in actor.names:
            raise SelfAction(request.id)
        if actor.mail is None and actor.slack_user is not None:
            raise Refused("Requesters may not act on their own requests here, and your mail address is not known.")

    def refused(self, actor: Actor, request_id: int | None, why: str, node: str | None = None) -> None:
        """Put a refused try into the audit (SPEC 6)."""
        self.store.record(
            Event(request_id, events.REFUSED, 0.0, node, None, actor.name, actor.id, actor.door, why[:MAX_REASON_CHARS])
        )
