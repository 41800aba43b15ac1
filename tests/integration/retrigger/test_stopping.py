"""Signals that come at any moment, the worst of them included: just as the process begins to wait for one."""

from __future__ import annotations

import json
import random
import select
import signal
import subprocess
import sys
import time

from tests.support.front import ROOT

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
            assert select.select([child.stdout], [], [], 10.0)[0], f"signal {place} was missed"
            assert child.stdout.readline() == b"asked\n"
    finally:
        child.kill()
        child.wait(10)
        child.stdout.close()


OVERDUE = """
import logging, os, signal, sys, threading
from retrigger import stopping as module
from retrigger.logs import set_up_logging
from retrigger.stopping import Stopping

module.UNTOLD = 0.5
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
    ended = subprocess.run([sys.executable, "-c", OVERDUE], cwd=ROOT, capture_output=True, text=True, timeout=30)
    (line,) = ended.stderr.splitlines()
    told = json.loads(line)
    assert (ended.returncode, told["event"], told["level"]) == (128 + signal.SIGTERM, "stop.overdue", "error")
    assert any(" in stand_still" in place for place in told["threads"]["relay"])
    assert {"MainThread", "relay"} <= told["threads"].keys()


def test_a_log_that_takes_nothing_keeps_nobody_from_stopping() -> None:
    command = [sys.executable, "-c", OVERDUE, "stuck"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=10)
    assert ended.returncode != 0 and "stand_still" in ended.stderr
