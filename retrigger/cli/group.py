"""How a command ends: every error becomes a sentence and an exit code, never a traceback (SPEC 8)."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Mapping
from importlib import import_module
from typing import Any, NamedTuple

import click

from bot.text import clean
from engine.errors import ConfirmationNeeded, NotFound, ReasonNeeded, Refused, RetriggerError

FAILED, REFUSED, NOT_FOUND, INTERRUPTED = 1, 3, 4, 130
_HERE = {ConfirmationNeeded: "--confirm --reason TEXT", ReasonNeeded: "--reason TEXT"}


class LazyCommand(NamedTuple):
    """One command: the module here that has it, and its line in the help."""

    module: str
    help: str


class RetriggerGroup(click.Group):
    """The root of the commands. ``lazy``: in the order of the help; a command's module is imported when it is called,
    since most take longer to import than the help takes to be shown."""

    def __init__(self, *args: Any, lazy: Mapping[str, LazyCommand], **options: Any) -> None:
        super().__init__(*args, **options)
        self.lazy = lazy

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.lazy)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in self.lazy and cmd_name not in self.commands:
            import_module(f"retrigger.cli.{self.lazy[cmd_name].module}").register(self)
        return super().get_command(ctx, cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, command.help) for name, command in self.lazy.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.exceptions.NoSuchCommand as error:  # click knows of those only that were called
            raise click.exceptions.NoSuchCommand(error.command_name, possibilities=self.lazy, ctx=ctx) from None

    def main(self, *args: Any, **options: Any) -> Any:
        for stream in (sys.stdout, sys.stderr):
            reconfigure = getattr(stream, "reconfigure", None)
            if reconfigure is not None:
                reconfigure(errors="replace")  # a terminal that lacks a character is no reason to fail
        return super().main(*args, **options)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise click.exceptions.Exit(INTERRUPTED) from None
        except RetriggerError as error:
            _show_trace(ctx)
            click.echo(sentence(error), err=True)
            raise click.exceptions.Exit(exit_code(error)) from None
        except click.exceptions.NoSuchOption as error:
            raise self._misplaced(error) or error from None
        except (click.ClickException, click.Abort, click.exceptions.Exit, BrokenPipeError):
            raise
        except OSError as error:
            _show_trace(ctx)
            place = f": {error.filename}" if error.filename else ""
            click.echo(f"The system refuses it: {error.strerror or error}{place}.", err=True)
            raise click.exceptions.Exit(FAILED) from None
        except Exception as error:
            _show_trace(ctx)
            hint = "" if _debugging(ctx) else " Run the same with `retrigger --debug` to see where."
            click.echo(f"This is a defect of Retrigger: {type(error).__name__}: {error}.{hint}", err=True)
            raise click.exceptions.Exit(FAILED) from None

    def _misplaced(self, error: click.exceptions.NoSuchOption) -> click.UsageError | None:
        """An option of the whole command that stands behind the one command that was called."""
        option = next((one for one in self.params if error.option_name in one.opts), None)
        if option is None or error.ctx is None:
            return None
        name = error.ctx.find_root().command_path  # may have spaces in it: python -m retrigger
        command = error.ctx.command_path.removeprefix(f"{name} ")
        value = " " if isinstance(option, click.Option) and option.is_flag else " … "
        told = f"{error.option_name} belongs to the whole command: {name} {error.option_name}{value}{command}"
        return click.UsageError(told, ctx=error.ctx)


def exit_code(error: RetriggerError) -> int:
    """What a script learns of an error."""
    if isinstance(error, Refused):
        return REFUSED
    return NOT_FOUND if isinstance(error, NotFound) else FAILED


def sentence(error: RetriggerError) -> str:
    """What a person is told; where a confirmation or a reason is needed, how to give it here."""
    text = "\n".join(clean(line) for line in str(error).split("\n"))
    how = _HERE.get(type(error))
    return f"{text} Here: {how}." if how else text


def _debugging(ctx: click.Context) -> bool:
    return bool(ctx.params.get("debug"))


def _show_trace(ctx: click.Context) -> None:
    if _debugging(ctx):
        click.echo(traceback.format_exc(), err=True, nl=False)
