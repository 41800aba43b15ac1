"""What each row of the outbox means in Slack: the card, a line in its thread, the outcome told to a person (SPEC 7),
an approval that is asked for (bot.asks)."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

from bot.asks import Approvals, Asks
from bot.blocks import card, fit, thread
from bot.blocks.outcome import outcome
from bot.blocks.parts import section
from bot.blocks.thread import Told
from bot.errors import MessageGone, NotInChannel, PersonNotThere
from bot.kept import Kept
from bot.people import slack_user
from bot.poster import Poster
from bot.sending import Sender, Sending
from bot.text import Dates, said
from engine.documents import RequestDocument
from engine.errors import RetriggerError
from engine.outbox import CARD, Outbox, OutboxRow, Posted
from engine.records import Event

SAME_MOMENT = 0.001  # seconds: documents keep microseconds
FACTS = ("from", "to", "call", "outcome", "recovery", "first")  # of an event: words and numbers of ours
SKEW = 60.0  # seconds by which Slack's clock and the database's may differ, when a post is looked up

log = logging.getLogger(__name__)


class NoChannel(RetriggerError):
    """The settings name no channel for the application, so its requests have neither card nor thread."""

    def __init__(self, app: str) -> None:
        self.app = app
        super().__init__(f"The settings name no Slack channel for the application {app}.")


class Announcer:
    """``read`` gives a request's document for its public card, ``approvals`` whom it waits for, unmasked;
    ``channels`` the channel of each application; ``mention`` a user group as mrkdwn."""

    def __init__(
        self,
        outbox: Outbox,
        read: Callable[[int], RequestDocument],
        approvals: Approvals,
        poster: Poster,
        channels: Mapping[str, str],
        dates: Dates,
        mention: Callable[[str], str] = said,
    ) -> None:
        self._outbox = outbox
        self._read = read
        self._sender = Sender(poster)
        self._kept = Kept(outbox, self._sender)
        self._asks = Asks(self._kept, poster, approvals, self._channel, dates, mention)
        self._channels = channels
        self._dates = dates

    def announce(self, row: OutboxRow, unsure: bool) -> None:
        """Tell a row. ``unsure``: an earlier send may have arrived. Raises SlackError, NotFound, NoChannel."""
        sending = Sending(
            f"rt-{row.id}", lambda: self._outbox.sending(row.id), row.created_at - SKEW if unsure else None
        )
        document = self._read(row.request_id)
        if row.kind == "card":
            self._card(document, sending)
        elif row.kind == "asks":
            self._asks.keep(document, sending)
        elif row.event is None:
            log.error("Outbox row %s of kind %s has no event; there is nothing to tell.", row.id, row.kind)
        elif row.kind == "line":
            self._line(document, masked(row.event, document), sending)
        else:
            self._tell(document, masked(row.event, document), row, sending)

    def refresh(self, request_id: int) -> None:
        """Let what stands in Slack of a request show the present state, whatever it shows."""
        document = self._read(request_id)
        posted = self._kept.of(request_id).get(CARD)
        if posted is not None:
            self._kept.show(posted._replace(digest=""), card.card(document, self._dates))
        self._asks.refresh(document)

    def _card(self, document: RequestDocument, sending: Sending) -> Posted:
        """The card, posted or up to date."""
        message = card.card(document, self._dates, sending.marker)
        posted = self._kept.of(document.number).get(CARD)
        if posted is not None:
            try:
                return self._kept.show(posted, message)
            except MessageGone:
                pass
        return self._post_card(document, sending)

    def _post_card(self, document: RequestDocument, sending: Sending) -> Posted:
        message = card.card(document, self._dates, sending.marker)
        return self._kept.post(document.number, CARD, self._channel(document), message, sending)

    def _line(self, document: RequestDocument, event: Told, sending: Sending) -> None:
        text = thread.line(event, document.number, self._dates)
        broadcast = thread.shown_in_channel(event)
        if broadcast:
            text = f"*{document.id}* · {text}"
        message = fit.message(text, [section(text, block_id=sending.marker)])
        beside = sending._replace(marker=f"{sending.marker}-card")  # of a card that has to be posted with it
        posted = self._kept.of(document.number).get(CARD) or self._card(document, beside)
        post = self._sender.post
        try:
            post(posted.channel, message, sending, thread=posted.ts, broadcast=broadcast)
        except MessageGone:  # the card was deleted, and its thread with it
            posted = self._post_card(document, beside._replace(unsure_since=None))
            post(posted.channel, message, sending, thread=posted.ts, broadcast=broadcast)

    def _tell(self, document: RequestDocument, event: Told, row: OutboxRow, sending: Sending) -> None:
        """What only one person sees in a channel cannot be looked up: after an answer that was lost, told twice is
        better than not at all."""
        user = slack_user(row.actor)
        if user is None:
            return  # who acted through another door is told there
        posted = self._kept.of(document.number).get(CARD)
        channel = posted.channel if posted else self._channels.get(document.app)
        message = outcome(event, document, sending.marker)
        if channel is None:
            self._sender.direct(user, message, sending)
            return
        sending.begin()
        try:
            # In the channel and in the thread: nobody knows which of them the person is looking at.
            self._sender.whisper(channel, user, message)
            if posted is not None:
                self._sender.whisper(channel, user, message, posted.ts)
        except MessageGone:
            return  # told in the channel; the thread is gone
        except (PersonNotThere, NotInChannel):
            self._sender.direct(user, message, sending)

    def _channel(self, document: RequestDocument) -> str:
        if document.app not in self._channels:
            raise NoChannel(document.app)
        return self._channels[document.app]


def masked(event: Event, document: RequestDocument) -> Told:
    """The event as the document has it, where sensitive values are masked: a reason that was typed may hold one."""
    for shown in document.events:
        same = (shown.kind, shown.node, shown.attempt) == (event.kind, event.node, event.attempt)
        if same and abs(shown.at.timestamp() - event.at) < SAME_MOMENT:
            return shown
    log.error("REQ-%s has no %s like the one to be told, so its texts are left out.", event.request_id, event.kind)
    facts = {name: value for name, value in (event.data or {}).items() if name in FACTS}
    return event._replace(reason=None, data={**facts, "error": "its text is left out"})
