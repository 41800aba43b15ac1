"""What a monitor asks: healthz, readyz, metrics (SPEC 8)."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families as parse
from sqlalchemy import Connection

from engine.rules.permissions import Permission
from retrigger.api.app import THREADS
from retrigger.settings_file import read_settings
from retrigger.up import Running
from retrigger.wiring import open_app
from storage.database import open_database
from storage.operations import Direct
from tests.integration.retrigger.conftest import WAITING
from tests.integration.storage.helpers import Worker
from tests.support.api import Api, problem, serve_api
from tests.support.front import Front
from tests.support.poll import PATIENCE, wait_until

Numbers = dict[tuple[str, ...], float]


def numbers(caller: httpx.Client) -> Numbers:
    """Every sample: its name and the values of its labels, which come in the order of their names."""
    answer = caller.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    samples = [sample for family in parse(answer.text) for sample in family.samples]
    return {(sample.name, *sample.labels.values()): sample.value for sample in samples}


def settled(caller: httpx.Client, wanted: Numbers) -> Numbers:
    """The metrics once they have these numbers: a reading is good for some seconds."""

    def found() -> Numbers | None:
        now = numbers(caller)
        return now if wanted.items() <= now.items() else None

    return wait_until(found, f"{wanted}", every=0.2) or {}


def test_healthz_needs_no_key_and_no_database(api: Api):
    answer = api.client().get("/healthz")

    assert (answer.status_code, answer.json()["service"]) == (200, "retrigger")


def test_ready_while_an_engine_is_alive(front: Front):
    with serve_api(front):  # makes the tables
        pass
    with serve_api(front, engine=False) as api:
        caller = api.client()
        assert caller.get("/readyz").json() == {"ready": False, "reasons": ["No engine is running."]}
        assert caller.get("/readyz").status_code == 503
        running = Running(read_settings(front.settings, {}), print)
        running.start(engine=True)
        wait_until(lambda: caller.get("/readyz").status_code == 200, "the API to see the engine")
        assert caller.get("/readyz").json() == {"ready": True, "reasons": []}
        running.stop()
        wait_until(lambda: caller.get("/readyz").status_code == 503, "the API to miss the engine")


@pytest.mark.postgres
def test_monitors_are_answered_while_every_call_waits_for_the_database(tmp_path: Path, postgres_url: str):
    front = Front(tmp_path, postgres_url)
    front.out("db", "upgrade")
    with serve_api(front) as api, closing(open_database(postgres_url)) as database:
        caller = api.caller("ci", Permission.ADMIN)
        with ThreadPoolExecutor(2 * THREADS) as calls, database.writing() as other:
            other.exec_driver_sql("LOCK TABLE api_keys")
            waiting = [calls.submit(caller.get, "/v1/requests") for _ in range(2 * THREADS)]
            wait_until(lambda: _waiting(other) == THREADS, "every thread to wait")
            monitor = api.client()
            wait_until(lambda: monitor.get("/readyz").status_code == 200, "an answer")
            wait_until(lambda: monitor.get("/metrics").status_code == 200, "an answer")
        assert {call.result().status_code for call in waiting} == {200}


@pytest.mark.postgres
def test_metrics_of_a_database_that_does_not_answer_are_503_in_time(tmp_path: Path, postgres_url: str):
    front = Front(tmp_path, postgres_url)
    front.out("db", "upgrade")
    with serve_api(front, engine=False) as api, closing(open_database(postgres_url)) as database:
        with database.writing() as other:
            other.exec_driver_sql("LOCK TABLE outbox")
            told = problem(api.client().get("/metrics"), 503, "storage")
        assert "has not answered" in told["detail"]
        wait_until(lambda: api.client().get("/metrics").status_code == 200, "the metrics to come again")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_not_ready_where_the_writer_has_stopped(still_api: Api):
    def end(*_: object) -> None:
        raise SystemExit

    caller = still_api.caller("ci", Permission.ADMIN)
    still_api.app.store.writer.ask_soon(Direct, end, False)
    told = "What writes in this process has stopped. Its log says why; start the process again."

    wait_until(lambda: told in caller.get("/readyz").json()["reasons"], "the API to look again")
    refused = problem(caller.post("/v1/requests/1/continue", json={}), 404, "not-found")
    assert refused["what"] == "request"
    refused = problem(caller.post("/v1/workflows/steps/requests", json={"input": {"name": "Ada"}}), 503, "storage")
    assert refused["detail"] == told


def _waiting(other: Connection) -> int:
    here = "database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    return int(other.exec_driver_sql(f"SELECT count(*) FROM pg_locks WHERE NOT granted AND {here}").scalar_one())


def test_not_ready_with_other_tables(still_api: Api):
    with closing(sqlite3.connect(still_api.front.folder / "retrigger.db", isolation_level=None)) as database:
        database.execute("DROP TABLE alembic_version")
    caller = still_api.client()

    wait_until(lambda: "has no tables" in caller.get("/readyz").text, "the API to look again")
    assert caller.get("/readyz").status_code == 503
    assert caller.get("/healthz").status_code == 200


@pytest.mark.parametrize(("tokens", "stuck"), [(True, True), (False, False)])
def test_a_relay_that_is_stuck_counts_only_where_slack_is_configured(tmp_path: Path, tokens: bool, stuck: bool):
    front = Front(tmp_path, "sqlite:///retrigger.db", "apps: {HR: {channel: C0123456789}}\n")
    environment = {"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_APP_TOKEN": "xapp-1"} if tokens else {}
    said: list[str] = []
    running = Running(read_settings(front.settings, environment), said.append)
    running.start(engine=True, api=True)
    front.blocked()
    with closing(sqlite3.connect(front.folder / "retrigger.db", isolation_level=None)) as database:
        database.execute("UPDATE outbox SET created_at = created_at - 100")

    with httpx.Client(base_url=said[-1].removeprefix("API: "), trust_env=False, timeout=PATIENCE) as caller:
        told = numbers(caller)
        answer = caller.get("/readyz")
    running.stop()

    assert told["retrigger_relay_lag_seconds",] >= 100
    with closing(sqlite3.connect(front.folder / "retrigger.db")) as database:
        ((waiting,),) = database.execute("SELECT count(*) FROM outbox")
    assert told["retrigger_relay_waiting",] == waiting > 0
    reasons = answer.json()["reasons"]
    assert bool(reasons) is stuck
    assert not stuck or "messages wait for Slack, the oldest (of REQ-1) for 10" in reasons[0]


@pytest.fixture
def still_api(tmp_path: Path) -> Iterator[Api]:
    with serve_api(Front(tmp_path, "sqlite:///retrigger.db")) as api:
        yield api


def test_metrics_count_requests_steps_and_engines(api: Api):
    front, caller = api.front, api.client()
    front.wait(front.submit(), "completed")
    front.blocked()

    found = settled(caller, {("retrigger_requests", "HR", "blocked"): 1.0})

    assert found["retrigger_requests", "HR", "completed"] == 1
    assert found["retrigger_steps_total", "completed"] == 5  # the end of the first one, too
    assert found["retrigger_steps_total", "blocked"] == 1
    assert found["retrigger_steps_total", "lost"] == found["retrigger_lease_expiries_total",] == 0
    assert found["retrigger_engines",] == 1
    assert found["retrigger_steps_running",] == found["retrigger_relay_lag_seconds",] == 0


def test_metrics_count_what_runs(front: Front):
    front.define("waiting", WAITING)
    with serve_api(front) as api:
        front.submit(workflow="waiting")
        settled(api.client(), {("retrigger_steps_running",): 1.0})
        (front.folder / "go").touch()
        settled(api.client(), {("retrigger_steps_running",): 0.0})


RETRYING = """
workflow: retrying
app: HR
nodes:
  call: {action: {connection: gone, method: GET, path: /, retry: {times: 2, interval: 0.01}}}
