"""`retrigger up` and `retrigger api` serve the API, and stop without cutting anybody off."""

from __future__ import annotations

import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from engine.errors import SettingsError
from engine.rules.permissions import Permission
from retrigger.serving import listen
from retrigger.settings_file import read_settings
from retrigger.up import Running
from tests.integration.retrigger.conftest import WAITING
from tests.support.api import serve_api
from tests.support.front import Front, Process
from tests.support.poll import PATIENCE, wait_until


@pytest.fixture
def front(tmp_path: Path) -> Front:
    return Front(tmp_path, "sqlite:///retrigger.db")


@pytest.fixture
def processes(front: Front) -> Iterator[ExitStack]:
    with ExitStack() as started:
        yield started


def start(front: Front, processes: ExitStack, *words: str, **environment: str) -> Process:
    process = Process(front.folder, *words, **environment)
    processes.callback(process.close)
    return process


def url_of(process: Process) -> str:
    said = process.wait_for("Ctrl-C stops it.")
    return next(line for line in said.splitlines() if line.startswith("API: ")).removeprefix("API: ")


def test_up_serves_it_and_ctrl_c_leaves_nothing(front: Front, processes: ExitStack):
    up = start(front, processes, "up")
    url = url_of(up)

    assert httpx.get(f"{url}/readyz", trust_env=False, timeout=PATIENCE).json() == {"ready": True, "reasons": []}
    assert up.end(signal.SIGINT) == 0
    assert "Traceback" not in up.said
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{url}/healthz", trust_env=False)


def test_connections_that_nobody_uses_leave_the_engine_its_files(front: Front, processes: ExitStack):
    few = ("sh", "-c", 'ulimit -n 400; exec "$0" -m retrigger "$@"', sys.executable)
    up = Process(front.folder, "up", by=few)
    processes.callback(up.close)
    address = urlsplit(url_of(up))
    with ExitStack() as lines:
        for _ in range(450):
            line = lines.enter_context(socket.create_connection((address.hostname, address.port or 0), PATIENCE))
        with suppress(ConnectionResetError):
            assert line.recv(1) == b""  # hung up on, so that all before it have been come to
        front.wait(front.submit(), "completed")
        assert "out of system resource" not in up.said

    def answers() -> bool:
        with suppress(httpx.TransportError):
            return httpx.get(f"{address.geturl()}/healthz", trust_env=False).status_code == 200
        return False

    wait_until(answers, "others to be answered again")


def test_api_serves_it_beside_a_worker_and_needs_the_tables(front: Front, processes: ExitStack):
    early = start(front, processes, "api")
    assert early.code() == 1
    assert "Run `retrigger db upgrade`." in early.said
    worker = start(front, processes, "worker")
    worker.wait_for("Ctrl-C stops it.")
    api = start(front, processes, "api")
    url = url_of(api)
    key = front.out("key", "create", "ci").strip()
    front.out("grant", "key:ci", "submit")

    bearer = {"Authorization": f"Bearer {key}"}
    made = httpx.post(
        f"{url}/v1/workflows/steps/requests", json={"input": {"name": "Ada"}}, headers=bearer, trust_env=False
    )

    front.wait(made.json()["id"], "completed")
    assert (api.end(signal.SIGTERM), worker.end()) == (0, 0)
    assert "Traceback" not in api.said


def test_a_port_that_is_taken_ends_api_and_leaves_up_its_engine(front: Front, processes: ExitStack):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        up = start(front, processes, "up", RETRIGGER_API_PORT=port)
        said = up.wait_for("Ctrl-C stops it.")
        api = start(front, processes, "api", RETRIGGER_API_PORT=port)

        taken = f"Port {port} of 127.0.0.1 cannot be had: address already in use. Stop what has it, or set another"
        assert f"API: not served. {taken} with api.port or RETRIGGER_API_PORT. The rest runs." in said
        front.wait(front.submit(), "completed")
        assert api.code() == 1
        assert taken in api.said
        assert up.end() == 0


