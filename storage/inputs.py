"""What the requests that run now were submitted with, so that not every step of theirs reads it again."""

from __future__ import annotations

from threading import Lock
from typing import NamedTuple

LIMIT = 2000  # requests
LONGEST = 16_384  # characters of an input; a longer one is read each time


class Submitted(NamedTuple):
    """It never changes. ``input`` is JSON text."""

    input: str
    requester: str


class Inputs:
    """Used from many threads. Forgets what was put there first."""

    def __init__(self) -> None:
        self._found: dict[int, Submitted] = {}
        self._lock = Lock()

    def get(self, request_id: int) -> Submitted | None:
        """What is known of the request."""
        return self._found.get(request_id)

    def put(self, request_id: int, submitted: Submitted) -> None:
        """Remember it, unless it is long."""
        if len(submitted.input) > LONGEST:
            return
        with self._lock:
            self._found[request_id] = submitted
            if len(self._found) > LIMIT:
                del self._found[next(iter(self._found))]
