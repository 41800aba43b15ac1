"""The one thread of a process that writes: what many threads ask for at once becomes one transaction.

A commit costs the same for one change as for hundreds, so the writer takes everything that waits. On an error the
batch is rolled back and its operations run one by one: one that is bad fails alone, and tells its caller; one whose
rows somebody has locked is set aside, and tried now and then.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from engine.errors import StorageError
from engine.logs import logger
from engine.ports.store import Claimer
from storage.batch import Graphs, Told
from storage.database import Database
from storage.jobs import Jobs
from storage.operations import Direct, Operation
from storage.set_aside import SetAside
from storage.transaction import Failure, Transactions

log = logger(__name__)
T = TypeVar("T")

BATCH = 256  # operations in one transaction, at most
SEVERAL = 4  # operations; where so many come together, others are on their way
TRIES = 6  # of one operation, when deadlocks or other writers come between
PAUSE = 0.001  # seconds, see Writer._pause
STOPPED = "What writes in this process has stopped. Its log says why; start the process again."
TICK = {"sqlite": 0.1, "postgresql": 0.25}  # seconds between looks at what other processes wrote


class Writer:
    """Takes operations from any thread. ``on_told`` is called after commits that wrote to the outbox."""

    def __init__(
        self, database: Database, graphs: Graphs, told: Told, on_told: Callable[[], None], jobs: Jobs | None = None
    ) -> None:
        self._transactions = Transactions(database, graphs, told, jobs)
        self._on_told = on_told
        self._tick = TICK[database.engine.dialect.name]
        self._queue: SimpleQueue[Operation | None] = SimpleQueue()
        self._lock = threading.Lock()  # between "is it open" and "put it in the queue"
        self._closed = False
        self.has_stopped = False  # by a defect of ours: nothing is written in this process any more
        self._nudged = False
        self._blind = False
        self._claimer: Claimer | None = None
        self._aside = SetAside()
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self._thread.start()

    def submit(self, operation: Operation) -> None:
        """Ask for ``operation``. Raises StorageError when nothing more is written."""
        with self._lock:
            if self._closed:
                raise StorageError(STOPPED if self.has_stopped else "Retrigger is stopping: nothing more is written.")
            self._queue.put(operation)

    def ask(self, kind: Callable[..., Operation], *facts: Any) -> Any:
        """Have an operation of this kind done. Its answer; a Future for each would cost several times as much."""
        told: SimpleQueue[tuple[Any, Exception | None]] = SimpleQueue()
        self.submit(kind(lambda answer, error: told.put((answer, error)), *facts))
        answer, error = told.get()
        if error is not None:
            try:
                raise error
            finally:
                del error  # its traceback has this frame: it would keep itself, and its batch, in memory
        return answer

    def ask_soon(self, kind: Callable[..., Operation], *facts: Any) -> Future[Any]:
        """The same, without waiting. The future's callbacks run in the writer's thread: they must be short."""
        future: Future[Any] = Future()

        def then(answer: Any, error: Exception | None) -> None:
            if error is None:
                future.set_result(answer)
            else:
                future.set_exception(error)

        self.submit(kind(then, *facts))
        return future

    def write(self, run: Callable[..., T], *, beside: bool = False) -> T:
        """Run statements in the writer's transaction; ``run`` gets the connection and the time. See Direct."""
        answer: T = self.ask(Direct, run, beside)
        return answer

    def attach(self, claimer: Claimer) -> None:
        """Claim for this worker from now on."""
        self._claimer = claimer
        self.nudge()

    def detach(self) -> None:
        """Claim no more. When this returns, no claim is under way."""
        self._claimer = None
        self.write(lambda connection, now: None)

    def nudge(self) -> None:
        """Look for due steps now."""
        if not self._nudged:
            self._nudged = True
            self._queue.put(None)

    def close(self) -> None:
        """Write what waits, then stop."""
        with self._lock:
            self._closed = True
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        try:
            while not (self._closed and self._queue.empty()):
                self._turn()
            self._one_by_one(self._aside.all(), patient=False)
            self._fail(
                self._aside.all(), StorageError("Retrigger is stopping, and others have locked what this needs.")
            )
        except BaseException as error:
            log.exception("writer.stopped", says="The writer has stopped.")
            with self._lock:
                self._closed = self.has_stopped = True
            self._fail([*self._drain(), *self._aside.all()], _stopped(error))
            raise
        finally:
            self._transactions.close()

    def _turn(self) -> None:
        """Wait for work; do what there is."""
        operations, looking = self._next()
        free = self._aside.sift(operations, time.monotonic())
        try:
            self._commit(free, looking)
            self._try_aside()
        except Exception as error:  # a defect of ours: its callers must hear of it, and the writer goes on
            log.exception("writer.failed", says="A batch failed.")
            self._fail(free, StorageError(f"The write failed: {error!r}."))
        except BaseException as error:
            self._fail(free, _stopped(error))
            raise
        self._pause(len(operations))

    def _pause(self, number: int) -> None:
        """After a transaction of ``number`` operations. When others are on their way, the next one waits for them: else
        it would be made for the first alone. And without a pause between back-to-back transactions, other processes
        wait for SQLite's lock until they fail."""
        if number >= SEVERAL or not self._queue.empty():
            time.sleep(PAUSE)

    def _next(self) -> tuple[list[Operation], bool]:
        """The operations that wait, and whether to look for due steps even if there is none."""
        try:
            first = self._queue.get(timeout=self._tick if self._claimer or self._aside else None)
        except Empty:
            return [], self._transactions.others_wrote()
        if first is not None:
            return [first, *self._drain(BATCH - 1)], True
        self._nudged = False
        return self._drain(BATCH), True

    def _drain(self, limit: int | None = None) -> list[Operation]:
        found: list[Operation] = []
        while limit is None or len(found) < limit:
            try:
                operation = self._queue.get_nowait()
            except Empty:
                break
            if operation is None:
                self._nudged = False
            else:
                found.append(operation)
        return found

    def _commit(self, operations: Sequence[Operation], looking: bool) -> None:
        """One transaction for all; where that fails, one for each."""
        claimer = self._claimer
        if not operations and not (looking and claimer and claimer.free() > 0):
            return
        failure = self._transact(operations, not self._aside)
        if failure is None:
            self._say_blind(None)
            return
        if not operations:
            self._say_blind(failure.error)
        elif failure.hopeless:
            self._fail(operations, failure.error)
        else:
            self._one_by_one(operations, not failure.locked)

    def _say_blind(self, error: Exception | None) -> None:
        """Once that due steps cannot be looked for, and once that they can again: it is tried several times a
        second."""
        if self._blind == (error is not None):
            return
        self._blind = error is not None
        if self._blind:
            log.warning("writer.blind", says=f"Could not look for due steps: {error} Trying again.")
        else:
            log.info("writer.sees", says="Due steps are found again.")

    def _one_by_one(self, operations: Sequence[Operation], patient: bool) -> None:
        for place, operation in enumerate(operations):
            failure = self._alone(operation, patient and not self._aside)
            if failure is None:
                continue
            if failure.hopeless:
                self._fail(operations[place:], failure.error)
                return
            if failure.locked:
                self._aside.put(operation, time.monotonic(), failure.error)
            else:
                self._call(operation.answer, None, failure.error)

    def _try_aside(self) -> None:
        """See whether others have let go of what they had locked. Nobody is kept waiting for that."""
        for probe in self._aside.probes(time.monotonic()):
            failure = self._alone(probe, patient=False)
            if failure is not None and failure.locked:
                continue
            for operation in self._aside.release(probe):
                self._queue.put(operation)
            if failure is not None:
                self._call(probe.answer, None, failure.error)
        for operation, error in self._aside.expired(time.monotonic()):
            self._call(operation.answer, None, error)

    def _alone(self, operation: Operation, patient: bool) -> Failure | None:
        failure = None
        for number in range(TRIES):
            failure = self._transact([operation], patient)
            if failure is None or not failure.passing:
                break
            time.sleep(PAUSE * 2**number)
        return failure

    def _transact(self, operations: Sequence[Operation], patient: bool) -> Failure | None:
        """One transaction; its answers go out only after the commit. Returns what went wrong."""
        claimer = None if self._closed else self._claimer
        done = self._transactions.run(operations, claimer, patient)
        if isinstance(done, Failure):
            return done
        for operation, answer in zip(operations, done.answers, strict=True):
            if isinstance(answer, Exception):
                self._call(operation.answer, None, answer)
            else:
                self._call(operation.answer, answer.value)
        if claimer and (done.taken.claims or claimer.waiting):
            self._call(claimer.take, *done.taken)
        if done.told:
            self._call(self._on_told)
        return None

    @staticmethod
    def _call(hook: Callable[..., None], *arguments: Any) -> None:
        """Somebody else's code must not end the writer."""
        try:
            hook(*arguments)
        except Exception:
            log.exception("writer.hook_failed", says="What follows a commit failed.")  # with what, may be sensitive

    def _fail(self, operations: Sequence[Operation], error: Exception) -> None:
        for operation in operations:
            self._call(operation.answer, None, error)


def _stopped(error: BaseException) -> StorageError:
    return StorageError(f"The writer has stopped: {error!r}.")
