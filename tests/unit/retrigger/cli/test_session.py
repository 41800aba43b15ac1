"""How the command names itself in what it gives people to paste."""

from __future__ import annotations

import sys
from pathlib import Path

import click
import pytest

from retrigger.cli.session import Session, command_line, program


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The command as an environment has it."""
    script = tmp_path / ".venv/bin/retrigger"
    script.parent.mkdir(parents=True)
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    monkeypatch.setattr("sys.argv", [str(script)])
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.chdir(tmp_path)
    return script


def test_a_command_on_the_path_is_called_by_its_name(script: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", str(script.parent))

    assert program() == "retrigger"


def test_a_command_below_here_is_called_by_its_way_from_here(script: Path):
    assert program() == ".venv/bin/retrigger"


def test_a_command_elsewhere_is_called_by_its_whole_path(script: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir("/")

    assert Path("/", program()).samefile(script)


def test_another_command_of_that_name_on_the_path_is_not_ours(
    script: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    other = tmp_path / "other" / "retrigger"
    other.parent.mkdir()
    other.write_text("#!/bin/sh\n")
    other.chmod(0o755)
    monkeypatch.setenv("PATH", str(other.parent))

    assert program() == ".venv/bin/retrigger"


def test_a_module_is_called_as_one(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("sys.argv", ["/site-packages/retrigger/__main__.py"])

    assert program() == f"{sys.executable} -m retrigger"


def test_words_are_quoted_for_a_shell(script: Path):
    assert command_line("step", "REQ-1", "a b") == ".venv/bin/retrigger step REQ-1 'a b'"


@pytest.mark.parametrize(
    ("config", "person", "line"),
    [
        (None, None, None),
        (Path("other file.yaml"), None, "export RETRIGGER_CONFIG='other file.yaml'"),
        (Path("x.yaml"), "a@b.c", "export RETRIGGER_CONFIG=x.yaml RETRIGGER_USER=a@b.c"),
        (None, "set@b.c", None),
    ],
)
def test_options_that_were_given_are_to_be_set_once(
    monkeypatch: pytest.MonkeyPatch, config: Path | None, person: str | None, line: str | None
):
    monkeypatch.setenv("RETRIGGER_USER", "set@b.c")

    assert Session(click.Context(click.Command("x")), config, person, False).shell_variables() == line
