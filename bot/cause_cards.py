"""Many requests that one cause blocks, told by one card and one thread (SPEC 7); see decision 30.

Of the outbox's rows it takes those of causes, and those of requests that a cause's card tells. A request gets a card
and a thread of its own as soon as somebody acts on it singly, or something else blocks it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import takewhile

from bot.blocks.bulk import run_message
from bot.blocks.cause import CauseState, cause_card
from bot.errors import MessageGone, PersonNotThere, SlackError
from bot.kept import Kept
from bot.people import slack_user
from bot.sending import SKEW, Sender, Sending
from bot.text import Dates
from engine import events
from engine.causes.port import Causes
from engine.causes.records import tally
from engine.commands.documents import RequestDocument
from engine.logs import logger
from engine.ports.outbox import CARD, OutboxRow, Posted
from engine.records import Event

log = logger(__name__)


class CauseCards:
    """Told and kept true, with their threads. ``read`` and ``channels`` as the announcer's."""

    def __init__(
        self,
        causes: Causes,
        kept: Kept,
        sender: Sender,
        read: Callable[[int], RequestDocument],
        channels: Mapping[str, str],
        dates: Dates,
    ) -> None:
        self._causes, self._kept, self._sender = causes, kept, sender
        self._read, self._channels, self._dates = read, channels, dates

    def takes(self, rows: Sequence[OutboxRow], sending: Callable[[Sequence[OutboxRow]], Sending]) -> list[int]:
        """The ids of the first ``rows`` that a cause card tells, now or soon; all are of one request and kind. Raises
        SlackError, NotFound, RowLost."""
        row = rows[0]
        if row.request_id < 0:
            self._tell(-row.request_id, row, sending(rows[:1]))
            return [row.id]
        if row.kind not in ("card", "line"):
            return []
        told = [] if CARD in self._kept.of(row.request_id) else list(takewhile(self._takes, rows))
        if row.kind == "card":
            self._causes.touch(row.request_id)
        return [row.id for row in told]

    def _takes(self, row: OutboxRow) -> bool:
        """Of a request that has no card."""
        joined = bool(self._causes.joined(row.request_id))
        if row.event is None:
            return joined or self._joins(row.request_id)
        return joined and self._is_common(row.request_id, row.event)

    def _is_common(self, request_id: int, event: Event) -> bool:
        """Whether the event is nothing that concerns this request alone."""
        if event.kind in events.ACTS:
            return "bulk" in (event.data or {})
        if events.is_stuck(event.data):
            return False
        return event.kind != events.BLOCKED or self._joins(request_id)

    def _joins(self, request_id: int) -> bool:
        """Whether a cause's card tells what blocks the request now."""
        document = self._read(request_id)
        common = self._causes.common(request_id, document.blocked)
        if common is None:
            return False
        step = document.step(common.node)
        self._causes.join(request_id, common, (step.error if step else None) or "No error was given.")
        return True

    def _tell(self, cause_id: int, row: OutboxRow, sending: Sending) -> None:
        """In every channel that is concerned; one that Slack refuses does not hold up the others."""
        state, event = self._state(cause_id), row.event
        channels = sorted({self._channels[app] for app in state.standing.apps if app in self._channels})
        refused: SlackError | None = None
        for channel in channels:
            try:
                posted = self._card(self._seen_in(channel, state), channel, sending)
                if event is not None:
                    self._line(state, event, posted, _looked_up(row, sending))
            except SlackError as error:
                refused = refused or error
        if refused is not None:
            raise refused
        if event is not None and event.kind == events.BULK_ENDED:
            self._tell_person(event, sending)

    def _state(self, cause_id: int) -> CauseState:
        run = self._causes.latest_run(cause_id)
        items = tally(self._causes.items(run.id)) if run is not None else {}
        return CauseState(self._causes.cause(cause_id), self._causes.standing(cause_id), run, items)

    def _seen_in(self, channel: str, state: CauseState) -> CauseState:
        """Without what only another application's channel may show."""
        here = {app for app, its in self._channels.items() if its == channel}
        return state._replace(cause=state.cause._replace(error=state.cause.told_to(here)))

    def _card(self, state: CauseState, channel: str, sending: Sending) -> Posted:
        marker = f"{sending.marker}-card"
        message = cause_card(state, self._dates, marker)
        posted = self._kept.of(-state.cause.id).get(channel)
        if posted is not None:
            try:
                return self._kept.show(posted, message)
            except MessageGone:
                pass
        return self._kept.post(-state.cause.id, channel, channel, message, sending._replace(marker=marker))

    def _line(self, state: CauseState, event: Event, posted: Posted, sending: Sending) -> None:
        run = int((event.data or {}).get("bulk", 0))
        items = tally(self._causes.items(run)) if event.kind == events.BULK_ENDED else {}
        message = run_message(event, items, self._dates, sending.marker)
        self._sender.post(posted.channel, message, sending, thread=posted.ts)

    def _tell_person(self, event: Event, sending: Sending) -> None:
        user = slack_user(event.actor)
        if user is None:
            return
        marked = sending._replace(marker=f"{sending.marker}-tell")
        try:
            self._sender.direct(user, run_message(event, {}, self._dates, marked.marker), marked)
        except PersonNotThere as error:
            log.warning("bulk.untold", says=f"The outcome of a bulk re-trigger could not be told: {error}")


def _looked_up(row: OutboxRow, sending: Sending) -> Sending:
    """A line is told in several places, so what is known of the last send says nothing of each of them."""
    return sending._replace(unsure_since=sending.unsure_since or row.created_at - SKEW)
