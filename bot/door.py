"""The Slack door, whole: the app that listens, the connection, and the relay that tells."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from slack_sdk import WebClient

from bot.announcer import Announcer
from bot.app import THREADS, create_app
from bot.context import Bot
from bot.groups import Groups
from bot.pace import Pace
from bot.people import People
from bot.poster import Poster
from bot.relay import POLL, Relay
from bot.socket_mode import SocketRunner
from bot.text import Dates
from engine.outbox import Outbox
from engine.service import Engine

SLACK_API = "https://slack.com/api/"
TIMEOUT = 10  # seconds, of one call to Slack

log = logging.getLogger(__name__)


class SlackDoor:
    """``channels`` gives the channel id of each application. ``plain_dates`` is for servers that do not draw Slack's
    date tokens. Nothing is connected before ``start``."""

    def __init__(
        self,
        engine: Engine,
        outbox: Outbox,
        channels: Mapping[str, str],
        *,
        bot_token: str,
        app_token: str,
        base_url: str = SLACK_API,
        plain_dates: bool = False,
        poll: float = POLL,
    ) -> None:
        dates = Dates(plain_dates)
        client = WebClient(bot_token, base_url=base_url, timeout=TIMEOUT)
        self._submits = ThreadPoolExecutor(THREADS, thread_name_prefix="submit")
        poster = Poster(client, Pace(budget=base_url == SLACK_API))
        self.groups = Groups(client, engine.store)
        announcer = Announcer(outbox, engine.card, engine.asks, poster, channels, dates, self.groups.mention)
        self.relay = Relay(outbox, announcer, poll=poll)
        bot = Bot(engine, client, People(client, self.groups), dates, self.relay.refresh, self._submits)
        self.socket = SocketRunner(create_app(bot), app_token)

    def start(self) -> None:
        """Listen and tell. Returns at once; where Slack cannot be reached, both go on trying."""
        self.groups.start()
        self.relay.start()
        self.socket.start()

    def stop(self) -> None:
        """Take no more clicks, finish what is under way, and leave the rest in the outbox."""
        self.socket.stop()
        self.groups.stop()
        self._submits.shutdown()
        self.relay.stop()

    def wake(self) -> None:
        """The engine has something new to tell."""
        self.relay.wake()
