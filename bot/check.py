"""What `doctor` asks of Slack: whether the tokens work, and whether the app has its scopes."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterable
from http.client import HTTPException
from secrets import token_hex
from typing import NamedTuple
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

from slack_sdk import WebClient
from slack_sdk.signature import SignatureVerifier

from bot.errors import SlackError, translate
from bot.groups import Groups, Keeper
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


_GROUP = re.compile(r"@[^@\s]+|S[A-Z0-9]{2,}")


class SlackUnusable(RetriggerError):
    """The tokens do not work, or Slack cannot be reached; the sentence says which and what to do."""


class CannotBeReached(RetriggerError):
    """Nobody answers at the address that Slack has to call."""

    def __init__(self, url: str, error: Exception) -> None:
        self.url = url
        super().__init__(f"Nothing answers at {url} ({error}).")


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


def verify_address(url: str, signing_secret: str, seconds: float, *, direct: bool) -> int:
    """Call ``url`` as Slack does when it is told the address; ``direct``: past the environment's proxies. Returns the
    HTTP status, 0 where it is 200 and the challenge did not come back. Raises CannotBeReached."""
    challenge = token_hex(8)
    body = json.dumps({"type": "url_verification", "challenge": challenge})
    moment = str(int(time.time()))
    signature = SignatureVerifier(signing_secret).generate_signature(timestamp=moment, body=body) or ""
    headers = {"X-Slack-Request-Timestamp": moment, "X-Slack-Signature": signature, "Content-Type": "application/json"}
    try:
        opener = build_opener(ProxyHandler({} if direct else None))
        with opener.open(Request(url, body.encode(), headers), timeout=seconds) as answer:  # noqa: S310  # as it is set
            return 200 if challenge.encode() in answer.read(1000) else 0
    except HTTPError as error:
        return int(error.code)
    except (OSError, HTTPException, ValueError) as error:
        raise CannotBeReached(url, error) from error


def check_channel(client: WebClient, channel: str) -> str | None:
    """What is wrong with a channel that the settings name, in a sentence. An archived one can still be read: that shows
    when a message is sent there."""
    try:
        client.conversations_history(channel=channel, limit=1)
    except Exception as raised:
        return str(translate(raised))
    return None


def _sentence(token: str, error: SlackError) -> str:
    return f"{token}: {error}"


class GroupsCheck(NamedTuple):
    """``number`` of user groups that count. ``trouble``: why they cannot be read now, and which list counts instead;
    ``unknown``: groups that grants name and Slack does not have, or has disabled."""

    number: int
    trouble: str | None
    unknown: tuple[str, ...]


def check_groups(client: WebClient, kept: Keeper, granted: Iterable[str]) -> GroupsCheck:
    """Read the user groups now, as the bot does in the background. ``granted``: whom grants name."""
    groups = Groups(client, kept)
    groups.take_up()
    groups.refresh()
    named = sorted({who for who in granted if _GROUP.fullmatch(who)})
    unknown = tuple(who for who in named if groups.find(who) is None)
    return GroupsCheck(groups.number, groups.note, () if groups.note else unknown)
