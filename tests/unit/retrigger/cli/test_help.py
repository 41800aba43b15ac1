"""`retrigger --help` lists every command, and imports none of them."""

from __future__ import annotations

import subprocess
import sys

import click

from retrigger.cli import COMMANDS, command


def test_each_line_of_the_help_is_the_first_of_the_commands_own():
    context = click.Context(command)
    commands = {name: command.get_command(context, name) for name in COMMANDS}

    assert {name: each and each.get_short_help_str(1000) for name, each in commands.items()} == {
        name: each.help for name, each in COMMANDS.items()
    }


def test_no_command_is_left_out():
    for name in COMMANDS:
        command.get_command(click.Context(command), name)

    assert set(command.commands) == set(COMMANDS)


def test_the_help_is_shown_without_what_the_commands_need():
    program = "import sys; from retrigger.cli import command; command(['--help'], standalone_mode=False)"
    ended = subprocess.run(
        [sys.executable, "-c", f"{program}; print('LOADED', *sys.modules)"], capture_output=True, text=True, check=True
    )

    shown, _, loaded = ended.stdout.partition("LOADED")
    assert all(f"\n  {name}  " in shown for name in COMMANDS)
    assert not {"pydantic", "sqlalchemy", "jsonschema", "slack_sdk", "engine.commands.service"} & set(loaded.split())


def test_a_command_that_reads_starts_without_what_others_need():
    program = "import sys, retrigger.cli.reading, retrigger.settings_file, retrigger.wiring; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()

    dear = {
        "alembic",
        "apscheduler",
        "fastapi",
        "PIL",
        "procrastinate",
        "requests",
        "slack_bolt",
        "slack_sdk",
        "structlog",
        "uvicorn",
    }
    assert not dear & set(loaded)
