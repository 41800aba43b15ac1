"""An outbox and a Slack in memory, for the relay's rules."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any, cast

from bot.announcer import Announcer
from bot.blocks.fit import Message
from bot.errors import SlackError
from bot.poster import Poster
from bot.relay import POLL, Relay
from bot.text import Dates
from engine.causes.port import Causes
from engine.commands.documents import EventDocument, RequestDocument, when
from engine.ports.outbox import APART, CARD, Backlog, OutboxRow, Posted, RowLost
from engine.records import Approval, Event
from tests.support.slack_checks import check_message


class MemoryOutbox:
    """As storage's: rows of one request in order, ``later`` in seconds of ``now``."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.rows: dict[int, OutboxRow] = {}
        self.due_at: dict[int, float] = {}
        self.written_at: dict[int, float] = {}
        self.errors: dict[int, str] = {}
        self.dropped: dict[int, str] = {}
        self.kept: dict[int, dict[str, Posted]] = {}
        self.events: list[Event] = []

    def add(self, request_id: int, kind: str, event: Event | None = None, actor: str | None = None) -> int:
        number = len(self.due_at) + 1
        if event is not None:
            self.events.append(event)
        self.rows[number] = OutboxRow(number, request_id, kind, event, actor, 0, None, 0.0, self.now, 0.0)
        self.due_at[number] = self.written_at[number] = self.now
        return number

    def due(self, limit: int, lease: float) -> list[OutboxRow]:
        due = sorted((row for row in self.rows.values() if self.due_at[row.id] <= self.now), key=self._order)
        before: dict[int, list[OutboxRow]] = {}
        for row in self.rows.values():
            before.setdefault(row.request_id, []).append(row)
        free = (row for row in due if not self._held(row, before[row.request_id]))
        return [self._aged(row, lease) for row in itertools.islice(free, limit)]

    def behind(self, row: OutboxRow, limit: int) -> list[OutboxRow]:
        same = [other for other in self.rows.values() if other.request_id == row.request_id and other.id > row.id]
        return [self._aged(o, 0) for o in same if o.kind == row.kind and o.sent_at is None][:limit]

    def sending(self, row: OutboxRow, also: Sequence[int], margin: float) -> None:
        if row.taken_until < self.now + margin:
            raise RowLost(row.id)
        for row_id in (row.id, *also):
            self.rows[row_id] = self.rows[row_id]._replace(sent_at=self.rows[row_id].sent_at or self.now)

    def begun(self, row_id: int) -> None:
        """A send has begun, and the relay was killed."""
        self.rows[row_id] = self.rows[row_id]._replace(sent_at=self.now)

    def done(self, row_ids: Sequence[int]) -> None:
        for row_id in row_ids:
            del self.rows[row_id]

    def later(
        self, row: OutboxRow, delay: float, error: str, *, unsent: Sequence[int] = (), counts: bool = True
    ) -> None:
        self.rows[row.id] = self.rows[row.id]._replace(tries=self.rows[row.id].tries + counts)
        for row_id in unsent:
            self.rows[row_id] = self.rows[row_id]._replace(sent_at=None)
        self.due_at[row.id] = self.now + delay
        self.errors[row.id] = error

    def _held(self, row: OutboxRow, of_request: list[OutboxRow]) -> bool:
        stands = CARD in self.kept.get(row.request_id, {})
        same = (o for o in of_request if o.kind == row.kind or (o.kind not in APART and row.kind not in APART))
        earlier = (other for other in same if other.id < row.id)
        return any(other.kind != CARD or row.kind == CARD or not stands for other in earlier)

    def _order(self, row: OutboxRow) -> tuple[float, int]:
        return self.due_at[row.id], row.id

    def _aged(self, row: OutboxRow, lease: float) -> OutboxRow:
        return row._replace(age=self.now - self.written_at[row.id], taken_until=self.now + lease)

    def drop(self, row_id: int, error: str) -> None:
        self.dropped[row_id] = error
        del self.rows[row_id]

    def waiting(self) -> tuple[int, float | None]:
        return len(self.rows), None

    def backlog(self) -> Backlog:
        return Backlog(len(self.rows))

    def posted(self, request_id: int) -> dict[str, Posted]:
        return dict(self.kept.get(request_id, {}))

    @property
    def cards(self) -> dict[int, Posted]:
        """Of each request that has one."""
        return {request_id: kept[CARD] for request_id, kept in self.kept.items() if CARD in kept}

    def remember(self, posted: Posted) -> None:
        self.kept.setdefault(posted.request_id, {})[posted.subject] = posted


