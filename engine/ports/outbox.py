"""The port through which the relay reads what is to be told, and remembers what it posted.

Rows come into the outbox in the transaction of the state they tell (engine.rules.draft, Notice).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from engine.errors import RetriggerError
from engine.limits import MAX_BACKLOG_SECONDS
from engine.records import PRIVATE, STILL, Event

CARD = "card"  # the subject of a request's card
APART = (*PRIVATE, "asks", STILL)  # kinds that are orders of their own: a request's card and lines hold up none


class OutboxRow(NamedTuple):
    """One thing to tell. ``kind`` as in Notice; ``tries`` counts sends that failed; ``sent_at``: when a send was begun
    whose answer is not known, so look it up before repeating it; ``age``: seconds since it was written, at
    ``created_at``; ``taken_until`` says that it is taken by us. Times are the database's. A negative ``request_id`` is
    minus the number of a cause."""

    id: int
    request_id: int
    kind: str
    event: Event | None
    actor: str | None
    tries: int
    sent_at: float | None
    age: float
    created_at: float
    taken_until: float


class Posted(NamedTuple):
    """A message that is kept true: where it stands in Slack. ``subject`` tells those of one request apart: CARD, or
    another that the bot makes up. ``digest`` is that of what it shows."""

    request_id: int
    subject: str
    team: str
    channel: str
    ts: str
    digest: str


def whose(request_id: int | None) -> str:
    """Whose row it is, for people: a request's, or a cause's (engine.causes.port)."""
    return f"cause {-request_id}" if request_id is not None and request_id < 0 else f"REQ-{request_id}"


class RowLost(RetriggerError):
    """Our time with a row is over, so another relay may have taken it."""

    def __init__(self, row_id: int) -> None:
        self.row_id = row_id
        super().__init__(f"The time for outbox row {row_id} is over; it comes again.")


class Backlog(NamedTuple):
    """What doctor says of the outbox. ``age`` in seconds, ``error`` (None before its first try) and ``request_id`` are
    of the oldest row that waits; ``given_up`` counts those of the last day, ``last_given_up`` is the newest's error."""

    number: int
    age: float | None = None
    request_id: int | None = None
    error: str | None = None
    given_up: int = 0
    last_given_up: str | None = None

    def late(self) -> str | None:
        """A sentence, when something has waited for Slack too long."""
        if self.age is None or self.age <= MAX_BACKLOG_SECONDS:
            return None
        many = f"{self.number} messages wait for Slack, the oldest (of {whose(self.request_id)}) for {self.age:.0f} s"
        return f"{many}: {self.error}" if self.error else f"{many}. It was not tried yet."


class Outbox(Protocol):
    """What the relay needs of the database. Every write is committed when the method returns."""

    def due(self, limit: int, lease: float) -> list[OutboxRow]:
        """The oldest due rows, taken for ``lease`` seconds so that no other relay takes them. Rows of one request come
        strictly in order, so a row is due only when all earlier ones of its request are done; but a card that stands
        and is to be updated holds up none but its next update, and what goes to people (APART) waits for its like
        only, and not for a channel."""
        ...

    def behind(self, row: OutboxRow, limit: int) -> list[OutboxRow]:
        """The next rows of the same request and kind that wait, and of which no send was begun. Nobody else takes them
        before ``row`` is done."""
        ...

    def sending(self, row: OutboxRow, also: Sequence[int], margin: float) -> None:
        """Remember, durably, that a send of the row, and of the rows ``also``, begins. Raises RowLost unless it is
        still ours for ``margin`` seconds."""
        ...

    def done(self, row_ids: Sequence[int]) -> None:
        """They were told."""
        ...

    def later(
        self, row: OutboxRow, delay: float, error: str, *, unsent: Sequence[int] = (), counts: bool = True
    ) -> None:
        """Try again after ``delay`` seconds, and those it holds up no sooner. ``unsent``: rows whose last send surely
        did not arrive; ``counts``: as a try that failed. Does nothing to a row that is not ours any more."""
        ...

    def drop(self, row_id: int, error: str) -> None:
        """Give up on a row that can never be sent; kept with its error for doctor to show."""
        ...

    def waiting(self) -> tuple[int, float | None]:
        """(rows not done, age in seconds of the oldest)."""
        ...

    def backlog(self) -> Backlog:
        """What waits and why, and what was given up."""
        ...

    def posted(self, request_id: int) -> dict[str, Posted]:
        """The request's messages that are kept true, by subject."""
        ...

    def remember(self, posted: Posted) -> None: ...
