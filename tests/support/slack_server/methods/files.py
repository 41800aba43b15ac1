"""files.*: an upload in three steps, and the address to download it from."""

from __future__ import annotations

from tests.support.slack_server.workspace import Json, Refused, Workspace


def get_upload_url(slack: Workspace, arguments: Json) -> Json:
    if not arguments.get("filename") or int(arguments.get("length") or 0) <= 0:
        raise Refused("invalid_arguments")
    file_id = slack.id("F")
    slack.files[file_id] = {"id": file_id, "name": arguments["filename"], "size": int(arguments["length"])}
    return {"upload_url": f"{slack.url}/upload/{file_id}", "file_id": file_id}


def complete(slack: Workspace, arguments: Json) -> Json:
    """The files stand in the channel, when one is named."""
    found = []
    for file in arguments["files"]:
        if "content" not in slack.files.get(file["id"], {}):
            raise Refused("file_not_found")
        slack.files[file["id"]]["title"] = file.get("title") or slack.files[file["id"]]["name"]
        found.append(shown(slack, file["id"]))
    if arguments.get("channel_id"):
        channel = slack.writable(arguments["channel_id"])["id"]
        thread = {"thread_ts": arguments["thread_ts"]} if arguments.get("thread_ts") else {}
        said = {"text": arguments.get("initial_comment") or "", "blocks": [], "files": found}
        slack.add({**said, "channel": channel, "user": slack.bot_user, **thread})
    return {"files": found}


def info(slack: Workspace, arguments: Json) -> Json:
    if arguments["file"] not in slack.files:
        raise Refused("file_not_found")
    return {"file": shown(slack, arguments["file"])}


def keep(slack: Workspace, name: str, content: bytes) -> Json:
    """A file that a person uploaded."""
    file_id = slack.id("F")
    slack.files[file_id] = {"id": file_id, "name": name, "title": name, "size": len(content), "content": content}
    return shown(slack, file_id)


def shown(slack: Workspace, file_id: str) -> Json:
    """A file as Slack tells of it."""
    kept = slack.files[file_id]
    address = f"{slack.url}/download/{file_id}/{kept['name']}"
    facts = {key: value for key, value in kept.items() if key != "content"}
    kind = kept["name"].rpartition(".")[2]
    return {**facts, "filetype": kind, "url_private": address, "url_private_download": address, "mode": "hosted"}
