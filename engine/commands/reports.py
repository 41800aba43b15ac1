"""Lists and numbers of requests, for who may see them (SPEC 7, App Home)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from engine.commands.access import Access
from engine.commands.documents import RequestSummary, request_summary
from engine.rules.permissions import Actor, Permission, permitted_apps
from engine.states import RequestStatus
from engine.stored import BlockedFilter, Cursor, RequestFilter, RequestRow


class BlockedPage(NamedTuple):
    """Requests that are Blocked, those that are so longest first; where ``older`` and ``newer`` ones follow, if any."""

    requests: tuple[RequestSummary, ...]
    older: Cursor | None
    newer: Cursor | None


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

    def blocked(
        self,
        actor: Actor,
        *,
        app: str | None = None,
        longer_than: float = 0.0,
        cursor: Cursor | None = None,
        limit: int = 50,
    ) -> BlockedPage:
        """A page of the Blocked requests that the person may see, of one application or of all of those;
        ``longer_than`` in seconds. A page that is no more is answered with the first one. Raises NotPermitted."""
        filter = BlockedFilter(self._seen(actor, app), longer_than, cursor, limit + 1)
        found = self.store.blocked(filter)
        if cursor is not None and (not found or (cursor.backwards and len(found) <= limit)):
            cursor = None
            found = self.store.blocked(filter._replace(cursor=None))
        return _page(found, limit, cursor)

    def counts(self, actor: Actor, app: str | None = None) -> Mapping[RequestStatus, int]:
        """How many requests the person may see, by status. Raises NotPermitted."""
        return self.store.counts(self._seen(actor, app))

    def apps(self, actor: Actor, *, tried: bool = True) -> list[str]:
        """The applications that have requests which the person may see, by name. Raises NotPermitted; ``tried`` as in
        ``visible_apps``."""
        seen = self.visible_apps(actor, tried=tried)
        return [app for app in self.store.apps() if seen is None or app in seen]

    def _seen(self, actor: Actor, app: str | None) -> frozenset[str] | None:
        if app is None:
            return self.visible_apps(actor)
        self._require(actor, Permission.VIEW_REPORTS, app)
        return frozenset({app})


def _page(found: Sequence[RequestRow], limit: int, cursor: Cursor | None) -> BlockedPage:
    """``found`` has one more than the page, if there is one, at the end that lies away from ``cursor``."""
    backwards, more = cursor is not None and cursor.backwards, len(found) > limit
    rows = found[-limit:] if backwards else found[:limit]
    older = more if backwards else cursor is not None
    newer = True if backwards else more
    return BlockedPage(
        tuple(map(request_summary, rows)),
        _cursor(rows[0], True) if older else None,
        _cursor(rows[-1], False) if newer else None,
    )


def _cursor(row: RequestRow, backwards: bool) -> Cursor:
    assert row.request.blocked_at is not None  # the list is of those that are Blocked
    return Cursor(row.request.blocked_at, row.request.id, backwards)
