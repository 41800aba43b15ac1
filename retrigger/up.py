"""The processes: `up` runs engine, bot and API in one; `worker`, `bot` and `api` one of them each (SPEC 8, 9)."""

from __future__ import annotations

import gc
import os
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from functools import partial
from threading import Thread

from bot.door import SLACK_API, SlackDoor
from bot.groups import as_present
from bot.http_mode import PATH, HttpReceiver
from engine.causes.bulk import Bulk
from engine.causes.runner import TURN, BulkRunner
from engine.commands.pruning import TURN as PRUNING_TURN
from engine.commands.pruning import NightlyPruning, Pruner
from engine.errors import RetriggerError, SettingsError, StorageError
from engine.isolation.pool import Processes
from engine.logs import logger
from engine.values.masking import Masker
from engine.worker.process_identity import this_process
from engine.worker.runner import Runner
from engine.worker.tools import Tools
from engine.worker.worker import Worker
from retrigger.logs import set_up_logging
from retrigger.processor import stay_on
from retrigger.publishing import Publication, publish_all
from retrigger.settings import Settings
from retrigger.settings_file import unknown_variables
from retrigger.stopping import BEYOND, Stopping
from retrigger.wiring import (
    App,
    check_tables,
    connections_of,
    load_own_functions,
    new_executor,
    open_app,
    open_migrated,
    secrets_of,
    worker_name,
)
from storage import migrations
from storage.database import Database, open_database
from storage.lock import EngineLock

Say = Callable[[str], None]

_MORE = 2.0  # seconds that the bot has beyond the grace, to note what it has told

log = logger(__name__)


class Running:
    """What one process runs, from ``start`` to ``stop``. ``say`` is told in sentences what came up, ``warn`` what did
    not; ``json_lines``: what functions print is logged as JSON."""

    def __init__(self, settings: Settings, say: Say, warn: Say | None = None, *, json_lines: bool = False) -> None:
        self.settings, self._say, self.warn, self._json_lines = settings, say, warn or say, json_lines
        self._stack = ExitStack()
        self._worker: Worker | None = None
        self._receiver: HttpReceiver | None = None
        self._processors: Sequence[int] = ()  # that functions with a process of their own may use; none: all
        self._clean = True
        self._grace_ends = 0.0  # by the monotonic clock

    def start(self, *, engine: bool = False, bot: bool = False, api: bool = False) -> App:
        """Raises StorageError, SettingsError; then nothing of it runs. An API that is not all there is to run may
        fail to start: nobody shall lose the engine for a port that is taken."""
        try:
            if engine and self.settings.processor is not None:
                self._processors = stay_on(self.settings.processor)
            database = self._prepare() if engine else open_migrated(self.settings)
            self.app = open_app(self.settings, database)
            self._stack.callback(self.app.close)
            if engine:
                self._start_engine()
            if bot:
                self._start_bot()
            if api or self._receiver is not None:
                self._start_api(alone=not engine, only_slack=not api)
        except BaseException:
            self._close()
            raise
        return self.app

    def stop(self) -> bool:
        """A clean stop: no step begins any more, then the API and the bot end, the engine, and the database; all within
        one grace. Returns False when a step, or Slack, would not end, so that a thread keeps the process alive."""
        if self._worker is not None:
            with suppress(StorageError):  # the engine's own stop says it
                self._worker.drain()
        self._close()
        return self._clean

    def _close(self) -> None:
        self._grace_ends = time.monotonic() + self.settings.stop_grace
        self._stack.close()

    def _grace_left(self) -> float:
        return max(0.0, self._grace_ends - time.monotonic())

    def _prepare(self) -> Database:
        """The database of an engine: on SQLite this process's alone, and its tables are made or changed as needed.
        On PostgreSQL others may be running with the tables as they are, so there it is a person's act."""
        database = open_database(self.settings.database_url)
        self._stack.callback(database.close)
        if not database.is_sqlite:
            check_tables(self.settings, database)
            return database
        self._stack.enter_context(EngineLock(database))
        is_new = database.is_missing()
        if migrations.upgrade(database):
            self._say(f"Database: {database.path}, {'made now' if is_new else 'its tables brought up to date'}.")
        else:
            self._say(f"Database: {database.path}.")
        return database

    def _start_engine(self) -> None:
        app, settings = self.app, self.settings
        load_own_functions(settings)
        for publication in publish_all(settings, app.store):
            (self.warn if publication.version is None else self._say)(told(publication))
        for connection in app.connections.values():
            if problem := connection.problem():
                self.warn(problem)
        processes = Processes(settings.functions, app.secrets, json_lines=self._json_lines, processors=self._processors)
        tools = Tools(app.store, app.catalog, app.connections, app.callbacks, Masker(app.secrets), processes)
        runner, name = Runner(tools), worker_name()
        self._worker = Worker(
            app.store,
            runner,
            name=name,
            lease=settings.lease,
            slots=settings.slots,
            exclusive=app.database.is_sqlite,
            process=this_process(),
            executor=new_executor(settings, app.store),
        )
        self._worker.also(TURN, BulkRunner(app.engine, app.bulks, name, partial(as_present, app.store)).turn, "bulk")
        if settings.retention is not None:
            nightly = NightlyPruning(
                Pruner(app.engine, app.retention), app.retention, settings.retention, time.monotonic
            )
            self._worker.also(PRUNING_TURN, nightly.turn, "retention")
        recovered = self._worker.start()
        self._stack.callback(self._stop_engine, self._worker)
        steps = "1 step" if recovered == 1 else f"{recovered} steps"
        more = f"; {steps} of an earlier run recovered" if recovered else ""
        place = "" if settings.processor is None else f" on processor {settings.processor}"
        self._say(f"Engine: running, {settings.slots} steps at once{place}{more}.")

    def _stop_engine(self, worker: Worker) -> None:
        ended = worker.stop(self._grace_left())
        self._clean = self._clean and ended

    def _start_bot(self) -> None:
        slack = self.settings.slack
        assert slack.bot_token
        door = SlackDoor(
            self.app.engine,
            self.app.outbox,
            self.app.removals,
            self.settings.channels,
            causes=self.app.causes,
            bulk=Bulk(self.app.engine, self.app.bulks),
            bot_token=slack.bot_token,
            app_token=slack.app_token,
            signing_secret=slack.signing_secret,
            base_url=slack.api_url or SLACK_API,
            plain_dates=slack.api_url is not None,  # what stands for Slack may not draw its date tokens,
            files=slack.api_url is None,  # nor a field for files
        )
        self.app.bell.answer = door.wake
        self._receiver = door.receiver
        door.start()
        self._stack.callback(self._stop_bot, door)
        apps = ", ".join(sorted(self.settings.channels)) or "no application: the settings name no channel under apps"
        way = "connecting" if door.receiver is None else f"its calls are taken at {PATH}, signed"
        self._say(f"Slack: {way}; told there: {apps}.")

    def _stop_bot(self, door: SlackDoor) -> None:
        """What Slack does not answer in time is left: the steps' grace is over, and they are to be given back."""
        stopping = Thread(target=door.stop, name="bot stops", daemon=True)
        stopping.start()
        stopping.join(self._grace_left() + _MORE)
        self._clean = not stopping.is_alive()

    def _start_api(self, *, alone: bool, only_slack: bool) -> None:
        from retrigger.api.app import create_api  # FastAPI takes half a second to import; others need it not
        from retrigger.serving import listen, serve

        wanted = self.settings.api
        try:
            listening = listen(wanted.host, wanted.port)
        except SettingsError as error:
            if alone:
                raise
            slacks = "" if self._receiver is None else " Slack's calls are not taken either: nobody can click."
            self.warn(f"API: not served. {error}{slacks} The rest runs.")
            return
        api = create_api(self.app, self._receiver, only_slack=only_slack)
        served = serve(api, listening, name="api", grace=self.settings.stop_grace)
        self._stack.callback(served.stop)
        self._say(f"Served for Slack: {served.url}{PATH}" if only_slack else f"API: {served.url}")


