"""What every listener works with."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from typing import NamedTuple

from slack_sdk import WebClient

from bot.blocks.fit import Message
from bot.blocks.parts import paragraph
from bot.errors import translate
from bot.gate import Gate
from bot.people import People
from bot.targets import Place
from bot.text import Dates
from engine.causes.bulk import Bulk
from engine.commands.service import Engine
from engine.errors import RetriggerError
from engine.logs import logger

NOTHING_RUNS = "Accepted, but nothing is running it: no engine is alive. It goes on as soon as one is started."

log = logger(__name__)


class Bot(NamedTuple):
    """``refresh`` lets a request's card show the present state; ``submits`` runs what a submitted window asks for, and
    ``later`` what nobody waits for; ``gate`` is shut where the app was taken out. ``files``: windows can have a field
    for files."""

    engine: Engine
    client: WebClient
    people: People
    dates: Dates
    refresh: Callable[[int], None]
    submits: Executor
    later: Callable[..., None]
    gate: Gate
    bulk: Bulk
    files: bool = True

    def goes_on(self, follows: str) -> str:
        """What ``follows`` an act, unless no engine is alive to let it follow (as SPEC 8 has it for the command). Where
        that cannot be told, it is taken for alive: what is stored must not look as if it had failed."""
        try:
            alive = self.engine.store.workers_alive() > 0
        except RetriggerError:
            alive = True
        return follows if alive else NOTHING_RUNS

    def whisper(self, place: Place, user: str, message: Message | str, *, in_thread: bool = True) -> None:
        """Tell one person something privately, where they clicked: in the channel, and in the thread when there is
        one, since nobody knows which of them they are looking at. Where that is not possible, in a direct message.
        Never fails: it answers somebody, and the log is the last place to say that it could not."""
        if isinstance(message, str):
            message = paragraph(message)
        try:
            if place.channel is None:
                self._direct(user, message)
                return
            self.client.chat_postEphemeral(channel=place.channel, user=user, **message._asdict())
        except Exception as raised:
            log.info("slack.unshown", says=f"They could not be told in the channel: {translate(raised)}", user=user)
            self._direct(user, message)
            return
        if place.thread is not None and in_thread:
            self._beside(place.channel, place.thread, user, message)

    def _beside(self, channel: str, thread: str, user: str, message: Message) -> None:
        try:
            self.client.chat_postEphemeral(channel=channel, user=user, thread_ts=thread, **message._asdict())
        except Exception as raised:  # told in one of the two is told
            log.info("slack.unshown", says=f"They could not be told in the thread: {translate(raised)}", user=user)

    def _direct(self, user: str, message: Message) -> None:
        try:
            self.client.chat_postMessage(channel=user, **message._asdict())
        except Exception as raised:
            log.warning("slack.untold", says=f"They could not be told: {translate(raised)}", user=user)
