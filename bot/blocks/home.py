"""App Home is the report (SPEC 7): how many requests stand where, and those that are blocked longest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from bot.blocks import fit
from bot.blocks.fit import Block, Message
from bot.blocks.lists import page_buttons, request_line
from bot.blocks.parts import actions, button, context, divider, header, menu, section
from bot.targets import HOME_AGE, HOME_APP, HOME_PAGE, HOME_REFRESH, Report
from bot.text import Dates, bold, lasted, said
from bot.words import REQUEST_SYMBOLS, counted
from engine.commands.reports import BlockedPage
from engine.states import RequestStatus

PAGE = 15  # blocked requests; each has a button, and the page must stay quick to read
ALL_APPS = "*"  # no application has that name
AGES = {0: "Blocked for any time", 3600: "… for over 1 hour", 4 * 3600: "… for over 4 hours"} | {
    days * 86400: f"… for over {counted(days, 'day')}" for days in (1, 3, 7, 30)
}
_TITLE = "Requests"
_NAMED = fit.OPTIONS - 1  # applications in the menu
_LATE = "What was blocked a moment ago is not any more. Refresh shows the present state."


class Seen(NamedTuple):
    """What a person's report shows: the applications that they may see, the numbers of those that they look at, a page
    of the blocked requests, and when that was so."""

    report: Report
    apps: Sequence[str]
    counts: Mapping[RequestStatus, int]
    blocked: BlockedPage
    now: datetime


def home_view(seen: Seen, dates: Dates) -> dict[str, Any]:
    """The report of somebody who may see some applications."""
    report = seen.report
    numbers = [f"{REQUEST_SYMBOLS[status]} {status.label} {bold(str(seen.counts[status]))}" for status in RequestStatus]
    blocks = [
        header(_TITLE),
        section("     ".join(numbers)),
        actions(_choices(seen), block_id="choices"),
        context(f"As of {dates.day(seen.now)}. {_whose(seen)}"),
        divider(),
        section(_headline(seen)),
        *(request_line(item, dates, seen.now) for item in seen.blocked.requests),
        *page_buttons(HOME_PAGE, report, seen.blocked),
        context("`/retrigger REQ-42` opens any request in a channel; `/retrigger help` shows what else there is."),
    ]
    return fit.home(blocks, metadata=report.pack())


def closed_view(refused: Message) -> dict[str, Any]:
    """For who may see no application: ``refused`` says whom to ask."""
    return fit.home([header(_TITLE), *refused.blocks, context("`/retrigger whoami` says what you may do.")])


def failed_view(sentence: str, report: Report) -> dict[str, Any]:
    """Where the report cannot be made now: why, and the button that tries it again."""
    again = actions([_refresh(report)], block_id="choices")
    return fit.home([header(_TITLE), section(said(sentence, 1000)), again], metadata=report.pack())


def _refresh(report: Report) -> Block:
    return button("Refresh", HOME_REFRESH, report.pack())


def _choices(seen: Seen) -> list[Block]:
    chosen = seen.report.app or ALL_APPS
    named = seen.apps[:_NAMED]
    if chosen not in (ALL_APPS, *named):
        named = [chosen, *named[: _NAMED - 1]]
    apps = {ALL_APPS: "All applications", **{app: app for app in named}}
    ages = {str(seconds): text for seconds, text in AGES.items()}
    return [
        menu(HOME_APP, apps, chosen, label="Application"),
        menu(HOME_AGE, ages, str(seen.report.longer_than), label="Blocked for"),
        _refresh(seen.report),
    ]


def _whose(seen: Seen) -> str:
    if len(seen.apps) > _NAMED:
        return f"The menu holds {_NAMED} of {len(seen.apps)} applications; `/retrigger APP` lists those of any of them."
    return f"Of {said(seen.report.app)}." if seen.report.app else "Counted are the applications that you may see."


def _headline(seen: Seen) -> str:
    report, blocked = seen.report, seen.counts[RequestStatus.BLOCKED]
    where = f" in {bold(report.app)}" if report.app else ""
    age = f" for over {lasted(report.longer_than)}" if report.longer_than else ""
    if seen.blocked.requests:
        return f"{bold(f'Blocked{age}' if age else counted(blocked, 'blocked request'))}{where}, longest first"
    return f"🟢 Nothing is blocked{where}{age}." if age or not blocked else _LATE
