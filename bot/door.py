"""The Slack door, whole: the app that listens, the connection, and the relay that tells."""

from __future__ import annotations

from collections.abc import Mapping

from slack_sdk import WebClient

from bot.announcer import Announcer
from bot.app import create_app
from bot.context import Bot
from bot.gate import Gate
from bot.groups import Groups
from bot.http_mode import HttpReceiver
from bot.pace import Pace
from bot.people import People
from bot.poster import Poster
from bot.relay import POLL, Relay
from bot.socket_mode import SocketRunner
from bot.text import Dates
from bot.threads import Threads
from engine.causes.bulk import Bulk
from engine.causes.port import Causes
from engine.commands.service import Engine
from engine.ports.outbox import Outbox
from engine.ports.removals import Removals

SLACK_API = "https://slack.com/api/"
TIMEOUT = 10  # seconds, of one call to Slack


class SlackDoor:
    """``channels`` gives the channel id of each application. With a ``signing_secret`` Slack calls us, and whoever
    serves HTTP hands its calls to ``receiver``; else ``app_token`` opens Socket Mode's connections (SPEC 7).
    ``plain_dates`` is for servers that do not draw Slack's date tokens, ``files`` False for those that have no field
    for files in a window. Nothing is connected before ``start``."""

    def __init__(
        self,
        engine: Engine,
        outbox: Outbox,
        removals: Removals,
        channels: Mapping[str, str],
        *,
        causes: Causes,
        bulk: Bulk,
        bot_token: str,
        app_token: str | None = None,
        signing_secret: str | None = None,
        base_url: str = SLACK_API,
        plain_dates: bool = False,
        files: bool = True,
        poll: float = POLL,
    ) -> None:
        dates = Dates(plain_dates)
        client = WebClient(bot_token, base_url=base_url, timeout=TIMEOUT)
        self._threads = threads = Threads()
        poster = Poster(client, Pace(budget=base_url == SLACK_API))
        self.groups = Groups(client, engine.store)
        announcer = Announcer(outbox, engine.card, engine.asks, poster, channels, dates, self.groups.mention, causes)
        gate = Gate(client, removals)
        self.relay = Relay(outbox, announcer, gate.is_open, poll=poll)
        people = People(client, self.groups)
        bot = Bot(engine, client, people, dates, self.relay.refresh, threads.acting, threads.later, gate, bulk, files)
        app = create_app(bot, threads)
        self.receiver = HttpReceiver(app, signing_secret) if signing_secret else None
        self.socket = SocketRunner(app, app_token) if app_token and not signing_secret else None

    def start(self) -> None:
        """Listen and tell. Returns at once; where Slack cannot be reached, both go on trying."""
        self.groups.start()
        self.relay.start()
        if self.socket is not None:
            self.socket.start()

    @property
    def reachable(self) -> bool:
        """Whether clicks can come in now, as far as this process knows."""
        return self.receiver is not None or (self.socket is not None and self.socket.connected)

    def stop(self) -> None:
        """Take no more clicks, finish what is under way, and leave the rest in the outbox."""
        if self.socket is not None:
            self.socket.stop()
        self.groups.stop()
        self._threads.shutdown()
        self.relay.stop()

    def wake(self) -> None:
        """The engine has something new to tell."""
        self.relay.wake()
