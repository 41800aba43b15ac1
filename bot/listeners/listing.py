"""The private list of blocked requests, and its pages."""

from __future__ import annotations

from datetime import UTC, datetime

from slack_bolt import Respond

from bot.blocks import lists
from bot.blocks.fit import Message
from bot.context import Bot
from bot.listeners.answer import answer
from bot.listeners.visit import Visit
from bot.targets import Report
from engine.rules.permissions import Actor
from engine.states import RequestStatus


def blocked_message(bot: Bot, actor: Actor, report: Report) -> Message:
    """A page of the list. Raises NotPermitted."""
    page = bot.engine.blocked(actor, app=report.app, cursor=report.cursor, limit=lists.PAGE)
    total = bot.engine.counts(actor, report.app)[RequestStatus.BLOCKED]
    return lists.blocked_list(page, report, total, bot.dates, datetime.now(UTC))


def turn(bot: Bot, respond: Respond, visit: Visit, report: Report) -> None:
    """Another page in the place of the one that was answered before. Each click brings an address of its own to answer
    it at, so no number of pages uses it up; an answer to a click that is older than half an hour stands beside it."""
    answer(bot, respond, visit, blocked_message(bot, visit.person.actor, report), replace=True)
