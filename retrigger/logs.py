"""Logging: one line a record, to standard error, without any secret in it. For people as text, for programs as JSON."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

from bot.text import clean
from engine.logs import joined
from engine.logs.json_line import JsonLine
from engine.logs.printed import printed_as_records, printed_as_text
from engine.values.masking import Masker

_QUIET = {  # unless more is asked for
    "alembic": logging.WARNING,
    "slack_bolt": logging.WARNING,
    "slack_sdk": logging.CRITICAL,  # what it logs as an error it raises as well, and the bot says it in our words
    "urllib3": logging.WARNING,
    "uvicorn": logging.WARNING,
}
_ALWAYS_QUIET = {
    "apscheduler": logging.WARNING,  # it tells the begin and the end of each turn of a regular job, ten a second
    "apscheduler.scheduler": logging.ERROR,  # and warns when one is still at its last turn, which does no harm
    "uvicorn.access": logging.WARNING,  # a path may be a secret; api.answered tells the call
}


class OneLine(logging.Formatter):
    """``masker`` hides the secrets. A traceback is folded into its record's line."""

    def __init__(self, masker: Masker) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(name)s: %(message)s", "%Y-%m-%d %H:%M:%S")
        self._masker = masker

    def format(self, record: logging.LogRecord) -> str:
        lines = super().format(record).splitlines()
        return self._masker.here().text(" | ".join(clean(line).strip() for line in lines if line.strip()))


def set_up_logging(
    secrets: frozenset[str], *, form: str = "auto", file: Path | None = None, debug: bool = False
) -> bool:
    """Send every record of this process to standard error, or to ``file``. Libraries speak only when something is
    wrong. ``form`` "auto" is text on a terminal and in a ``file``, else JSON; then what is printed is a line, too.
    Returns whether it is JSON."""
    import structlog  # noqa: F401  # not at the first line, which may be of a thread that others wait for

    handler = logging.FileHandler(file, encoding="utf-8") if file else logging.StreamHandler(sys.stderr)
    is_json = form == "json" or (form == "auto" and file is None and not sys.stderr.isatty())
    masker = Masker(secrets)
    handler.setFormatter(JsonLine(masker, joined) if is_json else OneLine(masker))
    logging.basicConfig(level=logging.DEBUG if debug else logging.INFO, handlers=[handler], force=True)
    _quieten(debug)
    if file is None:  # functions print, too
        both = printed_as_records() if is_json else printed_as_text(masker, sys.stdout, sys.stderr)
        sys.stdout, sys.stderr = (printed.stream() for printed in both)
    return is_json


def log_warnings(secrets: frozenset[str], *, debug: bool) -> None:
    """For a command that ends by itself, and says in its own words what it comes to: what else goes wrong is a line on
    standard error, as text. Where a log is set up already, nothing is done."""
    if logging.getLogger().handlers:
        return
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(OneLine(Masker(secrets)))
    logging.basicConfig(level=logging.DEBUG if debug else logging.WARNING, handlers=[handler])
    _quieten(debug)


def _quieten(debug: bool) -> None:
    """Libraries speak only when something is wrong."""
    levels = {**(dict.fromkeys(_QUIET, logging.INFO) if debug else _QUIET), **_ALWAYS_QUIET}
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)
