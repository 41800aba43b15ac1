from __future__ import annotations

from typing import Any

import pytest

from bot.groups import Groups
from bot.people import KEPT, People, actor_id, person_of, slack_user
from tests.unit.bot.profiles import HANNA, Slack, groups
from tests.unit.bot.user_groups import ADMINS, Kept
from tests.unit.bot.user_groups import Slack as GroupsOf


def people(slack: Slack, now: list[float]) -> People:
    return People(slack, groups(), clock=lambda: now[0])  # type: ignore[arg-type]  # fakes have what is called of them


def test_an_actor_has_the_mail_of_the_slack_profile() -> None:
    actor = person_of("T1", "U1", HANNA, "T1").actor
    assert (actor.id, actor.name, actor.door) == ("slack:T1/U1", "Hanna Lead", "slack")
    assert actor.names == {"slack:t1/u1", "hanna@example.com", "u1"}


@pytest.mark.parametrize(
    "flag", ["is_restricted", "is_ultra_restricted", "is_stranger", "is_bot", "is_workflow_bot", "deleted"]
)
def test_guests_bots_and_the_deactivated_match_no_grant_by_mail(flag: str) -> None:
    person = person_of("T1", "U1", {**HANNA, flag: True}, "T1")
    assert person.actor.names == {"slack:t1/u1", "u1"}
    assert person.note


@pytest.mark.parametrize("others", [{}, {"enterprise_user": {"teams": ["T8", "T9"]}}])
def test_people_of_another_organization_in_a_shared_channel_match_no_grant_by_mail(others: dict[str, Any]) -> None:
    outsider = {**HANNA, "team_id": "T9", "is_stranger": False, **others}
    now = [0.0]
    person = people(Slack(outsider), now).person("T9", "U1")
    assert person.actor.names == {"slack:t9/u1", "u1"}
    assert person.note is not None and "another organization" in person.note


@pytest.mark.parametrize("own", [{"team_id": "T1"}, {"team_id": "T2", "enterprise_user": {"teams": ["T1", "T2"]}}])
def test_people_of_the_workspace_and_its_organization_match_by_mail(own: dict[str, Any]) -> None:
    assert people(Slack({**HANNA, **own}), [0.0]).person("T1", "U1").actor.mail == "hanna@example.com"


def test_a_profile_without_names_or_mail() -> None:
    person = person_of("T1", "U1", {}, "T1")
    assert (person.actor.name, person.actor.mail, person.note) == ("U1", None, None)


def test_profiles_are_kept_for_minutes_not_for_ever() -> None:
    slack, now = Slack(HANNA), [0.0]
    known = people(slack, now)
    for _ in range(3):
        known.person("T1", "U1")
    assert slack.asked == 1
    now[0] = KEPT + 1
    slack.profile = {**HANNA, "is_restricted": True}
    assert known.person("T1", "U1").actor.mail is None
    assert slack.asked == 2


def test_without_an_answer_only_the_id_counts_and_that_is_said(caplog: pytest.LogCaptureFixture) -> None:
    slack = Slack(HANNA)
    slack.profile = None
    person = people(slack, [0.0]).person("T1", "U1", "hanna")
    assert (person.actor.id, person.actor.name, person.actor.mail) == ("slack:T1/U1", "hanna", None)
    assert person.note == "Slack did not tell your e-mail address, so only grants to your Slack id count now."
    assert "U1" in caplog.text


def test_without_an_answer_a_guest_is_still_told_that_they_are_one_and_whoever_was_not_has_no_mail() -> None:
    now = [0.0]
    for profile, said in (({**HANNA, "is_restricted": True}, "guest"), (HANNA, "did not tell your e-mail address")):
        slack = Slack(profile)
        known = people(slack, now)
        known.person("T1", "U1")
        now[0] += KEPT + 1
        slack.profile = None
        person = known.person("T1", "U1")
        assert person.actor.mail is None
        assert said in str(person.note)


def test_actor_ids_lead_back_to_slack_users() -> None:
    assert slack_user(actor_id("T1", "U1")) == "U1"
    assert [slack_user(other) for other in (None, "hanna@example.com", "key:ci")] == [None, None, None]


def test_a_person_has_the_groups_of_this_moment() -> None:
    listed = GroupsOf(ADMINS)
    known = Groups(listed, Kept())  # type: ignore[arg-type]  # fakes have what is called of them
    found = People(Slack(HANNA), known, clock=lambda: 0.0)  # type: ignore[arg-type]  # fakes have what is called of them
    assert "grants to groups count for nobody" in str(found.person("T1", "U1").note)
    known.refresh()
    assert found.person("T1", "U1").actor.names == {"slack:t1/u1", "hanna@example.com", "u1", "@hr-admins", "s1"}
    assert found.person("T1", "U1").actor.own_names == {"slack:t1/u1", "hanna@example.com", "u1"}
    listed.listed = ()
    assert found.person("T1", "U1").actor.groups, "who clicks waits for no answer of Slack's about groups"
    known.refresh()
    assert found.person("T1", "U1").actor.groups == frozenset()
    assert listed.asked == 2


def test_whoever_is_to_be_asked_is_mentioned_where_their_id_is_known() -> None:
    known = People(Slack(HANNA), groups(ADMINS), clock=lambda: 0.0)  # type: ignore[arg-type]  # fakes have what is called of them
    assert known.mention("hanna@example.com") == "*hanna@example.com*"
    known.person("T1", "U1")
    assert [known.mention(who) for who in ("Hanna@example.com", "u2", "S1", "@hr-admins", "<!channel>")] == [
        "<@U1>", "<@U2>", "*@hr-admins*", "*@hr-admins*", "*&lt;!channel&gt;*",
    ]  # fmt: skip
