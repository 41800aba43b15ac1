"""What is looked for regularly: each by itself, so that a look that stumbles, over a damaged row say, ends no other."""

from __future__ import annotations

import pytest

from tests.integration.engine.conftest import OpenRoom

WAITING = "{workflow: waiting, app: HR, title: Waiting, nodes: {wait: {delay: {for: 1h}}}}"


def test_a_look_that_stumbles_ends_no_other(
    engine_url: str, open_room: OpenRoom, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    room = open_room(engine_url)
    room.publish(WAITING)
    room.start()
    stored = "s3cret"
    monkeypatch.setattr(room.store, "processes", lambda: int(stored))  # which the recovery of lost steps asks first
    number = room.submit("waiting")
    room.wait(number, lambda document: document.steps[0].status == "waiting")
    room.end_waits(number)  # of which no timer knows
    room.wait(number, "completed")
    room.meddled.clear()
    (told,) = [it.getMessage() for it in caplog.records if "job.failed" in it.getMessage()]  # the same each time
    assert "ValueError" in told and stored not in told
