"""What functions print and log. It goes to the worker's standard error from here: a function that prints without end
costs its own process, and no other."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable, Mapping
from typing import Any

from engine.logs.json_line import JsonLine
from engine.logs.printed import printed_as_records, printed_as_text
from engine.values.masking import Masker

_TEXT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"


class Output:
    """Takes over the two outputs of this process, and its log from INFO on. ``secrets`` are masked in all of it, and
    what is sensitive for the step whose function it runs. ``as_json``: each line is one as the worker's are, and has
    ``ids``, which join it to that step."""

    def __init__(self, secrets: Iterable[str], *, as_json: bool) -> None:
        self.ids: Mapping[str, Any] = {}
        masker, told = Masker(secrets), sys.__stderr__
        assert told is not None
        handler = logging.StreamHandler(told)
        handler.setFormatter(JsonLine(masker, lambda: self.ids) if as_json else _Text(masker))
        logging.basicConfig(level=logging.INFO, handlers=[handler])
        both = printed_as_records() if as_json else printed_as_text(masker, told, told)
        sys.stdout, sys.stderr = (printed.stream() for printed in both)


class _Text(logging.Formatter):
    def __init__(self, masker: Masker) -> None:
        super().__init__(_TEXT)
        self._masker = masker

    def format(self, record: logging.LogRecord) -> str:
        return self._masker.here().text(super().format(record))
