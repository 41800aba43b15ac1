"""Every builder of bot.blocks with every state that it can show: the table of test_payloads.py."""

from __future__ import annotations

import importlib
import json
import pkgutil
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import bot.blocks
from bot.blocks import again, ask, bulk, card, cause, fit, grants, home, lists, modals, outcome, parts, path, thread
from bot.targets import Answer, AskTicket, ChosenFile, PathWindow, Place, Report, Settled, Target, Ticket
from bot.text import bold, clean, cut, one_line, said
from engine import events
from engine.commands.documents import AttemptDocument, LookingDocument, RequestDocument
from engine.commands.reports import BlockedPage
from engine.errors import NotPermitted
from engine.limits import MAX_REASON_CHARS
from engine.records import Event
from engine.rules.allowed import Action
from engine.rules.outlook import Outlook, Reader, Way
from engine.rules.permissions import Actor, Grant, Permission
from engine.rules.plan import Key, PlannedStep
from engine.states import AttemptOutcome, CallEffect, RequestStatus, StepStatus
from engine.stored import Cursor
from tests.support.slack_form import typed
from tests.unit.bot import samples
from tests.unit.bot.blocks import payload_causes
from tests.unit.bot.blocks.payload_causes import APP, DATES, NODE, Payload

Cases = Callable[[str], Iterator[Payload]]

PLACE = Place("C0123456789", "1700000000.000001", Report(APP, 30 * 86400, Cursor(1.7e9, 10**12, True)).pack())
_TITLES = ["Retrigger", *modals.TITLES.values()]
_WHOLE = {"Message", "dict[str, Any]", "dict[str, object]"}  # what a builder of a whole message or window gives


def builders() -> set[Callable[..., Any]]:
    """Every public function of the package that gives a whole message or window; fit is what they all pass through."""
    found = set()
    for info in pkgutil.iter_modules(bot.blocks.__path__):
        module = importlib.import_module(f"bot.blocks.{info.name}")
        for name, value in vars(module).items():
            own = getattr(value, "__module__", "") == module.__name__ and not name.startswith("_")
            if own and module is not fit and getattr(value, "__annotations__", {}).get("return") in _WHOLE:
                found.add(value)
    return found


@cache
def requests(text: str) -> tuple[RequestDocument, ...]:
    """Of no step, of 50 blocked ones, of 300 in every state; in every status."""
    blocked = tuple(samples.step(f"step_{n}", error=text if n < 9 else cut(text, 400)) for n in range(50))
    by = LookingDocument(by=text, actor="key:" + cut(text, 200), since=samples.AT, until=samples.AT)
    plain = samples.request(*blocked, title=text, app=text, workflow=text, reason=text, requester=text, looking=by)
    empty = samples.request(title=text, app=text, workflow=text, reason=text, requester=text, blocked_at=None)
    every = [
        plain.model_copy(update={"steps": blocked[:n], "status": status}) for n, status in enumerate(RequestStatus)
    ]
    return (empty, plain, *every, samples.worst(cut(text, 400), steps=300))


def _cards(text: str) -> Iterator[Payload]:
    return (card.card(document, DATES, "rt-1") for document in requests(text))


def _path_messages(text: str) -> Iterator[Payload]:
    return (path.path_message(document, DATES) for document in requests(text))


def _path_views(text: str) -> Iterator[Payload]:
    for document in requests(text):
        for page in (None, 10**6):
            yield path.path_view(document, DATES, PathWindow(10**12, PLACE, page))


def _asked(text: str) -> Iterator[tuple[ask.Ask, RequestDocument]]:
    """An approval by each of 40, in all that may become of it."""
    names = tuple(f"{cut(text, 200)}{n}" for n in range(40))
    it = ask.Ask(NODE, 1, names, ("<@U1>",) * 39 + (said(text),))
    told = [
        samples.shown_event(kind, NODE, attempt=1, by=text, reason=text, data={"outlet": "rejected"})
        for kind in (events.APPROVED, events.REJECTED, events.WITHDRAWN, events.COMPLETED)
    ] * 10
    for outcome_of in (None, *AttemptOutcome):
        attempts: tuple[AttemptDocument, ...] = (samples.attempt(1, outcome=outcome_of, ended_at=None),)
        for number in (0, 1, 4, 40):
            approved = names if number == 40 else names[:number]
            step = samples.step(
                NODE, kind="approval", status=StepStatus.WAITING, attempts=attempts, approvers=names, need="all"
            ).model_copy(update={"approved": approved, "wakes_at": samples.AT})
            shown = samples.request(step, title=text, app=text, workflow=text, requester=text, input={text: text})
            yield it, shown.model_copy(update={"events": tuple(told[:number])})
    yield it, samples.request(title=text)


