"""`retrigger demo`: everything on this machine, a local Slack in the browser included (SPEC 8)."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from retrigger.cli.session import Session, pass_session
from retrigger.demo import folder as folders

if TYPE_CHECKING:
    from retrigger.demo.stage import Stage

STAGES = 6  # sentences that are told while it starts


@click.command()
@click.option(
    "--dir",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Keep the data there. Default: in a folder that goes when the demo ends.",
)
@pass_session
def demo(session: Session, folder: Path | None) -> None:
    """Everything on this machine, with a local Slack in the browser."""
    _let_signals_interrupt()
    with folders.folder(folder) as place:
        clean = _play(session, place)
        click.echo("Stopped. " + (f"The data is kept in {folder}." if folder else "Nothing is left behind."))
    from retrigger.up import end

    end(clean)


def _play(session: Session, place: Path) -> bool:
    """Start, tell, wait for Ctrl-C, stop. False when a step's thread would not end."""
    with _progress(session.err) as tell:
        tell("Loading")
        from retrigger.demo.screen import show
        from retrigger.demo.stage import Stage

        stage = Stage(place, tell).start()
        try:
            requests = stage.submit_scenes()
            tell("Submitted four requests; some run into trouble")
            stage.wait_until_settled(requests)
        except BaseException:
            stage.stop()
            raise
    try:
        show(session, stage, requests)
        _wait(stage)
    except KeyboardInterrupt:
        click.echo("\nStopping…", err=True)
    finally:
        clean = stage.stop()
    return clean


def _wait(stage: Stage) -> None:
    """Until Ctrl-C. Says so, once, when the local Slack ends before that."""
    said = stage.slack is None
    while True:
        time.sleep(0.5)
        if not said and stage.slack is not None and not stage.slack.alive:
            click.echo("The local Slack has ended; start the demo again to have it back.", err=True)
            said = True


@contextmanager
def _progress(console: Console) -> Iterator[Callable[[str], None]]:
    """A bar for a person; for a program, a line for each sentence."""
    if not console.is_terminal:
        yield lambda text: click.echo(f"{text}…", err=True)
        return
    columns = (SpinnerColumn(), BarColumn(20), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=STAGES)
        yield lambda text: bar.update(task, description=f"{text}…", advance=1)


def _let_signals_interrupt() -> None:
    """SIGTERM is as good as Ctrl-C; after the first of them, everything is taken down in peace."""

    def interrupt(number: int, _: FrameType | None) -> None:
        for each in (signal.SIGINT, signal.SIGTERM):
            signal.signal(each, signal.SIG_IGN)
        raise KeyboardInterrupt

    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, interrupt)
