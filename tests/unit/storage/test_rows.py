from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import UnreadableRow
from engine.records import Attempt, AttemptEnd, Event, Notice, Request, Step, Trigger
from engine.states import AttemptKind, AttemptOutcome, CallEffect, RequestStatus, StepStatus
from storage import rows, tables
from storage.statements import ATTEMPT_COLUMNS, EVENT_COLUMNS, REQUEST_COLUMNS, STEP_COLUMNS

TRIGGER = Trigger("Hanna", "slack:T1/U1", "slack", "re-triggered", "pay", 5.5, "Because ä", "It broke")

requests = st.builds(Request, st.integers(1), status=st.sampled_from(RequestStatus), alerted=st.booleans())
calls = st.none() | st.sampled_from(CallEffect)
plain = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
found = st.builds(
    Step,
    status=st.sampled_from(StepStatus),
    next_kind=st.sampled_from(AttemptKind),
    held=st.booleans(),
    stale=st.booleans(),
    only=st.booleans(),
    update_status=st.booleans(),
    was=st.none() | st.sampled_from(StepStatus),
    call=calls,
    error=st.none() | plain,
    trigger=st.sampled_from([None, TRIGGER]),
)


@given(found)
def test_a_step_survives_the_round_trip(step: Step):
    assert rows.step_from(rows.step_row(step)) == step


@given(st.builds(Request, status=st.sampled_from(RequestStatus), reason=st.none() | plain, requester=plain))
def test_a_request_survives_the_round_trip(request: Request):
    assert rows.request_from(rows.request_row(request)) == request


STEP = Step(1, "pay", "action", StepStatus.RUNNING, 3)
END = AttemptEnd(1, "pay", 2, AttemptOutcome.FAILED, 6.0)


@pytest.mark.parametrize("field", ["status", "next_kind", "was", "call"])
def test_a_step_with_a_word_of_tomorrow_is_not_read_as_another(field: str):
    row = list(rows.step_row(STEP))
    row[Step._fields.index(field)] = "of tomorrow"
    with pytest.raises(UnreadableRow):
        rows.step_from(row)


@pytest.mark.parametrize("place", [0, 3])
def test_nor_is_an_end(place: int):
    row = [*rows.end_row(END)[:5], None]
    row[place] = "of tomorrow"
    with pytest.raises(UnreadableRow):
        rows.end_from(END[:3], row)


@pytest.mark.parametrize("trigger", [None, TRIGGER])
def test_an_attempt_survives_the_round_trip(trigger: Trigger | None):
    attempt = Attempt(1, "pay", 2, AttemptKind.RETRIGGER, 1, 3, "w1", 5.0, trigger)
    assert rows.attempt_from(rows.attempt_row(attempt)) == attempt


def test_an_end_survives_the_round_trip():
    end = AttemptEnd(1, "pay", 2, AttemptOutcome.FAILED, 6.0, "It broke", CallEffect.UNKNOWN, "{}")
    row = rows.end_row(end)
    assert rows.end_from(row[5:], (*row[:5], None)) == end
    assert rows.end_from(row[5:], (None,) * 6) is None


def test_an_event_survives_the_round_trip_and_the_outbox():
    event = Event(1, "retriggered", 5.0, "pay", 2, "Hanna", "slack:T1/U1", "slack", "why", {"ä": [1, None]}, "c1")
    assert rows.event_from(rows.event_row(event)) == event
    assert rows.told_event_from(rows.notice_row(Notice(1, "line", event), 5.0)[2]) == event
    assert rows.told_event_from(rows.notice_row(Notice(1, "card"), 5.0)[2]) is None


@given(st.none() | st.text(st.characters()))
def test_cleaned_text_is_what_every_database_can_hold(text: str | None):
    cleaned = rows.clean(text)
    if text is None:
        assert cleaned is None
    else:
        assert cleaned is not None
        cleaned.encode("utf-8")
        assert "\0" not in cleaned
        assert rows.clean(cleaned) == cleaned


@given(plain)
def test_text_that_every_database_can_hold_is_kept(text: str):
    assert rows.clean(text) == text


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {"a": [float("-inf")]}])
def test_what_json_does_not_know_is_refused(value: object):
    with pytest.raises(ValueError, match="JSON"):
        rows.dump(value)


def test_stored_json_is_ascii():
    assert rows.dump({"a": "ä\ud800\0"}) == r'{"a":"\u00e4\ud800\u0000"}'


@pytest.mark.parametrize(
    ("record", "columns", "table"),
    [
        (Request, REQUEST_COLUMNS, tables.requests),
        (Step, STEP_COLUMNS, tables.steps),
        (Attempt, ATTEMPT_COLUMNS, tables.attempts),
        (Event, EVENT_COLUMNS, tables.events),
    ],
)
def test_columns_stand_in_the_order_of_the_record_s_fields(record, columns, table):
    names = [column.name for column in table.columns if column.name in record._fields]
    assert names == list(record._fields) == [column.name for column in columns]
