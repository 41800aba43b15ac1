from __future__ import annotations

import pytest

from bot.command_line import (
    Give,
    Listed,
    Misspelt,
    Show,
    Start,
    Typed,
    Word,
    app_of,
    meant,
    no_such_step,
    parse,
    which_step,
)
from engine.rules.allowed import Action
from engine.rules.permissions import Permission

APPS = ["Finance", "HR", "R.D"]


@pytest.mark.parametrize(
    ("text", "typed"),
    [
        ("", Listed()),
        ("  list ", Listed()),
        ("list HR", Listed("HR")),
        ("list app HR", Listed("HR")),
        ("list --app Human Resources", Listed("Human Resources")),
        ("HR", Listed("HR", sure=False)),
        ("Human Resources", Listed("Human Resources", sure=False)),
        ("Lab 42", Listed("Lab 42", sure=False)),
        ("whoami", Word.WHOAMI),
        ("HELP", Word.HELP),
        ("REQ-42", Show(42)),
        ("req-42", Show(42)),
        ("42", Show(42)),
        ("show REQ-42", Show(42)),
        ("REQ-42 create_account", Start(Action.RETRIGGER, 42, "create_account")),
        ("REQ-42  create_account   flow", Start(Action.FLOW, 42, "create_account")),
        ("REQ-42 create_account INPUT", Start(Action.INPUT, 42, "create_account")),
        ("REQ-42 flow create_account", Start(Action.FLOW, 42, "create_account")),
        ("flow REQ-42 create_account", Start(Action.FLOW, 42, "create_account")),
        ("step REQ-42 create_account", Start(Action.RETRIGGER, 42, "create_account")),
        ("REQ-42 step create_account flow", Start(Action.FLOW, 42, "create_account")),
        ("REQ-42 step", Start(Action.RETRIGGER, 42, "step")),
        ("REQ-42 flow", Start(Action.FLOW, 42)),
        ("REQ-42 continue", Start(Action.CONTINUE, 42)),
        ("REQ-42 Withdraw", Start(Action.WITHDRAW, 42)),
        ("grants", Word.GRANTS),
        ("grant <@U1|hanna> take_action HR", Give(True, "U1", Permission.TAKE_ACTION, "HR")),
        ("GRANT <@U1> Take action  Human Resources", Give(True, "U1", Permission.TAKE_ACTION, "Human Resources")),
        ("revoke <!subteam^S1|@hr-admins> admin", Give(False, "S1", Permission.ADMIN)),
        ("revoke <mailto:a@b.c|a@b.c> view-reports Lab", Give(False, "a@b.c", Permission.VIEW_REPORTS, "Lab")),
        ("grant a@b.c submit", Give(True, "a@b.c", Permission.SUBMIT)),
        ("grant @hr-admins submit", Give(True, "@hr-admins", Permission.SUBMIT)),
        ("grant S0123456789 submit", Give(True, "S0123456789", Permission.SUBMIT)),
        ("revoke key:ci submit", Give(False, "key:ci", Permission.SUBMIT)),
        ("withdraw REQ-42", Start(Action.WITHDRAW, 42)),
    ],
)
def test_parse(text: str, typed: Typed) -> None:
    assert parse(text) == typed