def run(
    settings: Settings, *, engine: bool = False, bot: bool = False, api: bool = False, say: Say, debug: bool = False
) -> None:
    """Run until SIGINT or SIGTERM. Raises SettingsError, StorageError when it cannot start; where the log is JSON,
    SystemExit, and why is in the log.

    Without Slack's tokens, a process that has more to do than the bot does the rest, and says so.
    """
    if not set_up_logging(secrets_of(settings, connections_of(settings)), form=settings.log, debug=debug):
        _run(Running(settings, say), say, engine, bot, api)
        return
    try:
        _run(Running(settings, _log, _log_warning, json_lines=True), _log, engine, bot, api)
    except RetriggerError as error:
        log.error("process.says", says=str(error))
        sys.exit(1)


def _run(running: Running, say: Say, engine: bool, bot: bool, api: bool) -> None:
    settings = running.settings
    for sentence in unknown_variables(os.environ):
        running.warn(sentence)
    missing = settings.slack.missing
    if bot and missing:
        if not engine:
            raise SettingsError(
                f"The bot needs {_and(missing)}. Set {'them' if len(missing) > 1 else 'it'} in the environment."
            )
        told = running.warn if settings.slack.secrets else say  # without any token it is meant so
        told(f"Slack: not connected, for want of {_and(missing)} in the environment; the rest runs.")
    stopping = Stopping()  # before it a signal ends the process as any other: nothing has begun that it could cut off
    stopping.allow(settings.stop_grace + BEYOND)
    running.start(engine=engine, bot=bot and not missing, api=api)
    keep_what_is_loaded()
    say("Ctrl-C stops it.")
    stopping.wait()
    say("Stopping; steps that run get a moment to end.")
    end(running.stop())


def keep_what_is_loaded() -> None:
    """Modules, definitions and statements live as long as the process. Without this, the garbage collector goes through
    all of them again and again: a tenth of what a step costs (decision 32)."""
    gc.collect()
    gc.freeze()


def _log(text: str) -> None:
    """What people are told on a terminal, for those who read the log."""
    log.info("process.says", says=text)


def _log_warning(text: str) -> None:
    log.warning("process.says", says=text)


def end(clean: bool) -> None:
    """Leave the process by force when a thread of a step, or of Slack's, would keep it alive; leases are given back."""
    if not clean:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)


def told(publication: Publication) -> str:
    """What became of a workflow file, in a sentence or several lines."""
    if publication.version is None:
        problems = "\n".join(f"  {problem}" for problem in publication.problems)
        return f"Workflow: {publication.file} does not pass, so what was published before stays in force.\n{problems}"
    state = "published now" if publication.new else "unchanged"
    return f"Workflow: {publication.name} version {publication.version}, {state}."


def _and(names: Sequence[str]) -> str:
    return " and ".join(names)
