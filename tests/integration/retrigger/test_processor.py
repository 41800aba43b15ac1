"""The setting ``processor``: the engine keeps to one, and functions in processes of their own do not."""

from __future__ import annotations

import os
import sys

import pytest

from tests.integration.retrigger.conftest import StartProcess
from tests.support.front import Front

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux keeps a process on one processor")

WHERE = """
workflow: where
app: HR
nodes:
  here: {function: {name: front.processors, isolation: thread}}
  apart: {function: {name: front.processors}}
"""


def test_the_engine_stays_on_it_and_functions_apart_use_all(front: Front, start: StartProcess):
    front.define("where", WHERE)
    allowed = sorted(os.sched_getaffinity(0))
    up = start("up", RETRIGGER_PROCESSOR=str(allowed[-1]))

    up.wait_for(f"Engine: running, 32 steps at once on processor {allowed[-1]}.")
    document = front.wait(front.submit(workflow="where"), "completed")

    assert {step["node"]: step["result"] for step in document["steps"][:2]} == {
        "here": [allowed[-1]],
        "apart": allowed,
    }


def test_without_it_threads_use_all(front: Front, start: StartProcess):
    front.define("where", WHERE)
    up = start("up")

    up.wait_for("Engine: running, 32 steps at once.")
    document = front.wait(front.submit(workflow="where"), "completed")

    assert document["steps"][0]["result"] == sorted(os.sched_getaffinity(0))


def test_one_that_there_is_not_is_refused(front: Front, start: StartProcess):
    up = start("up", RETRIGGER_PROCESSOR="4095")

    assert up.code() == 1
    allowed = ", ".join(map(str, sorted(os.sched_getaffinity(0))))
    assert f"processor: this process may not use number 4095. Write one of {allowed}." in up.said
