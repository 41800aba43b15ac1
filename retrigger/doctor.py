"""What `retrigger doctor` looks at: each check is a sentence of what was found, and what mends it."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Callable, Generator, Iterator, Mapping
from enum import StrEnum
from http.client import HTTPException
from typing import NamedTuple
from urllib.parse import urlsplit

from slack_sdk import WebClient

from bot.check import CannotBeReached, SlackUnusable, check_channel, check_groups, check_slack, verify_address
from bot.door import SLACK_API, TIMEOUT
from bot.http_mode import PATH
from engine.errors import RetriggerError
from engine.nodes.connections import Connection
from retrigger.own_api import CONNECT_SECONDS, is_retrigger, own_address, service_at
from retrigger.processor import usable_processors
from retrigger.publishing import read_all
from retrigger.settings import Settings, SlackAccess
from retrigger.settings_file import unknown_applications, unknown_variables
from retrigger.wiring import App, connections_of, load_own_functions, open_app, worker_name

LEAST_ROOM = 100_000_000  # bytes free on the disk of a SQLite file


class State(StrEnum):
    """How a check ended. Hint: it may be right. Skipped: there was nothing to check, or something before it failed."""

    OK = "ok"
    HINT = "hint"
    FAILED = "failed"
    SKIPPED = "skipped"


class Check(NamedTuple):
    """``mend``: what to do, empty where nothing is to be done."""

    name: str
    state: State
    found: str
    mend: str = ""


def examine(read: Callable[[], Settings], environ: Mapping[str, str]) -> Iterator[Check]:
    """Every check, in an order in which a failure explains those that follow; ``read`` gives the settings. Raises
    nothing of ours."""
    try:
        settings = read()
    except RetriggerError as error:
        yield Check("Settings", State.FAILED, str(error), "Correct it; the rest is checked after that.")
        return
    yield from _settings(settings, environ)
    published = yield from _database(settings)
    yield from _definitions(settings, published)
    for connection in connections_of(settings).values():
        yield _connection(connection)
    yield _api(settings)
    yield from _slack(settings)


def _settings(settings: Settings, environ: Mapping[str, str]) -> Iterator[Check]:
    source = str(settings.file) if settings.file else "no file; from the environment"
    yield Check("Settings", State.OK, source)
    for sentence in unknown_variables(environ):
        yield Check("Settings", State.FAILED, sentence, "Correct its name, or unset it.")
    if settings.processor is not None:
        try:
            usable_processors(settings.processor)
        except RetriggerError as error:
            yield Check("Settings", State.FAILED, str(error))


def _database(settings: Settings) -> Generator[Check, None, frozenset[str]]:
    """Returns the applications that it knows."""
    try:
        app = open_app(settings)
    except RetriggerError as error:
        yield Check("Database", State.FAILED, str(error))
        for name in ("Engine", "Outbox"):
            yield Check(name, State.SKIPPED, "not checked without the database")
        return frozenset()
    with app:
        yield _writable(app)
        yield _engine(app)
        yield _outbox(app)
        yield from _unreadable(app)
        for removal in app.removals.removals():
            yield Check("Slack", State.FAILED, removal.sentence)
        return frozenset({*app.store.apps(), *(workflow.app for workflow in app.store.workflows())})


def _writable(app: App) -> Check:
    try:
        app.store.present(worker_name(), 0)  # a write that changes nothing
    except RetriggerError as error:
        return Check("Database", State.FAILED, str(error))
    file = app.database.path
    if file is None:
        return Check("Database", State.OK, "PostgreSQL, reachable, its tables up to date, writable")
    free = shutil.disk_usage(file.parent).free
    if free < LEAST_ROOM:
        mend = "Free some space: without room nothing is stored, and no engine can say that it is alive."
        return Check("Database", State.FAILED, f"{free / 1e6:.0f} MB are free on the disk of {file}", mend)
    return Check("Database", State.OK, "SQLite, reachable, its tables up to date, writable")


def _engine(app: App) -> Check:
    alive = app.store.workers_alive()
    if not alive:
        return Check("Engine", State.FAILED, "none is running", "Start one: retrigger up, or retrigger worker.")
    return Check("Engine", State.OK, f"{alive} running")


def _outbox(app: App) -> Check:
    found, missing = app.outbox.backlog(), app.settings.slack.missing
    if not app.settings.channels and not found.number:
        return Check("Outbox", State.SKIPPED, "no application has a Slack channel in the settings")
    if late := found.late():
        first = f"Set {' and '.join(missing)} where it shall run, and start" if missing else "Start"
        mend = "" if found.error else f"{first} the bot: retrigger up, or retrigger bot."
        return Check("Outbox", State.FAILED, late, mend)
    if found.given_up:
        many = f"{found.given_up} messages of the last day were given up; the last one: {found.last_given_up}"
        return Check("Outbox", State.FAILED, many, "What they tell is on the Progress Paths: retrigger show REQ-…")
    return Check("Outbox", State.OK, f"{found.number} messages wait" if found.number else "nothing waits")


def _unreadable(app: App) -> Iterator[Check]:
    """Requests of a version that this Retrigger cannot read stand still here, and no door can show them."""
    for name, version in app.store.versions_in_use():
        try:
            app.catalog.get(name, version)
        except RetriggerError as error:
            mend = (
                "Run the Retrigger that published it, or bring its row back from a backup: its requests stand still. "
                "Published again, it takes new ones."
            )
            yield Check("Workflow", State.FAILED, str(error), mend)


def _definitions(settings: Settings, published: frozenset[str]) -> Iterator[Check]:
    try:
        load_own_functions(settings)
    except RetriggerError as error:
        yield Check("Functions", State.FAILED, str(error))
    else:
        modules = ", ".join(settings.functions)
        yield Check("Functions", State.OK if modules else State.SKIPPED, modules or "the settings name no module")
    definitions = read_all(settings)
    for definition in definitions:
        if definition.workflow is not None:
            yield Check("Workflow", State.OK, f"{definition.workflow.name} ({definition.file.name})")
        else:
            mend = "Until it passes, what was published before stays in force."
            yield Check("Workflow", State.FAILED, "\n".join(definition.problems), mend)
    apps = {definition.workflow.app for definition in definitions if definition.workflow is not None}
    for sentence, surely in unknown_applications(settings, apps | published):
        mend = "Correct its name: what is meant for it reaches nobody."
        if surely:
            yield Check("Settings", State.FAILED, sentence, mend)
        else:
            yield Check("Settings", State.HINT, sentence, f"If so, {mend[0].lower()}{mend[1:]}")
    if not definitions:
        yield Check("Workflow", State.SKIPPED, "the settings name no workflow file")


def _connection(connection: Connection) -> Check:
    name = f"Connection {connection.name}"
    if problem := connection.problem():
        return Check(name, State.FAILED, problem, "Set it where the engine runs, and start that again.")
    url = urlsplit(connection.settings.base_url)
    port = url.port or {"http": 80, "https": 443}[url.scheme]
    try:
        socket.create_connection((url.hostname or "", port), CONNECT_SECONDS).close()
    except OSError as error:
        found = f"{connection.settings.base_url} cannot be reached: {error.strerror or error}"
        return Check(name, State.FAILED, found, "Correct base_url, or see whether the system is up.")
    return Check(name, State.OK, connection.settings.base_url)


def _api(settings: Settings) -> Check:
    """Nothing that listens is no failure: a machine may run the engine alone."""
    port = settings.api.port
    if not port:
        return Check("API", State.SKIPPED, "api.port is 0, so each start takes another port, and says which")
    place = own_address(settings)
    try:
        service = service_at(place)
    except (OSError, HTTPException, ValueError) as error:
        if isinstance(error, ConnectionRefusedError):
            return Check("API", State.SKIPPED, f"nothing listens on {place}; retrigger up, or retrigger api, would")
        service = None
    if service != "retrigger":
        mend = "Stop what has the port, or set another with api.port or RETRIGGER_API_PORT."
        return Check("API", State.FAILED, f"what answers on {place} is not Retrigger", mend)
    return Check("API", State.OK, f"http://{place}")


def _slack(settings: Settings) -> Iterator[Check]:
    slack = settings.slack
    if not slack.secrets:
        yield Check("Slack", State.SKIPPED, "SLACK_BOT_TOKEN and SLACK_APP_TOKEN are not set")
    elif slack.missing:
        mend = "Set SLACK_BOT_TOKEN, and SLACK_APP_TOKEN or SLACK_SIGNING_SECRET; or none of them."
        yield Check("Slack", State.FAILED, f"{slack.missing[0]} is not set", mend)
    else:
        client = WebClient(slack.bot_token, base_url=slack.api_url or SLACK_API, timeout=TIMEOUT)
        yield (tokens := _slack_tokens(client, slack))
        if tokens.state is State.OK:
            yield from _channels(client, settings)
            yield _user_groups(client, settings)
        if slack.over_http:
            yield _slack_calls(settings)


def _slack_tokens(client: WebClient, slack: SlackAccess) -> Check:
    try:
        found = check_slack(client, None if slack.over_http else slack.app_token)
    except SlackUnusable as error:
        return Check("Slack", State.FAILED, str(error))
    way = "HTTP, for SLACK_SIGNING_SECRET is set" if slack.over_http else "Socket Mode"
    who = f"{found.bot_user} in {found.team}; {way}"
    if found.missing:
        mend = "Update the app from app_manifest.yaml, and install it to the workspace again."
        return Check("Slack", State.FAILED, f"{who}; it lacks the scopes {', '.join(found.missing)}", mend)
    return Check(
        "Slack", State.OK, who if found.scopes is not None else f"{who}; its scopes are not told by the server"
    )


def _channels(client: WebClient, settings: Settings) -> Iterator[Check]:
    """A channel in which nothing can be said is found before the first alert is lost in it."""
    for app, channel in settings.channels.items():
        problem = check_channel(client, channel)
        yield Check(f"Channel of {app}", State.FAILED if problem else State.OK, problem or channel)


def _user_groups(client: WebClient, settings: Settings) -> Check:
    """Whether the groups that grants name exist, and can be read."""
    name = "User groups"
    try:
        with open_app(settings) as app:
            found = check_groups(client, app.store, [grant.who for grant in app.engine.grants()])
    except RetriggerError:
        return Check(name, State.SKIPPED, "not checked without the database")
    if found.trouble:
        return Check(name, State.FAILED, found.trouble, "Until then, who is new in a group has not its permissions.")
    if found.unknown:
        mend = "Correct the grants: a group that Slack does not have, or has disabled, matches nobody."
        return Check(name, State.FAILED, f"grants name {', '.join(found.unknown)}, which Slack does not have", mend)
    return Check(name, State.OK, f"{found.number} known")


def _slack_calls(settings: Settings) -> Check:
    """Call ourselves as Slack would, where Slack would. Nothing that listens is no failure: see the API's check."""
    name, api, secret = "Slack's calls", settings.api, settings.slack.signing_secret
    assert secret is not None
    if api.public_url is None and not api.port:
        return Check(name, State.SKIPPED, "api.port is 0, so nobody knows where they are taken")
    url = (api.public_url or f"http://{own_address(settings)}").rstrip("/") + PATH
    try:
        status = verify_address(url, secret, CONNECT_SECONDS, direct=api.public_url is None)
    except CannotBeReached as error:
        mend = "See whether retrigger up, or retrigger bot, runs there; correct api.public_url."
        return Check(name, State.FAILED if api.public_url else State.SKIPPED, str(error), mend)
    if status == 200:
        more = "" if api.public_url else "; api.public_url is not set, and Slack needs an address that it can reach"
        return Check(name, State.OK, f"taken at {url}{more}")
    if status == 401:
        mend = "Start it again with the one that is set here."
        return Check(name, State.FAILED, f"{url} runs with another SLACK_SIGNING_SECRET", mend)
    if status == 404 and not api.public_url and is_retrigger(own_address(settings)):
        mend = "If a retrigger bot takes them elsewhere, set api.public_url, and that is called instead."
        return Check(name, State.SKIPPED, f"the API on {own_address(settings)} takes none", mend)
    mend = "Start retrigger up or retrigger bot there, with SLACK_SIGNING_SECRET."
    return Check(name, State.FAILED, f"{url} does not take Slack's calls (HTTP {status or 200})", mend)
