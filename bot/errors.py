"""What Slack answers when it does not do what it is asked: one class per kind of trouble, each error code mapped once.

``translate`` turns what slack_sdk raises into these. ``delivered`` says what is known of a message that was being sent:
False is "surely not", None is "unknown, look it up before sending it again".
"""

from __future__ import annotations

from http.client import HTTPException
from socket import gaierror
from urllib.error import URLError

from slack_sdk.errors import SlackApiError, SlackClientError

from engine.errors import RetriggerError

STILL_AT_IT = 10.0  # seconds in which Slack may yet carry out a call that timed out: a look before that says nothing


class SlackError(RetriggerError):
    """Slack refused or could not be reached. ``code`` is Slack's own; ``wait``: seconds until a new try is worth it."""

    wait: float | None = None
    delivered: bool | None = False

    def __init__(self, code: str, sentence: str = "") -> None:
        self.code = code
        super().__init__(sentence or f"Slack answered {code}.")


class Unreachable(SlackError):
    """No answer, or an answer from a server in trouble."""

    delivered: bool | None = None


class NotReached(Unreachable):
    """The connection could not even be made, so nothing was delivered."""

    delivered = False


class RateLimited(SlackError):
    """Too many calls; Slack says when to come back."""

    def __init__(self, retry_after: float) -> None:
        super().__init__("ratelimited", f"Slack asks to wait {retry_after:g} s.")
        self.wait = retry_after


class Paced(RateLimited):
    """We wait by ourselves: Slack asked to a moment ago, or our own budget is used up. Nobody need be told."""


class Mendable(SlackError):
    """A person can mend it (invite the bot, renew the token, add a scope), so what waits is kept."""

    wait = 60.0


class ChannelMissing(Mendable):
    """The channel does not exist for the bot, or is archived."""


class NotInChannel(Mendable):
    """The bot is not a member of the channel."""


class TokenRefused(Mendable):
    """The token is wrong, revoked, or of a deactivated account."""


class ScopeMissing(Mendable):
    """The app lacks a scope; app_manifest.yaml lists all of them."""


class MessageGone(SlackError):
    """The message, or the thread's first message, was deleted."""


class BadMessage(SlackError):
    """Slack does not take what was built: a defect of ours, the same at every try."""


class PersonNotThere(SlackError):
    """The person cannot be told there: not in the channel, or no such person."""


class TriggerExpired(SlackError):
    """More than 3 s went by between the click and the modal."""


class ViewGone(SlackError):
    """The modal was closed, or changed meanwhile."""


_CODES: dict[type[SlackError], tuple[str, ...]] = {
    ChannelMissing: ("channel_not_found", "is_archived", "channel_is_archived", "invalid_channel"),
    NotInChannel: (
        "not_in_channel",
        "restricted_action",
        "restricted_action_read_only_channel",
        "restricted_action_thread_only_channel",
        "not_allowed",
    ),
    TokenRefused: (
        "invalid_auth",
        "not_authed",
        "account_inactive",
        "token_revoked",
        "token_expired",
        "not_allowed_token_type",
        "org_login_required",
        "ekm_access_denied",
        "access_denied",
        "team_access_not_granted",
        "team_not_found",
    ),
    ScopeMissing: ("missing_scope", "no_permission"),
    MessageGone: (
        "message_not_found",
        "thread_not_found",
        "cannot_reply_to_message",
        "restricted_action_non_threadable_channel",
        "cant_update_message",
        "edit_window_closed",
    ),
    BadMessage: (
        "invalid_blocks",
        "invalid_blocks_format",
        "msg_too_long",
        "msg_blocks_too_long",
        "no_text",
        "too_many_attachments",
        "invalid_arguments",
        "invalid_arg_name",
        "invalid_json",
        "json_not_object",
        "invalid_form_data",
        "metadata_too_large",
        "view_too_large",
    ),
    PersonNotThere: (
        "user_not_in_channel",
        "user_not_found",
        "users_not_found",
        "user_disabled",
        "user_not_visible",
        "cannot_dm_bot",
        "messages_tab_disabled",
    ),
    TriggerExpired: ("expired_trigger_id", "invalid_trigger_id", "exchanged_trigger_id", "trigger_expired"),
    ViewGone: ("not_found", "hash_conflict", "duplicate_external_id"),
    Unreachable: (
        "internal_error",
        "fatal_error",
        "service_unavailable",
        "request_timeout",
        "accesslimited",
        "team_added_to_org",
    ),
}
_CLASSES = {code: kind for kind, codes in _CODES.items() for code in codes}
_SENTENCES: dict[type[SlackError], str] = {
    ChannelMissing: (
        "Slack knows no such open channel ({code}). Unarchive it, or name another in the settings under apps."
    ),
    NotInChannel: "The bot may not post in the channel ({code}). Invite it there: /invite @Retrigger.",
    TokenRefused: "Slack refuses the token ({code}). Set SLACK_BOT_TOKEN (and SLACK_APP_TOKEN) anew.",
    ScopeMissing: "The Slack app lacks a scope ({code}). Update it from app_manifest.yaml and install it again.",
    TriggerExpired: "Slack took too long to open the window, so nothing was done. Please try again.",
}


def translate(error: Exception) -> SlackError:
    """The SlackError for what a call of slack_sdk raised. Anything that is not Slack's trouble is raised again."""
    if isinstance(error, SlackError):
        return error
    if isinstance(error, SlackApiError):
        return _answered(error)
    if isinstance(error, (OSError, HTTPException, SlackClientError)):
        return _unanswered(error)
    raise error


def _answered(error: SlackApiError) -> SlackError:
    response = error.response
    status = getattr(response, "status_code", 200)
    code = str(response.get("error", "unknown_error")) if hasattr(response, "get") else "unknown_error"
    if status == 429 or code in ("ratelimited", "rate_limited"):
        return RateLimited(_retry_after(getattr(response, "headers", {})))
    if status >= 500:
        return Unreachable(f"HTTP {status}", f"Slack is in trouble (HTTP {status}).")
    kind = _CLASSES.get(code, SlackError)
    return kind(code, _SENTENCES.get(kind, "").format(code=code))


def _unanswered(error: Exception) -> SlackError:
    cause = error.reason if isinstance(error, URLError) and isinstance(error.reason, Exception) else error
    kind = NotReached if isinstance(cause, (ConnectionRefusedError, gaierror)) else Unreachable
    found = kind(type(cause).__name__, f"Slack cannot be reached ({getattr(cause, 'strerror', None) or cause}).")
    if isinstance(cause, TimeoutError):
        found.wait = STILL_AT_IT
    return found


def _retry_after(headers: object) -> float:
    """Seconds; Slack always sends the header, and 1 is what to do when something between us dropped it."""
    items = dict(headers).items() if isinstance(headers, dict) else ()
    value = next((value for name, value in items if str(name).lower() == "retry-after"), "1")
    try:
        return max(1.0, float(value[0] if isinstance(value, list) else value))
    except ValueError:
        return 1.0


def unexpected(raised: Exception) -> str:
    """What to tell a person of an error that nobody foresaw."""
    try:
        return f"{translate(raised)} Please try again."
    except Exception:
        return "Something went wrong in Retrigger itself; its log says what. Look at the request before trying again."
