"""What the workflow of a storm calls: functions that make a call of their own, and that crash now and then."""

from __future__ import annotations

import ctypes
import os
import random
import signal

import requests

from engine.functions import function

_CHANCE = 0.4  # that a function in a bad mood does not come to its end


@function("storm.badge")
def badge(url: str, account: str, mood: str, idempotency_key: str) -> str:
    """Ask the mail system for a badge, under the key. In the mood ``dies`` the process may be gone before or after."""
    if mood == "dies":
        _perhaps_die()
    answer = requests.post(
        url, json={"to": "badges", "text": account}, headers={"Idempotency-Key": idempotency_key}, timeout=1.0
    )
    if mood == "dies":
        _perhaps_die()
    answer.raise_for_status()
    return f"badge of {account}"


@function("storm.check")
def check(mood: str) -> str:
    """``raises`` and ``dies`` do so now and then, ``fine`` never."""
    if mood == "dies":
        _perhaps_die()
    if mood == "raises" and random.random() < _CHANCE:
        raise ValueError("this cannot be, for now")
    return mood


@function("storm.count")
def count(serial: str) -> int:
    """Quick and safe, so it may run in a thread of the worker."""
    return len(serial)


def _perhaps_die() -> None:
    if random.random() >= _CHANCE:
        return
    random.choice((lambda: os._exit(3), lambda: os.kill(os.getpid(), signal.SIGKILL), lambda: ctypes.string_at(0)))()
