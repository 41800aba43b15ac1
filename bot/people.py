"""Who a Slack user is to the engine (SPEC 6): an Actor with the e-mail address of their Slack profile, if it counts."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from threading import Lock
from typing import Any, NamedTuple

from slack_sdk import WebClient

from bot.errors import SlackError, translate
from bot.groups import Groups
from bot.text import bold
from engine.logs import logger
from engine.rules.permissions import Actor

KEPT = 300.0  # seconds that a profile is kept
KEPT_PEOPLE = 2_000
_USER = re.compile(r"[UW][A-Z0-9]{1,20}", re.IGNORECASE)  # a Slack user's id
_OUTSIDERS = ("is_restricted", "is_ultra_restricted", "is_stranger")

log = logger(__name__)


class Person(NamedTuple):
    """``note`` is said with every refusal: which grants do not count for this person now, and why."""

    actor: Actor
    note: str | None = None


class People:
    """Profiles from users.info, kept for some minutes, with ``groups`` as they are known. ``clock`` gives seconds that
    only rise."""

    def __init__(self, client: WebClient, groups: Groups, clock: Callable[[], float] = time.monotonic) -> None:
        self.groups = groups
        self._client = client
        self._clock = clock
        self._known: dict[tuple[str, str], tuple[float, Person]] = {}
        self._by_mail: dict[str, str] = {}  # mail → user id, of those who have been here
        self._home = ""  # the workspace that the token belongs to, once Slack has told
        self._lock = Lock()

    def person(self, team: str, user: str, name: str = "") -> Person:
        """Never fails: where Slack does not tell, the person is known by id only, and ``note`` says so."""
        actor, note = self._profile(team, user, name)
        notes = [sentence for sentence in (note, self.groups.note) if sentence]
        return Person(actor._replace(groups=self.groups.of(user)), " ".join(notes) or None)

    def by_mail(self, mail: str) -> str | None:
        """The Slack user id of somebody who has been here. From memory."""
        return self._by_mail.get(mail.lower())

    def names(self, team: str, who: str) -> frozenset[str]:
        """Every name, in lower case, of whoever a grant names: a person's by their profile, a group's by the list."""
        user = who.upper() if _USER.fullmatch(who) else self.by_mail(who)
        group = self.groups.find(who)
        names = group.names if group else {who, *(self.person(team, user).actor.names if user else ())}
        return frozenset(name.lower() for name in names)

    def mention(self, who: str) -> str:
        """Whoever a grant names, as mrkdwn: mentioned where their Slack id is known, a group by its handle."""
        user = who.upper() if _USER.fullmatch(who) else self.by_mail(who)
        return f"<@{user}>" if user else bold(self.groups.title(who), 200)

    def title(self, who: str) -> str:
        """The same as plain text."""
        with self._lock:
            met = {user: person.actor.name for (_, user), (_, person) in self._known.items()}
        return met.get(who.upper()) or self.groups.title(who)

    def _profile(self, team: str, user: str, name: str) -> Person:
        now = self._clock()
        with self._lock:
            kept = self._known.get((team, user))
        if kept is not None and now - kept[0] < KEPT:
            return kept[1]
        try:
            profile = self._client.users_info(user=user)["user"]
            self._home = self._home or str(self._client.auth_test()["team_id"])
        except Exception as raised:
            return self._unknown(team, user, name, translate(raised), kept)
        person = person_of(team, user, profile, self._home)
        with self._lock:
            if len(self._known) >= KEPT_PEOPLE:
                self._known.clear()
                self._by_mail.clear()
            self._known[(team, user)] = (now, person)
            if person.actor.mail is not None:
                self._by_mail[person.actor.mail.lower()] = user
        return person

    def _unknown(self, team: str, user: str, name: str, error: SlackError, kept: tuple[float, Person] | None) -> Person:
        log.warning("profile.unread", says=f"The profile could not be read: {error}", user=user)
        if kept is not None and kept[1].actor.mail is None:
            return kept[1]  # a guest stays a guest
        actor = Actor(actor_id(team, user), name or user, "slack", None, user)
        return Person(actor, "Slack did not tell your e-mail address, so only grants to your Slack id count now.")


def person_of(team: str, user: str, profile: dict[str, Any], home: str) -> Person:
    """From Slack's profile. Guests, people of other organizations, bots and the deactivated match no grant by e-mail.
    ``home``: the workspace that the token belongs to; ``team``, which came with a click, may be another's."""
    details = profile.get("profile") or {}
    name = str(profile.get("real_name") or details.get("real_name") or profile.get("name") or user)
    mail = details.get("email") or None
    note = _why_no_mail(profile, home)
    return Person(Actor(actor_id(team, user), name, "slack", None if note else mail, user), note)


def actor_id(team: str, user: str) -> str:
    """Keyed by team, so that several workspaces can come later."""
    return f"slack:{team}/{user}"


def slack_user(actor: str | None) -> str | None:
    """The Slack user id in an actor's id; None for people of other doors."""
    if actor is None or not actor.startswith("slack:"):
        return None
    return actor.rpartition("/")[2] or None


def _why_no_mail(profile: dict[str, Any], home: str) -> str | None:
    if profile.get("deleted"):
        return "Your Slack account is deactivated, so grants to its e-mail address do not count."
    if profile.get("is_bot") or profile.get("is_workflow_bot"):
        return "Bots match no grant by e-mail."
    if not _is_at_home(profile, home):
        return (
            "You belong to another organization, whose people match no grant by e-mail; a grant to your Slack id would "
            "count."
        )
    if any(profile.get(flag) for flag in _OUTSIDERS):
        return "You are a guest here, and guests match no grant by e-mail; a grant to your Slack id would count."
    return None


def _is_at_home(profile: dict[str, Any], home: str) -> bool:
    """Whether they belong to this workspace, or to its organization. Of outsiders in a channel that is shared with
    them Slack says ``is_stranger`` false: only their workspace tells."""
    organization = profile.get("enterprise_user") or {}
    return home in (profile.get("team_id") or home, *(organization.get("teams") or ()))
