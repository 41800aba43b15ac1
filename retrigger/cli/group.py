"""How a command ends: every error becomes a sentence and an exit code, never a traceback (SPEC 8)."""

from __future__ import annotations

import os
import sys
import traceback
from typing import Any

import click

from bot.text import clean
from engine.errors import ConfirmationNeeded, NotFound, Refused, RetriggerError

FAILED, REFUSED, NOT_FOUND, INTERRUPTED = 1, 3, 4, 130


class RetriggerGroup(click.Group):
    """The root of the commands. They are listed in the order in which they were added."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            raise click.UsageError(f"{error.message} `retrigger --help` lists them.", ctx) from None

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


def exit_code(error: RetriggerError) -> int:
    """What a script learns of an error."""
    if isinstance(error, Refused):
        return REFUSED
    return NOT_FOUND if isinstance(error, NotFound) else FAILED


def sentence(error: RetriggerError) -> str:
    """What a person is told; where a confirmation is needed, how to give it here."""
    text = "\n".join(clean(line) for line in str(error).split("\n"))
    return f"{text} Here: --confirm --reason TEXT." if isinstance(error, ConfirmationNeeded) else text


def _debugging(ctx: click.Context) -> bool:
    return bool(ctx.params.get("debug") or os.environ.get("RETRIGGER_DEBUG"))


def _show_trace(ctx: click.Context) -> None:
    if _debugging(ctx):
        click.echo(traceback.format_exc(), err=True, nl=False)
