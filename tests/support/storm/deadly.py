"""In the midst of a storm, a step that kills its worker every time (SPEC 3.2)."""

from __future__ import annotations

import threading
from contextlib import suppress
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from engine.errors import StorageError
from engine.limits import ALONE_FROM_RECOVERY, MAX_RECOVERIES
from storage.tables import RUNNING, steps
from tests.support.engine import Room
from tests.support.waiting import DEADLY

_LOOK = 0.02  # seconds between looks; what a dead worker ran stays its own for longer than that


class Deadly:
    """The request of that step. Meanwhile it is looked at what its worker runs beside it: by the attempts alone, what
    died with a worker cannot be told from what it lost before, while it hung."""

    def __init__(self, room: Room, unless: Path) -> None:
        """``unless``: a file that there is not."""
        self._room = room
        room.publish(DEADLY)
        self._number = room.submit("deadly", {"unless": str(unless)})
        self._seen: set[int] = set()  # recoveries at which its worker was looked at
        self._beside: set[str] = set()  # what ran in its worker, while it should have run alone
        self._ended = threading.Event()
        self._looking = threading.Thread(target=self._look_on, name="looks at the deadly step", daemon=True)
        self._looking.start()

    @property
    def is_over(self) -> bool:
        """Whether nothing more is tried."""
        return self._room.document(self._number).status == "blocked"

    def check(self) -> None:
        """It is Blocked after its recoveries; and from the second of them on nobody else's step ran where it did."""
        self._ended.set()
        self._looking.join()
        document = self._room.document(self._number)
        (step, *_) = document.steps
        assert (document.status.value, step.status.value) == ("blocked", "blocked"), document
        outcomes = [str(attempt.outcome) for attempt in step.attempts]
        counted = [it for it in outcomes if it != "returned"]  # by a clean stop, before it had begun to kill
        assert counted == ["lost"] * (1 + MAX_RECOVERIES), outcomes
        assert step.recoveries == MAX_RECOVERIES
        workers = [str(attempt.worker) for attempt in step.attempts]
        assert len(set(workers)) == len(workers), "one worker died twice"
        assert not self._beside, f"beside a step that should run alone ran {self._beside}"
        assert max(self._seen) >= ALONE_FROM_RECOVERY, f"nobody looked while it ran alone, but at {self._seen}"

    def _look_on(self) -> None:
        while not self._ended.wait(_LOOK):
            with suppress(StorageError, SQLAlchemyError):  # the database is restarted, too
                self._look()

    def _look(self) -> None:
        """At one moment of the database."""
        with self._room.database.reading() as connection:
            rows = connection.execute(
                select(steps.c.worker, steps.c.request_id, steps.c.node, steps.c.recoveries).where(RUNNING)
            ).all()
        for worker, request_id, _, recoveries in rows:
            if request_id != self._number:
                continue
            self._seen.add(recoveries)
            if recoveries >= ALONE_FROM_RECOVERY:
                others = [it for it in rows if it.worker == worker and it.request_id != request_id]
                self._beside |= {f"REQ-{it.request_id} {it.node} in {worker}" for it in others}
