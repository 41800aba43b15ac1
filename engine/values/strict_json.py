"""JSON from outside, read so that nothing is guessed: one meaning, bounded size and depth, errors in plain words."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

from engine.errors import InputTooLarge, InvalidInput
from engine.limits import MAX_JSON_DEPTH

# A string is matched even when its closing quote is missing, so that scanning stays linear on any text.
_TOKEN = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[\]{}]|[^\s"\[\]{},:]+', re.DOTALL)
_KEY_END = re.compile(r"\s*:")
_ENCODE = json.JSONEncoder(allow_nan=False, separators=(",", ":")).encode
_PLAIN_WORDS = (  # how json's messages begin, and what they mean to the person who typed the text
    ("Expecting value", 'expected a value: a text in double quotes, a number, true, false, null, "[" or "{"'),
    ("Expecting property name", "expected a key in double quotes"),
    ("Expecting ':'", "expected a colon after the key"),
    ("Expecting ','", "expected a comma, or the bracket that closes the list or object"),
    ("Unterminated string", "the text that starts here has no closing double quote"),
    (
        "Invalid control character",
        'a text holds a line break or another control character; write "\\n" for a line break',
    ),
    ("Invalid \\", 'a backslash here starts nothing JSON knows; write two ("\\\\") for one backslash'),
    ("Extra data", "expected nothing after the value that ends before this"),
    ("Illegal trailing comma", "remove the comma before the closing bracket"),
)


class InvalidJson(InvalidInput):
    """The text is not JSON as we take it. ``line`` and ``column`` count from 1; ``message`` is the reason alone."""

    def __init__(self, message: str, line: int, column: int) -> None:
        self.message, self.line, self.column = message, line, column
        super().__init__(f"Line {line}, column {column}: {message}.")


def loads(text: str, *, limit: int) -> Any:
    """Read JSON of at most ``limit`` bytes (as UTF-8) and ``MAX_JSON_DEPTH`` levels.

    Raises InputTooLarge, InvalidJson; the latter also for NaN, infinities and a key that stands twice in an object.
    """
    check_size(text, limit)
    text = text.removeprefix("\ufeff")
    check_depth(text)
    try:
        return json.loads(text, parse_constant=_refuse, parse_float=_finite, object_pairs_hook=_unique)
    except json.JSONDecodeError as error:
        raise in_plain_words(error) from None
    except _Unwanted as error:
        raise _error(error.message, text, _place(text, error.token)) from None
    except ValueError:  # Python's own bound on the digits of an int
        raise InvalidInput("A number in this JSON has too many digits; write it as a text.") from None


def dumps(value: Any) -> str:
    """Compact JSON in ASCII, whatever the texts hold. Raises InvalidInput for what JSON cannot say."""
    try:
        return _ENCODE(value)
    except RecursionError:
        raise InvalidInput("The value is nested too deeply to be written as JSON.") from None
    except (ValueError, TypeError) as error:
        raise InvalidInput(f"The value cannot be written as JSON: {error}.") from None


def canonical(text: str) -> str:
    """The same for every text of the same JSON, whatever the order of its keys and its spaces."""
    return json.dumps(json.loads(text), sort_keys=True)


def check_size(text: str, limit: int) -> None:
    """Raise InputTooLarge for a text of more than ``limit`` bytes as UTF-8."""
    if len(text) > limit or (4 * len(text) > limit and len(text.encode("utf-8", "surrogatepass")) > limit):
        raise InputTooLarge(f"The text is too large; the limit is {limit:,} bytes. Shorten it.")


def check_depth(text: str) -> None:
    """Raise InvalidJson where lists and objects stand deeper than ``MAX_JSON_DEPTH`` inside one another."""
    if text.count("[") + text.count("{") <= MAX_JSON_DEPTH:
        return
    depth = 0
    for place, token in tokens(text):
        if token in "[{":
            depth += 1
            if depth > MAX_JSON_DEPTH:
                raise _error(f"lists and objects are nested deeper than {MAX_JSON_DEPTH} levels", text, place)
        elif token in "]}":
            depth -= 1


def tokens(text: str) -> Iterator[tuple[int, str]]:
    """Each bracket, string, number and word of a JSON text, with its place; no commas, colons or spaces."""
    return ((match.start(), match.group()) for match in _TOKEN.finditer(text))


def where(text: str, path: Sequence[str | int]) -> tuple[int, int] | None:
    """Line and column, from 1, of the value at ``path`` in a JSON text that can be read; None when it is not there."""
    above: list[str | int] = []  # the key or number, in each list or object around here, of what stands here
    for place, token in tokens(text):
        if token in "]}":
            above.pop()
            continue
        if above and isinstance(above[-1], int):
            above[-1] += 1
        elif above and token.startswith('"') and _KEY_END.match(text, place + len(token)):
            above[-1] = json.loads(token)
            continue
        if len(above) == len(path) and above == list(path):
            return line_and_column(text, place)
        if token in "[{":
            above.append(-1 if token == "[" else "")
    return None


def line_and_column(text: str, place: int) -> tuple[int, int]:
    """Of the character at ``place``; both count from 1."""
    return text.count("\n", 0, place) + 1, place - text.rfind("\n", 0, place)


def in_plain_words(error: json.JSONDecodeError) -> InvalidJson:
    """The same error, for a person."""
    if not error.doc.strip():
        return InvalidJson('there is no JSON here; write a value, such as {"key": "text"}', 1, 1)
    words = next((words for start, words in _PLAIN_WORDS if error.msg.startswith(start)), error.msg)
    return InvalidJson(words, error.lineno, error.colno)


class _Unwanted(Exception):
    """Valid for Python's reader, refused by ours; raised from its hooks, which know no place."""

    def __init__(self, token: str, message: str) -> None:
        self.token, self.message = token, message


def _refuse(constant: str) -> NoReturn:
    raise _Unwanted(constant, f"{constant} is no number in JSON; write a number, null or a text")


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise _Unwanted(digits, "the number is too large; write it as a text")
    return number


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise _Unwanted("", "a key stands twice in one object; keep one of them")
    return found


def _place(text: str, wanted: str) -> int:
    """Where the first token of this kind is; for no token, where the first key is that its object has already."""
    objects: list[set[str]] = []
    for place, token in tokens(text):
        if wanted and token == wanted:
            return place
        if token in "[{":
            objects.append(set())
        elif token in "]}":
            objects.pop()
        elif not wanted and token.startswith('"') and _KEY_END.match(text, place + len(token)):
            key = json.loads(token)
            if key in objects[-1]:
                return place
            objects[-1].add(key)
    return 0


def _error(message: str, text: str, place: int) -> InvalidJson:
    return InvalidJson(message, *line_and_column(text, place))
