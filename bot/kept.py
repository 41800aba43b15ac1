"""Messages that are kept true: posted once, then updated whenever what they have to show has changed (SPEC 7)."""

from __future__ import annotations

from bot.blocks import fit
from bot.blocks.fit import Message
from bot.sending import Sender, Sending
from engine.ports.outbox import Outbox, Posted


class Kept:
    """Each is known by its request and its subject (engine.ports.outbox.Posted)."""

    def __init__(self, outbox: Outbox, sender: Sender) -> None:
        self._outbox = outbox
        self._sender = sender

    def of(self, request_id: int) -> dict[str, Posted]:
        """Those of a request, by subject."""
        return self._outbox.posted(request_id)

    def show(self, posted: Posted, message: Message) -> Posted:
        """Let it show ``message``; Slack is asked only if it shows something else. Raises MessageGone."""
        shows = fit.digest(message)
        if posted.digest == shows:
            return posted
        self._sender.update(posted.channel, posted.ts, message)
        return self._remember(posted._replace(digest=shows))

    def post(self, request_id: int, subject: str, channel: str, message: Message, sending: Sending) -> Posted:
        """Post it for the first time, or anew."""
        team = self._sender.team()
        found = self._sender.find(channel, sending)
        if found is not None:  # it shows what was so when it was sent
            return self.show(Posted(request_id, subject, team, channel, found, ""), message)
        ts = self._sender.post(channel, message, sending._replace(unsure_since=None))
        return self._remember(Posted(request_id, subject, team, channel, ts, fit.digest(message)))

    def _remember(self, posted: Posted) -> Posted:
        self._outbox.remember(posted)
        return posted
