"""Logging: one line a record, to standard error, without any secret in it. For people as text, for programs as JSON."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from pathlib import Path

from structlog.contextvars import get_contextvars

from bot.text import clean
from engine.logs import SAYS
from engine.masking import Masker

_NOISY = ("apscheduler", "slack_bolt", "urllib3", "alembic", "uvicorn")
# It warns when a regular job of ours is still at its last turn, which a busy machine does now and then, harmlessly.
_QUIETER = ("apscheduler.scheduler",)
_SAID_ANYWAY = ("slack_sdk",)  # what it logs as an error it raises as well, and the bot says it in our words
LIBRARY = "library.says"  # the event of what is no line of ours


class OneLine(logging.Formatter):
    """``masker`` hides the secrets. A traceback is folded into its record's line."""

    def __init__(self, masker: Masker) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(name)s: %(message)s", "%Y-%m-%d %H:%M:%S")
        self._masker = masker

    def format(self, record: logging.LogRecord) -> str:
        lines = super().format(record).splitlines()
        return self._masker.text(" | ".join(clean(line).strip() for line in lines if line.strip()))


class JsonLine(logging.Formatter):
    """One JSON object a record, in ASCII: ``at`` (UTC), ``level``, ``logger``, ``event``, then the event's own fields.
    ``masker`` hides the secrets in each of them, and in a ``traceback``."""

    def __init__(self, masker: Masker) -> None:
        super().__init__()
        self._masker = masker

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        told = {"at": at, "level": record.levelname.lower(), "logger": record.name}
        own = getattr(record, "fields", None)
        told |= {"event": LIBRARY, SAYS: record.getMessage(), **get_contextvars()} if own is None else own
        if record.exc_info:
            told["traceback"] = self.formatException(record.exc_info)
        if self._masker.active:
            told = self._masker.value(json.loads(json.dumps(told, default=str)))
        return json.dumps(told, default=str)


def set_up_logging(
    secrets: frozenset[str], *, form: str = "auto", file: Path | None = None, debug: bool = False
) -> bool:
    """Send every record of this process to standard error, or to ``file``. Libraries speak only when something is
    wrong. ``form`` "auto" is text on a terminal and in a ``file``, else JSON. Returns whether it is JSON."""
    handler = logging.FileHandler(file, encoding="utf-8") if file else logging.StreamHandler(sys.stderr)
    is_json = form == "json" or (form == "auto" and file is None and not sys.stderr.isatty())
    masker = Masker(secrets)
    handler.setFormatter(JsonLine(masker) if is_json else OneLine(masker))
    logging.basicConfig(level=logging.DEBUG if debug else logging.INFO, handlers=[handler], force=True)
    for names, level in ((_NOISY, logging.WARNING), (_QUIETER, logging.ERROR), (_SAID_ANYWAY, logging.CRITICAL)):
        for name in names:
            logging.getLogger(name).setLevel(logging.INFO if debug else level)
    logging.getLogger("uvicorn.access").setLevel(logging.WARNING)  # a path may be a secret; api.answered tells the call
    return is_json
