"""The settings: one model, built once from the settings file and the environment, and passed on (SPEC 10)."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator, StrictInt, ValidationInfo, field_validator

from engine.definition.fields import Model, Timeout, choice, described, matching, problem
from engine.nodes.connections import ConnectionSettings, is_address
from engine.rules.permissions import Grant, Permission
from engine.values.somebody import is_somebody
from retrigger.ages import Days, days_of

PROCRASTINATE = "procrastinate"
SHORTEST_LEASE, LONGEST_LEASE = 1.0, 86400.0  # seconds


def _between(least: int, most: int) -> AfterValidator:
    def check(value: int) -> int:
        if not least <= value <= most:
            raise problem(f"is {described(value)}; write a number from {least} to {most}")
        return value

    return AfterValidator(check)


def _whole(value: object) -> object:
    """Environment variables are text. To YAML, yes and on are true, which to Python is 1."""
    return int(value) if isinstance(value, str) and value.strip().isdecimal() else value


def _lease(value: float) -> float:
    """It is renewed five times as often, by one commit each; and a step of a dead worker waits for its end."""
    if not SHORTEST_LEASE <= value <= LONGEST_LEASE:
        raise problem(f"is {value:g} s; write a duration between 1s and 1d")
    return value


def _days(value: object) -> object:
    """Such as 90d."""
    if isinstance(value, Days):
        return value
    days = days_of(value) if isinstance(value, str) else None
    if days is None:
        raise problem(f"is {described(value)}; write a number of days such as 90d")
    return days


def _like(example: str) -> BeforeValidator:
    """A mapping; what else it may hold its model says."""

    def check(value: object) -> object:
        if not isinstance(value, dict | Model):
            raise problem(f"is {described(value)}; write a mapping such as {example}")
        return value

    return BeforeValidator(check)


_Lease = Annotated[Timeout, AfterValidator(_lease)]
_Permission = Annotated[Permission, choice(*Permission)]
_Channel = Annotated[str, matching(r"[CGD][A-Z0-9]{2,}", "the channel's id, such as C0123456789: it is in its details")]
_Executor = Annotated[str, choice("apscheduler", PROCRASTINATE)]
_Age = Annotated[int, PlainValidator(_days)]
_Log = Annotated[str, choice("auto", "text", "json")]
_Slots = Annotated[StrictInt, BeforeValidator(_whole), _between(1, 1000)]
_Processor = Annotated[StrictInt, BeforeValidator(_whole), _between(0, 4095)]
_Port = Annotated[StrictInt, BeforeValidator(_whole), _between(0, 65535)]


def _is_installed(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except ValueError:  # something has put another thing in its place
        return False


class AppSettings(Model):
    """An application: the Slack channel in which its requests are told."""

    channel: _Channel | None = Field(None, description="the channel's id, such as C0123456789")


class GrantSettings(Model):
    """One permission of one person or group; ``app`` None is every application (SPEC 6)."""

    who: str = Field(min_length=1, description="an e-mail address, a Slack user's id, @group, or key:NAME")
    permission: _Permission = Field(description="submit, view_reports, take_action or admin")
    app: str | None = Field(None, min_length=1, description="the application's name, or leave it out for all of them")

    @field_validator("who")
    @classmethod
    def _is_somebody(cls, who: str) -> str:
        if not is_somebody(who):
            raise problem(f"is `{who}`, which is nobody; write {cls.model_fields['who'].description}")
        return who


class ApiSettings(Model):
    """Where the HTTP API listens, and how the outside world reaches it."""

    host: str = Field("127.0.0.1", min_length=1, description="an address such as 127.0.0.1")
    port: _Port = Field(8080, description="a port number such as 8080")
    public_url: str | None = Field(None, description='an address such as "https://retrigger.example.com"')

    @field_validator("public_url")
    @classmethod
    def _reachable(cls, url: str | None) -> str | None:
        if url is not None and not is_address(url):
            raise problem('is no address that paths can follow; write one such as "https://retrigger.example.com"')
        return url


@dataclass(frozen=True)
class SlackAccess:
    """What only the environment gives: ``SLACK_BOT_TOKEN``, ``SLACK_APP_TOKEN``, ``SLACK_SIGNING_SECRET``, and
    ``SLACK_API_URL`` for a server that stands for Slack. Secrets are not in its text form."""

    bot_token: str | None = field(default=None, repr=False)
    app_token: str | None = field(default=None, repr=False)
    signing_secret: str | None = field(default=None, repr=False)
    api_url: str | None = None

    @property
    def over_http(self) -> bool:
        """Whether Slack calls us; else we connect to Slack (Socket Mode). A signing secret decides (SPEC 7)."""
        return bool(self.signing_secret)

    @property
    def missing(self) -> tuple[str, ...]:
        """The variables that the bot needs and that are not set."""
        wanted = {"SLACK_BOT_TOKEN": self.bot_token}
        if not self.over_http:
            wanted["SLACK_APP_TOKEN"] = self.app_token
        return tuple(name for name, value in wanted.items() if not value)

    @property
    def secrets(self) -> frozenset[str]:
        """What must never be shown."""
        return frozenset(value for value in (self.bot_token, self.app_token, self.signing_secret) if value)


_Connection = Annotated[ConnectionSettings, _like('{base_url: "https://identity.example.com"}')]
_App = Annotated[AppSettings, _like("{channel: C0123456789}")]
_Grant = Annotated[GrantSettings, _like("{who: hr-lead@example.com, permission: take_action, app: HR}")]


class FileSettings(Model):
    """What the settings file may say. A field's description completes "write …" where its value is wrong."""

    database_url: str = Field("sqlite:///retrigger.db", description="sqlite:///FILE or postgresql://USER@HOST/NAME")
    workflows: tuple[Path, ...] = Field((), description="a list of folders or files, such as [workflows/]")
    functions: tuple[str, ...] = Field((), description="a list of Python modules, such as [my_functions]")
    connections: dict[str, _Connection] = Field(
        {}, description='names with their addresses, such as {identity: {base_url: "https://identity.example.com"}}'
    )
    apps: dict[str, _App] = Field({}, description="names with their channels: {HR: {channel: C0123456789}}")
    grants: tuple[_Grant, ...] = Field(
        (), description="a list such as [{who: hr-lead@example.com, permission: take_action, app: HR}]"
    )
    lease: _Lease = Field(5.0, description="a duration such as 5s")
    executor: _Executor = Field("apscheduler", description="apscheduler, or procrastinate (PostgreSQL)")
    slots: _Slots = Field(32, description="how many steps may run at once, such as 32")
    processor: _Processor | None = Field(None, description="the number of a processor, such as 1")
    stop_grace: Timeout = Field(10.0, description="how long a clean stop waits for running steps, such as 10s")
    retention: _Age | None = Field(None, description="a number of days such as 400d")
    log: _Log = Field("auto", description="auto, text or json")
    api: ApiSettings = Field(ApiSettings(), description="{host: 127.0.0.1, port: 8080}")

    @field_validator("executor")
    @classmethod
    def _is_possible(cls, value: str, info: ValidationInfo) -> str:
        if value != PROCRASTINATE:
            return value
        if str(info.data.get("database_url", "")).startswith("sqlite:"):
            raise problem(f"is {value}, which needs PostgreSQL; name one in database_url, or write apscheduler")
        if not _is_installed(value):
            raise problem(f"is {value}, which is not installed; run pip install 'retrigger[distributed]'")
        return value


class Settings(FileSettings):
    """Everything that is set, the environment's part included. Paths and the SQLite file are absolute."""

    folder: Path  # that of the settings file; relative paths start here
    file: Path | None = None
    slack: SlackAccess = SlackAccess()

    @property
    def distributed(self) -> bool:
        """Whether jobs bring due steps to the workers; else the workers look for them."""
        return self.executor == PROCRASTINATE

    @property
    def channels(self) -> dict[str, str]:
        """Application → Slack channel."""
        return {app: entry.channel for app, entry in self.apps.items() if entry.channel}

    @property
    def file_grants(self) -> tuple[Grant, ...]:
        """The grants that can only be changed in the settings file."""
        return tuple(Grant(grant.who, grant.permission, grant.app) for grant in self.grants)
