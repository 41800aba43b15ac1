"""`retrigger --help` lists every command, and imports none of them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import click

from retrigger.cli import COMMANDS, command


def test_each_line_of_the_help_is_the_first_of_the_commands_own():
    context = click.Context(command)
    commands = {name: command.get_command(context, name) for name in COMMANDS}

    assert {name: each and each.get_short_help_str(1000) for name, each in commands.items()} == {
        name: each.help for name, each in COMMANDS.items()
    }


READING = {"list", "show", "workflow check", "workflow list", "grants", "key list", "doctor"}
ACTING = {"step", "flow", "input", "continue", "withdraw"}
WAITING = {"step", "flow", "input", "continue", "approve", "reject"}
PRUNING = {"prune"}  # has a plan too, of what would be removed
OTHERS = {"demo", "up", "worker", "bot", "api", "db upgrade", "submit", "workflow publish", "grant", "revoke"}
OTHERS |= {"key create", "key revoke"}


def commands(group: click.Group, before: str = "") -> Iterator[tuple[str, click.Command]]:
    """Every command that does something, with the words that call it."""
    context = click.Context(group)
    for name in group.list_commands(context):
        found = group.get_command(context, name)
        assert found is not None
        if isinstance(found, click.Group):
            yield from commands(found, f"{before}{name} ")
        else:
            yield before + name, found


def flagged(option: str) -> set[str]:
    """The commands with this flag."""
    return {
        words
        for words, found in commands(command)
        for one in found.params
        if option in one.opts and isinstance(one, click.Option) and one.is_flag
    }


def test_every_command_that_reads_has_json_and_every_one_that_acts_a_plan():
    assert {words for words, _ in commands(command)} == READING | ACTING | WAITING | PRUNING | OTHERS
    assert flagged("--json") == READING
    assert flagged("--plan") == ACTING | PRUNING
    assert flagged("--no-wait") == WAITING


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
