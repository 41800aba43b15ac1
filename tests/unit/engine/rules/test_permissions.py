"""What each grant gives, to whom, and where (SPEC 6)."""

from __future__ import annotations

from itertools import product

import pytest

from engine.errors import NotPermitted
from engine.rules.permissions import (
    Actor,
    Grant,
    Permission,
    admins,
    find_grant,
    grants_giving,
    permitted_apps,
    require,
)

ADA = Actor("slack:T1/U1", "Ada", "slack", mail="ada@example.com", slack_user="U1", groups=frozenset({"@hr", "S1"}))
GUEST = Actor("slack:T1/U2", "Gus Guest", "slack", slack_user="U2")
SUBMIT, VIEW, ACT, ADMIN = Permission
GIVES = {SUBMIT: {SUBMIT}, VIEW: {VIEW}, ACT: {VIEW, ACT}, ADMIN: {SUBMIT, VIEW, ACT, ADMIN}}
NAMES = frozenset({"ada@example.com"})


def may(grant: Grant, permission: Permission, app: str | None, actor: Actor = ADA) -> bool:
    return find_grant([grant], actor, permission, app) is not None


@pytest.mark.parametrize(("held", "asked"), list(product(Permission, Permission)))
def test_each_permission_gives_what_it_says_and_no_more(held: Permission, asked: Permission):
    grant = Grant("ada@example.com", held, "HR")
    given = asked in GIVES[held]
    assert may(grant, asked, "HR") is given
    assert permitted_apps([grant], ADA, asked) == frozenset({"HR"} if given else ())
    assert grants_giving([grant], NAMES, asked, "HR") == ([grant] if given else [])


@pytest.mark.parametrize(
    ("of", "asked", "given"),
    [("HR", "HR", True), ("HR", "IT", False), ("HR", None, False), (None, "HR", True), (None, None, True)],
)
def test_a_grant_for_one_application_is_good_there_only(of: str | None, asked: str | None, given: bool):
    assert may(Grant("ada@example.com", ACT, of), ACT, asked) is given


@pytest.mark.parametrize("who", ["ADA@example.com", "u1", "SLACK:t1/u1", "@HR", "s1"])
def test_every_name_of_a_person_means_them_in_any_case(who: str):
    assert may(Grant(who, ACT), ACT, "HR")
    assert not may(Grant(who, ACT), ACT, "HR", GUEST)


def test_without_a_grant_nothing_is_permitted_but_to_who_reads_the_settings():
    owner = Actor("root", "Root", "cli", owner=True)
    for permission in Permission:
        assert find_grant([], ADA, permission, "HR") is None
        assert find_grant([], owner, permission, None) is not None
    assert permitted_apps([], ADA, VIEW) == frozenset()
    assert permitted_apps([], owner, VIEW) is None


def test_the_applications_are_those_of_all_grants_and_one_for_every_application_is_all():
    grants = [Grant("u1", ACT, "HR"), Grant("@hr", VIEW, "IT"), Grant("U2", VIEW, "Lab"), Grant("u1", SUBMIT, "Pay")]
    assert permitted_apps(grants, ADA, VIEW) == frozenset({"HR", "IT"})
    assert permitted_apps([*grants, Grant("u1", ADMIN)], ADA, VIEW) is None


def test_grants_that_give_it_are_asked_for_in_one_application_or_in_any():
    here, there, all_of_them = (Grant("ada@example.com", ACT, app) for app in ("HR", "IT", None))
    other = Grant("gus@example.com", ACT, "HR")
    grants = [here, there, all_of_them, other]
    assert grants_giving(grants, NAMES, ACT, "HR") == [here, all_of_them]
    assert grants_giving(grants, NAMES, ACT, None) == [here, there, all_of_them]


def test_a_refusal_names_the_permission_the_application_and_whom_to_ask():
    """Those who can grant it there, at most three of them; nobody can ask a program."""
    others = [Grant("key:robot", ADMIN), Grant("it-lead@example.com", ADMIN, "IT"), Grant("view@example.com", VIEW)]
    leads = [Grant(f"lead-{number}@example.com", ADMIN, "HR") for number in range(4)]
    with pytest.raises(NotPermitted) as refused:
        require([*others, *leads], ADA, ACT, "HR")
    error = refused.value
    assert (error.permission, error.app) == ("Take action", "HR")
    assert error.ask == ("lead-0@example.com", "lead-1@example.com", "lead-2@example.com")
    assert admins([*others, *leads[:1]]) == ("it-lead@example.com", "lead-0@example.com")
