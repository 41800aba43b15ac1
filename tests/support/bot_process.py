"""A bot as a process of its own, to be killed: ``python -m tests.support.bot_process URL SLACK_API [--kill-at N]``.

It ends by itself once nothing waits to be told. With ``--kill-at`` it kills itself (SIGKILL) at the N-th point between
two writes of its relay: before and after each.
"""

from __future__ import annotations

import argparse
import os
import signal
import time
from collections.abc import Callable
from typing import Any, cast

from bot.door import SlackDoor
from engine.catalog import Catalog
from engine.causes.bulk import Bulk
from engine.commands.service import Engine
from engine.ports.outbox import Outbox
from storage.bulks import SqlBulks
from storage.causes import SqlCauses
from storage.database import open_database
from storage.outbox import SqlOutbox
from storage.removals import SqlRemovals
from storage.store import SqlStore
from tests.support.engine import GRANTS

CHANNELS = {"HR": "C0HR"}
BOT_TOKEN, APP_TOKEN = "xoxb-test", "xapp-test"
WRITES = ("sending", "remember", "done", "later", "drop")


class Deadly:
    """An outbox that kills its process at one of its points; 0 is never."""

    def __init__(self, outbox: SqlOutbox, kill_at: int) -> None:
        self._outbox, self._left = outbox, kill_at

    def due(self, limit: int, lease: float) -> Any:
        found = self._outbox.due(limit, lease)
        if found:
            self._point()
        return found

    def __getattr__(self, name: str) -> Any:
        method: Callable[..., Any] = getattr(self._outbox, name)
        return method if name not in WRITES else lambda *given, **named: self._around(method, *given, **named)

    def _around(self, method: Callable[..., Any], *given: Any, **named: Any) -> Any:
        self._point()
        answer = method(*given, **named)
        self._point()
        return answer

    def _point(self) -> None:
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    arguments = _arguments()
    database = open_database(arguments.url)
    store = SqlStore(database, lambda name, version: catalog.graph(name, version), CHANNELS.__contains__)
    catalog = Catalog(store.workflow)
    outbox = SqlOutbox(store)
    engine = Engine(store, catalog, GRANTS)
    door = SlackDoor(
        engine,
        cast(Outbox, Deadly(outbox, arguments.kill_at)),
        SqlRemovals(store),
        CHANNELS,
        causes=SqlCauses(store),
        bulk=Bulk(engine, SqlBulks(store)),
        bot_token=BOT_TOKEN,
        app_token=APP_TOKEN,
        base_url=arguments.slack,
        poll=0.02,
    )
    door.start()
    while outbox.waiting()[0]:
        time.sleep(0.02)
    door.stop()
    store.close()
    database.close()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("slack")
    parser.add_argument("--kill-at", type=int, default=0)
    return parser.parse_args()


if __name__ == "__main__":
    main()
