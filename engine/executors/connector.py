"""How Procrastinate's worker reaches PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from procrastinate import PsycopgConnector
from procrastinate.connector import Notify
from psycopg_pool import AsyncConnectionPool

_CONNECTIONS = 4  # beside the one that is notified; a job needs one for a millisecond at its start, and at its end


class Connector(PsycopgConnector):
    """Each call is one statement. Left alone, Procrastinate would begin and commit a transaction around that, and try
    out the connection before: three more messages to and fro. When one is lost, all are made anew.

    ``absorb`` is asked at each notification; True: the worker need not hear of it.
    """

    def __init__(self, conninfo: str, absorb: Callable[[], bool]) -> None:
        super().__init__(conninfo=conninfo, pool_factory=_pool, min_size=1, max_size=_CONNECTIONS)
        self._absorb = absorb

    async def listen_notify(self, on_notification: Notify, channels: Iterable[str]) -> None:
        """Tell of what is notified in these channels."""

        async def tell(*, channel: str, payload: str) -> None:
            if not self._absorb():
                await on_notification(channel=channel, payload=payload)

        await super().listen_notify(on_notification=tell, channels=channels)


def _pool(**facts: Any) -> AsyncConnectionPool:
    return AsyncConnectionPool(**{**facts, "check": None, "configure": _without_transactions})


async def _without_transactions(connection: Any) -> None:
    await connection.set_autocommit(True)
