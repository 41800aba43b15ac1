"""From a submitted window to the engine's command, and from its answer to what the person sees."""

from __future__ import annotations

from typing import Any, NamedTuple

from bot.blocks import modals, provide
from bot.blocks.fit import Message
from bot.blocks.modals import Typed
from bot.blocks.provide import is_long
from bot.context import Bot
from bot.errors import unexpected
from bot.files import FIELD
from bot.listeners import typed
from bot.listeners.opening import Overtaken, act_view, plan_of, present, shown
from bot.listeners.providing import Provided, goes_another_way, provided
from bot.listeners.refusals import refusal, sentence
from bot.listeners.typed import Submitted
from bot.listeners.visit import Visit
from bot.targets import Ticket
from engine.errors import (
    ConfirmationNeeded,
    Conflict,
    InvalidInput,
    NotPermitted,
    PlanChanged,
    Refused,
    RetriggerError,
    SelfAction,
    StorageError,
)
from engine.logs import logger
from engine.rules.allowed import Action
from engine.rules.decide.act import Accepted
from engine.rules.permissions import Actor
from engine.rules.plan import Plan
from engine.states import FINAL, RequestStatus

CHOSEN = "Nothing was done yet. This is the plan with what you chose; submit again to carry it out."
OTHER_WAY = "Nothing was done yet. This is where it leads with what you provided; submit again to carry it out."
_FIELDS = {"reason": modals.REASON, FIELD: provide.FILE}
PLAN_TRIES = 3  # times that a state which changed without changing the plan is taken for the same

log = logger(__name__)


class SubmitEnd(NamedTuple):
    """How a submit ended. ``errors`` by field, or ``view`` to show instead; neither: the window closes.

    ``told`` is said privately; ``done``: the act is stored; ``stale``: somebody else was first.
    """

    errors: dict[str, str] | None = None
    view: dict[str, Any] | None = None
    told: Message | str = ""
    done: bool = False
    stale: bool = False

    @property
    def sentence(self) -> str:
        """``told`` as plain text."""
        return self.told if isinstance(self.told, str) else self.told.text


def carry_out(bot: Bot, visit: Visit, ticket: Ticket, state: dict[str, Any], command_id: str) -> SubmitEnd:
    """Never raises: whatever comes, the person is answered."""
    try:
        submitted = typed.read(state, ticket)
        if submitted.errors:
            return SubmitEnd(submitted.errors)
        return _try(bot, visit, ticket, submitted, command_id)
    except Exception as raised:
        log.exception("listener.failed", says="A submitted window could not be carried out.")
        return SubmitEnd({main_field(ticket): unexpected(raised)})


def _try(bot: Bot, visit: Visit, ticket: Ticket, submitted: Submitted, command_id: str) -> SubmitEnd:
    actor, field = visit.person.actor._replace(away=visit.place.thread is None), main_field(ticket)
    try:
        given = provided(bot, actor, ticket, submitted) if ticket.action is Action.INPUT else None
        field = given.field if given else field
        return _act_or_ask(bot, actor, ticket, submitted, command_id, given)
    except (NotPermitted, SelfAction, Conflict) as error:
        said, told = sentence(error, visit), refusal(bot, error, visit)
        return SubmitEnd({field: said}, told=told, stale=isinstance(error, Conflict))
    except InvalidInput as error:
        return SubmitEnd({_FIELDS.get(error.field or "", field): str(error)})
    except StorageError as error:
        return SubmitEnd({field: str(error)})
    except RetriggerError as error:
        typed_now = submitted.settled.version is not None and ticket.settled is None
        return SubmitEnd({modals.VERSION if typed_now else field: str(error)})


def _act_or_ask(
    bot: Bot, actor: Actor, ticket: Ticket, submitted: Submitted, command_id: str, given: Provided | None
) -> SubmitEnd:
    """Act; or, where that would carry out another plan than the one that was shown, show the other one first."""
    if ticket.settled is None and submitted.settled.changes_plan:
        return _ask_again(bot, actor, ticket, submitted, CHOSEN, given)
    if given is not None and goes_another_way(bot, actor, ticket, given, lambda: _plan_now(bot, actor, ticket)):
        return _ask_again(bot, actor, ticket, submitted, OTHER_WAY, given)
    try:
        return _done(bot, ticket, act(bot, actor, ticket, submitted, command_id, given))
    except (PlanChanged, ConfirmationNeeded) as error:
        confirm = ticket.confirm or isinstance(error, ConfirmationNeeded)
        return _ask_again(bot, actor, ticket._replace(confirm=confirm), submitted, str(error), given)


