"""`retrigger demo` and `retrigger up` as people start and stop them: taken ports, Ctrl-C at any time, Slack away."""

from __future__ import annotations

import re
import shlex
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import psutil
import pytest
from click.testing import CliRunner

from retrigger.cli import command
from retrigger.demo import people, ports
from retrigger.demo.local_slack import LocalSlack
from retrigger.demo.stage import OUTSIDE_PORT, SLACK_PORT
from tests.support.demo import COMPLETED, DOWN, RETRIED, WRONG_DATA, Demo
from tests.support.front import HANNA, Front, Process
from tests.support.poll import PATIENCE, wait_until
from tests.support.slack_ui import SlackUi

Start = Callable[..., Process]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts the command; it ends with the test."""
    with ExitStack() as started:

        def start(*words: str, **environment: str) -> Process:
            process = Process(tmp_path, *words, **environment)
            started.callback(process.close)
            return process

        yield start


@pytest.fixture
def taken() -> Iterator[None]:
    """Somebody else listens on the demo's ports."""
    with ExitStack() as listeners:
        for port in (OUTSIDE_PORT, SLACK_PORT):
            with suppress(OSError):  # somebody else does already
                listeners.enter_context(socket.create_server((ports.LOOPBACK, port)))
        yield


@pytest.mark.usefixtures("taken")
def test_the_demo_finds_other_ports_tells_what_to_try_and_leaves_nothing_behind(
    tmp_path: Path, local_slack_program: Path
) -> None:
    demo = Demo(tmp_path, local_slack_program)
    try:
        assert f":{SLACK_PORT}" not in demo.slack_url
        assert f":{OUTSIDE_PORT}" not in demo.outside_url
        found = [demo.document(request)["status"] for request in (COMPLETED, RETRIED, DOWN, WRONG_DATA)]
        assert found == ["completed", "completed", "blocked", "blocked"]
        steps = demo.document(RETRIED)["steps"]
        assert [step["node"] for step in steps if len(step["attempts"]) == 2] == ["ship_laptop"]
        demo.rule(system="identity", contains="lea.moor", mode="slow", seconds=60)
        request = demo.submit("Lea Moor")
        wait_until(lambda: demo.calls(request), "a call that is under way when the demo is stopped")
    finally:
        said = demo.stop()
    assert said.rstrip().endswith("Nothing is left behind.")
    assert "Traceback" not in said
    told = said[said.index("Slack  ") : said.index("Stopping")]
    assert len(told.strip().splitlines()) <= 20


def test_ctrl_c_while_the_demo_starts_leaves_nothing_behind(
    tmp_path: Path, start: Start, local_slack_program: Path
) -> None:
    temp = tmp_path / "temp"
    temp.mkdir()
    process = start("demo", TMPDIR=str(temp), RETRIGGER_LOCAL_SLACK=str(local_slack_program))
    process.wait_for("Starting the local Slack")
    children = wait_until(lambda: psutil.Process(process.pid).children(recursive=True), "the local Slack's process")
    process.end()
    assert psutil.wait_procs(children, timeout=PATIENCE)[1] == []
    assert list(temp.iterdir()) == []
    assert "Traceback" not in process.said


def test_without_the_local_slack_the_demo_goes_on_in_the_terminal(tmp_path: Path, start: Start) -> None:
    process = start("demo", TMPDIR=str(tmp_path), RETRIGGER_LOCAL_SLACK=str(tmp_path / "nothing"))
    said = process.wait_for("Ctrl-C ends everything.")
    assert "not here. RETRIGGER_LOCAL_SLACK is" in said
    names = dict(re.findall(r"(RETRIGGER_(?:CONFIG|USER))=(\S+)", said))
    again, by_hand = (
        re.search(rf"retrigger ({word} .+)$", said, re.MULTILINE) for word in ("flow REQ-3", "input REQ-4")
    )
    for found, outcome in ((again, "REQ-3"), (by_hand, "REQ-4")):
        assert found
        result = CliRunner().invoke(command, shlex.split(found.group(1)), env=names, catch_exceptions=False)
        assert (result.exit_code, f"{outcome} is Completed" in result.output) == (0, True), result.output
    assert process.end() == 0


def test_slack_away_at_the_start_is_told_and_the_alert_comes_when_it_is_back(
    tmp_path: Path, start: Start, local_slack_program: Path
) -> None:
    port = ports.free_port(0)
    front = Front(tmp_path, "sqlite:///retrigger.db", f"apps:\n  HR: {{channel: {people.CHANNEL_ID}}}\n")
    front.break_second()
    up = start(
        "--config",
        str(front.settings),
        "up",
        SLACK_BOT_TOKEN=people.BOT_TOKEN,
        SLACK_APP_TOKEN=people.APP_TOKEN,
        SLACK_API_URL=f"http://{ports.LOOPBACK}:{port}/api/",
    )
    up.wait_for("Slack cannot be reached")
    request = front.submit()
    front.wait(request, "blocked")
    up.wait_for("What is to be told waits; nothing is lost.")
    with (
        LocalSlack(local_slack_program, people.workspace(), port) as slack,
        SlackUi(slack.url, people.HANNA.id) as hanna,
    ):
        card = hanna.message(people.CHANNEL_ID, f"{request} · Steps for Ada")
        hanna.message(people.CHANNEL_ID, "is blocked", thread=card["ts"])
        assert len(hanna.messages(people.CHANNEL_ID)) == 1
        up.wait_for("Slack takes messages again.")
        assert up.end() == 0
    assert "slack_sdk" not in up.said  # what the library logs is said in our words
    assert HANNA in front.out("show", request)
