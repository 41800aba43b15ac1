"""What is printed, taken line by line: for logs whose lines have a form, and so that no line has a secret in it."""

from __future__ import annotations

import io
import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TextIO, cast

from engine.limits import MAX_TOLD_CHARS
from engine.values.masking import Masker

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


def printed_as_records() -> tuple[Printed, Printed]:
    """For the standard output and the standard error: each line is a record of the logger ``print``."""
    logger = logging.getLogger("print")
    return Printed(1, logger.info), Printed(2, logger.warning)


def printed_as_text(masker: Masker, out: TextIO, err: TextIO) -> tuple[Printed, Printed]:
    """For the same two: each line goes to ``out``, or ``err``, as it was written, but for what ``masker`` hides."""

    def to(stream: TextIO) -> Callable[[str], None]:
        def say(line: str) -> None:
            stream.write(f"{masker.here().text(line)}\n")
            stream.flush()

        return say

    return Printed(1, to(out)), Printed(2, to(err))


def end_lines(*streams: TextIO) -> None:
    """What this thread has begun to print there is a line, whole or not. Raises ValueError when one was closed."""
    for stream in streams:
        stream.flush()
        printed = getattr(stream, "buffer", None)
        if isinstance(printed, Printed):
            printed.end_line()


class Printed(io.RawIOBase):
    """Hands each line that is written, but for blank ones, to ``say``. It stands for the file descriptor ``number``,
    which crashes, and programs that are started, go on to write to themselves."""

    def __init__(self, number: int, say: Callable[[str], None]) -> None:
        self._number, self._say = number, say
        self._mine = _OfThread()

    def stream(self) -> TextIO:
        """What takes the place of ``sys.stdout`` or ``sys.stderr``."""
        raw = cast(Any, self)  # unbuffered, as Python's own with `-u`: two threads begin two lines
        return io.TextIOWrapper(raw, encoding="utf-8", errors="backslashreplace", write_through=True)

    def fileno(self) -> int:
        return self._number

    def writable(self) -> bool:
        return True

    def write(self, data: ReadableBuffer, /) -> int:
        written = bytes(data)
        if not self._mine.saying:  # else it is what went wrong with saying it
            *lines, self._mine.begun = (self._mine.begun + written).split(b"\n")
            self._say_all(lines)
            if len(self._mine.begun) > MAX_TOLD_CHARS:
                self.end_line()
        return len(written)

    def end_line(self) -> None:
        """What this thread has begun is a line, too."""
        begun, self._mine.begun = self._mine.begun, b""
        self._say_all([begun])

    def _say_all(self, lines: list[bytes]) -> None:
        self._mine.saying = True
        try:
            for line in lines:
                if text := line.decode("utf-8", "backslashreplace").rstrip():
                    self._say(text)
        finally:
            self._mine.saying = False


class _OfThread(threading.local):
    """So that lines of two threads are not mixed."""

    begun = b""
    saying = False
