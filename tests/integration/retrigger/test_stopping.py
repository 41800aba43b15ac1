"""Signals that come at any moment, the worst of them included: just as the process begins to wait for one."""

from __future__ import annotations

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
