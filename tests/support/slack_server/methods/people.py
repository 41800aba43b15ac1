"""auth.test, users.*, usergroups.*"""

from __future__ import annotations

from tests.support.slack_server.workspace import Json, Refused, Workspace


def auth_test(slack: Workspace, arguments: Json) -> Json:
    who = {"team": slack.name, "team_id": slack.team, "user": slack.bot_name, "user_id": slack.bot_user}
    return {"url": f"{slack.url}/", **who, "bot_id": f"B{slack.bot_user[1:]}"}


def info(slack: Workspace, arguments: Json) -> Json:
    if arguments["user"] not in slack.users:
        raise Refused("user_not_found")
    return {"user": slack.users[arguments["user"]]}


def everybody(slack: Workspace, arguments: Json) -> Json:
    return {"members": list(slack.users.values())}


def by_email(slack: Workspace, arguments: Json) -> Json:
    for user in slack.users.values():
        if user["profile"].get("email") == arguments["email"] and not user["deleted"]:
            return {"user": user}
    raise Refused("users_not_found")


def groups(slack: Workspace, arguments: Json) -> Json:
    """The disabled ones have ``date_delete``, and come only when asked for."""
    everything = str(arguments.get("include_disabled")).lower() in ("true", "1")
    found = [group for group in slack.groups if everything or not group.get("date_delete")]
    if str(arguments.get("include_users")).lower() not in ("true", "1"):
        found = [{key: value for key, value in group.items() if key != "users"} for group in found]
    return {"usergroups": [{"team_id": slack.team, "date_delete": 0, **group} for group in found]}


def group_users(slack: Workspace, arguments: Json) -> Json:
    for group in slack.groups:
        if group["id"] == arguments["usergroup"]:
            return {"users": group["users"]}
    raise Refused("no_such_subteam")
