"""App Home: published anew when somebody opens it, chooses something in it, or acted from it."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import Any

from slack_bolt import App
from slack_sdk import WebClient

from bot.blocks.grants import not_permitted
from bot.blocks.home import ALL_APPS, PAGE, Seen, closed_view, failed_view, home_view
from bot.context import Bot
from bot.errors import SlackError, translate, unexpected
from bot.listeners.opening import surely
from bot.listeners.visit import Body, Visit
from bot.people import Person
from bot.targets import HOME_AGE, HOME_APP, OldButton, Report, unpack_report
from engine.errors import NotPermitted, RetriggerError
from engine.logs import logger

log = logger(__name__)


def register(app: App, bot: Bot) -> None:
    """Listen to people opening App Home."""

    def on_opened(body: Body, client: WebClient) -> None:
        event = body["event"]
        if event.get("tab", "home") == "home":
            kept = (event.get("view") or {}).get("private_metadata") or ""
            publish(bot, client, str(body.get("team_id", "")), event["user"], kept)

    app.event("app_home_opened")(on_opened)


def publish(bot: Bot, client: WebClient, team: str, user: str, kept: str = "") -> None:
    """Show a person their App Home; ``kept``: what it showed before. Never fails: what keeps it from being made is
    shown in its place."""
    report = report_of(kept)
    try:
        view = view_for(bot, bot.people.person(team, user), report, tried=False)
    except RetriggerError as error:
        view = failed_view(str(error), report)
    except Exception as raised:
        log.exception("home.failed", says="App Home could not be made.", user=user)
        view = failed_view(unexpected(raised), report)
    try:
        surely(partial(show, client, user, view))  # in App Home nobody can be told that it is an old one
    except SlackError as error:
        log.warning("home.unshown", says=f"App Home could not be shown: {error}", user=user)


def choose(bot: Bot, client: WebClient, visit: Visit, pressed: dict[str, Any]) -> None:
    """Something was chosen in App Home, another page, or the present state. Raises RetriggerError."""
    report = report_of(visit.place.home or "")
    value = (pressed.get("selected_option") or {}).get("value") or ""
    if pressed["action_id"] == HOME_APP:
        report = Report(None if value == ALL_APPS else value, report.longer_than)
    elif pressed["action_id"] == HOME_AGE:
        report = Report(report.app, int(value) if value.isdecimal() else 0)
    else:
        report = unpack_report(pressed.get("value") or "")
    show(client, visit.user, view_for(bot, visit.person, report))


def view_for(bot: Bot, person: Person, report: Report, *, tried: bool = True) -> dict[str, Any]:
    """What a person may see of a report. Slack opens App Home with the app, so nobody has ``tried`` anything then."""
    engine, actor = bot.engine, person.actor
    try:
        apps = engine.apps(actor, tried=tried)
        if report.app is not None and report.app not in apps:
            report = Report(None, report.longer_than)  # they may not see it any more
        blocked = engine.blocked(
            actor, app=report.app, longer_than=report.longer_than, cursor=report.cursor, limit=PAGE
        )
        counts = engine.counts(actor, report.app)
        return home_view(Seen(report, apps, counts, blocked, datetime.now(UTC)), bot.dates)
    except NotPermitted as error:
        return closed_view(not_permitted(error, person.note, bot.people.mention))


def report_of(kept: str) -> Report:
    """What an App Home showed; a new one, and one of another version of ours, shows everything."""
    try:
        return unpack_report(kept)
    except OldButton:
        return Report()


def show(client: WebClient, user: str, view: dict[str, Any]) -> None:
    """Raises SlackError."""
    try:
        client.views_publish(user_id=user, view=view)
    except Exception as raised:
        raise translate(raised) from raised
