"""Signals that come at any moment: just as the process begins to wait for one, and while Slack or a database hangs."""

from __future__ import annotations

import json
import random
import select
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing

import pytest

from retrigger.demo import people
from retrigger.stopping import BEYOND
from storage.database import open_database
from tests.integration.retrigger.conftest import WAITING, StartProcess
from tests.support import tcp
from tests.support.front import ROOT, Front
from tests.support.poll import PATIENCE, wait_until
from tests.support.postgres import is_waited_for

# Busy threads, so that the main thread is often between two of its steps when the signal comes.
CHILD = """
import threading
from retrigger import stopping as module
from retrigger.stopping import Stopping

module._LOOK = 0.01

def spin():
    while True:
        sum(range(1000))

for _ in range(2):
    threading.Thread(target=spin, daemon=True).start()
while True:
    stopping = Stopping()
    print("waiting", flush=True)
    stopping.wait()
    print("asked", flush=True)
"""
ROUNDS = 200  # an Event missed one within the first hundred or two


def test_no_signal_is_missed() -> None:
    child = subprocess.Popen([sys.executable, "-c", CHILD], cwd=ROOT, stdout=subprocess.PIPE)
    assert child.stdout is not None
    try:
        for place in range(ROUNDS):
            assert child.stdout.readline() == b"waiting\n"
            time.sleep(random.choice((0.0, 0.001, 0.005)))
            child.send_signal(signal.SIGTERM)
            assert select.select([child.stdout], [], [], PATIENCE)[0], f"signal {place} was missed"
            assert child.stdout.readline() == b"asked\n"
    finally:
        child.kill()
        child.wait(PATIENCE)
        child.stdout.close()


# What a signal that comes just before the main thread waits does: it does not end the wait.
UNHEARD = """
import signal, threading
from retrigger.stopping import Stopping

Stopping().allow(0.1)
waits = threading.Lock()
waits.acquire()
threading.Thread(target=lambda: signal.pthread_kill(threading.get_ident(), signal.SIGTERM), daemon=True).start()
waits.acquire()
"""


def test_a_signal_is_heard_while_the_main_thread_waits_without_an_end() -> None:
    ended = subprocess.run([sys.executable, "-c", UNHEARD], cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE)
    assert ended.returncode == 128 + signal.SIGTERM and "stop.overdue" in ended.stderr


OVERDUE = """
import logging, os, signal, sys, threading
from retrigger import stopping as module
from retrigger.logs import set_up_logging
from retrigger.stopping import Stopping

module.UNTOLD = 0.5 if "stuck" in sys.argv else 60.0
set_up_logging(frozenset(), form="json")
stands = threading.Event()

def stand_still():
    if "stuck" in sys.argv:
        logging.getLogger().handlers[0].acquire()  # as a write to a full pipe holds it
    stands.set()
    threading.Event().wait()

threading.Thread(target=stand_still, name="relay", daemon=True).start()
stands.wait()
Stopping().allow(0.1)
os.kill(os.getpid(), signal.SIGTERM)
threading.Event().wait()
"""


def test_a_stop_that_is_overdue_says_in_one_line_where_each_thread_was() -> None:
    ended = subprocess.run([sys.executable, "-c", OVERDUE], cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE)
    (line,) = ended.stderr.splitlines()
    told = json.loads(line)
    assert (ended.returncode, told["event"], told["level"]) == (128 + signal.SIGTERM, "stop.overdue", "error")
    assert any(" in stand_still" in place for place in told["threads"]["relay"])
    assert {"MainThread", "relay"} <= told["threads"].keys()


def test_a_log_that_takes_nothing_keeps_nobody_from_stopping() -> None:
    command = [sys.executable, "-c", OVERDUE, "stuck"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE)
    assert ended.returncode != 0 and "stand_still" in ended.stderr


def test_a_slack_that_never_comes_to_an_end_keeps_no_step_from_being_given_back(front: Front, start: StartProcess):
    front.define("waiting", WAITING)
    with front.settings.open("a") as settings:
        settings.write(f"apps: {{HR: {{channel: {people.CHANNEL_ID}}}}}\n")

    def drip(connection: socket.socket) -> None:
        """No time-out notices it: there is always something new."""
        tcp.read_request(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
        while True:
            connection.sendall(b" ")
            time.sleep(0.5)

    with tcp.tcp_server(drip) as slack:
        tokens = {"SLACK_BOT_TOKEN": people.BOT_TOKEN, "SLACK_APP_TOKEN": people.APP_TOKEN}
        up = start("up", **tokens, SLACK_API_URL=f"{slack}/api/", RETRIGGER_STOP_GRACE="1s")
        up.wait_for("Ctrl-C stops it.")
        request = front.submit(workflow="waiting")
        wait_until((front.folder / "waiting").exists, "the step to start")
        assert up.end(signal.SIGTERM) == 0

    wait = front.json("show", request)["steps"][0]
    assert (wait["status"], wait["recoveries"], wait["attempts"][0]["outcome"]) == ("ready", 0, "returned")


@pytest.mark.postgres
def test_a_database_that_does_not_answer_keeps_nobody_from_stopping(
    front: Front, start: StartProcess, postgres_url: str
):
    front.settings.write_text(front.settings.read_text().replace("sqlite:///retrigger.db", postgres_url))
    front.out("db", "upgrade")
    worker = start("worker", RETRIGGER_STOP_GRACE="0.2s")
    worker.wait_for("Ctrl-C stops it.")
    with closing(open_database(postgres_url)) as database, database.writing() as connection:
        connection.exec_driver_sql("LOCK TABLE commits, steps, workers IN ACCESS EXCLUSIVE MODE")
        asked = time.monotonic()
        assert worker.end(signal.SIGTERM) == 128 + signal.SIGTERM
        assert time.monotonic() - asked > BEYOND
    assert "Not stopped after 8 s, so the process ends now." in worker.said


@pytest.mark.postgres
def test_a_start_that_hangs_on_the_database_is_stopped_by_the_first_signal(
    front: Front, start: StartProcess, postgres_url: str
):
    front.settings.write_text(front.settings.read_text().replace("sqlite:///retrigger.db", postgres_url))
    front.out("db", "upgrade")
    with closing(open_database(postgres_url)) as database, database.writing() as connection:
        connection.exec_driver_sql("LOCK TABLE workflows IN ACCESS EXCLUSIVE MODE")
        worker = start("worker", RETRIGGER_STOP_GRACE="0.2s")
        wait_until(lambda: is_waited_for(database), "the start to hang")
        assert worker.end(signal.SIGTERM) == 128 + signal.SIGTERM
    assert "Not stopped after 8 s, so the process ends now." in worker.said
