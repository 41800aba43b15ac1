"""Reading the settings: the file, then ``RETRIGGER_*`` variables. What is wrong is told with place, key and mend."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from engine.definition.fields import validated
from engine.definition.problems import DefinitionError, Problem, Report
from engine.definition.source import read
from engine.errors import SettingsError
from engine.nodes.connections import is_address
from engine.values.headers import can_be_sent
from engine.values.paths import Path as Place
from retrigger.settings import ApiSettings, FileSettings, Settings, SlackAccess

DEFAULT_FILE = Path("retrigger.yaml")
EXAMPLE = """\
database_url: sqlite:///retrigger.db
workflows: [workflows/]
connections:
  identity:
    base_url: "https://identity.example.com"
    auth: {bearer_env: IDENTITY_TOKEN}
apps:
  HR: {channel: C0123456789}
grants:
  - {who: hr-lead@example.com, permission: take_action, app: HR}
"""
_SLACK_SECRETS = ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET")  # in the order of SlackAccess
_SCALARS = ("database_url", "lease", "executor", "slots", "processor", "stop_grace", "retention", "log")
# Variables that override a scalar of the file, and the place in the file that each overrides.
VARIABLES: dict[str, Place] = {
    **{f"RETRIGGER_{key.upper()}": (key,) for key in _SCALARS},
    **{f"RETRIGGER_API_{key.upper()}": ("api", key) for key in ApiSettings.model_fields},
}


def read_settings(path: Path | None, environ: Mapping[str, str]) -> Settings:
    """The settings of the file at ``path``, or of retrigger.yaml here when it is None. Raises SettingsError.

    Without a file, the variable ``RETRIGGER_DATABASE_URL`` is enough.
    """
    file = path or DEFAULT_FILE
    exists = file.is_file()
    if not exists and (path is not None or "RETRIGGER_DATABASE_URL" not in environ):
        raise SettingsError(_no_file(file, named=path is not None))
    report = Report(str(file))
    try:
        values = _read_file(file, report) if exists else {}
        _override(values, environ)
        settings = validated(FileSettings, values, report, ())
        report.fail_if_any()
    except DefinitionError as error:
        raise SettingsError("\n".join(_told(problem, environ) for problem in error.problems)) from None
    assert settings is not None
    return _resolved(settings, file, environ)


def unknown_variables(environ: Mapping[str, str]) -> list[str]:
    """A sentence for each RETRIGGER_ variable that looks like a misspelt setting."""
    near = {name: difflib.get_close_matches(name, VARIABLES, 1, 0.85) for name in sorted(set(environ) - set(VARIABLES))}
    return [f"Nothing reads the variable {name}; did you mean {found[0]}?" for name, found in near.items() if found]


def unknown_applications(settings: Settings, known: Collection[str]) -> list[tuple[str, bool]]:
    """A sentence for each application of the settings that looks like a misspelt one of the workflows', and whether it
    surely is one: with other letters, it may be that of a workflow still to come."""
    alike = {app.lower(): app for app in known}
    named = {("apps", app) for app in settings.apps} | {("grants", grant.app) for grant in settings.grants if grant.app}
    near = {place: difflib.get_close_matches(place[1].lower(), alike, 1, 0.85) for place in sorted(named)}
    return [
        (f"{key}: no workflow is of the application {app}; did you mean {alike[found[0]]}?", app.lower() in alike)
        for (key, app), found in near.items()
        if found and app not in known
    ]


def _no_file(file: Path, *, named: bool) -> str:
    if file.is_dir():
        return f"{file} is a folder; name the settings file in it."
    if named:
        return f"There is no settings file {file}. Correct the path after --config, or make the file."
    return (
        f"There is no settings file {file} here. Name one with --config FILE, or make one, for instance:\n\n{EXAMPLE}\n"
        "`retrigger demo` needs none."
    )


def _read_file(file: Path, report: Report) -> dict[str, Any]:
    try:
        text = file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise SettingsError(f"{file}: this is not UTF-8 text; save it as UTF-8.") from None
    except OSError as error:
        raise SettingsError(f"The settings file {file} cannot be read: {error.strerror}.") from None
    values = read(text, report)
    if values is not None and not isinstance(values, dict):
        known = ", ".join(FileSettings.model_fields)
        report.add((), f"settings are keys with values, such as `lease: 5s`; the keys are {known}")
    if isinstance(values, dict) and "slack" in values:
        report.add(("slack",), "Slack's tokens come from the environment only; set SLACK_BOT_TOKEN and SLACK_APP_TOKEN")
    report.fail_if_any()
    return values or {}


def _override(values: dict[str, Any], environ: Mapping[str, str]) -> None:
    """Put the variables' values over the file's."""
    for name in [name for name in VARIABLES if name in environ]:
        if not environ[name].isascii() and environ[name] != environ[name].encode("utf-8", "replace").decode():
            raise SettingsError(f"The variable {name} is not UTF-8 text; set it anew.")
        target = values
        *outer, key = map(str, VARIABLES[name])
        for part in outer:
            inner = target.get(part)
            target[part] = inner if isinstance(inner, dict) else {}
            target = target[part]
        target[key] = environ[name]


def _told(problem: Problem, environ: Mapping[str, str]) -> str:
    """A problem of an overridden field is the variable's, not the file's."""
    fields = {".".join(map(str, place)): name for name, place in VARIABLES.items() if name in environ}
    variable = fields.get(problem.field)
    text = f"{variable}: {problem.message}" if variable else str(problem)
    return text if text.endswith("?") else f"{text}."


def _resolved(settings: FileSettings, file: Path, environ: Mapping[str, str]) -> Settings:
    folder = file.absolute().parent
    fields = {name: getattr(settings, name) for name in FileSettings.model_fields}
    fields["database_url"] = _absolute_url(settings.database_url, folder)
    fields["workflows"] = tuple(folder / path.expanduser() for path in settings.workflows)
    return Settings(**fields, folder=folder, file=file.absolute() if file.is_file() else None, slack=_slack(environ))


def _slack(environ: Mapping[str, str]) -> SlackAccess:
    """Without the line break that a secret's file ends with. Raises SettingsError, which shows no value."""
    given = {name: environ.get(name, "").strip() or None for name in (*_SLACK_SECRETS, "SLACK_API_URL")}
    for name in _SLACK_SECRETS:
        if (secret := given[name]) and not (secret.isascii() and can_be_sent(secret)):
            raise SettingsError(f"{name} holds a character that no token of Slack has; set it anew.")
    if (url := given["SLACK_API_URL"]) and not is_address(url):
        raise SettingsError(
            'SLACK_API_URL is no address that paths can follow; write one such as "https://slack.com/api/".'
        )
    return SlackAccess(*given.values())


def _absolute_url(url: str, folder: Path) -> str:
    """A SQLite file is looked for beside the settings file, wherever the command is run."""
    prefix = "sqlite:///"
    path = url.removeprefix(prefix)
    if not url.startswith(prefix) or not path or path.startswith((":memory:", "file:")):
        return url
    return f"{prefix}{folder / Path(path).expanduser()}"
