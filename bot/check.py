"""What `doctor` asks of Slack: whether the tokens work, and whether the app has its scopes."""

from __future__ import annotations

from typing import NamedTuple

from slack_sdk import WebClient

from bot.errors import SlackError, translate
from engine.errors import RetriggerError

# As in app_manifest.yaml, with what each is for.
SCOPES = {
    "chat:write": "cards, threads and private messages",
    "commands": "/retrigger",
    "users:read": "who clicked",
    "users:read.email": "grants to e-mail addresses",
    "usergroups:read": "grants to user groups",
    "files:read": "results provided as a .json file",
    "files:write": "long results shown as a file",
    "channels:history": "looking up a post whose answer was lost",
    "groups:history": "the same in private channels",
    "im:history": "the same in direct messages",
    "im:write": "knowing which those are",
}


class SlackUnusable(RetriggerError):
    """The tokens do not work, or Slack cannot be reached; the sentence says which and what to do."""


class SlackCheck(NamedTuple):
    """``scopes`` None: the server did not tell. ``missing`` are those of SCOPES that the bot token lacks."""

    team: str
    bot_user: str
    scopes: frozenset[str] | None
    missing: tuple[str, ...]


def check_slack(client: WebClient, app_token: str | None = None) -> SlackCheck:
    """Ask Slack who the bot is. ``app_token`` is tried too when given. Raises SlackUnusable."""
    try:
        answer = client.auth_test()
    except Exception as raised:
        raise SlackUnusable(_sentence("SLACK_BOT_TOKEN", translate(raised))) from raised
    if app_token is not None:
        try:
            client.apps_connections_open(app_token=app_token)
        except Exception as raised:
            raise SlackUnusable(_sentence("SLACK_APP_TOKEN", translate(raised))) from raised
    header = next((value for name, value in dict(answer.headers).items() if name.lower() == "x-oauth-scopes"), None)
    scopes = None if header is None else frozenset(scope.strip() for scope in str(header).split(",") if scope.strip())
    missing = () if scopes is None else tuple(scope for scope in SCOPES if scope not in scopes)
    return SlackCheck(str(answer["team"]), str(answer["user"]), scopes, missing)


def _sentence(token: str, error: SlackError) -> str:
    return f"{token}: {error}"
