"""What functions print and log. It goes to the worker's standard error from here: a function that prints without end
costs its own process, and no other."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable, Mapping
from typing import Any

from engine.json_line import JsonLine
from engine.masking import Masker
from engine.printed import Printed, printed_as_records

_TEXT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"


class Output:
    """Takes over the two outputs of this process, and its log from INFO on. ``secrets`` are masked in all of it.
    ``as_json``: each line is one as the worker's are, and has ``ids``, which join it to the step that is running."""

    def __init__(self, secrets: Iterable[str], *, as_json: bool) -> None:
        self.ids: Mapping[str, Any] = {}
        self._masker = Masker(secrets)
        handler = logging.StreamHandler(sys.__stderr__)
        handler.setFormatter(JsonLine(self._masker, lambda: self.ids) if as_json else _Text(self._masker))
        logging.basicConfig(level=logging.INFO, handlers=[handler])
        self._printed = printed_as_records() if as_json else [Printed(number, self._as_it_is) for number in (1, 2)]
        sys.stdout, sys.stderr = self._streams = [printed.stream() for printed in self._printed]

    def end_lines(self) -> None:
        """What was printed by the last call belongs to it, whole or not. Raises ValueError when it closed an output."""
        for stream, printed in zip(self._streams, self._printed, strict=True):
            stream.flush()
            printed.end_line()

    def _as_it_is(self, line: str) -> None:
        assert sys.__stderr__ is not None
        sys.__stderr__.write(f"{self._masker.text(line)}\n")


class _Text(logging.Formatter):
    def __init__(self, masker: Masker) -> None:
        super().__init__(_TEXT)
        self._masker = masker

    def format(self, record: logging.LogRecord) -> str:
        return self._masker.text(super().format(record))
