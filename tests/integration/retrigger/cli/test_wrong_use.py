"""Whatever is typed or found wrong: the exit code that goes with it, a clear sentence, and nothing changed."""

from __future__ import annotations

import sqlite3
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from retrigger.cli import command
from tests.integration.retrigger.conftest import StartProcess
from tests.support.front import Front, Process

JSON = '{"name": "Ada"}'

WRONG = [
    # what is typed, exit code, what the sentence says
    (("submitt", "steps"), 2, "No such command 'submitt'. Did you mean 'submit'?"),
    (("xyz",), 2, "No such command 'xyz'."),
    (("list", "--as", "a@example.com"), 2, "--as belongs to the whole command: command --as … list"),
    (("key", "list", "--config", "x.yaml"), 2, "--config belongs to the whole command: command --config … key list"),
    (("list", "--ass", "a"), 2, "No such option '--ass'."),
    (("show", "REQ-x"), 2, "'REQ-x' is no request; write REQ-42, or 42."),
    (("show", "REQ-9999999999999999999"), 2, "is no request"),
    (("show", "REQ-7"), 4, "There is no request REQ-7."),
    (("flow", "REQ-7", "second"), 4, "There is no request REQ-7."),
    (("flow", "REQ-1", "secnd"), 4, "There is no step secnd. REQ-1 has: "),
    (("flow", "REQ-1", "first "), 3, "first is completed."),  # as it is pasted
    (("flow", "REQ-1", ""), 2, "'' is no step; write the name of its node."),
    (("flow", "REQ-1", "secnd", "--plan"), 4, "There is no step secnd."),
    (("input", "REQ-1", "secnd", "--json", "{}"), 4, "There is no step secnd."),
    (("input", "REQ-1", "secnd"), 4, "There is no step secnd."),
    (("step", "REQ-1", "first"), 3, "first is completed. Only blocked and failed steps can be re-triggered."),
    (("flow", "REQ-1", "third"), 3, "third is pending. It starts by itself when the steps before it are done."),
    (("continue", "REQ-1"), 3, "No step is held."),
    (("continue", "REQ-1", "--plan"), 3, "No step is held."),
    (("step", "REQ-1", "first", "--plan"), 3, "first is completed. Only blocked and failed steps can be re-triggered."),
    (("input", "REQ-1", "third", "--plan"), 3, "third is pending, and input can be provided only while"),
    (("flow", "REQ-1", "second", "--version", "9"), 4, "There is no version 9"),
    (("flow", "REQ-1", "second", "--version", "9", "--plan"), 4, "There is no version 9"),
    (("step", "REQ-1", "second", "--version", "9", "--plan"), 4, "There is no version 9"),
    (("flow", "REQ-1", "second", "--version", "0"), 2, "0 is not in the range x>=1"),
    (("flow", "REQ-1", "second", "--reason", "x" * 1001), 3, "The reason is 1001 characters long"),
    (("input", "REQ-1", "second", "--json", '{"done": }'), 3, "Line 1, column 10: expected a value"),
    (("input", "REQ-1", "second", "--json", "@nowhere.json"), 2, "nowhere.json cannot be read: No such file"),
    (("input", "REQ-1", "second", "--json", "@"), 2, "a file without a name cannot be read"),
    (("input", "REQ-1", "first", "--json", "{}"), 3, "input can be provided only while a step is blocked"),
    (("input", "REQ-1", "third"), 3, "third is pending, and input can be provided only while a step is blocked"),
    (("submit", "stps", "--input", JSON), 4, "There is no workflow stps. Published: steps."),
    (("submit", "steps", "--input", "{name: Ada}"), 3, "Line 1, column 2: expected a key in double quotes."),
    (("submit", "steps", "--input", '{"name": NaN}'), 3, "NaN is no number in JSON"),
    (("submit", "steps"), 3, "The input does not fit: 'name' is a required property."),
    (("submit", "steps", "--input", JSON, "--requester", "eve\x1b[2J@example.com"), 3, "The requester must be "),
    (("submit", "steps", "--input", JSON, "--requester", "eve\n@example.com"), 3, "The requester must be "),
    (("submit", "steps", "--input", JSON, "--requester", ""), 3, "The requester must be "),
    (("show", "REQ-1", "--json", "--picture", "path.png"), 2, "--json and --picture are two things; take one."),
    (("list", "--limit", "few"), 2, "'few' is not a valid number."),
    (("list", "--status", "stuck"), 2, "'stuck' is not one of 'in_progress', 'blocked'"),
    (("grant", "hanna@example.com", "act"), 2, "'act' is not one of 'submit', 'view_reports', 'take_action', 'admin'"),
    (("list", "--app", "IT"), 4, "There is no application IT. Known: HR."),
    (("list", "--app", "IT", "--json"), 4, "There is no application IT. Known: HR."),
    (("grant", "hanna", "admin"), 2, "'hanna' is nobody; write a mail, "),
    (("grant", " ", "admin"), 2, "is nobody"),
    (("grant", "eve\x1b[2J", "admin"), 2, "is nobody"),
    # what a shell makes of a variable that is not set would be all applications
    (("grant", "vera@example.com", "admin", "--app", ""), 2, "'' is no application; write its name, or leave --app"),
    (("revoke", "vera@example.com", "admin", "--app", " "), 2, "' ' is no application"),
    (("list", "--app", ""), 2, "'' is no application"),
    (("prune", "--older-than", "90d", "--app", ""), 2, "'' is no application"),
    (("workflow", "check", "nowhere.yaml"), 1, "nowhere.yaml cannot be read: No such file or directory."),
]


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Front:
    """REQ-1 is Blocked at ``second``; no engine runs."""
    front = Front(tmp_path_factory.mktemp("wrong"), "sqlite:///retrigger.db")
    with front.engine():
        front.blocked()
    return front


