"""Readings that are kept for a while."""

from __future__ import annotations

import threading

import pytest

from retrigger.api.cached import Cached


def test_a_reading_is_kept_for_a_while_and_longer_when_it_took_long():
    calls: list[int] = []

    def read() -> int:
        calls.append(len(calls))
        if len(calls) == 2:
            raise ValueError("away")
        return len(calls)

    short = Cached(read, 0.0)
    assert short.get() == 1
    with pytest.raises(ValueError, match="away"):
        short.get()
    assert short.get() == 3
    long = Cached(read, 60.0)
    assert {long.get() for _ in range(10)} == {4}


def test_a_reading_that_takes_long_is_waited_for_by_everybody_and_for_as_long_as_each_will():
    go, calls = threading.Event(), []

    def read() -> int:
        calls.append(go.wait(30))
        return len(calls)

    slow = Cached(read, 60.0)
    for _ in range(3):
        with pytest.raises(TimeoutError):
            slow.get(0.01)
    go.set()
    assert slow.get() == 1
    assert calls == [True]


def test_a_thread_that_could_not_be_made_is_asked_for_anew_by_the_next_who_asks(monkeypatch: pytest.MonkeyPatch):
    """Else everybody would wait for ever for a reading that nobody makes."""
    start, refused = threading.Thread.start, list[str]()

    def refuse_once(thread: threading.Thread) -> None:
        if thread.name == "reading" and not refused:
            refused.append(thread.name)
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", refuse_once)
    kept = Cached(lambda: 1, 60.0)
    with pytest.raises(RuntimeError, match="can't start new thread"):
        kept.get()
    assert kept.get(30) == 1
