"""Keeping sensitive values from every door: Slack, logs, the command line, the API, errors of outside systems (SPEC 7).

Masking is by value: wherever a sensitive value shows, not only in the field it came from. Values of 4 characters and
more are masked anywhere, in their usual encodings too; of 2 and 3 characters, where they stand as a word; a single
character only as a whole value, since masking every "1" would destroy every text. Booleans and nulls are masked in
their own field only. Of a value of several lines each is one too, since they may be told one by one. A value hidden in
something larger (base64 of a whole sentence, say) cannot be found, nor one that was cut: mask before you cut.
"""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from contextvars import ContextVar
from typing import Any
from urllib.parse import quote, quote_plus

from engine.texts import MASK

_ANYWHERE_FROM = 4  # characters
_WORD_FROM = 2
_FEW = 200  # values that are looked for one by one, which is quicker than at each place of a text, and in rarer forms


class Masker:
    """Replaces each of ``values`` by the mask. ``active`` is False when there is nothing to mask."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        self._whole = frozenset(part for value in values for part in _parts(value))
        kinds = (_forms, _rarer_forms) if len(self._whole) <= _FEW else (_forms,)
        long = [value for value in self._whole if len(value) >= _ANYWHERE_FROM]
        self._forms = frozenset(form for value in long for forms in kinds for form in forms(value))
        self._words = _word_pattern(self._whole)
        self._many: _Many | None = None

    @property
    def active(self) -> bool:
        return bool(self._whole)

    @property
    def values(self) -> frozenset[str]:
        return self._whole

    def here(self) -> Masker:
        """With what is sensitive in the request whose step this thread runs."""
        of_step = step_masker.get()
        return self if of_step is None else of_step.plus(self._whole)

    def plus(self, values: Iterable[str]) -> Masker:
        """One that masks ``values`` too; this one, when it does already."""
        more = Masker(values)
        if more._whole <= self._whole:
            return self
        more._whole |= self._whole
        more._forms |= self._forms
        more._words = _word_pattern(more._whole)
        return more

    def _found(self, text: str) -> Iterable[tuple[int, int]]:
        if len(self._whole) <= _FEW:
            yield from (span for form in self._forms if form in text for span in _spans(form, text))
            yield from (found.span() for found in (self._words.finditer(text) if self._words else ()))
            return
        if self._many is None:
            self._many = _Many(self._whole, self._forms)
        yield from self._many.spans(text)

    def text(self, text: str) -> str:
        """``text`` without the values. Where occurrences overlap, all of their characters go."""
        if text.strip() in self._whole:
            return MASK
        spans = sorted(self._found(text))
        return _without(text, spans) if spans else text

    def value(self, value: Any) -> Any:
        """A JSON value without the values: in texts, in names of fields, and in numbers."""
        if not self._whole:
            return value
        return _mapped(value, self._leaf, self.text)

    def _leaf(self, leaf: Any) -> Any:
        if isinstance(leaf, str):
            return self.text(leaf)
        if any(self.text(written) != written for written in _written(leaf)):
            return MASK
        return leaf


# Of the step that this thread runs, once it has seen a value that is listed as sensitive.
step_masker: ContextVar[Masker | None] = ContextVar("step_masker", default=None)


class _Many:
    """The same for so many values that a text is gone through once, whatever their number: whoever submits a request
    may fill a field that is listed as sensitive with a hundred thousand."""

    def __init__(self, whole: frozenset[str], forms: frozenset[str]) -> None:
        self._forms = forms
        self._words = {value for value in whole if _WORD_FROM <= len(value) < _ANYWHERE_FROM}
        self._lengths: dict[str, set[int]] = {}  # of the forms that begin so
        for form in forms:
            self._lengths.setdefault(form[:_ANYWHERE_FROM], set()).add(len(form))

    def spans(self, text: str) -> Iterable[tuple[int, int]]:
        for start in range(len(text)):
            for length in self._lengths.get(text[start : start + _ANYWHERE_FROM], ()):
                if text[start : start + length] in self._forms:
                    yield start, start + length
            if not _in_word(text[max(0, start - 1) : start]):
                for end in range(start + _WORD_FROM, start + _ANYWHERE_FROM):
                    if text[start:end] in self._words and not _in_word(text[end : end + 1]):
                        yield start, end


def _in_word(character: str) -> bool:
    return character.isalnum() or character == "_"


def sensitive_values(paths: Iterable[str], input: Any, results: Mapping[str, Any]) -> frozenset[str]:
    """The values that a definition's ``sensitive`` paths lead to, as text; ``results`` by node."""
    found: set[str] = set()

    def collect(leaf: Any) -> Any:
        found.update([leaf] if isinstance(leaf, str) else _written(leaf))
        return leaf

    _at_paths(paths, input, results, collect)
    return frozenset(found)


