"""The engine's port to its database. What only the relay, retention and bulk re-triggers need are ports of their own:
beside this one, and engine.causes.port."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from math import inf
from typing import Any, NamedTuple, Protocol, TypeVar

from engine.errors import UnreadableVersion
from engine.graph import Graph
from engine.records import Claim, Event, NewRequest, Request, Step
from engine.rules.draft import Draft
from engine.rules.looking import Looked, Looking
from engine.rules.permissions import Grant
from engine.states import RequestStatus
from engine.stored import (
    BlockedFilter,
    History,
    Measures,
    NewestVersion,
    RequestDetail,
    RequestFilter,
    RequestRow,
    StoredKey,
    StoredValue,
    StoredWorkflow,
    TemplateValues,
    Unreadable,
    Wait,
    Waking,
)

T = TypeVar("T")


class Claimer(NamedTuple):
    """Who takes due steps after each commit. ``free`` gives the number of free slots at that moment.

    ``waiting``: None has every free slot take what is due. Else jobs open the slots: it gives the number of those that
    wait for a first claim, and a slot whose step has ended goes on with what that has made due, else with whatever is
    due. ``take`` receives, after the commit and after the answers to its operations, the claims that it made, and how
    many of the waiting slots it has looked for: those for which there is no claim have nothing to do.
    """

    worker: str
    lease: float  # seconds
    free: Callable[[], int]
    running: Callable[[], int]
    take: Callable[[Sequence[Claim], int], None]
    waiting: Callable[[], int] | None = None


class Store(Protocol):
    """Guarded writes and plain reads. A write returns after its commit; a refused one raises and changes nothing."""

    def create(self, new: NewRequest, graph: Graph, submitted: Event) -> tuple[int, bool]:
        """Store a request with a row for each node, the start ready. Returns (id, False), or (id of the request
        that the same ``key`` made before, True). Raises Superseded when the workflow has a newer version."""
        ...

    def submitted(self, workflow: str, key: str) -> int | None:
        """The request that this submit key made."""
        ...

    def change(self, request_id: int, decide: Callable[[Draft], T], command_id: str | None = None) -> T:
        """Load the request with its steps, let ``decide`` draft the changes, and write them, all in one transaction.

        ``decide`` is pure and may be called again (replay). What it raises reaches the caller, and nothing is
        written. Raises NotFound, and AlreadyDone when an event with this ``command_id`` is stored.
        """
        ...

    def change_soon(self, request_id: int, decide: Callable[[Draft], T]) -> Future[T]:
        """As change, without waiting for the commit."""
        ...

    def change_then(
        self, request_id: int, decide: Callable[[Draft], T], then: Callable[[T | None, Exception | None], None]
    ) -> None:
        """As change_soon, for the outcomes of steps, which are many: ``then`` is called with the answer, or the error,
        in the thread that writes. It must be short. Raises StorageError when nothing more is written."""
        ...

    def look(self, request_id: int, decide: Callable[[Request, Looking | None, float], Looked]) -> None:
        """Let ``decide`` say what follows from somebody's looking at the request, given who is looking and the time,
        while nobody else can change that. Raises NotFound."""
        ...

    def record(self, event: Event) -> None:
        """Store an audit event that changes nothing (a refused try)."""
        ...

    def attach(self, claimer: Claimer) -> None:
        """From now on claim due steps for this worker after each commit and at each nudge."""
        ...

    def detach(self) -> None:
        """Claim nothing more. Returns when no claim is under way."""
        ...

    def nudge(self) -> None:
        """Look for due steps now."""
        ...

    def requeue(self) -> int:
        """Where steps come to workers by jobs: make one for each step that has been due for a moment and waits in
        none. Returns how many."""
        ...

    def bring_forward(self) -> int:
        """Ready steps whose time lies ahead are due now: the database's clock was set back. Returns how many."""
        ...

    def next_due(self) -> float | None:
        """Seconds from now until the earliest ready or waiting step is due, or its wait is over; None when there is
        none."""
        ...

    def waking(self, rest: Wait | None = None) -> Waking:
        """The waits whose time is over; ``rest``: behind those that the look before has found."""
        ...

    def installation_secret(self) -> bytes:
        """32 random bytes that this database keeps, made at the first call: callback addresses come from it."""
        ...

    def command(self, command_id: str) -> Event | None:
        """The event that the command with this id left, if it was carried out."""
        ...

    def renew(self, worker: str, lease: float) -> int:
        """Renew the leases of all that ``worker`` runs. Returns how many."""
        ...

    def disown(self, request_id: int, node: str, attempt: int) -> None:
        """Let nobody hold this attempt any more, so that it is lost for all; without waiting."""
        ...

    def expired(self, until: float = inf) -> list[tuple[int, str, int]]:
        """(request, node, attempt) of running steps whose lease ran out; none once the database's clock is past
        ``until``."""
        ...

    def orphaned(self, living: str) -> list[tuple[int, str, int]]:
        """(request, node, attempt) of what every other worker than ``living`` has running, whatever its lease says."""
        ...

    def running(self, worker: str) -> list[tuple[int, str, int]]:
        """(request, node, attempt) of what ``worker`` has running."""
        ...

    def stuck(self, thorough: bool = False) -> list[int]:
        """Requests in progress with no step ready, running or waiting. ``thorough``: read from the steps of every
        request in progress, not from what the last change of each has noted."""
        ...

    def mend(self) -> int:
        """Steps of requests that are in progress or Blocked, from which a hand has taken what moves them, get it back:
        their due time, the end of their delay, or a lease that has run out. Returns how many."""
        ...

    def tell_standing_still(self, request_id: int, why: UnreadableVersion) -> None:
        """Have the channel of the request's application told, once a day for a version, that its requests stand still.
        Raises StorageError."""
        ...

    def contents(self, nodes: Mapping[int, Collection[str]]) -> Iterator[StoredValue]:
        """The inputs of these requests, then the results of these ``nodes`` of each, as far as there are any: a few of
        them are in memory at a time."""
        ...

    def template_values(self, request_id: int, nodes: Iterable[str]) -> TemplateValues:
        """What templates may name, with the results and errors of ``nodes``. Raises NotFound."""
        ...

    def detail(self, request_id: int) -> RequestDetail:
        """Everything of one request. Raises NotFound."""
        ...

    def histories(self, after: int, limit: int) -> list[History | Unreadable]:
        """What an audit reads, of the ``limit`` requests that follow the id ``after``, all of one snapshot."""
        ...

    def history(self, request_id: int) -> History | Unreadable:
        """The same of one request. Raises NotFound."""
        ...

    def strays(self, limit: int) -> list[tuple[str, int]]:
        """(table, request) of rows whose request does not exist: at most ``limit`` of each table."""
        ...

    def status(self, request_id: int) -> tuple[Request, tuple[Step, ...]]:
        """The light rows of one request. Raises NotFound."""
        ...

    def requests(self, filter: RequestFilter) -> list[RequestRow]:
        """A page of requests."""
        ...

    def blocked(self, filter: BlockedFilter) -> list[RequestRow]:
        """A page of Blocked requests."""
        ...

    def apps(self) -> list[str]:
        """The applications that have, or had, requests, by name."""
        ...

    def counts(self, apps: frozenset[str] | None = None) -> Mapping[RequestStatus, int]:
        """How many requests of ``apps`` (None: of all) are in each status."""
        ...

    def publish(self, name: str, app: str, document: dict[str, Any], digest: str, published: Event) -> tuple[int, bool]:
        """Store a new version, and that it was ``published``, unless the newest is the same. Returns (version, whether
        it is new)."""
        ...

    def workflow(self, name: str, version: int | None = None) -> StoredWorkflow:
        """A published version; the newest when none is named. Raises NotFound."""
        ...

    def workflows(self) -> list[NewestVersion]:
        """The newest version of each."""
        ...

    def versions_in_use(self) -> list[tuple[str, int]]:
        """The newest version of each workflow, and those of requests that may still move, by name and number."""
        ...

    def grants(self) -> list[Grant]:
        """Those that are stored."""
        ...

    def add_grant(self, grant: Grant, granted: Event) -> bool:
        """Store a grant and its event. False, and nothing is stored, when it was there."""
        ...

    def remove_grant(self, grant: Grant, revoked: Event) -> bool:
        """Remove a grant, whatever its source, and store the event. False when there was none."""
        ...

    def kept(self, name: str) -> str | None:
        """What was kept under this name."""
        ...

    def keep(self, name: str, value: str) -> None:
        """Keep a text across restarts, in place of the one before."""
        ...

    def keys(self) -> list[StoredKey]:
        """Every API key, by name, then by age."""
        ...

    def find_key(self, digest: str) -> StoredKey | None:
        """The key in use that has this hash."""
        ...

    def add_key(self, name: str, digest: str, created: Event) -> bool:
        """Store a key and its event. False when one of that name is in use."""
        ...

    def revoke_key(self, name: str, revoked: Event) -> None:
        """Take the key out of use, with its event. Raises NotFound."""
        ...

    def measures(self) -> Measures:
        """Numbers for a monitor. They cost no more the more requests there are."""
        ...

    def processes(self) -> list[tuple[str, str]]:
        """(name, process) of engines that have said which process they are, and have not ended their presence."""
        ...

    def workers_alive(self) -> int:
        """Engines that renewed their presence lately (so that a command can say "nothing is running it")."""
        ...

    def present(self, worker: str, lease: float, process: str | None = None) -> float:
        """Renew this engine's presence for ``lease`` seconds; 0 ends it. ``process``: see
        engine.worker.process_identity. Returns the database's clock."""
        ...
