"""What is asked of the store, and what it gives, beside the rows of engine.records: whole requests, lists, numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from engine.records import Attempt, AttemptEnd, Event, Request, Step
from engine.states import RequestStatus
from engine.values.stored_json import stored_json


class StoredWorkflow(NamedTuple):
    """A published version. ``document`` is the definition as plain data; ``digest`` tells whether it changed."""

    name: str
    version: int
    app: str
    document: dict[str, Any]
    digest: str
    published_at: float


class NewestVersion(NamedTuple):
    """A workflow as lists show it, without the definition, which may be none that can be read: engine.catalog knows."""

    name: str
    version: int
    app: str
    published_at: float


class StoredKey(NamedTuple):
    """An API key, without the key: that is nowhere. ``revoked_at`` None: it is in use."""

    id: int
    name: str
    created_at: float
    created_by: str
    revoked_at: float | None


class Measures(NamedTuple):
    """What a monitor asks for. ``requests``: how many by (application, status); ``events``: how many audit events by
    kind, of those that steps leave; ``oldest_due``: seconds that the oldest due step has waited, 0 without one."""

    requests: Mapping[tuple[str, str], int]
    events: Mapping[str, int]
    oldest_due: float
    running: int
    engines: int


class Wait(NamedTuple):
    """A wait, in the order in which waits are over."""

    wakes_at: float
    request_id: int
    node: str


class Waking(NamedTuple):
    """(request, node, attempt) of delays, approvals and callbacks whose time is over; of very many, the first, and then
    ``rest`` is where to look for the others."""

    steps: list[tuple[int, str, int]]
    rest: Wait | None


class RequestFilter(NamedTuple):
    """What to list, oldest first when ``oldest_first``, else newest first. ``after`` is the last id of the page before.

    ``apps`` None means every application.
    """

    status: RequestStatus | None = None
    apps: frozenset[str] | None = None
    after: int | None = None
    limit: int = 50
    oldest_first: bool = False


class Cursor(NamedTuple):
    """Stands for the page that follows a request in a list of Blocked ones or, ``backwards``, ends before it. ``at``:
    since when that request was Blocked, in seconds."""

    at: float
    id: int
    backwards: bool = False


class BlockedFilter(NamedTuple):
    """Which Blocked requests to list: those that are so longest come first.

    ``apps`` None means every application. ``longer_than``: only those that have been Blocked for so many seconds.
    """

    apps: frozenset[str] | None = None
    longer_than: float = 0.0
    cursor: Cursor | None = None
    limit: int = 50


class RequestRow(NamedTuple):
    """A request as lists show it: the row, its title, and the names and errors of the steps that block it."""

    request: Request
    title: str
    blocked: tuple[tuple[str, str | None], ...]


class StepDetail(NamedTuple):
    """A step with the heavy columns: ``result`` is JSON text."""

    step: Step
    result: str | None


class AttemptDetail(NamedTuple):
    """A whole attempt: how it started, the key its call carried, and how it ended (None while it runs)."""

    start: Attempt
    idempotency_key: str | None
    end: AttemptEnd | None


class StoredValue(NamedTuple):
    """An input, or the result of ``node``, as JSON text."""

    request_id: int
    node: str | None
    text: str

    @property
    def value(self) -> Any:
        """Raises DamagedValue."""
        what = "the input" if self.node is None else f"the result of {self.node}"
        return stored_json(self.text, f"{what} of REQ-{self.request_id}")


class RequestDetail(NamedTuple):
    """Everything stored of one request. ``input`` is JSON text; attempts and events are in the order they happened."""

    request: Request
    title: str
    input: str
    steps: tuple[StepDetail, ...]
    attempts: tuple[AttemptDetail, ...]
    events: tuple[Event, ...]
    at: float  # when it was read, by the database's clock

    @property
    def given(self) -> Any:
        """The input as a value. Raises DamagedValue."""
        return stored_json(self.input, f"the input of REQ-{self.request.id}")

    @property
    def results(self) -> dict[str, Any]:
        """As values, by node, as far as there are any. Raises DamagedValue."""
        of_it = f"of REQ-{self.request.id}"
        found = {row.step.node: row.result for row in self.steps if row.result is not None}
        return {node: stored_json(result, f"the result of {node} {of_it}") for node, result in found.items()}


class History(NamedTuple):
    """What an audit reads of one request, in one snapshot: its rows without what is heavy (input, results, responses;
    the first two are known to be JSON), its attempts by step and number, its events in the order in which they were
    stored."""

    request: Request
    steps: tuple[Step, ...]
    attempts: tuple[AttemptDetail, ...]
    events: tuple[Event, ...]

    @property
    def request_id(self) -> int:
        return self.request.id


class Unreadable(NamedTuple):
    """A request with rows that this Retrigger cannot have written: a newer one has, or a hand. ``why``: an error."""

    request_id: int
    why: str


class TemplateValues(NamedTuple):
    """What the templates of a step may name, parsed. ``results`` and ``errors`` by node, as far as there are any;
    ``issues``: the number of which a callback's address is made."""

    input: Any
    requester: str
    results: Mapping[str, Any]
    errors: Mapping[str, str]
    issues: Mapping[str, int]