@pytest.mark.parametrize(
    ("words", "code", "sentence"), WRONG, ids=lambda value: " ".join(value)[:40] if isinstance(value, tuple) else ""
)
def test_wrong_use_is_told_in_a_sentence(ready: Front, words: tuple[str, ...], code: int, sentence: str):
    before = ready.json("show", "REQ-1")

    said = ready.refused(*words, code=code)

    assert sentence in said
    assert "\x1b" not in said
    after = ready.json("show", "REQ-1")
    assert [before[key] for key in ("status", "steps")] == [after[key] for key in ("status", "steps")]


@pytest.mark.parametrize(
    ("person", "sentence"),
    [
        (None, "Say who is acting: --as MAIL before the command's name, or set RETRIGGER_USER."),
        ("", "Say who is acting"),
        ("hanna", "'hanna' is no e-mail address; write --as hanna@example.com."),
        ("hanna@example.com\x1b[2J", "'hanna@example.com\\x1b[2J' is no e-mail address"),
    ],
)
@pytest.mark.parametrize(
    "words",
    [
        ("submit", "steps", "--input", JSON),
        ("flow", "REQ-1", "second"),
        ("step", "REQ-1", "second", "--plan"),
        ("input", "REQ-1", "second", "--json", "{}"),
        ("continue", "REQ-1"),
        ("withdraw", "REQ-1", "--reason", "x"),
        ("approve", "REQ-1", "second"),
        ("reject", "REQ-1", "second"),
        ("grant", "vera@example.com", "admin"),
        ("revoke", "vera@example.com", "admin"),
        ("key", "create", "ci"),
        ("key", "revoke", "ci"),
        ("workflow", "publish", "steps.yaml"),
        ("prune", "--older-than", "90d"),
    ],
    ids=lambda words: words[0],
)
def test_acting_without_saying_who_is_wrong_usage(
    ready: Front, words: tuple[str, ...], person: str | None, sentence: str
):
    result = ready.run(*words, RETRIGGER_USER=person)

    assert (result.exit_code, result.stdout) == (2, "")
    assert sentence in result.stderr


def test_reading_needs_nobody(ready: Front):
    assert ready.run("list", RETRIGGER_USER=None).exit_code == 0


def test_input_over_the_limit_is_refused(ready: Front):
    file = ready.folder / "large.json"
    file.write_text(f'{{"name": "{"ä" * 600_000}"}}')

    assert "The text is too large; the limit is 1,048,576 bytes." in ready.refused(
        "submit", "steps", "--input", f"@{file}"
    )


def test_a_standard_input_that_is_closed_is_told(ready: Front):
    """As some schedulers have it."""
    closed = ("sh", "-c", 'exec "$0" -m retrigger "$@" <&-', sys.executable)

    process = Process(ready.folder, "--as", "a@example.com", "submit", "steps", "--input", "@-", by=closed)

    assert process.code() == 2
    assert "standard input cannot be read: it is closed." in process.said


def test_a_file_that_is_not_text_is_refused(ready: Front):
    file = ready.folder / "latin.json"
    file.write_bytes('{"name": "Åsa"}'.encode("latin-1"))

    assert "is not UTF-8 text" in ready.refused("submit", "steps", "--input", f"@{file}", code=2)


