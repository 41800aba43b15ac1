"""What goes wrong beside a command's own work is told on standard error, in lines, and without secrets."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.texts import MASK
from tests.integration.retrigger.conftest import StartProcess
from tests.support.front import Front

TOKEN = "t0ken-of-the-printer"
CARELESS = """
import logging, os

logging.getLogger("careless").info("not worth a line")
logging.getLogger("careless").warning("the token is %s\\nand more", os.environ["TALK_TOKEN"])
"""


@pytest.fixture
def careless(still: Front) -> Front:
    Path(still.folder, "careless.py").write_text(CARELESS)
    settings = still.settings.read_text().replace("[tests.support.front_functions]", "[careless]")
    connection = '  printer: {base_url: "http://127.0.0.1:9", auth: {bearer_env: TALK_TOKEN}}\n'
    still.settings.write_text(f"{settings}connections:\n{connection}")
    return still


@pytest.mark.parametrize(
    "words", [["doctor"], ["workflow", "check", "workflows/steps.yaml"]], ids=lambda words: words[0]
)
def test_a_warning_is_one_line_without_secrets(careless: Front, start: StartProcess, words: list[str]):
    process = start(*words, TALK_TOKEN=TOKEN)
    process.code()

    assert f" WARNING careless: the token is {MASK} | and more\n" in process.said
    assert TOKEN not in process.said
    assert "not worth a line" not in process.said


def test_with_debug_there_is_more(careless: Front, start: StartProcess):
    process = start("doctor", TALK_TOKEN=TOKEN, RETRIGGER_DEBUG="1")
    process.code()

    assert " INFO    careless: not worth a line\n" in process.said


def test_with_debug_an_engine_tells_each_attempt_and_not_each_turn_of_its_scheduler(front: Front, start: StartProcess):
    up = start("--debug", "up")
    up.wait_for("Ctrl-C stops it.")
    front.wait(front.submit(), "completed")
    assert up.end() == 0

    assert up.said.count(" DEBUG   engine.worker.runner: attempt.started kind=initial ") == 3
    assert "apscheduler" not in up.said
