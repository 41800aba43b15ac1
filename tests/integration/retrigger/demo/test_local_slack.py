"""The local Slack as a real process, with the program that `make run` fetches."""

import itertools
import os
import signal
import subprocess
import sys
import tempfile
import textwrap

import psutil
import pytest
import requests

from retrigger.demo import people, ports
from retrigger.demo.local_slack import LocalSlack, LocalSlackUnavailable
from tests.support.poll import PATIENCE
from tests.support.processes import wait_until_gone


@pytest.fixture
def temp(tmp_path, monkeypatch):
    """This test's own folder for temporary files, so that what is left behind is seen."""
    folder = tmp_path / "temp"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    monkeypatch.setenv("TMPDIR", str(folder))
    return folder


def say(url, method, **body):
    return requests.post(f"{url}{method}", json=body, timeout=PATIENCE).json()


def test_people_channel_and_bot_are_there(local_slack_program):
    with LocalSlack(local_slack_program, people.workspace()) as slack:
        state = requests.get(f"{slack.url}/_control/state", timeout=PATIENCE).json()
        assert [user["email"] for user in state["users"] if not user["is_bot"]] == [
            "hanna@example.com",
            "omar@example.com",
            "vera@example.com",
        ]
        assert say(slack.api_url, "auth.test")["user_id"] == people.BOT_USER_ID
        posted = say(slack.api_url, "chat.postMessage", channel=people.CHANNEL_ID, text="hello")
        assert posted["ok"] is True
        members = say(slack.api_url, "conversations.members", channel=people.CHANNEL_ID)["members"]
        assert set(members) == {person.id for person in people.PEOPLE} | {people.BOT_USER_ID}


def test_stop_leaves_nothing_behind(local_slack_program, temp):
    slack = LocalSlack(local_slack_program, people.workspace())
    number = int(slack.url.rpartition(":")[2])
    processes = [slack._process.pid, *(child.pid for child in psutil.Process(slack._process.pid).children(True))]
    assert len(processes) >= 2
    slack.stop()
    slack.stop()
    assert not slack.alive
    wait_until_gone(*processes)
    assert not list(temp.iterdir())
    assert ports.free_port(number) == number


def test_a_taken_port_is_replaced(local_slack_program):
    with ports.listen(0) as taken:
        number = taken.getsockname()[1]
        with LocalSlack(local_slack_program, people.workspace(), port=number) as slack:
            assert slack.url != f"http://127.0.0.1:{number}"
            assert requests.get(slack.url, timeout=PATIENCE).status_code == 200


def first_then_free(port):
    return itertools.chain([port], map(ports.free_port, itertools.repeat(0)))


def test_a_port_that_is_lost_at_the_last_moment_is_replaced(local_slack_program, monkeypatch):
    with ports.listen(0) as taken:
        numbers = first_then_free(taken.getsockname()[1])
        monkeypatch.setattr(ports, "free_port", lambda preferred: next(numbers))
        with LocalSlack(local_slack_program, people.workspace()) as slack:
            assert slack.alive


def test_another_demo_on_that_port_is_not_taken_for_ours(local_slack_program, monkeypatch):
    with LocalSlack(local_slack_program, people.workspace()) as other:
        numbers = first_then_free(int(other.url.rpartition(":")[2]))
        monkeypatch.setattr(ports, "free_port", lambda preferred: next(numbers))
        with LocalSlack(local_slack_program, people.workspace()) as slack:
            assert slack.alive
            assert slack.url != other.url


def test_a_program_that_ends_says_why(local_slack_program, temp):
    with pytest.raises(LocalSlackUnavailable, match="did not start: ✗ Invalid config"):
        LocalSlack(local_slack_program, {**people.workspace(), "users": 3})
    assert not list(temp.iterdir())


def test_a_program_that_cannot_be_run_says_so(tmp_path, temp):
    program = tmp_path / "local-slack"
    program.write_text("not a program")
    with pytest.raises(LocalSlackUnavailable, match=r"did not start: .*Permission denied"):
        LocalSlack(program, people.workspace())
    assert not list(temp.iterdir())


STARTER = """
    import sys, time
    from pathlib import Path
    from retrigger.demo import people
    from retrigger.demo.local_slack import LocalSlack
    slack = LocalSlack(Path(sys.argv[1]), people.workspace())
    print(slack._process.pid, slack.url, flush=True)
    time.sleep(60)
"""


def test_it_ends_with_its_starter_even_when_that_is_killed(local_slack_program, temp):
    command = [sys.executable, "-c", textwrap.dedent(STARTER), str(local_slack_program)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as starter:
        assert starter.stdout is not None
        pid, url = starter.stdout.readline().split()
        companion = psutil.Process(int(pid))
        program = companion.children()[0].pid
        assert requests.get(url, timeout=PATIENCE).status_code == 200
        starter.send_signal(signal.SIGKILL)
    wait_until_gone(program, companion.pid)
    assert not list(temp.iterdir())


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a program that its parent was killed")
def test_it_ends_when_its_companion_is_killed(local_slack_program, temp):
    slack = LocalSlack(local_slack_program, people.workspace())
    program = psutil.Process(slack._process.pid).children()[0].pid
    os.kill(slack._process.pid, signal.SIGKILL)
    wait_until_gone(program)
    slack.stop()