class MemorySlack:
    """Stands for Poster: what was posted, updated and whispered; ``trouble(method, channel)`` may raise before it
    happens, ``trouble_after`` after it did. ``clock`` is Slack's own, from which messages have their ts."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.messages: dict[str, dict[str, Any]] = {}  # by ts
        self.whispers: list[tuple[str, str, str | None, str]] = []
        self.updates: list[str] = []
        self.lookups = 0
        self.fresh = False  # what is being posted
        self.trouble: Callable[[str, str], SlackError | None] = lambda method, channel: None
        self.trouble_after: Callable[[str, str], SlackError | None] = lambda method, channel: None

    def team(self) -> str:
        return "T1"

    def post(
        self,
        channel: str,
        message: Message,
        *,
        thread: str | None = None,
        broadcast: bool = False,
        fresh: bool = False,
    ) -> str:
        self.fresh = fresh
        self._raise(self.trouble, "post", channel)
        ts = f"{self._clock():010.0f}.{len(self.messages):06}"
        self._keep(ts, message, channel=channel, thread=thread, broadcast=broadcast)
        self._raise(self.trouble_after, "post", channel)
        return ts

    def update(self, channel: str, ts: str, message: Message) -> None:
        self._raise(self.trouble, "update", channel)
        self._keep(ts, message)
        self.updates.append(ts)

    def whisper(self, channel: str, user: str, message: Message, thread: str | None = None) -> None:
        self._raise(self.trouble, "whisper", channel)
        check_message(*message)
        self.whispers.append((channel, user, thread, message.text))

    def direct_channel(self, user: str) -> str:
        return f"D-{user}"

    def find(self, channel: str, marker: str, since: float, thread: str | None = None) -> str | None:
        self.lookups += 1
        self._raise(self.trouble, "find", channel)
        for ts, posted in self.messages.items():
            is_there = (posted["channel"], posted["thread"]) == (channel, thread) and float(ts) >= since
            if is_there and marker in posted["marks"]:
                return ts
        return None

    def texts(self, thread: str | None = None) -> list[str]:
        return [posted["text"] for posted in self.messages.values() if posted["thread"] == thread]

    def _keep(self, ts: str, message: Message, **facts: Any) -> None:
        check_message(*message)
        kept = {**self.messages.get(ts, {}), **facts}
        marks = [block.get("block_id") for block in message.blocks]
        self.messages[ts] = {**kept, "text": message.text, "blocks": message.blocks, "marks": marks}

    def _raise(self, trouble: Callable[[str, str], SlackError | None], method: str, channel: str) -> None:
        if (error := trouble(method, channel)) is not None:
            raise error


class Office:
    """A relay between them. ``documents`` are the requests as they are now; those that come without events have all
    that are to be told. ``ahead``: by how many seconds Slack's clock is, of the database's."""

    def __init__(self, **documents: RequestDocument) -> None:
        self.ahead = 0.0
        self.outbox = MemoryOutbox()
        self.slack = MemorySlack(lambda: self.outbox.now + self.ahead)
        self.documents: dict[int, RequestDocument | Exception] = {it.number: it for it in documents.values()}
        self.channels = {"HR": "C1", "IT": "C2"}
        self.relay = self.new_relay()

    def new_relay(self, causes: Causes | None = None, poll: float = POLL) -> Relay:
        poster = cast(Poster, self.slack)
        announcer = Announcer(self.outbox, self._read, self._asks, poster, self.channels, Dates(), causes=causes)
        return Relay(self.outbox, announcer, poll=poll, clock=lambda: self.outbox.now)

    def run(self) -> None:
        """Until nothing is due."""
        while self.relay.run_once():
            pass

    def _asks(self, request_id: int) -> dict[str, Approval]:
        steps = self._read(request_id).steps
        return {s.node: Approval(s.approvers, s.need or "any", s.approved) for s in steps if s.approvers}

    def _read(self, request_id: int) -> RequestDocument:
        found = self.documents[request_id]
        if isinstance(found, Exception):
            raise found
        events = tuple(_shown(event) for event in self.outbox.events)
        return found if found.events else found.model_copy(update={"events": events})


def _shown(event: Event) -> EventDocument:
    facts = {name: value for name, value in event._asdict().items() if name in EventDocument.model_fields}
    return EventDocument(**{**facts, "at": when(event.at)})
