"""What the bot listens to, as it registers it: nothing that is added can be forgotten here."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from bot import targets
from bot.app import LISTENERS


class Heard(NamedTuple):
    """``kind`` is the name of Bolt's decorator: action, view, command, event, … ``what`` is what it is for."""

    kind: str
    what: str


def heard() -> list[Heard]:
    """Everything that is listened to. A pattern stands for each of our action ids that it fits."""
    recorder = _Recorder()
    for listeners in LISTENERS:
        listeners.register(recorder, None)  # registering looks at neither
    return recorder.heard


class _Recorder:
    """Stands for Bolt's App: any decorator, with what it is given."""

    def __init__(self) -> None:
        self.heard: list[Heard] = []

    def __getattr__(self, kind: str) -> Callable[..., Callable[..., Any]]:
        def decorator(constraint: Any) -> Callable[..., Any]:
            self.heard += [Heard(kind, what) for what in _named(constraint)]
            return lambda listener: listener

        return decorator


def _named(constraint: Any) -> list[str]:
    if isinstance(constraint, re.Pattern):
        ids = {value for value in vars(targets).values() if isinstance(value, str)} | set(targets.ACTIONS_BY_ID)
        found = sorted(value for value in ids if constraint.match(value))
        assert found, f"no id of bot.targets fits {constraint.pattern}"
        return found
    if isinstance(constraint, dict):
        return [str(constraint.get("action_id") or constraint.get("callback_id") or constraint["type"])]
    return [str(constraint)]
