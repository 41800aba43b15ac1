"""Private answers of /retrigger that are lists: blocked requests, what one may do, help."""

from __future__ import annotations

from datetime import datetime

from bot.blocks import fit
from bot.blocks.fit import Block, Message
from bot.blocks.parts import actions, button, section
from bot.targets import LIST, NEWER, OLDER, PATH, Report, Target
from bot.text import Dates, bold, code, lasted, said
from bot.words import counted
from engine.commands.documents import RequestSummary
from engine.commands.reports import BlockedPage
from engine.texts import PROGRESS_PATH

PAGE = 15  # blocked requests in one answer
HELP = (
    "`/retrigger` – the blocked requests that you may see\n"
    "`/retrigger HR` – those of one application\n"
    "`/retrigger REQ-42` – its Progress Path, with the buttons of what may be done now\n"
    "`/retrigger REQ-42 STEP` – Re-trigger this step only\n"
    "`/retrigger REQ-42 STEP flow` – Re-trigger step and flow\n"
    "`/retrigger REQ-42 STEP input` – Provide input for a blocked step\n"
    "`/retrigger REQ-42 continue` – Continue flow, where a step is held\n"
    "`/retrigger REQ-42 withdraw` – end the request\n"
    "`/retrigger whoami` – what you may do, and where each permission comes from\n"
    "`/retrigger grant @NAME take_action HR`, `revoke …` – give a permission to a person, a mail address or a user "
    "group, or take it back; without an application, for all of them\n"
    "`/retrigger grants` – who may do what\n"
    "`/retrigger help` – this list"
)


def blocked_list(page: BlockedPage, report: Report, total: int, dates: Dates, now: datetime) -> Message:
    """A page of the blocked requests, blocked longest first; ``total`` of them there are."""
    if not page.requests:
        where = said(report.app) if report.app else "the applications that you may see"
        marked = bold(report.app) if report.app else where
        return fit.message(f"Nothing is blocked in {where}.", [section(f"🟢 Nothing is blocked in {marked}.")])
    where = f" in {bold(report.app)}" if report.app else ""
    number = counted(total, "blocked request")
    rows = [request_line(item, dates, now) for item in page.requests]
    pages = page_buttons(LIST, report, page)
    head = section(f"{bold(number)}{where}, longest first")
    return fit.message(f"{number}, longest first", [head, *rows, *pages])


def request_line(item: RequestSummary, dates: Dates, now: datetime) -> Block:
    """One blocked request with the button that opens its Progress Path. The reason names the first step that blocks
    it."""
    where = f" · at {', '.join(code(node) for node in item.blocked[:3])}" if len(item.blocked) > 1 else ""
    more = f" and {len(item.blocked) - 3} more" if len(item.blocked) > 3 else ""
    since = item.blocked_at or item.updated_at
    text = (
        f"🔴 {bold(item.id)} {said(item.title, 150)} · {said(item.app)}{where}{more}\n"
        f"blocked for {bold(lasted((now - since).total_seconds()))}, since {dates.day(since)}\n"
        f"> {said(item.reason or 'No reason was given.', 200)}"
    )
    return section(text, accessory=button(PROGRESS_PATH, PATH, Target(item.number).pack()))


def page_buttons(action_id: str, report: Report, page: BlockedPage) -> list[Block]:
    """To those that are blocked longer, and shorter, than the page's; what is looked at stands in the button."""
    there = [
        button(label, f"{action_id}{which}", report._replace(cursor=cursor).pack())
        for label, which, cursor in (("← Older", OLDER, page.older), ("Newer →", NEWER, page.newer))
        if cursor is not None
    ]
    return [actions(there, block_id="pages")] if there else []


def help_message() -> Message:
    """How to use the command."""
    return fit.message("How to use /retrigger", [section(HELP)])
