"""What each row of the outbox means in Slack: the card, a line in its thread, the outcome told to a person (SPEC 7)."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import NamedTuple, TypeVar

from bot.blocks import card, fit, thread
from bot.blocks.fit import Message
from bot.blocks.outcome import outcome
from bot.blocks.parts import plain, section
from bot.blocks.thread import Told
from bot.errors import BadMessage, ChannelMissing, MessageGone, NotInChannel, PersonNotThere, ScopeMissing
from bot.people import slack_user
from bot.poster import Poster
from bot.text import Dates
from engine.documents import RequestDocument
from engine.errors import RetriggerError
from engine.outbox import Outbox, OutboxRow, Posted
from engine.records import Event

SAME_MOMENT = 0.001  # seconds: documents keep microseconds
FACTS = ("from", "to", "call", "outcome", "recovery", "first")  # of an event: words and numbers of ours
SKEW = 60.0  # seconds by which Slack's clock and the database's may differ, when a post is looked up

T = TypeVar("T")

log = logging.getLogger(__name__)


class NoChannel(RetriggerError):
    """The settings name no channel for the application, so its requests have neither card nor thread."""

    def __init__(self, app: str) -> None:
        self.app = app
        super().__init__(f"The settings name no Slack channel for the application {app}.")


class Sending(NamedTuple):
    """One send of a row. ``unsure_since``: an earlier send may have arrived, not before that time; ``begin`` marks the
    row as being sent."""

    marker: str
    begin: Callable[[], None]
    unsure_since: float | None = None


class Announcer:
    """``read`` gives a request's document for its public card; ``channels`` the channel of each application."""

    def __init__(
        self,
        outbox: Outbox,
        read: Callable[[int], RequestDocument],
        poster: Poster,
        channels: Mapping[str, str],
        dates: Dates,
    ) -> None:
        self._outbox = outbox
        self._read = read
        self._poster = poster
        self._channels = channels
        self._dates = dates
        self._team = ""

    def announce(self, row: OutboxRow, unsure: bool) -> None:
        """Tell a row. ``unsure``: an earlier send may have arrived. Raises SlackError, NotFound, NoChannel."""
        sending = Sending(
            f"rt-{row.id}", lambda: self._outbox.sending(row.id), row.created_at - SKEW if unsure else None
        )
        document = self._read(row.request_id)
        if row.kind == "card":
            self._show(document, sending)
        elif row.event is None:
            log.error("Outbox row %s of kind %s has no event; there is nothing to tell.", row.id, row.kind)
        elif row.kind == "line":
            self._line(document, masked(row.event, document), sending)
        else:
            self._tell(document, masked(row.event, document), row, sending)

    def refresh(self, request_id: int) -> None:
        """Let a card that stands in Slack show the present state, whatever it shows."""
        posted = self._outbox.posted(request_id)
        if posted is not None:
            message = card.card(self._read(request_id), self._dates)
            self._poster.update(posted.channel, posted.ts, message)
            self._outbox.remember(posted._replace(digest=card.digest(message)))

    def _show(self, document: RequestDocument, sending: Sending) -> Posted:
        """The card, posted or up to date."""
        message = card.card(document, self._dates, sending.marker)
        posted = self._outbox.posted(document.number)
        if posted is None:
            return self._post_card(document, message, sending)
        shows = card.digest(message)
        if posted.digest == shows:
            return posted
        channel, ts = posted.channel, posted.ts
        try:
            self._safely(message, lambda m: self._poster.update(channel, ts, m))
        except MessageGone:
            return self._post_card(document, message, sending)
        posted = posted._replace(digest=shows)
        self._outbox.remember(posted)
        return posted

    def _post_card(self, document: RequestDocument, message: Message, sending: Sending) -> Posted:
        channel = self._channel(document)
        self._team = self._team or self._poster.team()
        found = self._find(channel, sending, None)
        if found is None:
            sending.begin()
            found = self._safely(message, lambda m: self._poster.post(channel, m))
        posted = Posted(document.number, self._team, channel, found, card.digest(message))
        self._outbox.remember(posted)
        return posted

    def _line(self, document: RequestDocument, event: Told, sending: Sending) -> None:
        text = thread.line(event, document.number, self._dates)
        broadcast = thread.shown_in_channel(event)
        if broadcast:
            text = f"*{document.id}* · {text}"
        message = fit.message(text, [section(text, block_id=sending.marker)])
        posted = self._outbox.posted(document.number) or self._show(document, sending._replace(marker="card"))
        try:
            self._reply(posted, message, sending, broadcast)
        except MessageGone:  # the card was deleted, and its thread with it
            posted = self._post_card(
                document, card.card(document, self._dates), sending._replace(unsure_since=None, marker="card")
            )
            self._reply(posted, message, sending, broadcast)

    def _reply(self, posted: Posted, message: Message, sending: Sending, broadcast: bool) -> None:
        if self._find(posted.channel, sending, posted.ts) is None:
            sending.begin()
            post = self._poster.post
            self._safely(message, lambda m: post(posted.channel, m, thread=posted.ts, broadcast=broadcast))

    def _tell(self, document: RequestDocument, event: Told, row: OutboxRow, sending: Sending) -> None:
        """What only one person sees in a channel cannot be looked up: after an answer that was lost, told twice is
        better than not at all."""
        user = slack_user(row.actor)
        if user is None:
            return  # who acted through another door is told there
        posted = self._outbox.posted(document.number)
        channel = posted.channel if posted else self._channels.get(document.app)
        message = outcome(event, document, sending.marker)
        if channel is None:
            self._direct(user, message, sending)
            return
        sending.begin()
        try:
            # In the channel and in the thread: nobody knows which of them the person is looking at.
            self._safely(message, lambda m: self._poster.whisper(channel, user, m))
            if posted is not None:
                thread_ts = posted.ts
                self._safely(message, lambda m: self._poster.whisper(channel, user, m, thread_ts))
        except MessageGone:
            return  # told in the channel; the thread is gone
        except (PersonNotThere, NotInChannel):
            self._direct(user, message, sending)

    def _direct(self, user: str, message: Message, sending: Sending) -> None:
        """As a direct message. Raises PersonNotThere where that is not possible."""
        if self._find(user, sending, None) is None:
            sending.begin()
            try:
                self._safely(message, lambda m: self._poster.post(user, m))
            except ChannelMissing as error:
                sentence = f"Slack user {user} takes no direct message of ours ({error.code})."
                raise PersonNotThere(error.code, sentence) from error

    def _find(self, channel: str, sending: Sending, thread_ts: str | None) -> str | None:
        if sending.unsure_since is None:
            return None
        try:
            return self._poster.find(channel, sending.marker, sending.unsure_since, thread_ts)
        except (ScopeMissing, ChannelMissing, MessageGone) as error:
            log.warning("A post cannot be looked up, so it may stand twice: %s", error)
            return None

    def _channel(self, document: RequestDocument) -> str:
        if document.app not in self._channels:
            raise NoChannel(document.app)
        return self._channels[document.app]

    def _safely(self, message: Message, send: Callable[[Message], T]) -> T:
        """Blocks that Slack does not take are a defect of ours; no alert may be lost for it, so plain text goes."""
        try:
            return send(message)
        except BadMessage as error:
            log.error("Slack refused the blocks of a message, so it goes as plain text: %s", error)
            marker = message.blocks[0].get("block_id", "") if message.blocks else ""
            block = {**section(""), "text": plain(message.text)}
            return send(fit.message(message.text, [{**block, "block_id": marker} if marker else block]))


def masked(event: Event, document: RequestDocument) -> Told:
    """The event as the document has it, where sensitive values are masked: a reason that was typed may hold one."""
    for shown in document.events:
        same = (shown.kind, shown.node, shown.attempt) == (event.kind, event.node, event.attempt)
        if same and abs(shown.at.timestamp() - event.at) < SAME_MOMENT:
            return shown
    log.error("REQ-%s has no %s like the one to be told, so its texts are left out.", event.request_id, event.kind)
    facts = {name: value for name, value in (event.data or {}).items() if name in FACTS}
    return event._replace(reason=None, data={**facts, "error": "its text is left out"})
