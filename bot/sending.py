"""One send of an outbox row: nothing is lost, nothing stands twice, and what Slack does not take goes as plain text."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeVar

from bot.blocks import fit
from bot.blocks.fit import Message
from bot.blocks.parts import plain, section
from bot.errors import BadMessage, ChannelMissing, MessageGone, PersonNotThere, ScopeMissing
from bot.poster import Poster
from engine.logs import logger

T = TypeVar("T")

SKEW = 60.0  # seconds by which Slack's clock and the database's may differ, when a post is looked up

log = logger(__name__)


class Sending(NamedTuple):
    """One send of a row. ``unsure_since``: an earlier send may have arrived, not before that time (epoch seconds);
    ``begin`` marks the row as being sent, and raises RowLost where it is not ours any more. ``fresh`` as in
    ``Pace.take``."""

    marker: str
    begin: Callable[[], None]
    unsure_since: float | None = None
    fresh: bool = False


class Sender:
    """Raises bot.errors.SlackError only. Used by one thread."""

    def __init__(self, poster: Poster) -> None:
        self._poster = poster
        self._team = ""

    def team(self) -> str:
        """The workspace's id."""
        self._team = self._team or self._poster.team()
        return self._team

    def post(
        self, channel: str, message: Message, sending: Sending, *, thread: str | None = None, broadcast: bool = False
    ) -> str:
        """Post, unless an earlier send has arrived; returns the message's ts. ``channel`` may be a person's id."""
        found = self.find(channel, sending, thread)
        if found is not None:
            return found
        sending.begin()
        post = self._poster.post
        return _safely(message, lambda m: post(channel, m, thread=thread, broadcast=broadcast, fresh=sending.fresh))

    def direct(self, user: str, message: Message, sending: Sending) -> str:
        """As a direct message. Raises PersonNotThere where that is not possible."""
        try:
            return self.post(user, message, sending)
        except ChannelMissing as error:
            sentence = f"Slack user {user} takes no direct message of ours ({error.code})."
            raise PersonNotThere(error.code, sentence) from error

    def update(self, channel: str, ts: str, message: Message) -> None:
        """Let a message show something else."""
        _safely(message, lambda m: self._poster.update(channel, ts, m))

    def whisper(self, channel: str, user: str, message: Message, thread: str | None = None) -> None:
        """Tell one person, privately."""
        _safely(message, lambda m: self._poster.whisper(channel, user, m, thread))

    def find(self, channel: str, sending: Sending, thread: str | None = None) -> str | None:
        """The ts of an earlier send's message, if there may be one, and it has arrived."""
        if sending.unsure_since is None:
            return None
        try:
            return self._poster.find(channel, sending.marker, sending.unsure_since, thread)
        except (ScopeMissing, ChannelMissing, MessageGone) as error:
            log.warning(
                "slack.unsure", says=f"A post cannot be looked up, so it may stand twice: {error}", channel=channel
            )
            return None


def _safely(message: Message, send: Callable[[Message], T]) -> T:
    """Blocks that Slack does not take are a defect of ours; no alert may be lost for it, so plain text goes."""
    try:
        return send(message)
    except BadMessage as error:
        log.error("slack.plain", says=f"Slack refused the blocks of a message, so it goes as plain text: {error}")
        marker = message.blocks[0].get("block_id", "") if message.blocks else ""
        block = {**section(""), "text": plain(message.text)}
        return send(fit.message(message.text, [{**block, "block_id": marker} if marker else block]))
