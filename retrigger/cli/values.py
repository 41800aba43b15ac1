"""What people type behind a command, as typed values."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import click

from engine.limits import MAX_INPUT_BYTES
from retrigger.ages import days_of

_REQUEST = re.compile(r"(?:req-?|#)?(\d{1,15})\Z", re.IGNORECASE)


class RequestId(click.ParamType[int]):
    """REQ-42, req-42 or 42."""

    name = "REQ"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        found = _REQUEST.match(value.strip())
        if found is None:
            self.fail(f"{value!r} is no request; write REQ-42, or 42.", param, ctx)
        return int(found[1])


class JsonText(click.ParamType[str]):
    """JSON as it is typed, or @FILE, or @- for standard input. The text is not parsed here."""

    name = "JSON|@FILE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if not value.startswith("@"):
            return str(value)
        content = self._content(value[1:], param, ctx)
        try:
            return content.decode("utf-8")
        except UnicodeDecodeError as error:
            if error.end >= MAX_INPUT_BYTES:  # cut in the middle of a character: it is too large anyway
                return content.decode("utf-8", "replace")
            self.fail(f"{value[1:]} is not UTF-8 text; save it as UTF-8.", param, ctx)

    def _content(self, name: str, param: click.Parameter | None, ctx: click.Context | None) -> bytes:
        """At most one byte more than is allowed: the engine refuses that with its sentence."""
        if name == "-":
            if sys.stdin is None:
                self.fail("standard input cannot be read: it is closed.", param, ctx)
            return sys.stdin.buffer.read(MAX_INPUT_BYTES + 1)
        try:
            with Path(name).open("rb") as file:
                return file.read(MAX_INPUT_BYTES + 1)
        except OSError as error:
            self.fail(f"{name or 'a file without a name'} cannot be read: {error.strerror}.", param, ctx)


class Number(click.IntRange):
    """Called so in the help, and where it is none."""

    name = "number"


class Word(click.Choice[str]):
    """One of a few words, as it is written here or on screen: take_action, Take action, take-action."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        plain = re.sub(r"[\s-]+", "_", value.strip().lower())
        return super().convert(plain if plain in self.choices else value, param, ctx)


class Name(click.ParamType[str]):
    """What something is called, without the spaces around it. An empty text, which is what a shell makes of a variable
    that is not set, is refused: it would be as if nothing had been named."""

    def __init__(self, what: str, mend: str) -> None:
        self.name, self._mend = what, mend

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if not value.strip():
            self.fail(f"{value!r} is no {self.name}; {self._mend}.", param, ctx)
        return str(value.strip())


class Age(click.ParamType[int]):
    """A number of days, such as 90d."""

    name = "90d"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        days = days_of(value)
        if days is None:
            self.fail(f"{value!r} is no age; write a number of days such as 90d.", param, ctx)
        return days


AGE = Age()
APP = Name("application", "write its name, or leave --app out for all of them")
NODE = Name("step", "write the name of its node")
REQUEST = RequestId()
JSON_TEXT = JsonText()