def mask_fields(paths: Iterable[str], input: Any, results: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Input and results with the fields that ``paths`` lead to masked, whatever their values."""
    return _at_paths(paths, input, results, lambda leaf: None if leaf is None else MASK)


def _at_paths(
    paths: Iterable[str], input: Any, results: Mapping[str, Any], change: Callable[[Any], Any]
) -> tuple[Any, dict[str, Any]]:
    changed = dict(results)
    for path in paths:
        match path.split("."):
            case ["request", "input", *below]:
                input = _at(input, below, change)
            case ["nodes", node, "result", *below] if node in changed:
                changed[node] = _at(changed[node], below, change)
    return input, changed


def _at(value: Any, path: list[str], change: Callable[[Any], Any]) -> Any:
    """``value`` with every leaf at and below ``path`` changed. A list counts as each of its items, unless numbered."""
    if not path:
        return _mapped(value, change)
    name, *below = path
    if isinstance(value, dict):
        return {key: _at(item, below, change) if key == name else item for key, item in value.items()}
    if isinstance(value, list):
        if not name.isdigit():
            return [_at(item, path, change) for item in value]
        return [_at(item, below, change) if i == int(name) else item for i, item in enumerate(value)]
    return value


def _mapped(value: Any, leaf: Callable[[Any], Any], key: Callable[[str], str] = str) -> Any:
    if isinstance(value, dict):
        return {key(name): _mapped(item, leaf, key) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_mapped(item, leaf, key) for item in value]
    return leaf(value)


def _written(number: Any) -> tuple[str, ...]:
    """How a number may be written; nothing for anything else."""
    if isinstance(number, bool) or not isinstance(number, int | float):
        return ()
    whole = isinstance(number, float) and number.is_integer()
    return (str(number), str(int(number))) if whole else (str(number),)


def _parts(value: str) -> Iterator[str]:
    """The value, and its lines."""
    whole = value.strip()
    if whole:
        yield whole
        lines = map(str.strip, whole.splitlines())
        yield from (line for line in lines if len(line) >= _ANYWHERE_FROM)


def _word_pattern(values: Iterable[str]) -> re.Pattern[str] | None:
    words = [re.escape(value) for value in values if _WORD_FROM <= len(value) < _ANYWHERE_FROM]
    if len(words) > _FEW:
        return None
    return re.compile(rf"(?<!\w)(?:{'|'.join(words)})(?!\w)") if words else None


def _forms(value: str) -> set[str]:
    """How a value shows on one line, in JSON, addresses, HTML, logs, and as base64."""
    raw = value.encode("utf-8", "surrogatepass")
    encoded = {quote(raw, safe=""), quote(raw), quote_plus(raw)}
    return {
        value,
        " ".join(value.split()),
        json.dumps(value)[1:-1],
        json.dumps(value, ensure_ascii=False)[1:-1],
        repr(value)[1:-1],
        html.escape(value),
        html.escape(value, quote=False),
        *encoded,
        *(re.sub(r"%[0-9A-F]{2}", lambda found: found[0].lower(), form) for form in encoded),
        base64.b64encode(raw).decode().rstrip("="),
        base64.urlsafe_b64encode(raw).decode().rstrip("="),
    }


def _rarer_forms(value: str) -> set[str]:
    """How it shows in JSON that stands in JSON, in that of PHP, and as ISO 8859-1 where it was sent as UTF-8 or the
    other way round: a dozen more, where it has characters that are written otherwise there."""
    misread = set[str]()
    if not value.isascii():
        misread.add(value.encode("utf-8", "surrogatepass").decode("latin-1"))
        with suppress(UnicodeEncodeError):
            misread.add(value.encode("latin-1").decode("utf-8", "replace"))
    in_json = {json.dumps(text)[1:-1] for text in (value, *misread)} | {json.dumps(value, ensure_ascii=False)[1:-1]}
    return {
        *misread,
        *in_json,
        *(form.replace("/", "\\/") for form in in_json),
        *(written(form)[1:-1] for form in in_json - {value} for written in (json.dumps, repr)),
    }


def _spans(form: str, text: str) -> Iterable[tuple[int, int]]:
    start = text.find(form)
    while start >= 0:
        yield start, start + len(form)
        start = text.find(form, start + 1)


def _without(text: str, spans: list[tuple[int, int]]) -> str:
    kept, end = [], 0
    for start, stop in spans:
        if start >= end:
            kept += [text[end:start], MASK]
        end = max(end, stop)
    return "".join([*kept, text[end:]])
