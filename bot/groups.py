"""Slack's user groups and who is in them (SPEC 6): read in the background, never on a click.

A failed reading keeps the last known list, and ``note`` says so. The list is kept in the database, too, so that a bot
that starts while Slack is away knows it (docs/decisions/0026).
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from threading import Event as Flag
from threading import Thread
from typing import Any, NamedTuple, Protocol

from slack_sdk import WebClient

from bot.errors import SlackError, translate
from bot.text import escape, said
from engine.errors import RetriggerError
from engine.logs import logger
from engine.rules.permissions import Actor

REFRESH = 300.0  # seconds between readings; usergroups.list may be called 20 times a minute
FIRST_RETRY, LONGEST_RETRY = 15.0, 300.0  # seconds after a reading that failed, doubled each time
JITTER = 0.1  # of the wait, so that many bots do not ask at once
KEPT_AS = "slack_user_groups"
_NONE_HERE = ("paid_teams_only", "plan_upgrade_required", "unknown_method")  # the workspace, or the server, has none

log = logger(__name__)


class Keeper(Protocol):
    """Where the list is kept; engine.ports.store.Store is one."""

    def kept(self, name: str) -> str | None: ...

    def keep(self, name: str, value: str) -> None: ...


class UserGroup(NamedTuple):
    """An enabled user group of this workspace. ``members`` are Slack user ids."""

    id: str
    handle: str
    members: frozenset[str]

    @property
    def names(self) -> frozenset[str]:
        """What a grant or an approval may call it."""
        return frozenset({self.id, f"@{self.handle}"} if self.handle else {self.id})


class GroupList(NamedTuple):
    """The groups as Slack told them at ``at``, seconds since the epoch."""

    at: float
    groups: tuple[UserGroup, ...]

    def pack(self) -> str:
        return json.dumps([self.at, [[group.id, group.handle, sorted(group.members)] for group in self.groups]])

    @classmethod
    def unpack(cls, text: str) -> GroupList:
        at, groups = json.loads(text)
        return cls(at, tuple(UserGroup(id, handle, frozenset(members)) for id, handle, members in groups))


def groups_of(listed: Iterable[Mapping[str, Any]]) -> tuple[UserGroup, ...]:
    """Of what usergroups.list answers, the groups that count: disabled ones match nothing, nor do those of other
    workspaces, whose handles anybody there could choose."""
    return tuple(
        UserGroup(str(one["id"]), str(one.get("handle") or ""), frozenset(map(str, one.get("users") or ())))
        for one in listed
        if not one.get("date_delete") and not one.get("is_external")
    )


def read_groups(client: WebClient) -> tuple[UserGroup, ...]:
    """Ask Slack. Raises SlackError."""
    try:
        answer = client.usergroups_list(include_users=True, include_disabled=False)
    except Exception as raised:
        error = translate(raised)
        if error.code in _NONE_HERE:
            return ()
        raise error from raised
    return groups_of(answer.get("usergroups") or ())


class Groups:
    """The last known list. ``clock`` gives seconds since the epoch."""

    def __init__(self, client: WebClient, kept: Keeper, clock: Callable[[], float] = time.time) -> None:
        self._client, self._kept, self._clock = client, kept, clock
        self._known: GroupList | None = None
        self._names: dict[str, frozenset[str]] = {}  # by member; replaced as a whole, so it is read without a lock
        self._trouble: SlackError | None = None
        self._stopping = Flag()
        self._thread: Thread | None = None

    def of(self, user: str) -> frozenset[str]:
        """Every name of the groups that a Slack user is in. From memory."""
        return self._names.get(user, frozenset())

    def find(self, name: str) -> UserGroup | None:
        """A group by its id, or by its handle with or without the @."""
        wanted = name.lower().removeprefix("@")
        groups = self._known.groups if self._known else ()
        return next((group for group in groups if wanted in (group.id.lower(), group.handle.lower())), None)

    def title(self, name: str) -> str:
        """A group by its handle where it is known, else as it is named."""
        group = self.find(name)
        return f"@{group.handle}" if group and group.handle else name

    def mention(self, name: str) -> str:
        """A group as mrkdwn that tells its members, where Slack is known to have it."""
        group = self.find(name)
        return f"<!subteam^{escape(group.id)}>" if group else said(name)

    @property
    def number(self) -> int:
        """How many groups are known."""
        return len(self._known.groups) if self._known else 0

    @property
    def handles(self) -> list[str]:
        """Of all known groups, with the @."""
        return sorted(f"@{group.handle}" for group in (self._known.groups if self._known else ()) if group.handle)

    @property
    def note(self) -> str | None:
        """A sentence while the list is not as fresh as it should be."""
        if self._known is None:
            why = f" ({_clause(self._trouble)})" if self._trouble else ""
            return f"Slack's user groups are not known yet{why}, so grants to groups count for nobody now."
        if self._trouble is None:
            return None
        why = _clause(self._trouble)
        return f"Slack's user groups cannot be read now ({why}); the list of {day(self._known.at)} counts."

    def start(self) -> None:
        """Take up the kept list, and read a new one at once and from then on, in a thread. Returns at once."""
        self._stopping.clear()
        self.take_up()
        self._thread = Thread(target=self._run, name="user-groups", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Read no more."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(1)  # it may be waiting for an answer; it changes nothing after that

    def refresh(self) -> float:
        """Read the list now. Returns the seconds until it should be read again. Never fails."""
        try:
            groups = read_groups(self._client)
        except SlackError as error:
            if self._trouble is None:
                log.warning("groups.unread", says=f"The last known list of user groups stays: {error}")
            self._trouble = error
            return error.wait or 0.0
        if self._stopping.is_set():
            return REFRESH
        self._use(GroupList(self._clock(), groups))
        if self._trouble is not None:
            log.info("groups.read", says="Slack's user groups are read again.")
        self._trouble = None
        self._keep()
        return REFRESH

    def _run(self) -> None:
        retry = FIRST_RETRY
        while not self._stopping.is_set():
            try:
                wait = self.refresh()
            except Exception as raised:  # a defect of ours, or of the answer: the thread goes on
                log.exception("groups.failed", says="Slack's user groups could not be read.")
                wait, self._trouble = 0.0, SlackError("unreadable", f"What Slack answers cannot be used: {raised!r}.")
            if self._trouble is not None:
                wait, retry = max(wait, retry), min(retry * 2, LONGEST_RETRY)
            else:
                retry = FIRST_RETRY
            self._stopping.wait(wait * random.uniform(1, 1 + JITTER))

    def _use(self, known: GroupList) -> None:
        names: dict[str, frozenset[str]] = {}
        for group in known.groups:
            for member in group.members:
                names[member] = names.get(member, frozenset()) | group.names
        self._known, self._names = known, names

    def take_up(self) -> None:
        """Begin with the list that was kept."""
        known = kept_groups(self._kept)
        if known is not None and self._known is None:
            self._use(known)

    def _keep(self) -> None:
        assert self._known is not None
        try:
            self._kept.keep(KEPT_AS, self._known.pack())
        except RetriggerError as error:
            log.warning("groups.unkept", says=f"The list of Slack's user groups could not be kept: {error}")


def kept_groups(kept: Keeper) -> GroupList | None:
    """The list that a bot read last, if one did."""
    try:
        text = kept.kept(KEPT_AS)
        return None if text is None else GroupList.unpack(text)
    except (RetriggerError, ValueError, TypeError, RecursionError) as error:
        log.warning("groups.unusable", says=f"The kept list of Slack's user groups cannot be used: {error}")
        return None


def as_present(kept: Keeper, actor: Actor) -> Actor:
    """Somebody with the groups that they are in by the list that a bot read last: for what goes on in their name, in
    any process, after they clicked (SPEC 6). No list, no groups."""
    known = kept_groups(kept)
    groups = known.groups if known else ()
    mine = [group.names for group in groups if actor.slack_user in group.members]
    return actor._replace(groups=frozenset().union(*mine))


def day(at: float) -> str:
    """A time within a plain sentence."""
    return f"{datetime.fromtimestamp(at, UTC):%d %b %Y, %H:%M} UTC"


def _clause(error: SlackError) -> str:
    return str(error).rstrip(".")
