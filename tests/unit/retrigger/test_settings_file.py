"""The settings: what may be written, what the environment overrides, and what is said of mistakes."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from engine.errors import SettingsError
from engine.rules.permissions import Grant, Permission
from retrigger.settings import SlackAccess
from retrigger.settings_file import EXAMPLE, read_settings, unknown_variables

WHOLE = """
database_url: sqlite:///data/retrigger.db
workflows: [workflows/, /etc/retrigger/more.yaml]
functions: [my_functions]
connections:
  identity: {base_url: "http://127.0.0.1:8900", auth: {bearer_env: IDENTITY_TOKEN}, timeout: 10s}
apps:
  HR: {channel: C0123456789}
  IT: {}
grants:
  - {who: hr-lead@example.com, permission: take_action, app: HR}
  - {who: "@hr-admins", permission: admin}
lease: 7s
executor: apscheduler
slots: 4
processor: 1
stop_grace: 1m
api: {host: 0.0.0.0, port: 9090, public_url: null}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "retrigger.yaml"


def problems(file: Path, text: str, **environ: str) -> list[str]:
    """What is said of settings that are wrong, a line each, without the place of the file."""
    file.write_text(text)
    with pytest.raises(SettingsError) as found:
        read_settings(file, environ)
    return str(found.value).replace(str(file), "FILE").splitlines()


def test_everything_of_the_spec_can_be_written(file: Path):
    file.write_text(WHOLE)

    settings = read_settings(file, {})

    assert settings.database_url == f"sqlite:///{file.parent}/data/retrigger.db"
    assert settings.workflows == (file.parent / "workflows", Path("/etc/retrigger/more.yaml"))
    assert (settings.lease, settings.stop_grace, settings.slots, settings.api.port) == (7.0, 60.0, 4, 9090)
    assert settings.processor == 1
    assert settings.connections["identity"].timeout == 10.0
    assert settings.channels == {"HR": "C0123456789"}
    assert settings.file_grants == (
        Grant("hr-lead@example.com", Permission.TAKE_ACTION, "HR"),
        Grant("@hr-admins", Permission.ADMIN),
    )
    assert (settings.file, settings.folder) == (file, file.parent)


def test_an_empty_file_is_all_defaults(file: Path):
    file.write_text("# nothing yet\n")

    settings = read_settings(file, {})

    assert (settings.lease, settings.slots, settings.executor) == (5.0, 32, "apscheduler")
    assert settings.processor is None
    assert settings.database_url == f"sqlite:///{file.parent}/retrigger.db"
    assert (settings.api.host, settings.api.port, settings.api.public_url) == ("127.0.0.1", 8080, None)
    assert (settings.workflows, settings.functions, settings.connections, settings.apps) == ((), (), {}, {})


def test_procrastinate_needs_postgresql(file: Path):
    file.write_text("database_url: postgresql://me@db/r\nexecutor: procrastinate\n")

    assert read_settings(file, {}).distributed
    mend = "which needs PostgreSQL; name one in database_url, or write apscheduler."
    assert problems(file, "executor: procrastinate\n") == [f"FILE:1: field executor: is procrastinate, {mend}"]
    assert problems(file, "", RETRIGGER_EXECUTOR="procrastinate") == [f"RETRIGGER_EXECUTOR: is procrastinate, {mend}"]


def test_procrastinate_must_be_installed(file: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "procrastinate", None)  # as where it is not

    (said,) = problems(file, "database_url: postgresql://me@db/r\nexecutor: procrastinate\n")

    mend = "which is not installed; run pip install 'retrigger[distributed]'."
    assert said == f"FILE:2: field executor: is procrastinate, {mend}"


def test_the_example_that_is_shown_is_right(file: Path):
    file.write_text(EXAMPLE)

    assert read_settings(file, {}).channels == {"HR": "C0123456789"}


def test_variables_override_scalars_and_the_files_api_stays(file: Path):
    file.write_text(WHOLE)
    environ = {"RETRIGGER_LEASE": "2s", "RETRIGGER_API_PORT": "1234", "RETRIGGER_SLOTS": "8"}

    settings = read_settings(file, {**environ, "RETRIGGER_DATABASE_URL": "postgresql://me@db/r"})

    assert (settings.lease, settings.slots, settings.database_url) == (2.0, 8, "postgresql://me@db/r")
    assert (settings.api.host, settings.api.port) == ("0.0.0.0", 1234)


