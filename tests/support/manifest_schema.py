"""What Slack takes as a manifest, of the sections that ours have: keys, types and sizes, as Slack documents them.

Scopes and events have no list there; tests/unit/bot/test_manifest.py compares them with what the bot uses.
"""

from __future__ import annotations

from typing import Any

FLAG = {"type": "boolean"}


def text(least: int, most: int, pattern: str = "") -> dict[str, Any]:
    return {"type": "string", "minLength": least, "maxLength": most, **({"pattern": pattern} if pattern else {})}


def only(required: tuple[str, ...] = (), **properties: Any) -> dict[str, Any]:
    """An object with these members and no others."""
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}


def some(items: dict[str, Any], least: int, most: int) -> dict[str, Any]:
    return {"type": "array", "items": items, "minItems": least, "maxItems": most, "uniqueItems": True}


URL = text(1, 3000, "^https?://")
COMMAND = only(
    ("command", "description"),
    command=text(2, 32, "^/"),
    url=URL,
    description=text(1, 2000),
    usage_hint=text(1, 1000),
    should_escape=FLAG,
)
FEATURES = only(
    app_home=only(home_tab_enabled=FLAG, messages_tab_enabled=FLAG, messages_tab_read_only_enabled=FLAG),
    bot_user=only(("display_name",), display_name=text(1, 80), always_online=FLAG),
    slash_commands=some(COMMAND, 1, 50),
)
SETTINGS = only(
    event_subscriptions=only(request_url=URL, bot_events=some(text(1, 100), 1, 100)),
    interactivity=only(("is_enabled",), is_enabled=FLAG, request_url=URL),
    org_deploy_enabled=FLAG,
    socket_mode_enabled=FLAG,
    token_rotation_enabled=FLAG,
)
SCHEMA = only(
    ("display_information",),
    _metadata=only(major_version={"type": "integer"}),
    display_information=only(
        ("name",),
        name=text(1, 35),
        description=text(1, 140),
        long_description=text(175, 4000),
        background_color=text(4, 7, "^#([0-9a-fA-F]{3}){1,2}$"),
    ),
    features=FEATURES,
    oauth_config=only(scopes=only(bot=some(text(1, 100), 1, 255))),
    settings=SETTINGS,
)
