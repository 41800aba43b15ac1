"""Whether the workspace takes what the bot says: not once Slack told that the app was taken out, until the token works
again (SPEC 7, relay)."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Lock

from slack_sdk import WebClient

from bot.errors import translate
from engine.logs import logger
from engine.ports.removals import Removals

EVERY = 60.0  # seconds between looks at what other processes heard, and between tries of a token that does not work

log = logger(__name__)


class Gate:
    """``clock`` gives seconds that only rise. Asked by the relay's thread, shut by a listener's."""

    def __init__(self, client: WebClient, removals: Removals, clock: Callable[[], float] = time.monotonic) -> None:
        self._client, self._removals, self._clock = client, removals, clock
        self._open = True
        self._look_at = clock()
        self._lock = Lock()

    def shut(self, team: str, reason: str) -> None:
        """Slack told that the app is in the workspace no more. Whether that is so, the token says."""
        self._removals.removed(team, reason)
        with self._lock:
            self._look_at = self._clock()

    def is_open(self) -> bool:
        """Whether to tell anything now. Raises StorageError."""
        with self._lock:
            due = self._clock() >= self._look_at
            if due:
                self._look_at = self._clock() + EVERY
        if due:
            self._look()
        return self._open

    def _look(self) -> None:
        removals = self._removals.removals()
        works = not removals or self._token_works()
        if removals and works:
            self._removals.restored()
        if works != self._open:
            self._open = works
            log.warning("slack.token", says="Slack takes our token again." if works else removals[0].sentence)

    def _token_works(self) -> bool:
        try:
            self._client.auth_test()
        except Exception as raised:
            log.info("slack.token_refused", says=f"Slack does not take our token yet: {translate(raised)}")
            return False
        return True
