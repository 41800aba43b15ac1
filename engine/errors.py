"""Everything Retrigger refuses or fails with: one base, the facts as attributes, one sentence for a person."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime

from engine.spelling import nearest_first

_SHOWN = 100  # characters of what somebody typed
_WHOSE = re.compile(r"\Akey:\d+:")  # keeps one API key's own keys apart from another's


def as_sent(key: str) -> str:
    """The key of a command as its sender wrote it."""
    return _WHOSE.sub("", key)


class RetriggerError(Exception):
    """Something went wrong that a person can act on; ``str(error)`` is the sentence to show."""


class Refused(RetriggerError):
    """A rule forbids this now. Nothing changed (SPEC 4, *Refused*)."""


class NotPermitted(Refused):
    """The person holds no grant for this (SPEC 6)."""

    def __init__(self, permission: str, app: str, ask: tuple[str, ...] = ()) -> None:
        self.permission, self.app, self.ask = permission, app, ask
        whom = f" Ask {' or '.join(ask)}." if ask else " Ask whoever keeps Retrigger's settings file."
        super().__init__(f"You need the permission {permission!r} for {app}.{whom}")


class SelfAction(Refused):
    """The workflow bars requesters from acting on their own request (``self_action: false``). ``sure`` False: whether
    it is theirs cannot be told, since their mail address is not known."""

    def __init__(self, request_id: int, *, sure: bool = True) -> None:
        self.request_id, self.sure = request_id, sure
        super().__init__(
            f"REQ-{request_id} is your own request, and its workflow does not let requesters act on theirs."
            if sure
            else "Requesters may not act on their own requests here, and your mail address is not known."
        )


class NotAnApprover(Refused):
    """Only those whom the approval names may answer it; no other permission helps."""

    def __init__(self, node: str, approvers: tuple[str, ...]) -> None:
        self.node, self.approvers = node, approvers
        super().__init__(f"You are not among those who may answer {node}: {', '.join(approvers) or 'nobody is named'}.")


class CallbackRefused(Refused):
    """The step does not take a call at this address, not any more or not a second time."""

    def __init__(self, node: str, why: str) -> None:
        self.node, self.why = node, why
        super().__init__(f"{node} takes no call at this address: {why}. Nothing was changed.")


class Conflict(Refused):
    """The state is not the one that the click was made for; names the state found and who changed it (SPEC 5)."""

    def __init__(
        self,
        what: str,
        found: str,
        by: str | None = None,
        at: float | None = None,
        did: str | None = None,
        why: str | None = None,
    ) -> None:
        self.what, self.found, self.by, self.at, self.did, self.why = what, found, by, at, did, why
        when = f" at {datetime.fromtimestamp(at, UTC):%H:%M:%S} UTC" if at is not None else ""
        who = f" {by} {did or 'acted'}{when}." if by else ""
        super().__init__(f"{why or f'{what} is now {found}.'}{who} Nothing was done.")


class ConfirmationNeeded(Refused):
    """An earlier call may have taken effect; a second one needs a confirmation and a reason (SPEC 4)."""

    def __init__(self, nodes: tuple[str, ...]) -> None:
        self.nodes = nodes
        super().__init__(
            f"The earlier call may have taken effect ({', '.join(nodes)}). "
            "Confirm that it may be repeated, and give a reason."
        )


class PlanChanged(Refused):
    """The state changed after the plan was shown, so nothing was done; look at the new plan."""

    def __init__(self, request_id: int) -> None:
        self.request_id = request_id
        super().__init__(f"REQ-{request_id} changed after this plan was made. Nothing was done; look at the new plan.")


class InvalidInput(Refused):
    """What the person typed does not fit; ``field`` names it, the text is the person's to keep."""

    def __init__(self, message: str, field: str | None = None) -> None:
        self.field = field
        super().__init__(message)


class InputTooLarge(InvalidInput):
    """The text is over the size limit."""


class ReasonNeeded(InvalidInput):
    """The act needs a reason, and came without one."""

    def __init__(self, why: str) -> None:
        super().__init__(why, "reason")


class Superseded(Refused):
    """The submit was checked against a version that is not the workflow's newest any more."""

    def __init__(self, workflow: str, version: int) -> None:
        self.workflow, self.version = workflow, version
        super().__init__(f"Version {version} of {workflow} was published meanwhile. Submit again.")