def act(
    bot: Bot, actor: Actor, ticket: Ticket, submitted: Submitted, command_id: str, given: Provided | None = None
) -> Accepted:
    """Give the engine the command. A state that changed, while the plan that was shown did not, is no reason to ask;
    but whoever ends a request sees first what was done about it since."""
    digest = ticket.digest
    for _ in range(PLAN_TRIES):
        try:
            return _command(bot, actor, ticket._replace(digest=digest), submitted, command_id, given)
        except PlanChanged:
            plan = None if ticket.action is Action.WITHDRAW else _plan_now(bot, actor, ticket)
            if plan is None or shown(plan) != ticket.shown:
                raise
            digest = plan.digest
    raise PlanChanged(ticket.target.request_id)


def _plan_now(bot: Bot, actor: Actor, ticket: Ticket) -> Plan | None:
    """None where the act is no longer possible."""
    try:
        return plan_of(bot, actor, ticket)
    except (NotPermitted, SelfAction):
        raise
    except Refused:
        return None


def _command(
    bot: Bot, actor: Actor, ticket: Ticket, submitted: Submitted, command_id: str, given: Provided | None
) -> Accepted:
    engine, (request_id, node, version) = bot.engine, ticket.target
    said: dict[str, Any] = {"reason": submitted.reason, "command_id": command_id}
    if ticket.action is Action.WITHDRAW:
        return engine.withdraw(actor, request_id, expect_version=version, plan_digest=ticket.digest, **said)
    bound = {**said, "confirmed": submitted.confirmed, "plan_digest": ticket.digest}
    if ticket.action is Action.CONTINUE or node is None:
        return engine.continue_flow(actor, request_id, **bound)
    bound["expect_version"] = version
    if given is not None:
        return engine.provide_input(actor, request_id, node, given.text, **bound)
    chosen = submitted.settled._asdict()
    return engine.retrigger(actor, request_id, node, flow=ticket.action is Action.FLOW, **chosen, **bound)


def _ask_again(
    bot: Bot, actor: Actor, ticket: Ticket, submitted: Submitted, notice: str, given: Provided | None
) -> SubmitEnd:
    """The window once more, with the present plan, what was chosen, and the tick box if it is needed."""
    document = bot.engine.document(actor, ticket.target.request_id)
    try:
        present(document, ticket.action, ticket.target, bot.dates)
    except Overtaken as overtaken:
        return SubmitEnd({main_field(ticket): str(overtaken)}, told=overtaken.message, stale=True)
    again = ticket._replace(settled=submitted.settled)
    kept = Typed(submitted.reason, given.text if given and not given.file and not is_long(given.text) else None)
    return SubmitEnd(view=act_view(bot, actor, document, again, typed=kept, notice=notice, given=given))


def _done(bot: Bot, ticket: Ticket, accepted: Accepted) -> SubmitEnd:
    if accepted.repeated:
        return SubmitEnd(done=True)
    name = f"REQ-{accepted.request_id}"
    request = f"{name} is {accepted.status.label}."
    told = f"{request} You will be told the outcome." if accepted.status is RequestStatus.IN_PROGRESS else request
    node = ticket.target.node
    follows = {
        Action.RETRIGGER: f"{node} of {name} runs now, by itself. You will be told the outcome.",
        Action.FLOW: f"{node} runs now, and the remaining flow behind it. {told}",
        Action.INPUT: f"{node} is completed with your input. {told}",
        Action.CONTINUE: f"The flow goes on. {told}",
        Action.WITHDRAW: request,
    }[ticket.action]
    return SubmitEnd(told=follows if accepted.status in FINAL else bot.goes_on(follows), done=True)


def main_field(ticket: Ticket) -> str:
    """The field that errors of the whole act are shown at."""
    return provide.BODY if ticket.action is Action.INPUT else modals.REASON
