"""conversations.*"""

from __future__ import annotations

from collections.abc import Iterable

from tests.support.slack_server.workspace import Json, Refused, Workspace


def history(slack: Workspace, arguments: Json) -> Json:
    """Newest first; of the threads only what was shown in the channel, too."""
    channel = _readable(slack, arguments["channel"])
    said = [m for m in _of(slack, channel["id"]) if "thread_ts" not in m or m.get("subtype") == "thread_broadcast"]
    return _page(reversed(_between(said, arguments)), arguments)


def replies(slack: Workspace, arguments: Json) -> Json:
    """The first message, then its replies, oldest first."""
    channel = _readable(slack, arguments["channel"])
    ts = arguments["ts"]
    thread = [m for m in _of(slack, channel["id"]) if m.get("thread_ts") == ts]
    parent = slack.messages.get(ts)
    if parent is None and not thread:
        raise Refused("thread_not_found")
    return _page([*([parent] if parent else []), *_between(thread, arguments)], arguments)


def info(slack: Workspace, arguments: Json) -> Json:
    channel = slack.channel(arguments["channel"])
    known = {key: channel[key] for key in ("id", "name", "is_archived")}
    return {"channel": {**known, "is_member": slack.bot_user in channel["members"]}}


def open_direct(slack: Workspace, arguments: Json) -> Json:
    if arguments["users"] not in slack.users:
        raise Refused("user_not_found")
    return {"channel": {"id": slack.channel(arguments["users"])["id"]}}


def _readable(slack: Workspace, name: str) -> Json:
    if name in slack.users:
        raise Refused("channel_not_found")  # only messages can be addressed to a person
    channel = slack.channel(name)
    if slack.bot_user not in channel["members"]:
        raise Refused("not_in_channel")
    return channel


def _of(slack: Workspace, channel: str) -> Iterable[Json]:
    return (m for m in slack.messages.values() if m["channel"] == channel and m.get("subtype") != "ephemeral")


def _between(messages: Iterable[Json], arguments: Json) -> list[Json]:
    oldest, latest = float(arguments.get("oldest") or 0), float(arguments.get("latest") or "inf")
    return [message for message in messages if oldest < float(message["ts"]) < latest]


def _page(messages: Iterable[Json], arguments: Json) -> Json:
    found, start, limit = list(messages), int(arguments.get("cursor") or 0), int(arguments.get("limit") or 100)
    more = start + limit < len(found)
    cursor = {"response_metadata": {"next_cursor": str(start + limit)}} if more else {}
    return {"messages": found[start : start + limit], "has_more": more, **cursor}
