"""The payloads of what a person does, as Slack makes them."""

from __future__ import annotations

import time
from typing import Any

from tests.support.slack_server.workspace import Json, Workspace

# What each kind of input tells when nobody touched it: the key in the state, and the key in the element.
_STATES = {
    "plain_text_input": ("value", "initial_value"),
    "number_input": ("value", "initial_value"),
    "checkboxes": ("selected_options", "initial_options"),
    "radio_buttons": ("selected_option", "initial_option"),
    "static_select": ("selected_option", "initial_option"),
    "multi_static_select": ("selected_options", "initial_options"),
    "users_select": ("selected_user", "initial_user"),
    "conversations_select": ("selected_conversation", "initial_conversation"),
    "file_input": ("files", "initial_files"),
}


def block_actions(slack: Workspace, user: str, where: Json, action: Json) -> Json:
    """A click in a message, or in a view."""
    payload = {**_common(slack, user, "block_actions"), "trigger_id": slack.trigger(user), "actions": [action]}
    if "id" in where:
        view = {**where, "state": {"values": values(where, {})}}
        return {**payload, "view": view, "container": {"type": "view", "view_id": where["id"]}}
    channel = slack.channels[where["channel"]]
    ephemeral = where.get("subtype") == "ephemeral"
    container = {"type": "message", "message_ts": where["ts"], "channel_id": channel["id"], "is_ephemeral": ephemeral}
    thread = {"thread_ts": where["thread_ts"]} if where.get("thread_ts") else {}
    payload |= {"container": {**container, **thread}, "channel": {"id": channel["id"], "name": channel["name"]}}
    answers = slack.hook(channel["id"], user, where.get("thread_ts", ""), where["ts"])
    payload |= {"state": {"values": {}}, "response_url": answers}
    return payload if ephemeral else {**payload, "message": where}


def view_submission(slack: Workspace, user: str, view: Json, given: Json) -> Json:
    """Submit, with what was typed."""
    whole = {**view, "state": {"values": values(view, given)}}
    more = {"trigger_id": slack.trigger(user), "response_urls": []}
    return {**_common(slack, user, "view_submission"), "view": whole, **more}


def view_closed(slack: Workspace, user: str, view: Json) -> Json:
    return {**_common(slack, user, "view_closed"), "view": view, "is_cleared": True}


def slash_command(slack: Workspace, user: str, channel: str, command: str, text: str) -> Json:
    """All values are text: it is sent as a form."""
    team = {"team_id": slack.team, "team_domain": slack.domain, "api_app_id": slack.app_id}
    place = {"channel_id": channel, "channel_name": slack.channels[channel]["name"] or "directmessage"}
    who = {"user_id": user, "user_name": slack.users[user]["name"]}
    answer = {"response_url": slack.hook(channel, user), "trigger_id": slack.trigger(user)}
    said = {"command": command, "text": text, "is_enterprise_install": "false", "token": "unused"}
    return {**team, **place, **who, **said, **answer}


def event(slack: Workspace, inner: Json) -> Json:
    """An event of the Events API."""
    bot = {"team_id": slack.team, "user_id": slack.bot_user, "is_bot": True, "is_enterprise_install": False}
    return {
        "type": "event_callback",
        "token": "unused",
        "team_id": slack.team,
        "api_app_id": slack.app_id,
        "event": {"event_ts": slack.ts(), **inner},
        "event_id": slack.id("Ev"),
        "event_time": int(time.time()),
        "authorizations": [{**bot, "enterprise_id": None}],
    }


def values(view: Json, given: Json) -> dict[str, dict[str, Any]]:
    """The state of every input."""
    state: dict[str, dict[str, Any]] = {}
    for block in view["blocks"]:
        for element in [block.get("element"), block.get("accessory"), *(block.get("elements") or [])]:
            if isinstance(element, dict) and element.get("type") in _STATES:
                name, initial = _STATES[element["type"]]
                empty: Any = [] if name in ("selected_options", "files") else None
                found = {"type": element["type"], name: element.get(initial, empty)}
                state.setdefault(block["block_id"], {})[element["action_id"]] = found
    for block_id, actions in given.items():
        state.setdefault(block_id, {}).update(actions)
    return state


def _common(slack: Workspace, user: str, kind: str) -> Json:
    profile = slack.users[user]
    who = {"id": user, "username": profile["name"], "name": profile["name"], "team_id": slack.team}
    team = {"id": slack.team, "domain": slack.domain}
    app = {"api_app_id": slack.app_id, "token": "unused", "enterprise": None, "is_enterprise_install": False}
    return {"type": kind, "user": who, "team": team, **app}
