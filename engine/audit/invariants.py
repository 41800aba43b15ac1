"""What must hold of a request's rows by themselves: a second opinion beside the replay.

A replay finds what was changed behind the rules' back, and repeats a rule that is wrong. These questions are asked of
the specification, and use none of the rules.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

from engine import events
from engine.audit.difference import Difference
from engine.graph import OPEN_KINDS
from engine.limits import MAX_RECOVERIES
from engine.ports.retention import PRUNABLE
from engine.records import Step
from engine.states import FINAL, MOVING, AttemptKind, AttemptOutcome, RequestStatus, StepStatus
from engine.stored import AttemptDetail, History

Finding = tuple[str | None, str, str]  # node, stored, history

# How an attempt may have ended → the events of which exactly one tells it.
_TOLD_BY = {
    AttemptOutcome.SUCCEEDED: frozenset({events.COMPLETED}),
    AttemptOutcome.FAILED: frozenset({events.RETRY, events.FAILED, events.BLOCKED}),
    AttemptOutcome.LOST: frozenset({events.LOST, events.BLOCKED, events.FAILED}),
    AttemptOutcome.RETURNED: frozenset({events.RETURNED}),
}
_ENDS = frozenset[str]().union(*_TOLD_BY.values())
# What the last attempt of a step in these statuses must have come to.
_LAST = {
    StepStatus.COMPLETED: frozenset({AttemptOutcome.SUCCEEDED}),
    StepStatus.FAILED: frozenset({AttemptOutcome.FAILED, AttemptOutcome.LOST}),
    StepStatus.BLOCKED: frozenset({AttemptOutcome.FAILED, AttemptOutcome.LOST}),
}
_FIRST_OF_BUDGET = frozenset({AttemptKind.INITIAL, AttemptKind.RETRIGGER})


class Book:
    """A history, looked up by step. ``inner``: the steps inside sync blocks, which are recovered and re-triggered with
    their block, and told with it where they end with it."""

    def __init__(self, history: History, inner: Collection[str]) -> None:
        self.inner = inner
        self.moments = {event.at for event in history.events}
        self.request = history.request
        self.steps = history.steps
        self.events = [event for event in history.events if event.kind not in events.BESIDE]
        self.attempts: dict[str, list[AttemptDetail]] = {step.node: [] for step in history.steps}
        for attempt in history.attempts:
            self.attempts.setdefault(attempt.start.node, []).append(attempt)
        for own in self.attempts.values():
            own.sort(key=lambda attempt: attempt.start.number)
        self.late = {(event.node, event.attempt) for event in self.events if event.kind == events.LATE}
        self.ends: dict[tuple[str | None, int | None], list[int]] = {}  # an attempt → the places of events of its end
        for place, event in enumerate(self.events):
            if event.kind in _ENDS and event.attempt is not None:
                self.ends.setdefault((event.node, event.attempt), []).append(place)

    def place(self, attempt: AttemptDetail) -> int:
        """Where in the events it ended: at the event of its end, or at the first of that moment."""
        told = self.ends.get((attempt.start.node, attempt.start.number))
        if told:
            return told[0]
        at = attempt.end.ended_at if attempt.end is not None else None
        return next((place for place, event in enumerate(self.events) if event.at == at), len(self.events))


def contradictions(history: History, inner: Collection[str] = ()) -> Iterator[Difference]:
    """Every difference that these questions find. ``inner``: the steps inside sync blocks."""
    book = Book(history, inner)
    for question in _OF_STEP:
        for step in book.steps:
            for node, stored, told in question(book, step):
                yield Difference(book.request.id, node, stored, told)
    for ask in _OF_REQUEST:
        for node, stored, told in ask(book):
            yield Difference(book.request.id, node, stored, told)


def _numbers(book: Book, step: Step) -> Iterator[Finding]:
    """Attempts are numbered without gaps, and the row has the number of the last."""
    numbers = [attempt.start.number for attempt in book.attempts[step.node]]
    if numbers != list(range(1, len(numbers) + 1)):
        yield step.node, f"attempts {', '.join(map(str, numbers))}", "attempts are numbered without gaps"
    if step.attempt != (numbers[-1] if numbers else 0):
        yield step.node, f"attempt {step.attempt} as its last", f"its last was {numbers[-1] if numbers else 'none'}"


def _open(book: Book, step: Step) -> Iterator[Finding]:
    """Only what runs, or waits for something outside, has an open attempt: its last."""
    own = book.attempts[step.node]
    opened = [attempt.start.number for attempt in own if attempt.end is None]
    waits = step.status is StepStatus.WAITING and step.kind in OPEN_KINDS and step.due_at is None
    should = waits or step.status is StepStatus.RUNNING
    expected = [own[-1].start.number] if should and own else []
    if opened != expected:
        has = f"status {step.status.value} and open attempts {', '.join(map(str, opened)) or 'none'}"
        yield step.node, has, "what runs or waits has one open attempt, its last, and nothing else has any"


def _ending(book: Book, step: Step) -> Iterator[Finding]:
    """Every attempt that ended is told by one event of its outcome, and every such event has its attempt."""
    for attempt in book.attempts[step.node]:
        number, end = attempt.start.number, attempt.end
        kinds = [book.events[place].kind for place in book.ends.get((step.node, number), ())]
        wanted = _TOLD_BY.get(end.outcome, frozenset()) if end is not None else frozenset()
        told = [kind for kind in kinds if kind in wanted]
        silent = not told and (not wanted or step.node in book.inner)  # it ended with something else
        if end is not None and len(told) != 1 and not (silent and end.ended_at in book.moments):
            yield step.node, f"attempt {number} as {end.outcome.value}", f"{len(told)} events tell that"
        strange = [kind for kind in kinds if kind not in wanted]
        if strange:
            how = end.outcome.value if end is not None else "open"
            yield step.node, f"attempt {number} as {how}", f"{', '.join(strange)} is told of it"
        if (end is not None and end.late is not None) != ((step.node, number) in book.late):
            has = "a late result" if end is not None and end.late is not None else "no late result"
            yield step.node, f"{has} at attempt {number}", "the events tell otherwise"


def _last(book: Book, step: Step) -> Iterator[Finding]:
    """A status agrees with what the last attempt came to."""
    own = book.attempts[step.node]
    if step.status is StepStatus.SKIPPED and own:
        yield step.node, "status skipped", f"it ran, {len(own)} times"
    allowed = _LAST.get(step.status)
    if not own or allowed is None:
        return
    end = own[-1].end
    if end is not None and end.outcome not in allowed:
        yield step.node, f"status {step.status.value}", f"its last attempt was {end.outcome.value}"


def _recoveries(book: Book, step: Step) -> Iterator[Finding]:
    """Each death of a worker counts once, in the budget in which it happened; a block's is its own, not its steps'."""
    if step.node in book.inner:
        return
    lost = 0
    for attempt in book.attempts[step.node]:
        if attempt.start.kind in _FIRST_OF_BUDGET:
            lost = 0
        lost += attempt.end is not None and attempt.end.outcome is AttemptOutcome.LOST
    expected = 0 if step.next_kind in _FIRST_OF_BUDGET else min(lost, MAX_RECOVERIES)
    if step.recoveries != expected:
        yield step.node, f"{step.recoveries} recoveries", f"{expected} deaths of a worker count"


def _acts(book: Book, step: Step) -> Iterator[Finding]:
    """Every attempt that a person caused has that person's act, and every input by hand has its attempt."""
    if step.node in book.inner:
        return
    wanted = {
        AttemptKind.RETRIGGER: frozenset({events.RETRIGGERED, events.RETRIGGERED_FLOW}),
        AttemptKind.PROVIDED_INPUT: frozenset({events.INPUT_PROVIDED}),
    }
    told = [event for event in book.events if event.kind in events.ACTS and event.node == step.node]
    kinds = {attempt.start.number: attempt.start.kind for attempt in book.attempts[step.node]}
    for number, kind in kinds.items():
        if kind in wanted and not any(e.kind in wanted[kind] and e.attempt == number for e in told):
            yield step.node, f"attempt {number} of kind {kind.value}", "nobody's act is told for it"
    for event in told:
        if event.kind == events.INPUT_PROVIDED and kinds.get(event.attempt or 0) is not AttemptKind.PROVIDED_INPUT:
            yield step.node, f"no input by hand as attempt {event.attempt}", f"{event.by} provided one"


