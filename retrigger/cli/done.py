"""Saying what was done, so that it is heard."""

from __future__ import annotations

import sys

import click

from retrigger.cli.group import FAILED


def say_done(text: str) -> None:
    """On standard output. Where that takes nothing (a full disk, a pipe that nobody reads), on standard error, and the
    command has failed: whoever heard of no id, or of no end, would do it again."""
    try:
        if sys.stdout is None:
            raise OSError(0, "it is closed")
        click.echo(text)
    except OSError as error:
        click.echo(text, err=True)
        click.echo(f"It is done, but standard output takes nothing: {error.strerror}.", err=True)
        raise click.exceptions.Exit(FAILED) from None
