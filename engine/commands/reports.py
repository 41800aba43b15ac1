"""Lists and numbers of requests, for who may see them (SPEC 7, App Home)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from engine.commands.access import Access
from engine.commands.documents import RequestSummary, request_summary
from engine.definition import Workflow
from engine.errors import CannotBeRead, DamagedValue, NotFound
from engine.rules.permissions import Actor, Permission, permitted_apps
from engine.states import RequestStatus
from engine.stored import BlockedFilter, Cursor, RequestFilter, RequestRow
from engine.texts import MASK
from engine.values.masking import Masker, sensitive_values


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

    def with_masked_requesters(self, page: Sequence[RequestSummary]) -> list[RequestSummary]:
        """Requests of a list, which is made without a look at what is sensitive in each: it is read for all at once."""
        sensitive, unknown = self._sensitive_in(page)

        def shown(summary: RequestSummary) -> str:
            if summary.number in unknown:
                return MASK
            values = sensitive.get(summary.number)
            return Masker(values).text(summary.requester) if values else summary.requester

        return [summary.model_copy(update={"requester": shown(summary)}) for summary in page]

    def _sensitive_in(self, page: Sequence[RequestSummary]) -> tuple[dict[int, set[str]], set[int]]:
        """By request, the values that its definition lists as sensitive; and the requests of which they are not known,
        as something of them cannot be read."""
        hiding: dict[int, Workflow] = {}
        unknown: set[int] = set()
        for summary in page:
            try:
                workflow = self.catalog.get(summary.workflow, summary.version).workflow
            except (CannotBeRead, NotFound):
                unknown.add(summary.number)
            else:
                if workflow.sensitive:
                    hiding[summary.number] = workflow
        found: dict[int, set[str]] = {number: set() for number in hiding}
        wanted = {number: workflow.sensitive_nodes for number, workflow in hiding.items()}
        for each in self.store.contents(wanted) if wanted else ():
            try:
                given, results = (each.value, {}) if each.node is None else (None, {each.node: each.value})
            except DamagedValue:
                unknown.add(each.request_id)
            else:
                found[each.request_id] |= sensitive_values(hiding[each.request_id].sensitive, given, results)
        return found, unknown

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
