"""Private answers of /retrigger that are lists: blocked requests, what one may do, help."""

from __future__ import annotations

from collections.abc import Sequence

from bot.blocks import fit
from bot.blocks.fit import Block, Message
from bot.blocks.parts import button, context, section
from bot.targets import PATH, Target
from bot.text import Dates, bold, code, said
from bot.words import counted
from engine.documents import RequestSummary
from engine.texts import PROGRESS_PATH

PAGE = 20  # blocked requests in one answer
HELP = (
    "`/retrigger` – the blocked requests that you may see\n"
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


def blocked_list(requests: Sequence[RequestSummary], dates: Dates) -> Message:
    """Blocked requests, oldest first. ``requests`` may hold one more than a page: then more are waiting."""
    if not requests:
        return fit.message("Nothing is blocked.", [section("🟢 Nothing is blocked, in the applications you may see.")])
    shown = requests[:PAGE]
    text = f"{counted(len(shown), 'blocked request')}, oldest first"
    more = [context(f"The {PAGE} oldest are shown; there are more.")] if len(requests) > PAGE else []
    return fit.message(text, [section(f"{bold(text)}"), *(request_line(item, dates) for item in shown), *more])


def request_line(item: RequestSummary, dates: Dates) -> Block:
    """One blocked request with the button that opens its Progress Path."""
    where = f" · at {', '.join(code(node) for node in item.blocked[:3])}" if item.blocked else ""
    text = (
        f"🔴 {bold(item.id)} {said(item.title, 150)} · {said(item.app)}{where} · since {dates.since(item.updated_at)}\n"
        f"> {said(item.reason or 'No reason was given.', 200)}"
    )
    return section(text, accessory=button(PROGRESS_PATH, PATH, Target(item.number).pack()))


def help_message() -> Message:
    """How to use the command."""
    return fit.message("How to use /retrigger", [section(HELP)])
