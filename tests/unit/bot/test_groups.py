"""Slack's user groups: what counts, what is kept, and what is said when they cannot be read."""

from __future__ import annotations

import threading

import pytest

from bot.groups import REFRESH, Groups, as_present, groups_of
from engine.rules.permissions import Actor
from tests.support.poll import wait_until
from tests.unit.bot.user_groups import ADMINS, OPS, Kept, Slack


def groups(slack: Slack, kept: Kept | None = None) -> Groups:
    return Groups(slack, kept or Kept(), clock=lambda: 1_700_000_000.0)  # type: ignore[arg-type]  # fakes have what is called of them


def test_a_member_has_every_name_of_their_groups() -> None:
    known = groups(Slack(ADMINS, OPS))
    assert known.refresh() == REFRESH
    assert known.of("U1") == {"@hr-admins", "S1"}
    assert known.of("U2") == {"@hr-admins", "S1", "@ops", "S2"}
    assert known.of("U3") == frozenset()
    assert known.note is None


def test_disabled_groups_and_those_of_other_workspaces_match_nothing() -> None:
    disabled = {**ADMINS, "date_delete": 1_700_000_000}
    foreign = {**OPS, "is_external": True}
    assert groups_of([disabled, foreign]) == ()
    assert groups_of([{**ADMINS, "users": None, "handle": ""}])[0].names == {"S1"}


def test_a_workspace_that_can_have_no_groups_has_none() -> None:
    slack = Slack()
    slack.trouble = "paid_teams_only"
    known = groups(slack)
    assert known.refresh() == REFRESH
    assert known.note is None


def test_a_group_is_found_by_its_id_and_by_its_handle() -> None:
    known = groups(Slack(ADMINS))
    known.refresh()
    found = known.find("@HR-admins")
    assert found is not None
    assert found == known.find("s1")
    assert (known.find("@hr"), known.handles, known.title("S1"), known.title("@no")) == (
        None, ["@hr-admins"], "@hr-admins", "@no",
    )  # fmt: skip


def test_a_failed_reading_keeps_the_last_known_list_and_says_so() -> None:
    slack = Slack(ADMINS)
    known = groups(slack)
    known.refresh()
    slack.trouble = "missing_scope"
    assert known.refresh() == 60.0  # as long as a thing that a person must mend waits
    assert known.of("U1") == {"@hr-admins", "S1"}
    assert known.note is not None
    assert "The Slack app lacks a scope (missing_scope)" in known.note
    assert known.note.endswith("the list of 14 Nov 2023, 22:13 UTC counts.")
    slack.trouble, slack.listed = None, (OPS,)
    known.refresh()
    assert known.of("U1") == frozenset()
    assert known.note is None


def test_before_the_first_reading_nobody_is_in_a_group_and_that_is_said() -> None:
    slack = Slack(ADMINS)
    slack.trouble = "internal_error"
    known = groups(slack)
    assert known.note == "Slack's user groups are not known yet, so grants to groups count for nobody now."
    known.refresh()
    assert known.of("U1") == frozenset()
    assert "not known yet (Slack answered internal_error)" in str(known.note)


def test_the_last_known_list_survives_a_restart_while_slack_is_away() -> None:
    slack, kept = Slack(ADMINS), Kept()
    groups(slack, kept).refresh()
    slack.trouble = "internal_error"
    started = groups(slack, kept)
    started.start()
    try:
        wait_until(lambda: slack.asked == 2, "the first reading")
        wait_until(lambda: started.note is not None, "the note")
        assert started.of("U1") == {"@hr-admins", "S1"}
        assert "the list of 14 Nov 2023, 22:13 UTC counts" in str(started.note)
    finally:
        started.stop()


def test_a_kept_list_that_cannot_be_read_is_no_list() -> None:
    slack, kept = Slack(ADMINS), Kept()
    kept.texts["slack_user_groups"] = "{}"
    started = groups(slack, kept)
    started.start()
    try:
        wait_until(lambda: started.of("U1"), "the first reading")
    finally:
        started.stop()


def test_an_answer_that_makes_no_sense_does_not_end_the_readings() -> None:
    slack = Slack({"handle": "no id"})
    started = groups(slack)
    started.start()
    try:
        wait_until(lambda: "What Slack answers cannot be used" in str(started.note), "the note")
    finally:
        started.stop()


def test_slack_is_asked_every_five_minutes_and_after_trouble_at_growing_distances(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It may be asked 20 times a minute, by all bots of a workspace together."""
    slack = Slack(ADMINS)
    waited: list[float] = []

    class Hurried(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            waited.append(timeout or 0.0)
            slack.trouble = "internal_error" if len(waited) < 3 else None
            if len(waited) == 5:
                self.set()
            return self.is_set()

    monkeypatch.setattr("bot.groups.Flag", Hurried)
    slack.trouble = "internal_error"
    started = groups(slack)
    started.start()
    wait_until(lambda: len(waited) == 5, "five readings")
    started.stop()
    assert all(least <= it <= 1.1 * least for it, least in zip(waited, (15, 30, 60, 300, 300), strict=True)), waited


def test_somebody_as_they_are_now_has_the_groups_of_the_kept_list() -> None:
    slack, kept = Slack(ADMINS, OPS), Kept()
    began = Actor("slack:T1/U1", "Hanna Lead", "slack", "hanna@example.com", "U1", frozenset({"@ops", "S2"}))
    assert as_present(kept, began).groups == frozenset()
    groups(slack, kept).refresh()
    assert as_present(kept, began) == began._replace(groups=frozenset({"@hr-admins", "S1"}))
