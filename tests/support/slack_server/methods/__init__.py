"""The methods of the Web API: each is a function of the workspace and the arguments, and raises Refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from tests.support.slack_server.methods import chat, conversations, files, people, views
from tests.support.slack_server.workspace import Json, Workspace


class Method(NamedTuple):
    """``scope``: one of these the token must have."""

    run: Callable[[Workspace, Json], Json]
    scope: str = ""


HISTORY = "channels:history,groups:history,im:history"
METHODS = {
    "auth.test": Method(people.auth_test),
    "chat.delete": Method(chat.delete, "chat:write"),
    "chat.getPermalink": Method(chat.permalink),
    "chat.postEphemeral": Method(chat.post_ephemeral, "chat:write"),
    "chat.postMessage": Method(chat.post_message, "chat:write"),
    "chat.update": Method(chat.update, "chat:write"),
    "conversations.history": Method(conversations.history, HISTORY),
    "conversations.info": Method(conversations.info, "channels:read,groups:read"),
    "conversations.open": Method(conversations.open_direct, "im:write"),
    "conversations.replies": Method(conversations.replies, HISTORY),
    "files.completeUploadExternal": Method(files.complete, "files:write"),
    "files.getUploadURLExternal": Method(files.get_upload_url, "files:write"),
    "files.info": Method(files.info, "files:read"),
    "usergroups.list": Method(people.groups, "usergroups:read"),
    "usergroups.users.list": Method(people.group_users, "usergroups:read"),
    "users.info": Method(people.info, "users:read"),
    "users.list": Method(people.everybody, "users:read"),
    "users.lookupByEmail": Method(people.by_email, "users:read.email"),
    "views.open": Method(views.open_view),
    "views.publish": Method(views.publish),
    "views.push": Method(views.push),
    "views.update": Method(views.update),
}
