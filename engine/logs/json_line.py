"""A line of the log for programs: one JSON object a record, the same in a worker and in the processes of functions."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from engine.values.masking import Masker

SAYS = "says"  # the field of a sentence for people
LIBRARY = "library.says"  # the event of what is no line of ours


class JsonLine(logging.Formatter):
    """In ASCII: ``at`` (UTC), ``level``, ``logger``, ``event``, then the event's own fields. ``masker`` hides the
    secrets in each of them, and in a ``traceback``; with them goes what is sensitive for the step that runs. ``joined``
    gives the ids of a line that is not ours, so has none.
    """

    def __init__(self, masker: Masker, joined: Callable[[], Mapping[str, Any]] = dict) -> None:
        super().__init__()
        self._masker, self._joined = masker, joined

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        told = {"at": at, "level": record.levelname.lower(), "logger": record.name}
        own = getattr(record, "fields", None)
        told |= {"event": LIBRARY, SAYS: record.getMessage(), **self._joined()} if own is None else own
        if record.exc_info:
            told["traceback"] = self.formatException(record.exc_info)
        masker = self._masker.here()
        if masker.active:
            told = masker.value(json.loads(json.dumps(told, default=str)))
        return json.dumps(told, default=str)