def test_text_that_would_steer_the_terminal_is_shown_harmless(front: Front):
    front.break_second("no \x1b[31mred\x07 \u202e[bold]here[/bold]")
    with front.engine():
        request = front.submit("[red]\x1b]0;owned\x07Ada")
        front.wait(request, "blocked")
        shown = front.out("show", request) + front.out("list") + front.run("flow", request, "second").stdout

    assert "[red] ]0;owned Ada" in shown
    assert "no [31mred [bold]here[/bold]" in shown
    assert not set(shown) & set("\x1b\x07\u202e")


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("sqlite:///retrigger.db", "does not exist yet. Run `retrigger db upgrade`."),
        ("sqlite:///nowhere/retrigger.db", "The folder"),
        ("mysql://x/y", "database_url must be sqlite:///FILE or postgresql://USER@HOST/NAME."),
        ("postgresql://me@one:1,two:2/x", "database_url must be sqlite:///FILE or postgresql://USER@HOST/NAME."),
        ("postgresql://me@one/x?port=secret", "database_url must be sqlite:///FILE or postgresql://USER@HOST/NAME."),
        ("postgresql://me:a@secret@127.0.0.1/x", "database_url holds an @ in its password; write %40 for it."),
        ("postgresql://me:a@b:secret@127.0.0.1/x", "database_url must be sqlite:///FILE or postgresql"),
        ("postgresql://me:secret@127.0.0.1:1/x", "The PostgreSQL database x at 127.0.0.1:1 cannot be reached"),
    ],
)
def test_a_database_that_cannot_be_used_is_told(tmp_path: Path, url: str, sentence: str):
    front = Front(tmp_path, url)

    said = front.refused("list", code=1)

    assert sentence in said
    assert "secret" not in said
    assert not list(tmp_path.glob("*.db"))


@pytest.mark.parametrize("command", ["list", "up", "worker", "doctor"])
def test_an_address_that_is_none_is_told_by_every_command(still: Front, start: StartProcess, command: str):
    process = start(command, RETRIGGER_DATABASE_URL="retrigger.db")

    assert process.code() == 1
    assert "database_url must be sqlite:///FILE or postgresql://USER@HOST/NAME." in process.said


def test_a_file_that_is_no_database_is_told(front: Front):
    (front.folder / "retrigger.db").write_text("hello " * 1000)

    assert "is not a SQLite database" in front.refused("list", code=1)


def test_a_database_without_our_tables_is_told(front: Front):
    with sqlite3.connect(front.folder / "retrigger.db") as connection:
        connection.execute("CREATE TABLE other (x)")
    connection.close()

    assert "has no tables of Retrigger yet. Run `retrigger db upgrade`." in front.refused("list", code=1)


def test_a_read_only_database_can_be_read_and_refuses_to_be_written(still: Front):
    read_only = f"sqlite:///file:{still.folder}/retrigger.db?mode=ro&uri=true"

    assert still.run("list", RETRIGGER_DATABASE_URL=read_only).exit_code == 0
    result = still.run("submit", "steps", "--input", JSON, RETRIGGER_DATABASE_URL=read_only)

    assert (result.exit_code, result.stdout) == (1, "")
    assert "is read-only. Make the file and its folder writable for this user." in result.stderr


def test_settings_that_are_wrong_are_told_with_line_and_mend(front: Front):
    front.settings.write_text("database_url: sqlite:///retrigger.db\nlease: soon\nworkflow: [x]\n")

    said = front.refused("list", code=1).splitlines()

    assert said[0].endswith(
        "retrigger.yaml:2: field lease: is `soon`; write a duration such as 10s, 2m, 1h or 2d, or a number of seconds."
    )
    assert said[1].endswith("retrigger.yaml:3: field workflow: is not known; did you mean `workflows`?")


def test_a_settings_file_that_was_named_and_is_not_there(front: Front):
    front.settings.unlink()

    assert "There is no settings file" in front.refused("list", code=1)


def test_without_a_settings_file_a_ready_example_is_shown(front: Front, start: StartProcess):
    front.settings.unlink()

    process = start("list")

    assert process.code() == 1
    assert "or make one, for instance:\n\ndatabase_url: sqlite:///retrigger.db\n" in process.said


def test_a_defect_is_named_without_a_traceback_unless_asked_for(front: Front, monkeypatch: pytest.MonkeyPatch):
    def broken(*_: object) -> None:
        raise KeyError("surprise")

    monkeypatch.setattr("retrigger.settings_file.read_settings", broken)

    sentence = (
        "This is a defect of Retrigger: KeyError: 'surprise'. Run the same with `retrigger --debug` to see where."
    )
    assert front.refused("list", code=1) == f"{sentence}\n"
    asked = CliRunner().invoke(command, ["--debug", "list"])
    assert asked.exit_code == 1
    assert "Traceback" in asked.stderr
    assert front.refused("list", code=1, RETRIGGER_DEBUG="0") == f"{sentence}\n"
