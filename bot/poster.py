"""The relay's hands in Slack: post, update, whisper, and find a post whose answer was lost.

Raises bot.errors.SlackError only. Its client must not retry by itself: a repeated post would stand there twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from slack_sdk import WebClient
from slack_sdk.web import SlackResponse

from bot.blocks.fit import Message
from bot.errors import PersonNotThere, SlackError, translate
from bot.pace import Pace
from engine.logs import logger

TIMEOUT = 5  # seconds, of one call
_SENDS = ("chat_postMessage", "chat_postEphemeral")
PAGES, PAGE = 10, 200  # of so many messages each, to look a post up in

log = logger(__name__)


class Poster:
    """``client`` is copied, without its retries. Used by one thread."""

    def __init__(self, client: WebClient, pace: Pace | None = None) -> None:
        self._client = quiet_client(client)
        self._pace = pace or Pace()
        self._direct_channels: dict[str, str] = {}

    def team(self) -> str:
        """The id of the workspace that the token belongs to."""
        return str(self._call(self._client.auth_test, "")["team_id"])

    def post(
        self,
        channel: str,
        message: Message,
        *,
        thread: str | None = None,
        broadcast: bool = False,
        fresh: bool = False,
    ) -> str:
        """Post, and return the new message's ts. ``fresh`` as in ``Pace.take``."""
        more = {"thread_ts": thread, "reply_broadcast": broadcast} if thread else {}
        plain = {"unfurl_links": False, "unfurl_media": False}
        post = self._client.chat_postMessage
        ts = str(self._call(post, channel, fresh=fresh, **message._asdict(), **plain, **more)["ts"])
        log.info("slack.posted", channel=channel, ts=ts, thread=thread)
        return ts

    def update(self, channel: str, ts: str, message: Message) -> None:
        """Let a message show something else. Raises Paced, without asking Slack, when the budget is used up."""
        self._call(self._client.chat_update, channel, ts=ts, **message._asdict())
        log.info("slack.updated", channel=channel, ts=ts)

    def whisper(self, channel: str, user: str, message: Message, thread: str | None = None) -> None:
        """Tell one person, privately, in the channel or in a thread of it."""
        more: dict[str, Any] = {"thread_ts": thread} if thread else {}
        self._call(self._client.chat_postEphemeral, channel, user=user, **message._asdict(), **more)
        log.info("slack.whispered", channel=channel, user=user, thread=thread)

    def direct_channel(self, user: str) -> str:
        """The id of the direct messages with a person. Raises PersonNotThere and the like."""
        if user not in self._direct_channels:
            opened = self._call(self._client.conversations_open, "", users=user)
            self._direct_channels[user] = str(opened["channel"]["id"])
        return self._direct_channels[user]

    def profile(self, mail: str) -> dict[str, Any] | None:
        """The profile of the person with this mail address; None where there is none."""
        try:
            found: dict[str, Any] = self._call(self._client.users_lookupByEmail, "", email=mail)["user"]
        except PersonNotThere:
            return None
        return found

    def find(self, channel: str, marker: str, since: float, thread: str | None = None) -> str | None:
        """The ts of the message that has a block with the id ``marker``, posted after ``since`` (epoch seconds).

        ``channel`` may be a person's id, as in ``post``: then it is looked up in the direct messages with them."""
        if channel.startswith(("U", "W")):
            channel = self.direct_channel(channel)
        for message in self._messages(channel, since, thread):
            if message.get("subtype") != "ephemeral" and _carries(message, marker):
                return str(message["ts"])
        return None

    def _messages(self, channel: str, since: float, thread: str | None) -> Iterator[dict[str, Any]]:
        read = self._client.conversations_history if thread is None else self._client.conversations_replies
        where: dict[str, Any] = {} if thread is None else {"ts": thread}
        cursor: str | None = None
        for _ in range(PAGES):
            answer = self._call(read, channel, oldest=f"{since:.6f}", limit=PAGE, cursor=cursor, **where)
            yield from answer.get("messages") or []
            cursor = (answer.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                return

    def _call(
        self, method: Callable[..., SlackResponse], channel: str, *, fresh: bool = False, **arguments: Any
    ) -> SlackResponse:
        name = method.__name__
        refused = self._pace.take(name, channel, fresh=fresh)
        if refused is not None:
            raise _seen(name, refused)
        try:
            return method(channel=channel, **arguments) if channel else method(**arguments)
        except Exception as raised:
            error = translate(raised)
            self._pace.learn(name, channel, error)
            raise _seen(name, error) from raised


def quiet_client(client: WebClient) -> WebClient:
    """The same client, without retries and with a short time-out."""
    return WebClient(
        token=client.token,
        base_url=client.base_url,
        timeout=TIMEOUT,
        ssl=client.ssl,
        proxy=client.proxy,
        headers=dict(client.headers),
        retry_handlers=[],
    )


def _seen(method: str, error: SlackError) -> SlackError:
    """That a look-up was refused says nothing of the message that is looked up."""
    if method not in _SENDS:
        error.delivered = None
    return error


def _carries(message: dict[str, Any], marker: str) -> bool:
    return any(block.get("block_id") == marker for block in message.get("blocks") or [])
