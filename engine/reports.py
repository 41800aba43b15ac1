"""Lists and numbers of requests, for who may see them (SPEC 7, App Home)."""

from __future__ import annotations

from collections.abc import Mapping

from engine.access import Access
from engine.documents import RequestSummary, request_summary
from engine.permissions import Actor, Permission, permitted_apps
from engine.states import RequestStatus
from engine.store import BlockedFilter, RequestFilter


class Reports(Access):
    """The part of the engine that reports."""

    def documents(
        self,
        actor: Actor,
        *,
        status: RequestStatus | None = None,
        app: str | None = None,
        limit: int = 50,
        after: int | None = None,
        oldest_first: bool = False,
    ) -> list[RequestSummary]:
        """The requests that the person may see, a page of at most ``limit``."""
        apps = permitted_apps(self.grants(), actor, Permission.VIEW_REPORTS)
        if app is not None:
            self._require(actor, Permission.VIEW_REPORTS, app)
            apps = frozenset({app})
        rows = self.store.requests(RequestFilter(status, apps, after, limit, oldest_first))
        return [request_summary(row) for row in rows]

    def blocked(self, actor: Actor, filter: BlockedFilter, app: str | None = None) -> list[RequestSummary]:
        """The Blocked requests that the person may see, of one application or of all of those. Raises NotPermitted."""
        apps = self._seen(actor, app)
        return [request_summary(row) for row in self.store.blocked(filter._replace(apps=apps))]

    def counts(self, actor: Actor, app: str | None = None) -> Mapping[RequestStatus, int]:
        """How many requests the person may see, by status. Raises NotPermitted."""
        return self.store.counts(self._seen(actor, app))

    def apps(self, actor: Actor) -> list[str]:
        """The applications that have requests which the person may see, by name. Raises NotPermitted."""
        seen = self.visible_apps(actor)
        return [app for app in self.store.apps() if seen is None or app in seen]

    def _seen(self, actor: Actor, app: str | None) -> frozenset[str] | None:
        if app is None:
            return self.visible_apps(actor)
        self._require(actor, Permission.VIEW_REPORTS, app)
        return frozenset({app})
