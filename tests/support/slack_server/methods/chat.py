"""chat.*"""

from __future__ import annotations

from tests.support.slack_checks import check_message
from tests.support.slack_server.workspace import Json, Refused, Workspace, with_ids


def post_message(slack: Workspace, arguments: Json) -> Json:
    channel = slack.writable(arguments["channel"])
    message = {**_content(slack, arguments), "channel": channel["id"], "user": slack.bot_user}
    if thread := arguments.get("thread_ts"):
        _thread(slack, thread, channel["id"])
        message["thread_ts"] = thread
        if arguments.get("reply_broadcast"):
            message["subtype"] = "thread_broadcast"
    message = slack.add(message)
    return {"channel": channel["id"], "ts": message["ts"], "message": message}


def post_ephemeral(slack: Workspace, arguments: Json) -> Json:
    channel = slack.writable(arguments["channel"])
    if arguments["user"] not in slack.users:
        raise Refused("user_not_found")
    if arguments["user"] not in channel["members"]:
        raise Refused("user_not_in_channel")
    more = {"thread_ts": arguments["thread_ts"]} if arguments.get("thread_ts") else {}
    whose = {"channel": channel["id"], "subtype": "ephemeral", "ephemeral_to": arguments["user"], **more}
    return {"message_ts": slack.add({**_content(slack, arguments), **whose, "user": slack.bot_user})["ts"]}


def update(slack: Workspace, arguments: Json) -> Json:
    channel = slack.writable(arguments["channel"])
    message = slack.messages.get(arguments["ts"])
    if message is None or message["channel"] != channel["id"] or message.get("subtype") in ("ephemeral", "tombstone"):
        raise Refused("message_not_found")
    if message["user"] != slack.bot_user:
        raise Refused("cant_update_message")
    message.update(_content(slack, arguments), edited={"user": slack.bot_user, "ts": slack.ts()})
    return {"channel": channel["id"], "ts": message["ts"], "text": message["text"]}


def delete(slack: Workspace, arguments: Json) -> Json:
    """A message with replies leaves a tombstone, and its thread stands."""
    ts = arguments["ts"]
    if ts not in slack.messages or slack.messages[ts]["channel"] != arguments["channel"]:
        raise Refused("message_not_found")
    message = slack.messages.pop(ts)
    if any(other.get("thread_ts") == ts for other in slack.messages.values()):
        gone = {"text": "This message was deleted.", "subtype": "tombstone", "blocks": []}
        slack.messages[ts] = {**message, **gone}
    return {"channel": arguments["channel"], "ts": ts}


def permalink(slack: Workspace, arguments: Json) -> Json:
    if arguments["message_ts"] not in slack.messages:
        raise Refused("message_not_found")
    place = f"{arguments['channel']}/p{arguments['message_ts'].replace('.', '')}"
    return {"channel": arguments["channel"], "permalink": f"{slack.url}/archives/{place}"}


def respond(slack: Workspace, url: str, said: Json) -> None:
    """What comes to a response_url: five times. Raises Refused."""
    left = slack.hooks.get(url)
    if left is None or left[3] == "0":
        raise Refused("used_url")
    channel, user, thread, times, ts = left
    left[3] = str(int(times) - 1)
    if said.get("replace_original") and ts in slack.messages:
        slack.messages[ts] = {**slack.messages[ts], **_content(slack, said)}
        slack.changed.notify_all()
        return
    ephemeral = {"subtype": "ephemeral", "ephemeral_to": user} if said.get("response_type") != "in_channel" else {}
    more = {"thread_ts": said.get("thread_ts") or thread} if said.get("thread_ts") or thread else {}
    slack.add({**_content(slack, said), "channel": channel, "user": slack.bot_user, **ephemeral, **more})


def _content(slack: Workspace, arguments: Json) -> Json:
    text, blocks = arguments.get("text") or "", arguments.get("blocks") or []
    if not text and not blocks:
        raise Refused("no_text")
    try:
        check_message(text, blocks)
    except Exception as error:
        slack.refused.append(f"a message: {error}")
        raise Refused("invalid_blocks", response_metadata={"messages": [str(error)]}) from error
    return {"text": text, "blocks": with_ids(blocks)}


def _thread(slack: Workspace, ts: str, channel: str) -> None:
    parent = slack.messages.get(ts)
    if parent is None or parent["channel"] != channel:
        raise Refused("thread_not_found")
    if parent.get("subtype") == "ephemeral":
        raise Refused("cannot_reply_to_message")