def test_without_a_file_the_database_of_the_environment_is_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)

    settings = read_settings(None, {"RETRIGGER_DATABASE_URL": "sqlite:///x.db"})

    assert (settings.database_url, settings.file) == (f"sqlite:///{tmp_path}/x.db", None)


def test_without_a_file_and_a_database_an_example_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)

    with pytest.raises(SettingsError, match=r"There is no settings file retrigger\.yaml here") as found:
        read_settings(None, {"RETRIGGER_LEASE": "1s"})

    assert EXAMPLE in str(found.value)


def test_slack_comes_from_the_environment_and_is_not_shown(file: Path):
    file.write_text("")

    slack = read_settings(file, {"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_SIGNING_SECRET": "sig-1"}).slack

    assert (slack.bot_token, slack.over_http, slack.missing) == ("xoxb-1", True, ())
    assert slack.secrets == {"xoxb-1", "sig-1"}
    assert "xoxb-1" not in repr(slack)


def test_a_variable_of_slack_that_is_empty_is_not_set(file: Path):
    """As compose and shells pass on what they do not have."""
    file.write_text("")

    names = ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET", "SLACK_API_URL")
    assert read_settings(file, dict.fromkeys(names, "")).slack == SlackAccess()


def test_a_secret_of_slack_may_end_with_the_line_break_of_its_file(file: Path):
    """Else what Slack's own client strips off would be shown, and no signature would ever match."""
    file.write_text("")

    slack = read_settings(file, {"SLACK_BOT_TOKEN": "xoxb-1\n", "SLACK_SIGNING_SECRET": " s \r\n"}).slack

    assert slack.secrets == {"xoxb-1", "s"}


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("SLACK_BOT_TOKEN", "xoxb-€", "SLACK_BOT_TOKEN holds a character that no token of Slack has; set it anew."),
        ("SLACK_APP_TOKEN", "xapp-1\nxapp-2", "SLACK_APP_TOKEN holds a character that no token of Slack has"),
        ("SLACK_API_URL", "slack.local", "SLACK_API_URL is no address that paths can follow; write one such as"),
    ],
)
def test_what_slack_could_not_be_called_with_is_told(file: Path, name: str, value: str, said: str):
    [problem] = problems(file, "", **{name: value})
    assert problem.startswith(said)
    assert value not in problem