"""


def test_metrics_count_each_outcome_of_a_step_under_its_name(tmp_path: Path):
    front = Front(tmp_path, "sqlite:///retrigger.db", 'connections: {gone: {base_url: "http://127.0.0.1:9"}}\n')
    front.define("retrying", RETRYING)
    with serve_api(front) as api:
        front.wait(front.out("submit", "retrying").strip(), "blocked")
        found = settled(api.client(), {("retrigger_requests", "HR", "blocked"): 1.0})

    counted = {labels[0]: number for (name, *labels), number in found.items() if name == "retrigger_steps_total"}
    none = dict.fromkeys(("completed", "failed", "lost", "returned", "cancelled", "late"), 0.0)
    assert counted == {**none, "retried": 2.0, "blocked": 1.0}


def test_metrics_count_what_was_recovered(front: Front):
    with serve_api(front):  # publishes the workflow
        pass
    gone = Worker("gone")
    with open_app(read_settings(front.settings, {})) as app:
        app.store.attach(gone.claimer)
        number = front.submit()
        gone.wait()
        app.store.detach()
    with serve_api(front) as api:
        front.wait(number, "completed")
        found = settled(api.client(), {("retrigger_requests", "HR", "completed"): 1.0})
    assert found["retrigger_steps_total", "lost"] == found["retrigger_lease_expiries_total",] == 1


def test_the_age_of_the_queue_grows_while_nothing_runs_it(front: Front):
    with serve_api(front):  # publishes the workflow
        pass
    with serve_api(front, engine=False) as api:
        front.submit()
        caller = api.client()
        first = wait_until(lambda: numbers(caller)["retrigger_queue_age_seconds",], "the age to be seen", every=0.2)

        assert wait_until(lambda: numbers(caller)["retrigger_queue_age_seconds",] > first, "it to grow", every=0.2)


def test_every_process_says_the_same(api: Api):
    api.front.wait(api.front.submit(), "completed")
    with serve_api(api.front, engine=False) as other:
        wanted: Numbers = {("retrigger_steps_total", "completed"): 4.0}
        assert settled(api.client(), wanted) == settled(other.client(), wanted)
