"""What somebody typed after /retrigger, as a typed value. Pure."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from enum import Enum
from typing import NamedTuple

from engine.allowed import Action
from engine.errors import RetriggerError
from engine.permissions import Permission

_REQUEST = re.compile(r"(?:req-?)?#?(\d{1,15})\Z", re.IGNORECASE)


class Word(Enum):
    """Commands that need no request."""

    LIST = "list"
    WHOAMI = "whoami"
    GRANTS = "grants"
    HELP = "help"


class Show(NamedTuple):
    """The Progress Path of a request."""

    request_id: int


class Start(NamedTuple):
    """The modal of an act."""

    action: Action
    request_id: int
    node: str | None = None


class Give(NamedTuple):
    """A permission to give, or (``give`` False) to take back. ``who`` is an id, a mail, key:NAME, or "@handle"."""

    give: bool
    who: str
    permission: Permission
    app: str | None = None


Typed = Word | Show | Start | Give

_GIVE = {"grant": True, "revoke": False}
# What Slack makes of a mention, a group's mention and a mail address.
_ESCAPED = re.compile(r"<(?:@(?P<user>[A-Z0-9]+)|!subteam\^(?P<group>[A-Z0-9]+)|mailto:(?P<mail>[^|>]+))(?:\|[^>]*)?>")
_WHO = re.compile(r"[UWS][A-Z0-9]+|@[^\s<>@]+|key:\S+|[^\s<>@]+@[^\s<>@]+")

_OF_REQUEST = {"continue": Action.CONTINUE, "withdraw": Action.WITHDRAW}
_OF_STEP = {"": Action.RETRIGGER, "flow": Action.FLOW, "input": Action.INPUT}


class Misspelt(RetriggerError):
    """It is no command; the sentence gives the right spelling."""


def parse(text: str) -> Typed:
    """Raises Misspelt."""
    words = text.split()
    if not words:
        return Word.LIST
    request = _REQUEST.match(words[0])
    if request is None:
        return _without_request(words)
    request_id = int(request.group(1))
    if len(words) == 1:
        return Show(request_id)
    if len(words) == 2 and words[1].lower() in _OF_REQUEST:
        return Start(_OF_REQUEST[words[1].lower()], request_id)
    return _with_step(request_id, words[1:])


def _without_request(words: list[str]) -> Typed:
    word = words[0].lower()
    if word in _GIVE:
        return _give(word, words[1:])
    if len(words) == 1 and word in {known.value for known in Word}:
        return Word(word)
    if word in {known.value for known in Word}:
        raise Misspelt(f"Write `/retrigger {word}`, with nothing behind it.")
    near = closest(word, [*(known.value for known in Word), *_GIVE])
    hint = f"Did you mean `/retrigger {near}`?" if near else "A request is written REQ-42. `/retrigger help` shows all."
    raise Misspelt(f"There is no command {words[0]}. {hint}")


def _with_step(request_id: int, words: list[str]) -> Typed:
    node, what = words[0], " ".join(words[1:]).lower()
    if what in _OF_STEP:
        return Start(_OF_STEP[what], request_id, node)
    near = closest(what, ["flow", "input"])
    if near:
        raise Misspelt(f"Did you mean `/retrigger REQ-{request_id} {node} {near}`?")
    raise Misspelt(
        f"Behind the step comes nothing, flow or input: `/retrigger REQ-{request_id} {node} flow`. "
        "`/retrigger help` shows all."
    )


def _give(word: str, words: list[str]) -> Give:
    if len(words) < 2:
        raise Misspelt(f"Write whom, what and for which application: `/retrigger {word} @NAME take_action HR`.")
    permission, app = _permission(words[1:])
    if permission is None:
        known = [one.value for one in Permission]
        near = closest(words[1], known)
        hint = f"Did you mean {near}?" if near else f"There are {', '.join(known)}."
        raise Misspelt(f"There is no permission {words[1]}. {hint}")
    return Give(_GIVE[word], _who(words[0]), permission, " ".join(app) or None)


def _permission(words: list[str]) -> tuple[Permission | None, list[str]]:
    """A permission in one word or in two, such as "take_action" or "Take action", and what follows it."""
    for count in (2, 1):
        name = "_".join(words[:count]).lower().replace("-", "_")
        if name in set(Permission):
            return Permission(name), words[count:]
    return None, words


def _who(word: str) -> str:
    found = _ESCAPED.fullmatch(word)
    if found is not None:
        return found["user"] or found["group"] or found["mail"]
    if not _WHO.fullmatch(word):
        raise Misspelt(f"{word} is nobody. Write @ and choose a person or a user group, or write a mail address.")
    return word


def no_such_step(request_id: int, typed: str, nodes: Iterable[str]) -> Misspelt:
    """For a step that the request does not have."""
    known = list(nodes)
    near = closest(typed, [*known, *_OF_REQUEST])
    if near:
        return Misspelt(f"REQ-{request_id} has no step {typed}. Did you mean `/retrigger REQ-{request_id} {near}`?")
    return Misspelt(f"REQ-{request_id} has no step {typed}. Its steps: {', '.join(known[:20])}.")


def closest(typed: str, known: list[str]) -> str | None:
    """What was most likely meant, if anything is near."""
    return next(iter(difflib.get_close_matches(typed.lower(), known, 1, 0.6)), None)