def _ask_messages(text: str) -> Iterator[Payload]:
    return (ask.ask_message(it, document, DATES, "rt-1") for it, document in _asked(text))


def _asks_overtaken(text: str) -> Iterator[Payload]:
    return (ask.overtaken(it, document, DATES) for it, document in _asked(text))


def _answers(text: str) -> Iterator[Payload]:
    for given in ({}, {text + str(n): [text] for n in range(50)}, text, [text] * 300, None):
        document = samples.request(title=text, app=text, requester=text, input=given)
        for yes in (True, False):
            yield ask.answer_modal(AskTicket(Answer(10**12, NODE, 10**6, yes), PLACE), document)


def _grants(text: str) -> list[list[Grant]]:
    many = [Grant(text, permission, text or None, text, 1.7e9) for permission in Permission] * 250
    return [[], many[:4], many]


def _whoami(text: str) -> Iterator[Payload]:
    actors = [Actor(text, text, "slack", text), Actor("slack:T1/U1", text, "slack", None)]
    return (grants.whoami(actor, held, text, bold, DATES) for actor in actors for held in _grants(text))


def _grant_lists(text: str) -> Iterator[Payload]:
    return (grants.grants_list(known, text, bold, DATES) for known in _grants(text))


def _granted(text: str) -> Iterator[Payload]:
    grant = Grant(text, Permission.ADMIN, text or None)
    return (grants.granted(grant, new, bold) for new in (True, False))


def _revoked(text: str) -> Iterator[Payload]:
    grant = Grant(text, Permission.ADMIN, text or None)
    return (grants.revoked(grant, new, still, bold, DATES) for new in (True, False) for still in _grants(text))


def _refused(text: str) -> Iterator[Payload]:
    asked = [(), (text,), tuple(f"{text}{n}" for n in range(50))]
    return (grants.not_permitted(NotPermitted(text, text, ask), note, bold) for ask in asked for note in (None, text))


def _pages(text: str, longest: int) -> Iterator[BlockedPage]:
    """Of no request, of one, and a full one of what is longest in each."""
    cursor = Cursor(1.7e9, 10**12, True)
    nodes = tuple(f"{n}{NODE}"[:60] for n in range(50))
    long = samples.request(title=text, app=APP, reason=text).model_copy(
        update={"id": "REQ-100000000", "blocked": nodes}
    )
    yield BlockedPage((), None, None)
    yield BlockedPage((samples.request(title=text, app=text, reason=None, blocked_at=None),), cursor, None)
    yield BlockedPage((long,) * longest, cursor, cursor)


def _blocked_lists(text: str) -> Iterator[Payload]:
    for page in _pages(text, lists.PAGE):
        for report in (Report(), Report(APP, 86400, Cursor(1.7e9, 10**12))):
            yield lists.blocked_list(page, report, 10**9, DATES, samples.AT)


def _homes(text: str) -> Iterator[Payload]:
    apps = [f"{n} {APP}"[:60] for n in range(300)]
    for shown in ([], apps[:1], apps):
        for report in (Report(), Report(apps[-1], 86400, Cursor(1.7e9, 10**12)), Report(apps[0], 1)):
            for page in _pages(text, home.PAGE):
                seen = home.Seen(report, shown, dict.fromkeys(RequestStatus, 10**9), page, samples.AT)
                yield home.home_view(seen, DATES)


def _closed_homes(text: str) -> Iterator[Payload]:
    return (home.closed_view(message) for message in _refused(text) if isinstance(message, fit.Message))


