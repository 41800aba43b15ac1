"""What an answer, or its absence, means for a step: outcome, effect, and whether trying again may mend it. Pure.

The effect (SPEC 4, *What the last call did*): could not connect → not sent; 4xx → rejected; 2xx → accepted; everything
else → unknown. Tried again (SPEC 3.1): connection errors, time-outs, 408, 425, 429, 5xx.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, NamedTuple

from jsonschema.exceptions import best_match
from referencing.exceptions import Unresolvable

from engine.errors import InvalidInput
from engine.limits import MAX_RESPONSE_BYTES
from engine.rules.outcomes import Failure, Outcome, Success
from engine.states import CallEffect
from engine.values import strict_json
from engine.values.json_schema import misfits

RETRIED_STATUSES = frozenset({408, 425, 429})
_SAYING = ("detail", "message", "error_description", "error", "title")
_TOO_SLOW = "punycode"  # Python's codec for host names: its time grows with the square of the text
_READABLE = 3 * MAX_RESPONSE_BYTES  # a byte that is not UTF-8 is read as a mark of three
TOO_LARGE = f"is larger than {MAX_RESPONSE_BYTES // 1024} KiB"


class Answer(NamedTuple):
    """A response. ``fault`` completes "its answer ..." where the body did not arrive whole; ``body`` is what did."""

    status: int
    reason: str
    headers: Mapping[str, str]
    body: bytes
    fault: str | None = None

    @property
    def too_large(self) -> bool:
        return self.fault == TOO_LARGE


class NoAnswer(NamedTuple):
    """No response. ``sent`` False: the request certainly did not leave. ``why`` completes "identity ..."."""

    sent: bool
    why: str


class Expectation(NamedTuple):
    """Which answers count as success: these statuses (none given: every 2xx) and this JSON Schema.

    ``retry``: an accepted call whose answer is not as expected is tried again (``on_unexpected``).
    """

    statuses: frozenset[int] = frozenset()
    schema: Mapping[str, Any] | None = None
    retry: bool = False

    def met_by(self, status: int) -> bool:
        """A redirect never is: it is not followed (SPEC 2)."""
        if 300 <= status < 400:
            return False
        return status in self.statuses if self.statuses else 200 <= status < 300


def effect_of(status: int) -> CallEffect:
    """What a call that was answered with ``status`` is known to have done."""
    if 200 <= status < 300:
        return CallEffect.ACCEPTED
    return CallEffect.REJECTED if 400 <= status < 500 else CallEffect.UNKNOWN


Hide = Callable[[Any], Any]


def judge(who: str, answer: Answer | NoAnswer, expect: Expectation, now: float, hide: Hide) -> Outcome:
    """The outcome of a call of the system ``who``; its error is neither masked nor cut yet.

    ``now``: seconds since the epoch. ``hide`` takes the sensitive fields out of a JSON answer that is kept or shown.
    """
    if isinstance(answer, NoAnswer):
        effect = CallEffect.UNKNOWN if answer.sent else CallEffect.NOT_SENT
        return Failure(f"{who} {answer.why}.", effect, retryable=True)
    effect = effect_of(answer.status)
    if not expect.met_by(answer.status):
        return _unwanted(who, answer, expect, now, hide)
    if answer.fault:
        return Failure(f"{who}'s answer {answer.fault}.", effect, retryable=not answer.too_large)
    try:
        result = read_body(answer)
    except InvalidInput as error:
        return Failure(f"{who}'s answer is not the JSON that it claims to be. {error}", effect, expect.retry)
    misfit = _misfit(expect.schema, result)
    if misfit:
        response = hide(result) if _claims_json(answer) else None
        return Failure(f"{who}'s answer does not fit: {misfit}.", effect, expect.retry, response=response)
    return Success(strict_json.dumps(result), call=effect)


def _unwanted(who: str, answer: Answer, expect: Expectation, now: float, hide: Hide) -> Failure:
    status, effect = answer.status, effect_of(answer.status)
    retryable = status in RETRIED_STATUSES or status >= 500 or (effect is CallEffect.ACCEPTED and expect.retry)
    error = f"{who} answered {status} {answer.reason or _phrase(status)}".rstrip()
    if 300 <= status < 400:
        error += ", and redirects are not followed"
    elif effect is CallEffect.ACCEPTED:
        error += f", expected {' or '.join(map(str, sorted(expect.statuses)))}"
    if answer.fault:  # not quoted: it may have ended within a secret, which is not known any more by its beginning
        error += f", and its answer {answer.fault}"
    response = hide(_json_or_none(answer))
    quoted = "" if answer.fault else _text(answer).strip()
    said = quoted if response is None else _gist(response)
    their_now = _moment(answer.headers.get("Date") or "")  # a time of theirs is by their clock: ours may be wrong
    wish = retry_after(answer.headers.get("Retry-After"), their_now or now) if retryable else None
    is_page = said.startswith("<")
    return Failure(f"{error}: {said}" if said and not is_page else f"{error}.", effect, retryable, wish, response)


def read_body(answer: Answer) -> Any:
    """A JSON body as its value, any other as ``{"status": 200, "text": "..."}`` (SPEC 10). Raises InvalidInput."""
    if _claims_json(answer):
        return strict_json.loads(answer.body.decode("utf-8-sig", "replace"), limit=_READABLE)
    return {"status": answer.status, "text": _text(answer)}


def retry_after(header: str | None, now: float) -> float | None:
    """The other side's Retry-After in seconds from ``now``: a number of seconds, or an HTTP date."""
    text = (header or "").strip()
    if re.fullmatch(r"[0-9]+", text):
        return float(text)
    until = _moment(text)
    return None if until is None else max(0.0, until - now)


