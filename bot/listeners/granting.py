"""/retrigger grant, revoke and grants: permissions given and taken back in Slack, by who holds Admin (SPEC 6)."""

from __future__ import annotations

from bot.blocks import grants
from bot.blocks.fit import Message
from bot.command_line import Give, Misspelt, closest
from bot.context import Bot
from bot.listeners.visit import Visit
from bot.people import Person
from engine.rules.permissions import Grant, grants_giving


def listed(bot: Bot, person: Person) -> Message:
    """Who may do what. Raises NotPermitted."""
    known = bot.engine.grants_for(person.actor)
    return grants.grants_list(known, bot.people.groups.note, bot.people.mention, bot.dates)


def give(bot: Bot, visit: Visit, typed: Give) -> Message:
    """Grant or revoke. Raises NotPermitted, Refused, Misspelt."""
    engine, person = bot.engine, visit.person
    actor = person.actor
    engine.may_administer(actor, typed.app)  # before anything of what is granted or published shows in an answer
    if not typed.give:
        grant = _granted(bot, Grant(typed.who, typed.permission, typed.app))
        new = engine.revoke(actor, grant)
        names = bot.people.names(visit.team, typed.who)
        still = grants_giving(engine.grants(), names, typed.permission, typed.app)
        return grants.revoked(grant, new, still, bot.people.mention, bot.dates)
    if typed.app is not None:
        _check_app(bot, person, typed.app)
    grant = Grant(_checked(bot, typed.who), typed.permission, typed.app)
    return grants.granted(grant, engine.grant(actor, grant), bot.people.mention)


def _checked(bot: Bot, who: str) -> str:
    """Whom to grant to: a group by its id, since its handle may be another group's tomorrow. Raises Misspelt."""
    groups = bot.people.groups
    if not who.startswith("@"):
        return who
    group = groups.find(who)
    if group is not None:
        return group.id
    near = closest(who, groups.handles)
    hint = f"Did you mean {near}?" if near else "Choose a person or a group from what Slack offers behind the @."
    raise Misspelt(f"There is no user group {who}. {groups.note or hint}")


def _granted(bot: Bot, wanted: Grant) -> Grant:
    """The grant as it was given: a group's may name its handle or its id."""
    group = bot.people.groups.find(wanted.who)
    names = [wanted.who, *(sorted(group.names) if group else ())]
    known = {grant.key for grant in bot.engine.grants()}
    same = [wanted._replace(who=name) for name in names]
    return next((grant for grant in same if grant.key in known), wanted)


def _check_app(bot: Bot, person: Person, app: str) -> None:
    """Raises Misspelt for an application without a workflow: a grant for it would seem to count, and count nowhere."""
    known = sorted({workflow.app for workflow in bot.engine.workflows(person.actor)})
    if app not in known:
        near = next((one for one in known if one.lower() == app.lower()), None) or closest(app, known)
        hint = f"Did you mean {near}?" if near else f"Known: {', '.join(known) or 'none'}."
        raise Misspelt(f"No published workflow belongs to the application {app}. {hint}")
