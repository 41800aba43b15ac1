"""Logging: one line a record, to standard error, without any secret in it."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

from bot.text import clean
from engine.masking import Masker

_NOISY = ("apscheduler", "slack_bolt", "urllib3", "alembic", "uvicorn")
# It warns when a regular job of ours is still at its last turn, which a busy machine does now and then, harmlessly.
_QUIETER = ("apscheduler.scheduler",)
_SAID_ANYWAY = ("slack_sdk",)  # what it logs as an error it raises as well, and the bot says it in our words


class OneLine(logging.Formatter):
    """``masker`` hides the secrets. A traceback is folded into its record's line."""

    def __init__(self, masker: Masker) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(name)s: %(message)s", "%Y-%m-%d %H:%M:%S")
        self._masker = masker

    def format(self, record: logging.LogRecord) -> str:
        lines = super().format(record).splitlines()
        return self._masker.text(" | ".join(clean(line).strip() for line in lines if line.strip()))


def set_up_logging(secrets: frozenset[str], *, file: Path | None = None, debug: bool = False) -> None:
    """Send every record of this process to standard error, or to ``file``. Libraries speak only when something is
    wrong."""
    handler = logging.FileHandler(file, encoding="utf-8") if file else logging.StreamHandler(sys.stderr)
    handler.setFormatter(OneLine(Masker(secrets)))
    logging.basicConfig(level=logging.DEBUG if debug else logging.INFO, handlers=[handler], force=True)
    for names, level in ((_NOISY, logging.WARNING), (_QUIETER, logging.ERROR), (_SAID_ANYWAY, logging.CRITICAL)):
        for name in names:
            logging.getLogger(name).setLevel(logging.INFO if debug else level)