class KeyReused(InvalidInput):
    """The key that makes a command safe to repeat was used for another one before."""

    def __init__(self, key: str, request_id: int | None) -> None:
        self.key, self.request_id = as_sent(key), request_id
        where = f", in REQ-{request_id}" if request_id else ""
        super().__init__(f"The key {self.key} was used for something else before{where}. Use another key.", "key")


class UnknownKey(RetriggerError):
    """No API key that is in use came with the call (SPEC 8)."""

    def __init__(self, *, missing: bool) -> None:
        self.missing = missing
        super().__init__(
            "Send an API key: the header Authorization with Bearer and the key. `retrigger key create` makes one."
            if missing
            else "This API key is not known, or was revoked."
        )


class NotFound(RetriggerError):
    """There is no such thing."""

    def __init__(self, what: str, name: object, hint: str = "") -> None:
        self.what, self.name = what, name
        shown = str(name) if len(str(name)) <= _SHOWN else f"{str(name)[:_SHOWN]}…"
        super().__init__(f"There is no {what} {shown}.{' ' + hint if hint else ''}")


class NoSuchStep(NotFound):
    """The request has no step of that name; ``known`` are the names of those that it has."""

    def __init__(self, node: str, request_id: int, known: Iterable[str]) -> None:
        super().__init__("step", node)
        self.request_id, self.known = request_id, tuple(known)

    def __str__(self) -> str:
        """Only now, in the thread that tells it: the writer has no time to look for the likest of thousands."""
        return f"{super().__str__()} REQ-{self.request_id} has: {nearest_first(str(self.name), self.known)}."


class CannotBeRead(RetriggerError):
    """What is stored of one thing is not for this Retrigger; the others can be read."""


class UnreadableVersion(CannotBeRead):
    """What is stored of a workflow's version is no definition for this Retrigger."""

    def __init__(self, workflow: str, version: int) -> None:
        self.workflow, self.version = workflow, version
        super().__init__(
            f"Version {version} of {workflow} cannot be read: a newer Retrigger published it, or its row is damaged."
        )


class UnreadableRow(CannotBeRead):
    """A row holds a word that this Retrigger does not know."""

    def __init__(self, found: str | None) -> None:
        self.found = found
        super().__init__(
            f"This cannot be read: {str(found)[:_SHOWN]!r} is nothing that this Retrigger knows. A newer one wrote it, "
            "or the row is damaged; use the newest Retrigger that runs on this database."
        )


class LostRow(CannotBeRead):
    """The row of a step is not there; a hand has deleted it."""

    def __init__(self, node: str) -> None:
        self.node = node
        super().__init__(
            f"The row of the step {node} is gone, and with it what is known of its calls. Bring it back from a backup, "
            "or withdraw the request."
        )


class DamagedValue(CannotBeRead):
    """Of what is stored of a request, ``what`` is not as Retrigger writes it; it is not shown, for it may be
    sensitive."""

    def __init__(self, what: str) -> None:
        self.what = what
        super().__init__(
            f"This cannot be read: {what} is damaged, or a newer Retrigger wrote it. "
            "Bring its row back from a backup, or use the newest Retrigger that runs on this database."
        )


class LeaseLost(RetriggerError):
    """This attempt is no longer the step's attempt; whoever made it must stop and change nothing."""

    def __init__(self, request_id: int, node: str, attempt: int) -> None:
        self.request_id, self.node, self.attempt = request_id, node, attempt
        super().__init__(f"Attempt {attempt} of {node} in REQ-{request_id} is no longer the current one.")


class IllegalChange(RetriggerError):
    """A status change that is not in the table of engine.states: a defect of ours, never a person's."""


class StorageError(RetriggerError):
    """The database cannot be used as it is; the sentence says what to do."""


class SettingsError(RetriggerError):
    """The settings cannot be used as they are; the sentence names the key and the mend."""


class AlreadyDone(RetriggerError):
    """This very command was carried out before; doing it again does nothing (SPEC 5)."""

    def __init__(self, request_id: int | None, command_id: str) -> None:
        self.request_id, self.command_id = request_id, command_id
        super().__init__("This was done already; it was not done again.")