def _keys(book: Book, step: Step) -> Iterator[Finding]:
    """A key names its request, step and visit."""
    for attempt in book.attempts[step.node]:
        front = f"req-{book.request.id}-{step.node}-{attempt.start.visit}"
        fronts = (f"{front}-", f"{front}.")  # a point: a person asked for a new key
        if attempt.idempotency_key is not None and not attempt.idempotency_key.startswith(fronts):
            yield step.node, f"the key {attempt.idempotency_key} at attempt {attempt.start.number}", f"a key {front}-…"


def _effects(book: Book, step: Step) -> Iterator[Finding]:
    """After a call that may have taken effect, a call under another key needs a person's confirmation between; that is
    good for one key."""
    key: str | None = None  # of the latest call that may have taken effect
    granted: str | None = None
    since = 0
    for attempt in book.attempts[step.node]:
        mine, end = attempt.idempotency_key, attempt.end
        if mine is None:
            continue
        place = book.place(attempt)
        if key not in (None, mine) and mine != granted:
            if not any((event.data or {}).get("confirmed") for event in book.events[since:place]):
                has = f"a call under another key at attempt {attempt.start.number}"
                yield step.node, has, f"the call under {key} may have taken effect, and nobody confirmed another"
            granted, since = mine, place
        if end is not None and (end.call is None or end.call.may_have_taken_effect):
            key, granted, since = mine, None, place


