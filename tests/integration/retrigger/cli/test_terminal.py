"""The command in a person's terminal: the line that tells what it waits for, colours, narrow windows, closed pipes."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support.front import HANNA, ROOT, Front
from tests.support.poll import wait_until

WAITING = """
workflow: waiting
app: HR
title: "{{ request.input.title }}"
nodes:
  first: {function: {name: front.work, args: {folder: FOLDER}, isolation: thread}}
  second: {function: {name: front.wait, args: {folder: FOLDER}, isolation: thread}}
"""
STYLE = re.compile(r"\x1b\[([\d;]*)m")
LONG = "Onboard somebody whose name goes on and on, and then on some more, to the very end of the line"


class Terminal:
    """One run of the command in a window of its own. ``shown`` is what came there so far."""

    def __init__(
        self, front: Front, *words: str, columns: int = 80, environment: Mapping[str, str] | None = None
    ) -> None:
        self.shown = ""
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
        known = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "retrigger", *words],
            cwd=front.folder,
            env={
                **known,
                "PYTHONPATH": str(ROOT),
                "RETRIGGER_USER": HANNA,
                "TERM": "xterm-256color",
                **(environment or {}),
            },
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
        )
        os.close(theirs)

    def until(self, text: str) -> None:
        """Read until the text has come."""
        wait_until(lambda: text in self.shown or not self._read(), f"{text!r} after {self.shown!r}")
        assert text in self.shown, self.shown

    def interrupt(self) -> None:
        """As Ctrl-C."""
        self._process.send_signal(signal.SIGINT)

    def end(self) -> int:
        """Read to the end. The exit code."""
        wait_until(lambda: not self._read(), "the command to end")
        os.close(self._ours)
        return self._process.wait(60)

    def _read(self) -> bool:
        """What has come. False when nothing more can."""
        if not select.select([self._ours], [], [], 0.2)[0]:
            return True
        try:
            found = os.read(self._ours, 10_000)
        except OSError:  # Linux's way to say that the other side is closed
            return False
        self.shown += found.decode()
        return bool(found)


def test_while_it_waits_it_says_what_for(running: Front):
    request, terminal = _flow_of_a_long_step(running)
    try:
        terminal.until(f"{request} is In progress: second is running")
    finally:
        Path(running.folder, "go").touch()

    assert terminal.end() == 0
    assert terminal.shown.endswith(f"{request} is Completed.\r\n")


def test_who_stops_waiting_hears_that_the_act_stands(running: Front):
    request, terminal = _flow_of_a_long_step(running)
    try:
        terminal.until("second is running")
        terminal.interrupt()
        assert terminal.end() == 130
    finally:
        Path(running.folder, "go").touch()

    assert f"{request}: accepted; it goes on by itself.\r\n" in terminal.shown
    running.wait(request, "completed")


def _flow_of_a_long_step(front: Front) -> tuple[str, Terminal]:
    front.out("workflow", "publish", str(front.define("waiting", WAITING)))
    front.break_second()
    request = front.out("submit", "waiting", "--input", '{"title": "Ada"}').strip()
    front.wait(request, "blocked")
    front.mend_second()
    return request, Terminal(front, "flow", request, "first")


@pytest.mark.parametrize(
    ("environment", "colours"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)]
)
def test_colours_are_left_out_where_nobody_wants_them(still: Front, environment: dict[str, str], colours: bool):
    still.submit()
    terminal = Terminal(still, "show", "REQ-1", environment=environment)
    assert terminal.end() == 0
    found = {code for codes in STYLE.findall(terminal.shown) for code in codes.split(";")}
    assert any(code.startswith(("3", "9")) and len(code) == 2 for code in found) == colours, terminal.shown


@pytest.mark.parametrize("columns", [60, 80])
def test_in_a_narrow_window_each_request_has_its_line_with_its_id(still: Front, columns: int):
    still.out("workflow", "publish", str(still.define("waiting", WAITING)))
    requests = [still.out("submit", "waiting", "--input", f'{{"title": "{LONG}"}}').strip() for _ in range(2)]

    terminal = Terminal(still, "list", columns=columns)
    assert terminal.end() == 0

    _, *lines = STYLE.sub("", terminal.shown).splitlines()
    assert [line.split()[0] for line in lines] == requests[::-1]
    assert all("In progress" in line and "Onb" in line and len(line) <= columns for line in lines), terminal.shown


def test_a_reader_that_goes_away_is_no_defect(still: Front):
    still.submit()
    for words in ("list --json", "show REQ-1", "--help"):
        line = f"{sys.executable} -m retrigger {words} 2>errors | true"
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "RETRIGGER_USER": HANNA}
        subprocess.run(line, shell=True, cwd=still.folder, env=environment, check=True)
        assert Path(still.folder, "errors").read_text() == ""


@pytest.mark.parametrize("nowhere", [">/dev/full", ">&-"], ids=["full", "closed"])
@pytest.mark.parametrize(
    ("words", "told"),
    [
        ('submit steps --input \'{"name": "Ada"}\'', "REQ-2\n"),
        ("withdraw REQ-1 --reason typo", "REQ-1 is Withdrawn.\n"),
        ("grant ada@example.com submit", "ada@example.com, Submit, all applications: granted.\n"),
        ("prune --older-than 1d", "Contents of 0 requests removed.\n"),
    ],
)
def test_what_was_done_is_heard_where_standard_output_takes_nothing(still: Front, words: str, told: str, nowhere: str):
    still.submit()
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "RETRIGGER_USER": HANNA}
    line = f"{sys.executable} -m retrigger {words} {nowhere}"
    ran = subprocess.run(line, shell=True, cwd=still.folder, env=environment, capture_output=True, text=True)
    assert ran.returncode == 1
    assert ran.stderr.startswith(f"{told}It is done, but standard output takes nothing: "), ran.stderr


def test_so_is_what_came_of_an_act(running: Front):
    request = running.blocked()
    running.mend_second()
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "RETRIGGER_USER": HANNA}
    line = f"{sys.executable} -m retrigger flow {request} second >/dev/full"
    ran = subprocess.run(line, shell=True, cwd=running.folder, env=environment, capture_output=True, text=True)
    assert (ran.returncode, ran.stderr.splitlines()[0]) == (1, f"{request} is Completed.")