def test_without_a_signing_secret_slack_is_connected_to(file: Path):
    file.write_text("")

    slack = read_settings(file, {"SLACK_BOT_TOKEN": "xoxb-1"}).slack

    assert (slack.over_http, slack.missing) == (False, ("SLACK_APP_TOKEN",))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("lese: 5s", "FILE:1: field lese: is not known; did you mean `lease`?"),
        ("\nlease: fast", "FILE:2: field lease: is `fast`; write a duration such as 10s, 2m, 1h or 2d, or a number"),
        ("lease: 0s", "FILE:1: field lease: is no time at all; write a duration"),
        ("lease: 0.001", "FILE:1: field lease: is 0.001 s; write a duration between 1s and 1d."),
        ("lease: 2d", "FILE:1: field lease: is 172800 s; write a duration between 1s and 1d."),
        ("slots: 0", "FILE:1: field slots: is the number 0; write a number from 1 to 1000."),
        ("slots: many", "FILE:1: field slots: is `many`; write how many steps may run at once, such as 32."),
        ("processor: -1", "FILE:1: field processor: is the number -1; write a number from 0 to 4095."),
        ("processor: first", "FILE:1: field processor: is `first`; write the number of a processor, such as 1."),
        ("executor: celery", "FILE:1: field executor: is `celery`; write apscheduler or procrastinate."),
        ("workflows: workflows/", "FILE:1: field workflows: is `workflows/`; write a list of folders or files"),
        ("slots: true", "FILE:1: field slots: is true; write how many steps may run at once, such as 32."),
        ('api: {host: ""}', "FILE:1: field api.host: is an empty text; write an address such as 127.0.0.1."),
        ("api: {port: 70000}", "FILE:1: field api.port: is the number 70000; write a number from 0 to 65535."),
        ("apps: {HR: {channel: '#hr'}}", "FILE:1: field apps.HR.channel: is `#hr`; write the channel's id"),
        (
            "apps: {HR: C0123456789}",
            "FILE:1: field apps.HR: is `C0123456789`; write a mapping such as {channel: C0123456789}.",
        ),
        ("grants:\n  - {who: a@b.c}", "FILE:2: field grants[0].permission: is missing; write submit"),
        ("grants:\n  - {who: a@b.c, permission: act}", "FILE:2: field grants[0].permission: is `act`; write submit"),
        ("grants:\n  - {who: hanna, permission: admin}", "FILE:2: field grants[0].who: is `hanna`"),
        ('grants: [{who: a@b.c, permission: admin, app: ""}]', "FILE:1: field grants[0].app: is an empty text;"),
        ("grants: [hanna]", "FILE:1: field grants[0]: is `hanna`; write a mapping such as {who: "),
        ("connections: {it: http://x}", "FILE:1: field connections.it: is `http://x`; write a mapping such as {base"),
        ("connections: {it: {}}", "FILE:1: field connections.it.base_url: is missing; write an address"),
        ("connections: {it: {base_ulr: x}}", "FILE:1: field connections.it.base_url: is missing; write an address"),
        (
            'connections: {it: {base_url: "http://x", auth: {bearer_env: ""}}}',
            "FILE:1: field connections.it.auth.bearer_env: is an empty text; write the name of the environment",
        ),
        ("slack: {token: x}", "FILE:1: field slack: Slack's tokens come from the environment only; set"),
        ("folder: /", "FILE:1: field folder: is not known; use"),
        (
            "- a\n- b",
            "FILE:1: settings are keys with values, such as `lease: 5s`; the keys are database_url, workflows",
        ),
        ("lease: [5s", "FILE:2: this is not YAML: "),
        ("lease: 5s\nlease: 6s", "FILE:2: field lease: the key stands twice, first on line 1; keep one of them."),
        ("lease: 5s\n\tslots: 3", "FILE:2: this is not YAML: "),
    ],
)
def test_a_mistake_is_told_with_line_key_and_mend(file: Path, text: str, said: str):
    assert problems(file, text)[0].startswith(said)


def test_all_mistakes_are_told_at_once(file: Path):
    assert len(problems(file, "lease: fast\nslots: many\nwrkflows: []\n")) == 3


def test_a_mistake_of_a_variable_names_the_variable(file: Path):
    assert problems(file, "lease: 5s", RETRIGGER_LEASE="soon")[0].startswith("RETRIGGER_LEASE: is `soon`; write")
    assert problems(file, "", RETRIGGER_API_PORT="web")[0].startswith("RETRIGGER_API_PORT: is `web`; write a port")
    # to the system, no host at all is every address of the machine
    assert problems(file, "", RETRIGGER_API_HOST="")[0].startswith("RETRIGGER_API_HOST: is an empty text; write an")


def test_files_that_cannot_be_read_are_told(file: Path):
    with pytest.raises(SettingsError, match="Correct the path after --config, or make the file"):
        read_settings(file, {})
    with pytest.raises(SettingsError, match="is a folder; name the settings file in it"):
        read_settings(file.parent, {})
    file.write_bytes(b"lease: \xff\xfe")
    with pytest.raises(SettingsError, match="this is not UTF-8 text"):
        read_settings(file, {})


def test_misspelt_variables_are_found_and_others_left_alone():
    environ = {"RETRIGGER_LAESE": "1s", "RETRIGGER_USER": "a@b.c", "RETRIGGER_LEASE": "1s", "PATH": "/bin"}

    assert unknown_variables(environ) == ["Nothing reads the variable RETRIGGER_LAESE; did you mean RETRIGGER_LEASE?"]


@pytest.mark.parametrize("url", ["javascript:alert(1)", "retrigger.example.com", "https://a b", "https://a?x=1"])
def test_a_public_url_is_an_address(file: Path, url: str):
    [problem] = problems(file, f'api: {{public_url: "{url}"}}')
    assert "field api.public_url: is no address that paths can follow" in problem


def test_a_variable_that_is_no_text_is_named(file: Path):
    assert problems(file, "", RETRIGGER_LEASE="\udcff") == [
        "The variable RETRIGGER_LEASE is not UTF-8 text; set it anew."
    ]