def _status(book: Book) -> Iterator[Finding]:
    """The changes of the status are a chain from In progress to what is stored."""
    status = RequestStatus.IN_PROGRESS.value
    for event in book.events:
        if event.kind == events.STATUS:
            data = event.data or {}
            if data.get("from") != status:
                yield None, f"a change of status from {data.get('from')}", f"it was {status} then"
            status = data.get("to", status)
    if book.request.status.value != status:
        yield None, f"status {book.request.status.value}", f"status {status}"


def _moves(book: Book) -> Iterator[Finding]:
    """A request is final when nothing in it can move any more."""
    if book.request.status not in FINAL:
        return
    for step in book.steps:
        if step.status in MOVING:
            final = f"the request is {book.request.status.value}, which is final"
            yield step.node, f"status {step.status.value}", final


def _pruned(book: Book) -> Iterator[Finding]:
    """Only what has ended loses its contents, and it is the last that is done about it."""
    if book.request.pruned_at is not None and book.request.status not in PRUNABLE:
        yield None, f"status {book.request.status.value}", "its contents were removed, which is for what has ended"


def _known(book: Book) -> Iterator[Finding]:
    """Every attempt and every event belongs to a step."""
    rows = {step.node for step in book.steps}
    for node in book.attempts.keys() - rows:
        yield node, "no row", f"it has {len(book.attempts[node])} attempts"
    for node in {event.node for event in book.events if event.node is not None} - rows - book.attempts.keys():
        yield node, "no row", "the events tell of it"


_OF_STEP: tuple[Callable[[Book, Step], Iterator[Finding]], ...] = (
    _numbers,
    _open,
    _ending,
    _last,
    _recoveries,
    _acts,
    _keys,
    _effects,
)
_OF_REQUEST: tuple[Callable[[Book], Iterator[Finding]], ...] = (_status, _moves, _pruned, _known)
