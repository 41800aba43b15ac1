"""What is refused again and again is said once, and once that it is over."""

from __future__ import annotations

import logging

import pytest

from engine.errors import StorageError
from engine.worker.outage import Outage


def test_many_that_meet_one_outage_say_it_once_and_its_end_once(caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO)
    clock = [100.0]
    outage = Outage(lambda: clock[0])
    for name in ("sweep", "heartbeat", "sweep", "thread 7"):
        outage.met(name, StorageError("The disk is full."))
    clock[0] = 107.25
    for name in ("sweep", "timer", "heartbeat"):
        outage.over(name)
    assert [record.getMessage() for record in caplog.records] == [
        "database.away: The disk is full. It is tried again until it works; nothing is lost."
    ]
    outage.over("thread 7")
    outage.over("thread 7")
    assert caplog.records[-1].getMessage() == "database.back: The database works again. seconds=7.2"
    assert len(caplog.records) == 2


def test_the_next_outage_is_said_again(caplog: pytest.LogCaptureFixture):
    outage = Outage(lambda: 0.0)
    for _ in range(2):
        outage.met("sweep", StorageError("The disk is full."))
        outage.over("sweep")
    assert caplog.text.count("database.away") == 2
