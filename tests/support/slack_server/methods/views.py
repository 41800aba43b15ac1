"""views.*"""

from __future__ import annotations

import secrets

from tests.support.slack_checks import check_view
from tests.support.slack_server.workspace import Json, Refused, Workspace, with_ids


def open_view(slack: Workspace, arguments: Json) -> Json:
    user = slack.use(arguments["trigger_id"])
    slack.stacks[user] = []
    return {"view": _add(slack, user, arguments["view"])}


def push(slack: Workspace, arguments: Json) -> Json:
    user = slack.use(arguments["trigger_id"])
    if not slack.stacks[user]:
        raise Refused("not_found")
    if len(slack.stacks[user]) >= 3:
        raise Refused("push_limit_reached")
    return {"view": _add(slack, user, arguments["view"])}


def update(slack: Workspace, arguments: Json) -> Json:
    found = slack.views.get(arguments.get("view_id") or "") or _external(slack, arguments.get("external_id"))
    if found is None or not any(found["id"] in stack for stack in slack.stacks.values()):
        raise Refused("not_found")
    if arguments.get("hash") and arguments["hash"] != found["hash"]:
        raise Refused("hash_conflict")
    return {"view": replace(slack, found["id"], arguments["view"])}


def publish(slack: Workspace, arguments: Json) -> Json:
    user = arguments["user_id"]
    if user not in slack.users:
        raise Refused("user_not_found")
    home = slack.homes.get(user)
    if home and arguments.get("hash") and arguments["hash"] != home["hash"]:
        raise Refused("hash_conflict")
    whole = _whole(slack, arguments["view"], {} if home is None else home)
    slack.homes[user] = slack.views[whole["id"]] = whole
    return {"view": whole}


def add_to(slack: Workspace, user: str, view: Json) -> Json:
    """For an answer to a submit: ``push``."""
    return _add(slack, user, view)


def replace(slack: Workspace, view_id: str, view: Json) -> Json:
    """The view with that id shows something else. Raises Refused."""
    slack.views[view_id] = _whole(slack, view, slack.views[view_id])
    return slack.views[view_id]


def _add(slack: Workspace, user: str, view: Json) -> Json:
    stack = slack.stacks[user]
    ids = {"root_view_id": stack[0], "previous_view_id": stack[-1]} if stack else {"previous_view_id": None}
    whole = _whole(slack, view, ids)
    whole.setdefault("root_view_id", whole["id"])
    slack.views[whole["id"]] = whole
    stack.append(whole["id"])
    slack.errors.pop(user, None)
    return whole


def _whole(slack: Workspace, view: Json, before: Json) -> Json:
    """As Slack keeps a view."""
    try:
        check_view(view)
    except Exception as error:
        slack.refused.append(f"a view: {error}")
        raise Refused("invalid_arguments", response_metadata={"messages": [str(error)]}) from error
    kept: Json = {key: before[key] for key in ("id", "root_view_id", "previous_view_id") if key in before}
    empty = {"private_metadata": "", "callback_id": "", "external_id": "", "notify_on_close": False}
    made = {"id": slack.id("V"), "hash": secrets.token_hex(4), "team_id": slack.team, "app_id": slack.app_id}
    return {**empty, **view, **made, **kept, "bot_id": f"B{slack.bot_user[1:]}", "blocks": with_ids(view["blocks"])}


def _external(slack: Workspace, name: str | None) -> Json | None:
    return next((view for view in slack.views.values() if name and view["external_id"] == name), None)