@pytest.mark.parametrize("host", ["no-such-host.invalid", "192.0.2.7"])
def test_an_address_that_is_not_ours_is_told(host: str):
    with pytest.raises(SettingsError, match=host):
        listen(host, 0)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0.0.0.0"])
def test_addresses_that_can_be_listened_on(host: str):
    with listen(host, 0) as listening:
        assert listening.getsockname()[1] > 0


def test_a_call_under_way_is_answered_before_the_stop_ends(front: Front):
    said: list[str] = []
    running = Running(read_settings(front.settings, {}), said.append)
    app = running.start(engine=True, api=True)
    url = urlsplit(said[-1].removeprefix("API: "))
    front.out("grant", "key:ci", "submit")
    key = front.out("key", "create", "ci").strip()
    body = b'{"input": {"name": "Ada"}}'
    head = (
        f"POST /v1/workflows/steps/requests HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection((url.hostname or "", url.port or 0), PATIENCE) as line:
        line.sendall(head.encode() + body[:5])
        with httpx.Client(base_url=url.geturl(), trust_env=False, timeout=PATIENCE) as other:
            assert other.get("/healthz").status_code == 200  # so the other call has been read, too
        stopping = threading.Thread(target=running.stop)
        stopping.start()
        wait_until(lambda: refuses(url.port or 0), "the API to take no more calls")
        line.sendall(body[5:])
        answered = line.recv(65536)
        stopping.join(PATIENCE)

    assert not stopping.is_alive()
    assert answered.startswith(b"HTTP/1.1 201 Created"), answered
    assert app.settings.stop_grace > 0


def test_calls_and_steps_have_one_grace_between_them_and_no_step_begins_in_it(front: Front):
    front.define("waiting", WAITING)
    with front.settings.open("a") as settings:
        settings.write("stop_grace: 6s\n")
    said: list[str] = []
    running = Running(read_settings(front.settings, {}), said.append)
    running.start(engine=True, api=True)
    url = urlsplit(said[-1].removeprefix("API: "))
    request = front.submit(workflow="waiting")
    wait_until((front.folder / "waiting").exists, "the step to start")
    with socket.create_connection((url.hostname or "", url.port or 0), PATIENCE) as line:
        line.sendall(b"POST /callbacks/x HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf")
        with httpx.Client(base_url=url.geturl(), trust_env=False, timeout=PATIENCE) as other:
            assert other.get("/healthz").status_code == 200  # so the other call has been read, too
        with ThreadPoolExecutor(1) as stopping:
            asked = time.monotonic()
            clean = stopping.submit(running.stop)
            wait_until(lambda: refuses(url.port or 0), "the API to take no more calls")
            late = front.submit(workflow="waiting")
            assert clean.result(PATIENCE)
        assert 6.0 <= time.monotonic() - asked < 12.0

    assert front.json("show", late)["steps"][0]["attempts"] == []
    step = front.json("show", request)["steps"][0]
    assert (step["status"], step["recoveries"], step["attempts"][0]["outcome"]) == ("ready", 0, "returned")


def refuses(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1.0).close()
    except OSError:
        return True
    return False


def test_the_description_is_served_to_anybody_and_names_the_public_address(tmp_path: Path):
    front = Front(tmp_path, "sqlite:///retrigger.db", "api: {port: 0, public_url: 'https://retrigger.example.com'}\n")
    with serve_api(front) as api:
        described = api.client().get("/openapi.json").json()

        assert described["openapi"].startswith("3.1")
        assert described["servers"] == [{"url": "https://retrigger.example.com"}]
        acting = described["paths"]["/v1/requests/{id}/steps/{node}/retrigger"]["post"]
        assert acting["security"] == [{"key": []}]
        assert set(acting["responses"]) == {
            *("200", "202", "400", "401", "403", "404", "409", "413", "415", "422", "500", "503")
        }
        assert api.caller("ci", Permission.SUBMIT).get("/v1/workflows").status_code == 200
