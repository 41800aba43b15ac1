"""What each row of the outbox means in Slack: the card, a line in its thread, the outcome told to a person (SPEC 7),
an approval that is asked for (bot.asks)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from itertools import accumulate, takewhile

from bot.asks import Approvals, Asks
from bot.blocks import card, fit, thread
from bot.blocks.fit import Message
from bot.blocks.outcome import outcome
from bot.blocks.parts import section
from bot.blocks.thread import Told
from bot.cause_cards import CauseCards
from bot.errors import ChannelMissing, MessageGone, NotInChannel, PersonNotThere, SlackError
from bot.kept import Kept
from bot.people import slack_user
from bot.poster import Poster
from bot.sending import SKEW, Sender, Sending
from bot.text import Dates, said
from engine.causes.port import Causes
from engine.commands.documents import RequestDocument
from engine.errors import RetriggerError
from engine.logs import logger
from engine.ports.outbox import CARD, Outbox, OutboxRow, Posted
from engine.records import STILL, Event
from engine.states import RequestStatus

SAME_MOMENT = 0.001  # seconds: documents keep microseconds
FACTS = ("from", "to", "call", "outcome", "recovery", "first", "stuck", "stale")  # of an event: words of ours

MARGIN = 7.0  # seconds that a row must still be ours when a send begins: longer than a call may take
FRESH = 60.0  # seconds for which a row goes before what waits for longer
PILED_UP = 10.0  # seconds after which what waits is told together
LINES_TEXT = 11_000  # characters of the lines in one message
LOOKS_AWAY = 300.0  # seconds after which nobody looks any more at where they clicked

log = logger(__name__)


class NoChannel(RetriggerError):
    """The settings name no channel for the application, so its requests have neither card nor thread."""

    def __init__(self, app: str) -> None:
        self.app = app
        super().__init__(f"The settings name no Slack channel for the application {app}.")


class Announcer:
    """``read`` gives a request's document for its public card, ``approvals`` whom it waits for, unmasked;
    ``channels`` the channel of each application; ``mention`` a user group as mrkdwn. Without ``causes`` every request
    has its own card."""

    def __init__(
        self,
        outbox: Outbox,
        read: Callable[[int], RequestDocument],
        approvals: Approvals,
        poster: Poster,
        channels: Mapping[str, str],
        dates: Dates,
        mention: Callable[[str], str] = said,
        causes: Causes | None = None,
    ) -> None:
        self._outbox = outbox
        self._read = read
        self._sender = Sender(poster)
        self._kept = Kept(outbox, self._sender)
        self._asks = Asks(self._kept, poster, approvals, self._channel, dates, mention)
        self._channels = channels
        self._dates = dates
        self._cause_cards = CauseCards(causes, self._kept, self._sender, read, channels, dates) if causes else None

    def announce(self, rows: Sequence[OutboxRow]) -> list[int]:
        """Tell the first row, and what can be told along with it of the others, which are of the same request and
        kind; returns the ids of those. Raises SlackError, NotFound, NoChannel, RowLost."""
        row = rows[0]
        if row.kind == STILL and row.event is not None:
            return self._standing_still(row, row.event)
        if self._cause_cards is not None and (taken := self._cause_cards.takes(rows, self._sending)):
            return taken
        document = self._read(row.request_id)
        if row.kind in ("card", "asks"):
            keep = self._card if row.kind == "card" else self._asks.keep
            keep(document, self._sending(rows[:1]))
            return [row.id for row in rows]  # what is kept true shows the present, so it tells them all
        if row.event is None:
            log.error("outbox.empty", says="The row has no event; there is nothing to tell.")
            return [row.id]
        return self._lines(document, rows) if row.kind == "line" else self._tell(document, rows)

    def _standing_still(self, row: OutboxRow, event: Event) -> list[int]:
        """Of a request that cannot be read, so that it has no card."""
        app = str((event.data or {}).get("app"))
        if app not in self._channels:
            raise NoChannel(app)
        sending = self._sending([row])
        self._sender.post(self._channels[app], thread.standing_still(event, row.request_id, sending.marker), sending)
        return [row.id]

    def _sending(self, rows: Sequence[OutboxRow]) -> Sending:
        row, also = rows[0], [row.id for row in rows[1:]]
        unsure_since = None if row.sent_at is None else row.sent_at - SKEW
        begin = partial(self._outbox.sending, row, also, MARGIN)
        return Sending(f"rt-{row.id}", begin, unsure_since, row.age <= FRESH)

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
            except SlackError as error:
                if not self._is_lost(posted, document, error):
                    raise
        return self._post_card(document, sending)

    def _post_card(self, document: RequestDocument, sending: Sending) -> Posted:
        message = card.card(document, self._dates, sending.marker)
        return self._kept.post(document.number, CARD, self._channel(document), message, sending)

    def _lines(self, document: RequestDocument, rows: Sequence[OutboxRow]) -> list[int]:
        """As many as fit into one message. It is shown in the channel if one of them is to be, unless it is old and
        the request is blocked no more."""
        events = [masked(row.event, document) for row in rows if row.event is not None]
        news = rows[0].age <= PILED_UP or document.status is RequestStatus.BLOCKED
        broadcast = news and any(map(thread.shown_in_channel, events))
        texts = [thread.line(event, document.number, self._dates) for event in events]
        if broadcast:
            texts[0] = f"*{document.id}* · {texts[0]}"
        sizes = accumulate(map(len, texts))
        told = rows[: max(1, sum(size <= LINES_TEXT for size in sizes))]
        # Each has its own mark, so that a look-up finds it whichever message it came in.
        blocks = [section(text, block_id=f"rt-{row.id}") for row, text in zip(told, texts, strict=False)]
        self._reply(document, fit.message("\n".join(texts[: len(told)]), blocks), self._sending(told), broadcast)
        return [row.id for row in told]

    def _reply(self, document: RequestDocument, message: Message, sending: Sending, broadcast: bool) -> None:
        beside = sending._replace(marker=f"{sending.marker}-card")  # of a card that has to be posted with it
        posted = self._kept.of(document.number).get(CARD) or self._card(document, beside)
        post = self._sender.post
        try:
            post(posted.channel, message, sending, thread=posted.ts, broadcast=broadcast)
        except SlackError as error:
            if not self._is_lost(posted, document, error):
                raise
            posted = self._post_card(document, beside)  # the card is gone, and its thread with it
            post(posted.channel, message, sending, thread=posted.ts, broadcast=broadcast)

    def _tell(self, document: RequestDocument, rows: Sequence[OutboxRow]) -> list[int]:
        """What goes to one person comes in one message."""
        told = list(takewhile(lambda row: row.actor == rows[0].actor, rows))
        ids = [row.id for row in told]
        user = slack_user(rows[0].actor)
        if user is not None:  # who acted through another door is told there
            events = [masked(row.event, document) for row in told if row.event is not None]
            message = outcome(events, document, [f"rt-{row_id}" for row_id in ids])
            self._whisper(document, user, message, told)
        return ids

    def _whisper(self, document: RequestDocument, user: str, message: Message, rows: Sequence[OutboxRow]) -> None:
        """Privately at the card, where the person clicked there, while they may still be looking. What only one person
        sees there cannot be looked up and does not stay: so to others, after an answer that was lost, or much later, it
        is a direct message."""
        row, sending = rows[0], self._sending(rows)
        posted = self._kept.of(document.number).get(CARD)
        channel = posted.channel if posted else self._channels.get(document.app)
        if channel is None or row.kind == "direct" or row.sent_at is not None or row.age > LOOKS_AWAY:
            self._sender.direct(user, message, sending)
            return
        sending.begin()
        try:
            self._sender.whisper(channel, user, message)
        except (PersonNotThere, NotInChannel, ChannelMissing):
            self._sender.direct(user, message, sending)
            return
        if posted is not None:  # nobody knows which of the two they are looking at; told in one of them is told
            with suppress(SlackError):
                self._sender.whisper(channel, user, message, posted.ts)

    def _is_lost(self, posted: Posted, document: RequestDocument, error: SlackError) -> bool:
        """Whether the card is to be posted anew: it was deleted, or its channel is none for us any more and the
        settings name another."""
        if isinstance(error, (ChannelMissing, NotInChannel)):
            return posted.channel != self._channels.get(document.app, posted.channel)
        return isinstance(error, MessageGone)

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
    log.error("outbox.unlike", says=f"{document.id} has no {event.kind} like this, so its texts are left out.")
    facts = {name: value for name, value in (event.data or {}).items() if name in FACTS}
    return event._replace(reason=None, data={**facts, "error": "its text is left out"})
