from __future__ import annotations

import pytest

from bot.command_line import Give, Misspelt, Show, Start, Typed, Word, no_such_step, parse
from engine.allowed import Action
from engine.permissions import Permission


@pytest.mark.parametrize(
    ("text", "typed"),
    [
        ("", Word.LIST),
        ("  list ", Word.LIST),
        ("whoami", Word.WHOAMI),
        ("HELP", Word.HELP),
        ("REQ-42", Show(42)),
        ("req-42", Show(42)),
        ("42", Show(42)),
        ("REQ-42 create_account", Start(Action.RETRIGGER, 42, "create_account")),
        ("REQ-42  create_account   flow", Start(Action.FLOW, 42, "create_account")),
        ("REQ-42 create_account INPUT", Start(Action.INPUT, 42, "create_account")),
        ("REQ-42 continue", Start(Action.CONTINUE, 42)),
        ("REQ-42 Withdraw", Start(Action.WITHDRAW, 42)),
        ("grants", Word.GRANTS),
        ("grant <@U1|hanna> take_action HR", Give(True, "U1", Permission.TAKE_ACTION, "HR")),
        ("GRANT <@U1> Take action  Human Resources", Give(True, "U1", Permission.TAKE_ACTION, "Human Resources")),
        ("revoke <!subteam^S1|@hr-admins> admin", Give(False, "S1", Permission.ADMIN)),
        ("revoke <mailto:a@b.c|a@b.c> view-reports Lab", Give(False, "a@b.c", Permission.VIEW_REPORTS, "Lab")),
        ("grant a@b.c submit", Give(True, "a@b.c", Permission.SUBMIT)),
        ("grant @hr-admins submit", Give(True, "@hr-admins", Permission.SUBMIT)),
        ("grant S0123 submit", Give(True, "S0123", Permission.SUBMIT)),
        ("revoke key:ci submit", Give(False, "key:ci", Permission.SUBMIT)),
    ],
)
def test_parse(text: str, typed: Typed) -> None:
    assert parse(text) == typed


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("hlep", "There is no command hlep. Did you mean `/retrigger help`?"),
        ("whoami now", "Write `/retrigger whoami`, with nothing behind it."),
        ("frobnicate", "There is no command frobnicate. A request is written REQ-42. `/retrigger help` shows all."),
        ("REQ-42 badge folw", "Did you mean `/retrigger REQ-42 badge flow`?"),
        (
            "REQ-42 badge and then",
            "Behind the step comes nothing, flow or input: `/retrigger REQ-42 badge flow`.",
        ),
        ("grant", "Write whom, what and for which application: `/retrigger grant @NAME take_action HR`."),
        ("revok <@U1> admin", "There is no command revok. Did you mean `/retrigger revoke`?"),
        ("grant <@U1> take_acton HR", "There is no permission take_acton. Did you mean take_action?"),
        ("grant <@U1> frob HR", "There is no permission frob. There are submit, view_reports, take_action, admin."),
        ("grant hanna admin", "hanna is nobody. Write @ and choose a person or a user group, or write a mail address."),
        ("grant <!channel> admin", "<!channel> is nobody."),
        ("REQ-9999999999999999999", "There is no command REQ-9999999999999999999. A request is written REQ-42."),
    ],
)
def test_wrong_input_gets_the_right_spelling(text: str, sentence: str) -> None:
    with pytest.raises(Misspelt) as refused:
        parse(text)
    assert str(refused.value).startswith(sentence)


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("crate_account", "REQ-42 has no step crate_account. Did you mean `/retrigger REQ-42 create_account`?"),
        ("withdrw", "REQ-42 has no step withdrw. Did you mean `/retrigger REQ-42 withdraw`?"),
        ("x", "REQ-42 has no step x. Its steps: create_account, badge."),
    ],
)
def test_a_step_that_the_request_lacks(typed: str, sentence: str) -> None:
    assert str(no_such_step(42, typed, ["create_account", "badge"])) == sentence
