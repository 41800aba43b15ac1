"""The port through which the relay reads what is to be told, and remembers what it posted.

Rows come into the outbox in the transaction of the state they tell (engine.draft, Notice).
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

from engine.records import Event

CARD = "card"  # the subject of a request's card


class OutboxRow(NamedTuple):
    """One thing to tell. ``kind`` as in Notice; ``tries`` counts sends that failed; ``sent_before``: a send was begun
    and its answer is not known, so look it up before repeating it."""

    id: int
    request_id: int
    kind: str
    event: Event | None
    actor: str | None
    tries: int
    sent_before: bool
    created_at: float


class Posted(NamedTuple):
    """A message that is kept true: where it stands in Slack. ``subject`` tells those of one request apart: CARD, or
    another that the bot makes up. ``digest`` is that of what it shows."""

    request_id: int
    subject: str
    team: str
    channel: str
    ts: str
    digest: str


class Outbox(Protocol):
    """What the relay needs of the database. Every write is committed when the method returns."""

    def due(self, limit: int, lease: float) -> list[OutboxRow]:
        """The oldest due row of each request, taken for ``lease`` seconds so that no other relay takes it; rows of
        one request come strictly in order, so a row is due only when all earlier ones of its request are done."""
        ...

    def sending(self, row_id: int) -> None:
        """Remember, durably, that a send begins."""
        ...

    def done(self, row_id: int) -> None: ...

    def later(self, row_id: int, delay: float, error: str) -> None:
        """Try again after ``delay`` seconds."""
        ...

    def drop(self, row_id: int, error: str) -> None:
        """Give up on a row that can never be sent; kept with its error for doctor to show."""
        ...

    def waiting(self) -> tuple[int, float | None]:
        """(rows not done, age in seconds of the oldest)."""
        ...

    def posted(self, request_id: int) -> dict[str, Posted]:
        """The request's messages that are kept true, by subject."""
        ...

    def remember(self, posted: Posted) -> None: ...
