"""Granting and revoking from the command line (SPEC 6)."""

from __future__ import annotations

from tests.support.front import Front


def test_a_grant_is_given_once_and_taken_back_once(still: Front):
    words = ("vera@example.com", "take_action", "--app", "HR")

    said = [still.out(verb, *words) for verb in ("grant", "grant", "revoke", "revoke")]

    told = "vera@example.com, Take action, HR: "
    assert said == [
        f"{told}granted.\n",
        f"{told}was granted already.\n",
        f"{told}revoked.\n",
        f"{told}there was no such grant.\n",
    ]


def test_a_permission_may_be_written_as_it_is_shown(still: Front):
    assert still.out("grant", "vera@example.com", "Take action") == (
        "vera@example.com, Take action, all applications: granted.\n"
    )


def test_a_grant_for_an_application_that_has_no_workflow_yet_says_so(still: Front):
    told = still.run("grant", "vera@example.com", "submit", "--app", "hr")
    assert (told.exit_code, told.stdout) == (0, "vera@example.com, Submit, hr: granted.\n")
    assert told.stderr == "No workflow of the application hr is published yet; there are: HR.\n"
    assert still.run("grant", "vera@example.com", "submit", "--app", " HR ").stderr == ""
    assert [grant["app"] for grant in still.json("grants")] == ["HR", "hr"]


def test_grants_of_the_settings_file_can_only_be_changed_there(front: Front):
    with front.settings.open("a") as settings:
        settings.write("grants:\n  - {who: hr@example.com, permission: take_action, app: HR}\n")
    with front.engine():
        assert "only be changed there" in front.refused("revoke", "hr@example.com", "take_action", "--app", "HR")
        assert "only be changed there" in front.refused("grant", "hr@example.com", "take_action", "--app", "HR")


def test_a_requester_can_be_barred_from_acting_on_their_own_request(front: Front):
    front.define("steps", front.folder.joinpath("workflows/steps.yaml").read_text() + "\nself_action: false\n")
    with front.engine():
        request = front.blocked()

        assert "is your own request" in front.refused("flow", request, "second")
        front.mend_second()
        assert front.run("flow", request, "second", RETRIGGER_USER="omar@example.com").exit_code == 0


def test_what_is_revoked_says_by_what_they_may_go_on_all_the_same(still: Front):
    for permission, *app in (("take_action", "--app", "HR"), ("admin",), ("take_action", "--app", "IT")):
        still.out("grant", "Ana@example.com", permission, *app)
    first, *others = still.out("revoke", "ana@example.com", "take_action", "--app", "HR").splitlines()
    assert first == "ana@example.com, Take action, HR: revoked."
    assert others[0] == "They still hold Take action, by:"
    assert [line.split(", hanna@", 1)[0].strip() for line in others[1:]] == ["Ana@example.com, Admin, all applications"]
