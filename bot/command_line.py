"""What somebody typed after /retrigger, as a typed value. Pure."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from enum import Enum
from typing import NamedTuple

from bot.pasted import plain_words
from engine.errors import RetriggerError
from engine.rules.allowed import Action
from engine.rules.permissions import Permission
from engine.spelling import some
from engine.values.somebody import is_somebody

_REQUEST = re.compile(r"(?:req-?)?#?(\d{1,15})\Z", re.IGNORECASE)


class Word(Enum):
    """Commands that need no request."""

    WHOAMI = "whoami"
    GRANTS = "grants"
    HELP = "help"


class Listed(NamedTuple):
    """The blocked requests: of the application that was ``typed``, or of all. ``sure``: it can be nothing else."""

    typed: str = ""
    sure: bool = True


class Show(NamedTuple):
    """The Progress Path of a request."""

    request_id: int


class Start(NamedTuple):
    """The modal of an act. ``node`` None, of an act that needs a step: the one that offers it, where only one does."""

    action: Action
    request_id: int
    node: str | None = None


class Give(NamedTuple):
    """A permission to give, or (``give`` False) to take back. ``who`` is an id, a mail, key:NAME, or "@handle"."""

    give: bool
    who: str
    permission: Permission
    app: str | None = None


Typed = Word | Listed | Show | Start | Give

_GIVE = {"grant": True, "revoke": False}
# What Slack makes of a mention, a group's mention and a mail address.
_ESCAPED = re.compile(r"<(?:@(?P<user>[A-Z0-9]+)|!subteam\^(?P<group>[A-Z0-9]+)|mailto:(?P<mail>[^|>]+))(?:\|[^>]*)?>")

_LIST = "list"
_WORDS = (_LIST, *(word.value for word in Word), *_GIVE)
_OF_REQUEST = {"continue": Action.CONTINUE, "withdraw": Action.WITHDRAW}
_OF_STEP = {"flow": Action.FLOW, "input": Action.INPUT}
_ACTS = _OF_REQUEST | _OF_STEP
# The command line's order, `retrigger flow REQ-42 STEP`: no node has these names, or they are no act.
_STEP = "step"
_BEFORE = {name: (name,) for name in _ACTS} | dict.fromkeys(("show", _STEP), ())
_SURELY = 0.7  # so near a word is no application's name: IT is not list
SPELLING = {Action.RETRIGGER: "", **{action: f" {name}" for name, action in _ACTS.items()}}


class Misspelt(RetriggerError):
    """It is no command; the sentence gives the right spelling."""


def parse(text: str) -> Typed:
    """Raises Misspelt."""
    words = plain_words(text)
    if not words:
        return Listed()
    place = next((place for place, word in enumerate(words[:2]) if _REQUEST.match(word)), None)
    before = words[:place]
    if place is None or (before and before[0].lower() in _WORDS):
        return _without_request(words)
    request = _REQUEST.match(words[place])
    assert request is not None  # it did a moment ago
    number, rest = int(request.group(1)), words[place + 1 :]
    if before and before[0].lower() not in _BEFORE:
        if words[place].isdecimal():
            return _without_request(words)  # an application's name may end with a number
        raise _turned(number, [*before, *rest])
    return _of_request(number, [*(word for first in before for word in _BEFORE[first.lower()]), *rest])


def _turned(request_id: int, words: list[str]) -> Misspelt:
    """For what stands before the request, and is no act."""
    near = closest(words[0], _ACTS)
    if near:
        return Misspelt(f"Did you mean `/retrigger REQ-{request_id} {near}`?")
    return Misspelt(f"The request comes first: `/retrigger REQ-{request_id} {' '.join(words)}`.")


def _without_request(words: list[str]) -> Typed:
    word, rest = words[0].lower(), words[1:]
    if word == _LIST:
        return Listed(" ".join(rest[1:] if rest[:1] in (["app"], ["--app"]) and len(rest) > 1 else rest))
    if word in _GIVE:
        return _give(word, rest)
    if word not in _WORDS:
        return Listed(" ".join(words), sure=False)
    if rest:
        raise Misspelt(f"Write `/retrigger {word}`, with nothing behind it.")
    return Word(word)


def _of_request(request_id: int, words: list[str]) -> Typed:
    if not words:
        return Show(request_id)
    acts = [word.lower() for word in words if word.lower() in _ACTS]
    nodes = [word.lower().replace("-", "_") for word in words if word.lower() not in _ACTS]  # no node has a "-"
    if len(nodes) > 1 and nodes[0] == _STEP:
        del nodes[0]
    act = acts[0] if acts else ""
    if act in _OF_REQUEST and len(acts) == 1 and nodes:
        raise Misspelt(f"That concerns the whole request, without a step: `/retrigger REQ-{request_id} {act}`.")
    if len(acts) > 1 or len(nodes) > 1:
        raise _too_much(request_id, acts, nodes)
    return Start(_ACTS.get(act, Action.RETRIGGER), request_id, nodes[0] if nodes else None)


def _too_much(request_id: int, acts: list[str], nodes: list[str]) -> Misspelt:
    node = nodes[0] if nodes else "STEP"
    near = closest(" ".join(nodes[1:]), list(_OF_STEP))
    if near and not acts:
        return Misspelt(f"Did you mean `/retrigger REQ-{request_id} {node} {near}`?")
    return Misspelt(
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
    if not is_somebody(word):
        raise Misspelt(f"{word} is nobody. Write @ and choose a person or a user group, or write a mail address.")
    return word


def app_of(listed: Listed, apps: Sequence[str]) -> str | None:
    """The application that was meant, of ``apps`` that the person may see; None: all. Raises Misspelt."""
    if not listed.typed:
        return None
    for app in apps:
        if " ".join(plain_words(app)).lower() == listed.typed.lower():
            return app
    seen = f"You may see: {', '.join(apps[:20])}." if apps else "There are no requests yet."
    near = closest(listed.typed, apps)
    if listed.sure:
        hint = f"Did you mean `/retrigger list {near}`?" if near else seen
        raise Misspelt(f"There is no application {listed.typed}. {hint}")
    near = near or closest(listed.typed.split()[0], _WORDS)
    raise _no_command(listed, near)


def meant(listed: Listed) -> Misspelt | None:
    """For what is nearly a command: whoever may see no application is told that, and not that they may see none."""
    near = None if listed.sure else closest(listed.typed.split()[0], _WORDS, _SURELY)
    return _no_command(listed, near) if near else None


def _no_command(listed: Listed, near: str | None) -> Misspelt:
    hint = f"Did you mean `/retrigger {near}`?" if near else "A request is written REQ-42. `/retrigger help` shows all."
    return Misspelt(f"There is no command {listed.typed.split()[0]}. {hint}")


def no_such_step(start: Start, nodes: Iterable[str]) -> Misspelt:
    """For a step that the request does not have."""
    known, request, typed = list(nodes), f"REQ-{start.request_id}", start.node or ""
    near = closest(typed, [*known, *_ACTS])
    if near:
        act = "" if near in _ACTS else SPELLING[start.action]
        return Misspelt(f"{request} has no step {typed}. Did you mean `/retrigger {request} {near}{act}`?")
    return Misspelt(f"{request} has no step {typed}. Its steps: {some(known)}.")


def which_step(start: Start, nodes: Sequence[str]) -> Misspelt:
    """For an act that several steps offer, so that one must be named."""
    return Misspelt(
        f"Name the step: `/retrigger REQ-{start.request_id} {nodes[0]}{SPELLING[start.action]}`. "
        f"Possible now: {some(nodes)}."
    )


def closest(typed: str, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """What was most likely meant, if anything is near; as it is written. ``cutoff`` as in difflib."""
    by_lower = {name.lower(): name for name in known}
    return next((by_lower[name] for name in difflib.get_close_matches(typed.lower(), by_lower, 1, cutoff)), None)