@pytest.mark.parametrize(
    "text",
    [
        "REQ-42 CREATE_ACCOUNT FLOW",
        "\u00a0REQ-42\u2003create_account\tflow\u200b\n",
        "`REQ-42 create_account flow`",
        "`REQ-42` `create_account` flow",
        "“REQ-42” ‘create_account’ 'flow'",
        "„REQ-42 create_account flow“.",
        "*REQ-42* _create_account_ ~flow~",
        "REQ–42 create_account flow",
        "REQ-42: create-account, flow!",
        "req 42 create_account flow",
        "request #42 create_account flow",
        "#42 create_account flow",
        "/retrigger REQ-42 create_account flow",
        "`/retrigger REQ-42 create_account flow`",
        "retrigger flow REQ-42 create_account",
        "<https://example.com/x|REQ-42> create_account flow",
        "<https://example.com/requests/REQ-42?tab=1> create_account flow",
        "https://example.com/requests/req-42 create_account flow",
    ],
)
def test_what_is_pasted_in_an_odd_form_is_understood(text: str) -> None:
    assert parse(text) == Start(Action.FLOW, 42, "create_account")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("whoami now", "Write `/retrigger whoami`, with nothing behind it."),
        ("REQ-42 badge folw", "Did you mean `/retrigger REQ-42 badge flow`?"),
        ("grant", "Write whom, what and for which application: `/retrigger grant @NAME take_action HR`."),
        ("grant <@U1> take_acton HR", "There is no permission take_acton. Did you mean take_action?"),
        ("grant <@U1> frob HR", "There is no permission frob. There are submit, view_reports, take_action, admin."),
        ("grant hanna admin", "hanna is nobody. Write @ and choose a person or a user group, or write a mail address."),
        ("grant <!channel> admin", "<!channel> is nobody."),
        ("REQ-42 badge and then", "Behind the step comes nothing, flow or input: `/retrigger REQ-42 badge flow`."),
        ("REQ-42 badge flow input", "Behind the step comes nothing, flow or input: `/retrigger REQ-42 badge flow`."),
        ("REQ-42 flow flow", "Behind the step comes nothing, flow or input: `/retrigger REQ-42 STEP flow`."),
        (
            "REQ-42 withdraw not needed any more",
            "That concerns the whole request, without a step: `/retrigger REQ-42 w",
        ),
        ("withdrw REQ-42", "Did you mean `/retrigger REQ-42 withdraw`?"),
        ("badge REQ-42 flow", "The request comes first: `/retrigger REQ-42 badge flow`."),
        ("REQ-42 badge withdraw", "That concerns the whole request, without a step: `/retrigger REQ-42 withdraw`."),
    ],
)
def test_wrong_input_gets_the_right_spelling(text: str, sentence: str) -> None:
    with pytest.raises(Misspelt) as refused:
        parse(text)
    assert str(refused.value).startswith(sentence)


@pytest.mark.parametrize(
    ("text", "app"), [("hr", "HR"), ("list HR", "HR"), ("", None), ("“Finance”", "Finance"), ("r.d", "R.D")]
)
def test_an_application_is_found_however_it_is_written(text: str, app: str | None) -> None:
    listed = parse(text)
    assert isinstance(listed, Listed)
    assert app_of(listed, APPS) == app


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("hlep", "There is no command hlep. Did you mean `/retrigger help`?"),
        ("frobnicate", "There is no command frobnicate. A request is written REQ-42. `/retrigger help` shows all."),
        ("REQ-9999999999999999999", "There is no command REQ-9999999999999999999. A request is written REQ-42."),
        ("revok <@U1> admin", "There is no command revok. Did you mean `/retrigger revoke`?"),
        ("finanse", "There is no command finanse. Did you mean `/retrigger Finance`?"),
        ("list finanse", "There is no application finanse. Did you mean `/retrigger list Finance`?"),
        ("list Legal", "There is no application Legal. You may see: Finance, HR, R.D."),
    ],
)
def test_what_is_no_application_either_gets_the_right_spelling(text: str, sentence: str) -> None:
    listed = parse(text)
    assert isinstance(listed, Listed)
    with pytest.raises(Misspelt) as refused:
        app_of(listed, APPS)
    assert str(refused.value).startswith(sentence)


def test_what_is_nearly_a_command_is_told_to_whom_may_see_nothing_and_what_may_be_an_application_is_not() -> None:
    near = {text: meant(Listed(text, sure=False)) for text in ("whoam", "helpp me", "IT", "HR")}
    assert str(near.pop("whoam")) == "There is no command whoam. Did you mean `/retrigger whoami`?"
    assert str(near.pop("helpp me")) == "There is no command helpp. Did you mean `/retrigger help`?"
    assert [*near.values(), meant(Listed("helpp"))] == [None, None, None]


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("crate_account", "REQ-42 has no step crate_account. Did you mean `/retrigger REQ-42 create_account flow`?"),
        ("withdrw", "REQ-42 has no step withdrw. Did you mean `/retrigger REQ-42 withdraw`?"),
        ("flwo", "REQ-42 has no step flwo. Did you mean `/retrigger REQ-42 flow`?"),
        ("x", "REQ-42 has no step x. Its steps: create_account, badge."),
    ],
)
def test_a_step_that_the_request_lacks(typed: str, sentence: str) -> None:
    assert str(no_such_step(Start(Action.FLOW, 42, typed), ["create_account", "badge"])) == sentence


def test_an_act_that_several_steps_offer() -> None:
    sentence = str(which_step(Start(Action.INPUT, 42), ["desk", "laptop"]))
    assert sentence == "Name the step: `/retrigger REQ-42 desk input`. Possible now: desk, laptop."
