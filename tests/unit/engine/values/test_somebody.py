"""How somebody is written, in grants as in approvals."""

from __future__ import annotations

import pytest

from engine.definition import approvers_of
from engine.templates import TemplateError
from engine.values.somebody import is_group, is_somebody

GROUPS = ["@hr-admins", "S0123456789"]
ALONE = ["ada@example.com", "U0123456789", "W0123456789", "key:robot", "KEY:robot"]
NOBODY = [
    "ada",
    "SAM",
    "<@U0123456789>",
    "<!subteam^S0123456789>",
    "<mailto:a@b.c|a@b.c>",
    "a b@example.com",
    "@",
    "",
    "a@b@c",
]


@pytest.mark.parametrize("who", [*GROUPS, *ALONE])
def test_whoever_may_be_granted_something_may_be_an_approver(who: str):
    assert is_somebody(who)
    assert is_group(who) is (who in GROUPS)
    assert approvers_of([who]) == (who,)


@pytest.mark.parametrize("who", NOBODY)
def test_what_would_match_nobody_is_neither(who: str):
    assert not is_somebody(who)
    with pytest.raises(TemplateError):
        approvers_of([who])