def _acts(text: str) -> Iterator[Payload]:
    runs = [PlannedStep(f"{n}{NODE}"[:60], "action", n < 200, CallEffect.UNKNOWN, n > 9, Key.NEW) for n in range(300)]
    readers = tuple(Reader(f"{n}{NODE}"[:60], (cut(text, 200),) * 50) for n in range(30))
    ways = tuple(Way(NODE, None if n % 2 else NODE, text) for n in range(30))
    drafts = ("", json.dumps({"text": text}, ensure_ascii=True))
    document = samples.worst(cut(text, 400), steps=3)
    written = clean(text)  # what comes back from a window is no half of a character
    file = ChosenFile("F0123456789", one_line(text, 100))
    for action in Action:
        target = Target(10**12, None if action in (Action.CONTINUE, Action.WITHDRAW) else NODE, 10**9)
        for settled in (None, Settled(), Settled(10**6, True, True)):
            ticket = Ticket(action, target, PLACE, "d" * 64, "s" * 64, True, True, settled, "w" * 64, file)
            plan = samples.plan(*runs)._replace(stops=tuple(run.node for run in runs))
            yield modals.act_modal(ticket, document, plan, notice=text)
            yield modals.act_modal(ticket._replace(file=None, confirm=False), document, samples.plan())
            for draft in drafts:
                editing = modals.Editing(draft, Outlook(readers, ways), files=settled is None)
                kept = modals.Typed(written[:MAX_REASON_CHARS], None if settled is None else written[:3000])
                unfiled = ticket._replace(file=None if settled is None else file)
                yield modals.act_modal(unfiled, document, plan, editing=editing, typed=kept)


def _again(text: str) -> Iterator[Payload]:
    written = clean(text)
    state = typed(reason=written[:MAX_REASON_CHARS], request_body=written[:1500], confirmation=True)
    return (again.shown_again(view, state, text) for view in _acts(text) if isinstance(view, dict))


def _told(text: str) -> Iterator[Payload]:
    message = fit.message(text, [parts.section(said(text), block_id="rt-1")])
    return (modals.told_modal(title, message) for title in _TITLES)


def _outcomes(text: str) -> Iterator[Payload]:
    data = {"error": text, "before": "", "call": text, "outcome": text, "to": text, "recovery": text, "outlet": text}
    more = {"new_key": True, "version": text, "approvers": [text] * 40, "need": "all"}
    document = samples.worst(cut(text, 400), steps=3)
    for kind in sorted({*events.THREAD, events.SUBMITTED, events.STATUS, events.LOOKING, events.REFUSED, "unknown"}):
        full = samples.event(kind, NODE, attempt=10**6, by=text, reason=text, door="cli", data={**data, **more})
        for event in (samples.event(kind, None), full):
            yield outcome.outcome([event], document, ["rt-1"])


def _overtaken(text: str) -> Iterator[Payload]:
    for document in requests(text):
        for action in Action:
            for node in (None, "step_0", text):
                yield outcome.overtaken(document, action, node, DATES)


def _standing_still(text: str) -> Iterator[Payload]:
    for reason in (None, text):
        event = Event(None, events.STANDS_STILL, 1.7e9, reason=reason, data={"app": text})
        yield thread.standing_still(event, 10**12, "rt-1")


TABLE: dict[Callable[..., Any], Cases] = {
    ask.ask_message: _ask_messages,
    ask.answer_modal: _answers,
    ask.overtaken: _asks_overtaken,
    bulk.bulk_modal: payload_causes.bulk_windows,
    bulk.nothing_modal: payload_causes.empty_bulks,
    bulk.run_message: payload_causes.bulk_lines,
    card.card: _cards,
    cause.cause_card: payload_causes.cause_cards,
    grants.whoami: _whoami,
    grants.grants_list: _grant_lists,
    grants.granted: _granted,
    grants.revoked: _revoked,
    grants.not_permitted: _refused,
    home.home_view: _homes,
    home.closed_view: _closed_homes,
    home.failed_view: lambda text: iter([home.failed_view(text, Report(APP, 86400))]),
    lists.blocked_list: _blocked_lists,
    lists.help_message: lambda text: iter([lists.help_message()]),
    again.shown_again: _again,
    modals.act_modal: _acts,
    modals.loading_modal: lambda text: (modals.loading_modal(title) for title in _TITLES),
    modals.working_modal: lambda text: (modals.working_modal(title) for title in _TITLES),
    modals.notice_modal: lambda text: (modals.notice_modal(title, text) for title in _TITLES),
    modals.told_modal: _told,
    outcome.outcome: _outcomes,
    outcome.overtaken: _overtaken,
    parts.paragraph: lambda text: iter([parts.paragraph(text)]),
    path.path_message: _path_messages,
    path.path_view: _path_views,
    thread.standing_still: _standing_still,
}
