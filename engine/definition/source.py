"""The text of a definition as plain values, with the line of every part: YAML, or JSON where the file says so.

Both are read as a flat stream of tokens, so that no depth of nesting reaches Python's stack. YAML is taken as its
core schema has it (version 1.2, and JSON): words and numbers that YAML 1.1 and 1.2 understand differently are refused
instead of guessed. Dates, and times such as 12:30, are texts, as everybody means them.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import Any, NamedTuple, NoReturn

import yaml

from engine.definition.problems import Report
from engine.limits import MAX_DEFINITION_BYTES
from engine.values import strict_json
from engine.values.paths import Path

MAX_DEPTH = 50
_LOADER: type[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INT = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_AMBIGUOUS = re.compile(  # one thing in YAML 1.1, another in 1.2, or nothing that JSON can say
    r"yes|no|on|off|[-+]?(0[0-9_]+|0[xob][0-9a-f_]+|[1-9][0-9]*_[0-9_]*|\.inf|infinity)|\.?nan", re.IGNORECASE
)
_HALF_PAIR = re.compile("[\ud800-\udfff]")
_MENDS = (  # what PyYAML says, and what usually mends it
    ("cannot start any token", "put a text that begins with a special character such as @, % or ` in quotes"),
    ("mapping values are not allowed", "put a text that has a colon in quotes, or correct the indentation"),
    ("special characters are not allowed", "remove the control character"),
    ("control characters are not allowed", "remove the control character"),
    ("quoted scalar", "close the quotes"),
)


class Token(NamedTuple):
    """``kind``: "{", "[", "}", "]" or "scalar"; ``text`` is a scalar as it is written, ``value`` what it means."""

    kind: str
    line: int
    text: str = ""
    value: Any = None
    problem: str = ""


class _Level:
    """A list or mapping that is being filled."""

    __slots__ = ("into", "key", "path")

    def __init__(self, into: dict[str, Any] | list[Any], path: Path) -> None:
        self.into, self.path = into, path
        self.key: str | None = None  # of a mapping, while its value is awaited

    def awaits_key(self) -> bool:
        return isinstance(self.into, dict) and self.key is None

    def place(self) -> Path:
        """Of the value that comes next."""
        return (*self.path, len(self.into) if self.key is None else self.key)

    def put(self, value: Any) -> None:
        if isinstance(self.into, list):
            self.into.append(value)
        elif self.key is not None:
            self.into[self.key] = value
            self.key = None


def read(text: str, report: Report) -> Any:
    """The value of a whole file. Notes problems, and the line of each part, in ``report``; raises DefinitionError
    where reading on makes no sense."""
    if len(text) > MAX_DEFINITION_BYTES or len(text.encode("utf-8", "replace")) > MAX_DEFINITION_BYTES:
        report.add((), f"the file is larger than {MAX_DEFINITION_BYTES:,} bytes; split it")
        report.fail()
    tokens = _json_tokens(text, report) if report.places.file.lower().endswith(".json") else _yaml_tokens(text, report)
    return _build(tokens, report)


def _build(tokens: Iterator[Token], report: Report) -> Any:
    whole: Any = None
    levels: list[_Level] = []
    for token in tokens:
        if token.kind in "}]":
            levels.pop()
        elif levels and levels[-1].awaits_key():
            levels[-1].key = _key(levels[-1], token, report)
        else:
            path = levels[-1].place() if levels else ()
            report.lines.setdefault(path, token.line)
            value = _value(token, path, report)
            if levels:
                levels[-1].put(value)
            else:
                whole = value
            if isinstance(value, dict | list):
                levels.append(_Level(value, path))
            if len(levels) > MAX_DEPTH:
                _fail(report, path[:3], f"is nested deeper than {MAX_DEPTH} levels; write it flatter", token.line)
    return whole


def _key(level: _Level, token: Token, report: Report) -> str:
    if token.kind != "scalar":
        _fail(report, level.path, 'has a key that is no text; put a template in quotes: "{{ request.id }}"', token.line)
    path = (*level.path, token.text)
    if token.text in level.into:
        report.add(path, f"the key stands twice, first on line {report.lines[path]}; keep one of them", token.line)
    else:
        report.lines[path] = token.line
    return token.text


def _value(token: Token, path: Path, report: Report) -> Any:
    if token.problem:
        report.add(path, token.problem, token.line)
        report.unclear.add(path)
    if token.kind == "scalar":
        return token.value
    return {} if token.kind == "{" else []


def _fail(report: Report, path: Path, message: str, line: int) -> NoReturn:
    report.add(path, message, line)
    report.fail()


def _json_tokens(text: str, report: Report) -> Iterator[Token]:
    text = text.removeprefix("\ufeff")
    try:
        strict_json.check_depth(text)
        json.loads(text, parse_int=float)  # for its syntax only; what a number means is told below, with its line
    except json.JSONDecodeError as error:
        reason = strict_json.in_plain_words(error).message
        _fail(report, (), f"this is not JSON at column {error.colno}: {reason}", error.lineno)
    except strict_json.InvalidJson as error:
        _fail(report, (), f"{error.message}; write it flatter", error.line)
    line, seen = 1, 0
    for place, token in strict_json.tokens(text):
        line, seen = line + text.count("\n", seen, place), place
        if token in ("{", "[", "}", "]"):
            yield Token(token, line)
        elif token.startswith('"'):
            value = json.loads(token)
            if _HALF_PAIR.search(value):
                _fail(report, (), "a text holds one half of a surrogate pair; write the whole character", line)
            yield Token("scalar", line, value, value)
        else:
            yield _scalar(token, line)


def _yaml_tokens(text: str, report: Report) -> Iterator[Token]:
    try:
        yield from _events(text.encode("utf-8").decode("utf-8"), report)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        _fail(report, (), _in_plain_words(f"{error.problem} {error.context or ''}", _line_of(text, line)), line)
    except yaml.YAMLError as error:
        line = text.count("\n", 0, getattr(error, "position", 0)) + 1
        _fail(report, (), _in_plain_words(str(error), _line_of(text, line)), line)
    except UnicodeError:
        _fail(report, (), "the file is not UTF-8; save it as UTF-8", 1)


def _events(text: str, report: Report) -> Iterator[Token]:
    loader = _LOADER(text)
    documents = 0
    try:
        while (event := loader.get_event()) is not None:
            line = event.start_mark.line + 1
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    _fail(report, (), "a file holds one definition; move what follows `---` to a file of its own", line)
            elif isinstance(event, yaml.NodeEvent):
                yield _opening(event, line, report)
            elif isinstance(event, yaml.CollectionEndEvent):
                yield Token("]" if isinstance(event, yaml.SequenceEndEvent) else "}", line)
    finally:
        loader.dispose()


def _opening(event: yaml.NodeEvent, line: int, report: Report) -> Token:
    if event.anchor is not None:
        what = "alias `*" if isinstance(event, yaml.AliasEvent) else "anchor `&"
        _fail(report, (), f"the {what}{event.anchor}` cannot be used; write the value out, or the text in quotes", line)
    tag = getattr(event, "tag", None)
    if tag is not None:
        report.add((), f"the tag `{tag}` cannot be used; leave it out, or put the text in quotes", line)
    if isinstance(event, yaml.ScalarEvent):
        return _scalar(event.value, line) if event.implicit[0] else Token("scalar", line, event.value, event.value)
    return Token("[" if isinstance(event, yaml.SequenceStartEvent) else "{", line)


def _scalar(text: str, line: int) -> Token:
    """A word without quotes."""
    if text in _WORDS:
        return Token("scalar", line, text, _WORDS[text])
    if _AMBIGUOUS.fullmatch(text):
        problem = f"`{text}` means different things to different readers; write {_clear(text)}"
        return Token("scalar", line, text, text, problem)
    if _INT.fullmatch(text):
        if len(text) > 300:
            return Token("scalar", line, text, 0, "the number has too many digits; write it as a text in quotes")
        return Token("scalar", line, text, int(text))
    if _FLOAT.fullmatch(text):
        number = float(text)
        problem = "" if math.isfinite(number) else "the number is too large; write it as a text in quotes"
        return Token("scalar", line, text, number, problem)
    return Token("scalar", line, text, text)


def _clear(text: str) -> str:
    word = {"yes": "true", "on": "true", "no": "false", "off": "false"}.get(text.lower())
    return f'{word}, or "{text}" in quotes' if word else f'a plain number, or "{text}" in quotes'


def _in_plain_words(message: str, line: str) -> str:
    mend = next((mend for sign, mend in _MENDS if sign in message), "look at the indentation, quotes and brackets here")
    if line.lstrip(" ").startswith("\t"):
        mend = "indent with spaces instead of tabs"
    return f"this is not YAML: {' '.join(message.split())}; {mend}"


def _line_of(text: str, number: int) -> str:
    lines = text.splitlines()
    return lines[number - 1] if number <= len(lines) else ""
