"""Permissions in words: what somebody may do and why, who may do what, and why somebody may not (SPEC 6)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bot.blocks import fit
from bot.blocks.fit import Message
from bot.blocks.parts import context, section, sections
from bot.text import Dates, bold, code, escape, said
from engine.errors import NotPermitted
from engine.rules.permissions import Actor, Grant
from engine.texts import EVERY_APPLICATION

SHOWN = 100  # grants in one answer

Naming = Callable[[str], str]
"""Whoever a grant names, as mrkdwn."""


def whoami(actor: Actor, grants: Sequence[Grant], note: str | None, name: Naming, dates: Dates) -> Message:
    """Who the bot takes somebody for, and every grant that is theirs: from where, and by which of their names."""
    known = [f"You are {bold(actor.name)}, {code(actor.id)}" + (f", {said(actor.mail)}" if actor.mail else "")]
    if note:
        known.append(f"⚠️ {said(note, 500)}")
    if not grants:
        known.append("You hold no permission. Ask whoever keeps Retrigger's settings file.")
    lines = [
        f"• {_what(grant)}, by {_matched(grant.who, actor, name)}, {_source(grant, dates)}" for grant in grants[:SHOWN]
    ]
    return fit.message("What you may do", [section("\n".join(known)), *sections([*lines, *_more(grants)])])


def grants_list(grants: Sequence[Grant], note: str | None, name: Naming, dates: Dates) -> Message:
    """Who may do what, and where each grant comes from."""
    if not grants:
        text = "Nothing is granted to anybody."
        return fit.message(text, [section(f"{text} `/retrigger grant @NAME take_action HR` would.")])
    notes = [context(f"⚠️ {said(note, 500)}")] if note else []
    return fit.message(
        "Who may do what", [section(bold("Who may do what")), *sections(_lines(grants, name, dates)), *notes]
    )


def granted(grant: Grant, new: bool, name: Naming) -> Message:
    """What came of granting."""
    what, who = _what(grant), name(grant.who)
    text = f"✅ {what} is granted to {who}." if new else f"ℹ️ {what} was granted to {who} already."
    return fit.message(text, [section(text)])


def revoked(grant: Grant, new: bool, still: Sequence[Grant], name: Naming, dates: Dates) -> Message:
    """What came of revoking; ``still``: the grants by which they may go on doing that."""
    what, who = _what(grant), name(grant.who)
    text = f"✅ {what} is revoked from {who}." if new else f"ℹ️ {what} was not granted to {who}."
    if not still:
        return fit.message(text, [section(text)])
    but = f"⚠️ They still hold {bold(grant.permission.label)}, by:"
    return fit.message(f"{text} {but} …", [section(text), *sections([but, *_lines(still, name, dates)])])


def not_permitted(error: NotPermitted, note: str | None, name: Naming) -> Message:
    """Which permission is missing, for which application, and whom to ask."""
    ask = " or ".join(map(name, error.ask)) or "whoever keeps Retrigger's settings file"
    text = f"You need the permission {bold(error.permission)} for {bold(error.app)}. Ask {ask}."
    notes = [context(f"⚠️ {said(note, 500)}")] if note else []
    return fit.message(escape(f"{error} {note or ''}".strip()), [section(text), *notes])


def _lines(grants: Sequence[Grant], name: Naming, dates: Dates) -> list[str]:
    lines = [f"• {name(grant.who)}: {_what(grant)}, {_source(grant, dates)}" for grant in grants[:SHOWN]]
    return [*lines, *_more(grants)]


def _more(grants: Sequence[Grant]) -> list[str]:
    more = len(grants) - SHOWN
    return [f"… and {more} more: `retrigger grants` on the command line shows all."] if more > 0 else []


def _what(grant: Grant) -> str:
    return f"{bold(grant.permission.label)} for {bold(grant.app) if grant.app else EVERY_APPLICATION}"


def _source(grant: Grant, dates: Dates) -> str:
    if grant.at is None:
        return "from the settings file"
    return f"granted by {bold(grant.source)}, {dates.day(grant.at)}"


def _matched(who: str, actor: Actor, name: Naming) -> str:
    """By which of somebody's names a grant is theirs."""
    if who.lower() == (actor.mail or "").lower():
        return f"your e-mail address {said(who)}"
    if who.lower() in actor.own_names:
        return f"your Slack id {code(who)}"
    return f"the user group {name(who)}"
