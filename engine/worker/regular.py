"""What an engine does again and again: what fails is tried at the next turn, and keeps nothing else from being done."""

from __future__ import annotations

import traceback
from collections.abc import Callable

from engine.errors import RetriggerError, StorageError
from engine.logs import logger
from engine.worker.outage import Outage

log = logger(__name__)


class Regular:
    """``jobs``, one after another, each by itself: the database may be away for a while, and what one of them stumbles
    over (a row that a hand has damaged, say) is told once, until it works again or meets something else."""

    def __init__(self, outage: Outage, *jobs: Callable[[], object]) -> None:
        self._outage, self._jobs = outage, jobs
        self._met: dict[Callable[[], object], str] = {}

    def __call__(self) -> None:
        for job in self._jobs:
            self._do(job)

    def _do(self, job: Callable[[], object]) -> None:
        try:
            job()
        except StorageError as error:
            self._outage.met(repr(job), error)
        except Exception as error:
            if self._met.get(job) != repr(error):
                self._met[job] = repr(error)
                log.error("job.failed", says=f"A regular job failed, and comes again: {_told(error)}")
        else:
            self._outage.over(repr(job))
            self._met.pop(job, None)


def _told(error: Exception) -> str:
    """What an error of somebody else's says may be of a request, so nothing of it but where it was met is logged."""
    if isinstance(error, RetriggerError):
        return str(error)
    return f"{type(error).__name__}\n{''.join(traceback.format_tb(error.__traceback__))}"
