"""One transaction of the writer from begin to commit, and what is known when it fails."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, NamedTuple, TypeAlias

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from engine.errors import RetriggerError, StorageError, Superseded
from engine.ports.store import Claimer
from engine.records import Claim
from storage import driver
from storage.batch import Batch, Graphs, Told
from storage.claims import Asked, Claims, Taken
from storage.commit_numbers import CommitNumbers
from storage.database import Database, is_locked, is_of_nobody, is_passing
from storage.errors import explain
from storage.guards import GuardFailed, guarded
from storage.jobs import Jobs, was_due
from storage.operations import Change, Create, Direct, Operation
from storage.reads import Reads
from storage.request_cache import RequestCache

# Seconds for which a transaction waits for what others have locked. The first is longer than PostgreSQL takes to find a
# deadlock, of which it ends one side only. The other is for what is tried again.
_WAIT, _HURRY = 1.5, 0.01
_LOOK_UP_SECONDS = 10.0  # for the fate of a transaction whose commit was not answered
_LOOK_UP_PAUSE = 0.1
_SQLITE_BEGIN = "SELECT (julianday('now') - 2440587.5) * 86400.0, data_version FROM pragma_data_version"


class Begun(NamedTuple):
    """What is known of a transaction when it begins."""

    now: float  # the database's clock, seconds since the epoch
    data_version: int | None = None  # SQLite: another number than before, when another connection has written meanwhile
    reads: Reads | None = None


class Answer(NamedTuple):
    """What an operation returned."""

    value: Any


Answers: TypeAlias = dict[int, Answer | Exception]  # by the places of the operations; an exception is a refusal


class Done(NamedTuple):
    """A committed transaction. ``answers`` are in the order of the operations; an exception is a refusal."""

    answers: list[Answer | Exception]
    taken: Taken
    told: bool


class Failure(NamedTuple):
    """A transaction that was rolled back. ``passing``: the same may succeed at the next try. ``hopeless``: no
    operation is to blame, so that trying them one by one is of no use. ``locked``: somebody else has the rows."""

    error: Exception
    passing: bool = False
    hopeless: bool = False
    locked: bool = False


class Transactions:
    """Runs the writer's transactions on a connection that it holds."""

    def __init__(self, database: Database, graphs: Graphs, told: Told, jobs: Jobs | None) -> None:
        self._database, self._graphs, self._told, self._jobs = database, graphs, told, jobs
        self._connection: Connection | None = None
        self._claims = Claims(database.statements)
        self._cache = RequestCache()
        self._data_version: int | None = None
        self._numbers = None if database.is_sqlite else CommitNumbers(database)
        self._unsure: list[Claim] = []  # of a transaction whose fate could not be learned

    def run(self, operations: Sequence[Operation], claimer: Claimer | None, patient: bool = True) -> Done | Failure:
        """Run ``operations`` in one transaction, then the claim pass. Rolled back, nothing of it has happened. Only a
        ``patient`` one waits for rows that others have locked, and not for long. SQLite has one lock, for all."""
        wait = _HURRY if not patient else _WAIT if claimer is None else min(_WAIT, claimer.lease / 4)
        try:
            connection, begun = self._begin(operations, claimer is not None, wait)
        except Exception as error:
            return self._hopeless(error) if is_of_nobody(error) else self._failed(error)
        try:
            batch = Batch(connection, self._database.statements, begun.now, self._graphs, self._told)
            answers, reads = self._work(batch, connection, operations, begun, claimer is not None)
            is_last = self._jobs is None and not _any_direct(operations, beside=True)
            taken = self._write(batch, connection, reads, claimer, begun.now, is_last)
            claims = taken.claims
            answers |= _directs(operations, connection, begun.now, beside=True)
            if not is_last:
                batch.tally.write(connection, self._database.statements)
            if claims and not operations and self._numbers:
                self._numbers.put(connection, wait)
        except Exception as error:
            return self._failed(error)
        failure = self._commit(connection)
        if failure is not None:
            if failure.hopeless and claims:
                self._unsure = claims
            return failure
        if claimer:
            self._unsure = []
        self._cache.committed(batch.held.values(), batch.created, [claim.step for claim in claims])
        self._claims.committed(claims)
        return Done([answers[place] for place in range(len(operations))], taken, bool(batch.notices))

    def others_wrote(self) -> bool:
        """Whether another process may have made steps due since the last transaction. Where that cannot be known, the
        next transaction meets the trouble, and tells it."""
        if not self._database.is_sqlite or self._connection is None:
            return True
        raw = self._connection.connection.driver_connection  # beside SQLAlchemy, which would begin a transaction
        assert raw is not None
        try:
            (found,) = raw.execute("PRAGMA data_version").fetchone()
        except sqlite3.Error:
            return True
        return bool(found != self._data_version)

    def close(self) -> None:
        """Let the connection go."""
        self._reset()

    def _begin(self, operations: Sequence[Operation], claiming: bool, wait: float) -> tuple[Connection, Begun]:
        """The connection in a new transaction. A held one may have died while nothing was written; then a new one
        is tried."""
        if self._connection is not None:
            try:
                return self._connection, self._begin_on(self._connection, operations, claiming, wait)
            except DBAPIError as error:
                if not error.connection_invalidated:
                    raise
                self._reset()
        self._connection = self._database.connect_writer()
        begun = self._begin_on(self._connection, operations, claiming, wait)
        if self._numbers:
            self._numbers.sweep(self._connection)
        return self._connection, begun

    def _begin_on(self, connection: Connection, operations: Sequence[Operation], claiming: bool, wait: float) -> Begun:
        """PostgreSQL is asked at once for all that can be told before the first answer."""
        connection.begin()
        if self._numbers is None:
            (row,) = driver.rows(connection, _SQLITE_BEGIN)
            begun = Begun(*row)
            self._data_version = begun.data_version
            return begun
        reads = None
        with driver.together(connection):
            clock = self._numbers.begin(connection, bool(operations), wait)
            if not _any_direct(operations, beside=False):
                reads = self._read(connection, operations, None, claiming)
        return Begun(float(clock.fetchone()[0]), reads=reads)

    def _read(
        self, connection: Connection, operations: Sequence[Operation], now: float | None, claiming: bool
    ) -> Reads:
        return Reads(connection, self._database.statements, operations, self._cache, now, claiming)

    def _work(
        self, batch: Batch, connection: Connection, operations: Sequence[Operation], begun: Begun, claiming: bool
    ) -> tuple[Answers, Reads]:
        """The answers of all but those beside. Direct ones go first: what they write is read by the others."""
        answers = _directs(operations, connection, begun.now, beside=False)
        self._cache.begin(None if answers else begun.data_version)
        reads = begun.reads
        if reads is None:
            with driver.together(connection):
                reads = self._read(connection, operations, begun.now, claiming)
        if reads.submits:
            creates = [place for place, it in enumerate(operations) if isinstance(it, Create)]
            made = reads.submits.answer(begun.now, batch.tally)
            answers |= {
                place: one if isinstance(one, Superseded) else Answer(one)
                for place, one in zip(creates, made, strict=True)
            }
            batch.created = reads.submits.held
        batch.held, batch.done = reads.held(), reads.done()
        answers |= {place: _apply(batch, it) for place, it in enumerate(operations) if isinstance(it, Change)}
        return answers, reads

    def _write(
        self, batch: Batch, connection: Connection, reads: Reads, claimer: Claimer | None, now: float, is_last: bool
    ) -> Taken:
        """Write the changes. Returns what this worker has from now on; first of all what it may have had all along,
        without knowing it. ``is_last``: nothing is written behind it that others might have to be waited for."""
        looks, asked, going_on = reads.looks(), Asked(None), []
        sure = claimer if not self._unsure else None
        if sure is not None:
            going_on = self._claims.go_on(batch, sure, looks)
        with guarded(connection) as guards:
            if reads.submits:
                reads.submits.write(now)
            batch.flush(guards)
            if sure is not None:
                asked = self._claims.ask(connection, sure, now, looks, batch.steps_ended, len(going_on))
            if is_last:
                batch.tally.write(connection, self._database.statements)
        if sure is not None:
            taken = self._claims.take(connection, asked, sure, now)
        else:
            taken = Taken(self._claims.kept(connection, self._unsure) if claimer is not None else [])
        if self._jobs:
            self._put_jobs(self._jobs, connection, batch, taken.claims, now)
        return taken._replace(claims=going_on + taken.claims)

    @staticmethod
    def _put_jobs(jobs: Jobs, connection: Connection, batch: Batch, claims: Sequence[Claim], now: float) -> None:
        """For what is left due, and none any more for what was taken just now."""
        due, claimed = batch.left_due(), list(map(was_due, claims))
        jobs.put(connection, [it for it in due if it[:3] not in claimed], now)
        jobs.remove(connection, claimed)

    def _failed(self, error: Exception) -> Failure:
        self._reset()
        if isinstance(error, GuardFailed):
            return Failure(StorageError("Other writers kept changing the same rows. Try again."), passing=True)
        if not isinstance(error, SQLAlchemyError):
            return Failure(error)
        passing = isinstance(error, DBAPIError) and is_passing(error)
        return Failure(explain(error, self._database.url), passing, locked=is_locked(error))

    def _hopeless(self, error: Exception) -> Failure:
        self._reset()
        return Failure(explain(error, self._database.url), hopeless=True)

    def _commit(self, connection: Connection) -> Failure | None:
        """None: it was committed."""
        try:
            connection.commit()
        except SQLAlchemyError as error:
            failure = self._failed(error)
            return self._uncertain(self._numbers) if self._numbers and failure.passing else failure
        return None

    @staticmethod
    def _uncertain(numbers: CommitNumbers) -> Failure | None:
        """The answer to a commit was lost: ask what became of it. None: it was committed."""
        end = time.monotonic() + _LOOK_UP_SECONDS  # one look may take long where nothing answers
        while time.monotonic() < end:
            stored = numbers.is_stored()
            if stored is not None:
                return None if stored else Failure(StorageError("The transaction was aborted."), passing=True)
            time.sleep(_LOOK_UP_PAUSE)
        unknown = "The connection to the database was lost during a commit, so it is not known whether this was stored."
        return Failure(StorageError(unknown + " Look at the request before doing it again."), hopeless=True)

    def _reset(self) -> None:
        """Roll back, and take a new connection for the next transaction: nothing is known of this one."""
        self._cache.forget()
        if self._connection is not None:
            connection, self._connection = self._connection, None
            with suppress(SQLAlchemyError):  # the rollback failed, so the pool has thrown the connection away
                connection.close()


def _any_direct(operations: Sequence[Operation], *, beside: bool) -> bool:
    return any(isinstance(it, Direct) and it.beside is beside for it in operations)


def _directs(operations: Sequence[Operation], connection: Connection, now: float, *, beside: bool) -> Answers:
    directs = {place: it for place, it in enumerate(operations) if isinstance(it, Direct) and it.beside is beside}
    return {place: _direct(it, connection, now) for place, it in directs.items()}


def _direct(operation: Direct, connection: Connection, now: float) -> Answer | Exception:
    """Any error but a refusal fails the transaction: something may have been written."""
    try:
        return Answer(operation.run(connection, now))
    except RetriggerError as refusal:
        return refusal.with_traceback(None)


def _apply(batch: Batch, change: Change) -> Answer | Exception:
    """Nothing is written while rules run, so whatever one raises concerns its caller alone."""
    try:
        return Answer(batch.apply(change))
    except RetriggerError as refusal:
        return refusal.with_traceback(None)  # it would keep the whole batch in memory, which has it among its answers
    except Exception as error:
        return error