def _moment(text: str) -> float | None:
    """An HTTP date as seconds since the epoch."""
    try:
        when = parsedate_to_datetime(text)
        return when.replace(tzinfo=when.tzinfo or UTC).timestamp()
    except (ValueError, OverflowError):
        return None


def _claims_json(answer: Answer) -> bool:
    """By its content type; without one, by how it begins. Nothing is no JSON."""
    if not answer.body.strip():
        return False
    kind = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if not kind:
        return answer.body.lstrip()[:1] in (b"{", b"[")
    return kind == "application/json" or kind.endswith("+json")


def _json_or_none(answer: Answer) -> Any:
    try:
        return read_body(answer) if _claims_json(answer) and not answer.fault else None
    except InvalidInput:
        return None


def _gist(response: Any) -> str:
    """What a JSON error says, in the field where most systems say it, or else the whole."""
    if isinstance(response, dict):
        said = next((response[name] for name in _SAYING if isinstance(response.get(name), str)), None)
        if said:
            return str(said).strip()
    return json.dumps(response, ensure_ascii=False) if response else ""


def _text(answer: Answer) -> str:
    named = re.search(r"charset\s*=\s*\"?([\w.:-]+)", answer.headers.get("Content-Type", ""), re.IGNORECASE)
    try:
        codec = codecs.lookup(named[1] if named else "utf-8").name
        return answer.body.decode("utf-8" if codec == _TOO_SLOW else codec, "replace")
    except (LookupError, UnicodeError):  # no such charset, or one that does not do with what came
        return answer.body.decode("utf-8", "replace")


def _phrase(status: int) -> str:
    return HTTPStatus(status).phrase if status in HTTPStatus.__members__.values() else ""


def _misfit(schema: Mapping[str, Any] | None, value: Any) -> str | None:
    """Why a value does not fit the schema; None when it does."""
    try:
        error = best_match(iter(misfits(schema, value)))
    except Unresolvable as unresolvable:
        return f"the schema points to {unresolvable.ref}, which is not in it"
    if error is None:
        return None
    place = ".".join(map(str, error.absolute_path))
    return f"{place}: {error.message}" if place else error.message
