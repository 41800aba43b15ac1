"""The manifests hold what the bot uses, no more and no less, and nothing that Slack would refuse.

Slack publishes a schema (slackapi/manifest-schema, schemas/manifest.schema.2.0.0.json). It is not kept here: what of it
our manifests touch stands in tests/support/manifest_schema.py, in words of our own. Whoever has the file may name it in
the variable SLACK_MANIFEST_SCHEMA; then the manifests are checked against it as well.
"""

from __future__ import annotations

import ast
import json
import os
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from slack_sdk import WebClient

from bot.check import SCOPES
from bot.http_mode import PATH
from tests.support.manifest_schema import SCHEMA
from tests.support.slack_listeners import heard

ROOT = Path(__file__).parents[3]
SOCKET, HTTP = "app_manifest.yaml", "app_manifest_http.yaml"
THEIRS = "SLACK_MANIFEST_SCHEMA"
HISTORY = ("channels:history", "groups:history", "im:history")  # whichever kind of place the post stands in
# The scopes that each method of the Web API needs, by Slack's documentation. A method that the bot comes to use must be
# written here, and its scopes into the manifests and bot.check.
METHODS: dict[str, tuple[str, ...]] = {
    "apps_connections_open": (),  # the app-level token's connections:write
    "auth_test": (),
    "chat_postEphemeral": ("chat:write",),
    "chat_postMessage": ("chat:write",),
    "chat_update": ("chat:write",),
    "conversations_history": HISTORY,
    "conversations_open": ("im:write",),
    "conversations_replies": HISTORY,
    "files_info": ("files:read",),
    "files_upload_v2": ("files:write",),
    "usergroups_list": ("usergroups:read",),
    "users_info": ("users:read", "users:read.email"),  # the second for the address in it
    "users_lookupByEmail": ("users:read.email",),
    "views_open": (),
    "views_publish": (),
    "views_push": (),
    "views_update": (),
}
EVENTS: dict[str, tuple[str, ...]] = {"app_home_opened": (), "app_uninstalled": (), "tokens_revoked": ()}
COMMANDS = ("commands",)


def manifest(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / name).read_text())
    return loaded


def used_methods() -> set[str]:
    """Every method of the Web API that the bot's code names, called there or handed on."""
    known = {name for name in dir(WebClient) if "_" in name.strip("_") and not name.startswith("_")} - {"api_call"}
    trees = [ast.parse(file.read_text()) for file in (ROOT / "bot").rglob("*.py")]
    named = {node.attr for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    return named & {name for name in known if callable(getattr(WebClient, name))}


@pytest.mark.parametrize("name", [SOCKET, HTTP])
def test_slack_takes_it(name: str) -> None:
    jsonschema.validate(manifest(name), SCHEMA, jsonschema.Draft202012Validator)


@pytest.mark.skipif(THEIRS not in os.environ, reason=f"{THEIRS} does not name Slack's published schema")
@pytest.mark.parametrize("name", [SOCKET, HTTP])
def test_slacks_published_schema_takes_it(name: str) -> None:
    theirs = json.loads(Path(os.environ[THEIRS]).read_text())
    jsonschema.validate(manifest(name), theirs, jsonschema.Draft7Validator)


@pytest.mark.parametrize(
    ("section", "wrong"),
    [
        ("display_information", {"name": "Retrigger" * 4}),
        ("display_information", {"name": "Retrigger", "long_description": "short"}),
        ("features", {"slash_commands": [{"command": "retrigger", "description": "no slash"}]}),
        ("features", {"slash_commands": [{"command": "/retrigger", "description": "d", "url": "retrigger"}]}),
        ("settings", {"event_subscriptions": {"bot_events": ["message"] * 101}}),
        ("settings", {"socket_mode": True}),
        ("oauth_config", {"scopes": {"bot": "chat:write"}}),
    ],
)
def test_what_slack_would_refuse_is_noticed(section: str, wrong: dict[str, Any]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**manifest(SOCKET), section: wrong}, SCHEMA, jsonschema.Draft202012Validator)


def test_both_are_one_app_but_for_the_way_to_it() -> None:
    socket, http = manifest(SOCKET), manifest(HTTP)
    settings, (command,) = http["settings"], http["features"]["slash_commands"]
    urls = {
        command.pop("url"),
        settings["event_subscriptions"].pop("request_url"),
        settings["interactivity"].pop("request_url"),
    }
    assert {url.removeprefix("https://retrigger.example.com") for url in urls} == {PATH}
    assert (socket["settings"].pop("socket_mode_enabled"), settings.pop("socket_mode_enabled")) == (True, False)
    assert http == socket


def test_every_method_that_is_called_has_its_scopes_and_no_scope_is_asked_for_in_vain() -> None:
    assert used_methods() == set(METHODS)
    needed = {scope for scopes in (*METHODS.values(), *EVENTS.values(), COMMANDS) for scope in scopes}
    assert needed == set(SCOPES)
    assert manifest(SOCKET)["oauth_config"] == {"scopes": {"bot": list(SCOPES)}}


def test_everything_that_is_listened_to_is_switched_on_and_nothing_else() -> None:
    listened, settings, features = heard(), manifest(SOCKET)["settings"], manifest(SOCKET)["features"]
    by_kind = {kind: {listener.what for listener in listened if listener.kind == kind} for kind, _ in listened}
    assert set(by_kind) == {"action", "view", "command", "event"}  # a shortcut would stand in the manifests, too
    assert {command["command"] for command in features["slash_commands"]} == by_kind["command"]
    assert set(settings["event_subscriptions"]["bot_events"]) == by_kind["event"] == set(EVENTS)
    assert settings["interactivity"]["is_enabled"]
    assert features["app_home"]["home_tab_enabled"]
    assert features["app_home"]["messages_tab_enabled"]  # direct messages, when a channel cannot be used
