"""What asks people for their approval, kept true: to each who can be found a direct message, to the others, and to
groups, one message in the application's channel that mentions them (docs/decisions/0031)."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from bot.blocks.ask import Ask, ask_message, is_open
from bot.errors import ChannelMissing, MessageGone, NotInChannel, PersonNotThere, ScopeMissing, SlackError
from bot.kept import Kept
from bot.people import KEPT, person_of
from bot.poster import Poster
from bot.sending import Sending
from bot.text import Dates, said
from engine.commands.documents import RequestDocument, StepDocument
from engine.logs import logger
from engine.ports.outbox import Posted
from engine.records import Approval
from engine.values.somebody import KEY, is_group

_SUBJECT = "ask"
_UNREACHABLE = (PersonNotThere, ChannelMissing, ScopeMissing)

log = logger(__name__)

Approvals = Callable[[int], Mapping[str, Approval]]
Channel = Callable[[RequestDocument], str]


class Asks:
    """``approvals`` gives whom a request waits for, unmasked, by step; ``channel`` that of a request's application,
    ``mention`` a user group as mrkdwn."""

    def __init__(
        self,
        kept: Kept,
        poster: Poster,
        approvals: Approvals,
        channel: Channel,
        dates: Dates,
        mention: Callable[[str], str] = said,
    ) -> None:
        self._kept = kept
        self._poster = poster
        self._approvals = approvals
        self._channel = channel
        self._dates = dates
        self._mention = mention
        self._home = ""  # the workspace, once Slack has told
        self._found: dict[str, tuple[float, str | None]] = {}  # mail → when it was looked up, and whom it means

    def keep(self, document: RequestDocument, sending: Sending) -> None:
        """Who is asked now is asked, once; whatever asked before says what became of it. A channel that takes nothing
        does not keep the others from being asked. Raises SlackError."""
        posted = self._posted(document.number)
        asked = self._asked(document)
        refused: SlackError | None = None
        for subject, (place, ask) in asked.items():
            try:
                self._ask(subject, place, ask, posted.get(subject), document, sending)
            except (ChannelMissing, NotInChannel) as error:
                refused = error
        self._end(document, {subject: it for subject, it in posted.items() if subject not in asked})
        if refused is not None:
            raise refused

    def refresh(self, document: RequestDocument) -> None:
        """Let all that stands in Slack show the present state, whatever it shows."""
        posted = self._posted(document.number)
        asked = self._asked(document) if posted else {}
        for subject, (_, ask) in asked.items():
            if subject in posted:
                self._update(posted.pop(subject)._replace(digest=""), ask, document)
        self._end(document, {subject: it._replace(digest="") for subject, it in posted.items()})

    def _ask(
        self, subject: str, place: str, ask: Ask, there: Posted | None, document: RequestDocument, sending: Sending
    ) -> None:
        """In one place, or what stands there shows the present state."""
        if there is not None:
            self._update(there, ask, document)
        elif is_open(ask, document):
            mine = sending._replace(marker=f"{sending.marker}-{place}")
            message = ask_message(ask, document, self._dates, mine.marker)
            self._kept.post(document.number, subject, place, message, mine)

    def _posted(self, request_id: int) -> dict[str, Posted]:
        found = self._kept.of(request_id)
        return {subject: it for subject, it in found.items() if subject.startswith(f"{_SUBJECT}:")}

    def _end(self, document: RequestDocument, posted: Mapping[str, Posted]) -> None:
        for subject, it in posted.items():
            _, node, attempt, _ = subject.split(":")
            self._update(it, Ask(node, int(attempt), ()), document)

    def _update(self, posted: Posted, ask: Ask, document: RequestDocument) -> None:
        try:
            self._kept.show(posted, ask_message(ask, document, self._dates))
        except (MessageGone, *_UNREACHABLE) as error:
            log.warning("approval.untrue", says=f"What asks cannot be kept true: {error}", step=ask.node)

    def _asked(self, document: RequestDocument) -> dict[str, tuple[str, Ask]]:
        """Where each approval that waits asks, by subject."""
        asked: dict[str, tuple[str, Ask]] = {}
        waiting = [step for step in document.steps if step.approvers and step.attempts]
        approvals = self._approvals(document.number) if waiting else {}
        for step in waiting:
            approval = approvals.get(step.node)
            if approval is None or len(approval.approvers) != len(step.approvers):
                continue  # it has changed since the document was read, which has a row of its own
            for place, ask in self._places(document, step, approval).items():
                asked[f"{_SUBJECT}:{step.node}:{ask.attempt}:{place}"] = (place, ask)
        return asked

    def _places(self, document: RequestDocument, step: StepDocument, approval: Approval) -> dict[str, Ask]:
        number = step.attempts[-1].number
        places: dict[str, Ask] = {}
        for who, shown in zip(approval.approvers, step.approvers, strict=True):
            if who.lower().startswith(KEY):
                continue  # a program, which nobody can tell anything
            user = self._user(who)
            place = self._direct(user)
            mention = () if place else (self._named(who, user, shown),)
            place = place or self._channel(document)
            known = places.get(place, Ask(step.node, number, ()))
            places[place] = known._replace(names=(*known.names, shown), mentions=(*known.mentions, *mention))
        return places

    def _named(self, who: str, user: str | None, shown: str) -> str:
        if user is not None:
            return f"<@{user}>"
        return self._mention(who) if is_group(who) and who == shown else said(shown)

    def _user(self, who: str) -> str | None:
        """The Slack user whom an approver's name means, if it is a person who can be found, and may answer by it."""
        if is_group(who):
            return None
        if "@" not in who:
            return who
        now = time.monotonic()
        at, user = self._found.get(who, (now - KEPT, None))
        if now - at >= KEPT:
            user = self._look_up(who)
            self._found[who] = (now, user)
        return user

    def _look_up(self, mail: str) -> str | None:
        try:
            profile = self._poster.profile(mail)
        except ScopeMissing as error:
            log.warning("approval.unfound", says=f"Approvers cannot be found by their mail address: {error}")
            return None
        self._home = self._home or self._poster.team()
        if profile is None or person_of("", profile["id"], profile, self._home).actor.mail is None:
            return None
        return str(profile["id"])

    def _direct(self, user: str | None) -> str | None:
        try:
            return None if user is None else self._poster.direct_channel(user)
        except _UNREACHABLE as error:
            log.info("approval.unreachable", says=f"They take no direct message of ours: {error}", user=user)
            return None
