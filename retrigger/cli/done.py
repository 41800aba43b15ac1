"""Saying what was done, so that it is heard."""

from __future__ import annotations

import os
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
        _take_no_more()
        click.echo(text, err=True)
        click.echo(f"It is done, but standard output takes nothing: {error.strerror}.", err=True)
        raise click.exceptions.Exit(FAILED) from None


def _take_no_more() -> None:
    """What is left in its buffer would be tried once more as Python ends, and change the exit code."""
    if sys.stdout is not None:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
