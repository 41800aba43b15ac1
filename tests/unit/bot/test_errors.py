from __future__ import annotations

import ssl
from http.client import RemoteDisconnected
from typing import Any
from urllib.error import URLError

import pytest
from slack_sdk.errors import SlackApiError

from bot import errors


class Answer(dict[str, Any]):
    """What slack_sdk hands over of an answer."""

    def __init__(self, code: str, status: int = 200, headers: dict[str, Any] | None = None) -> None:
        super().__init__(ok=False, error=code)
        self.status_code, self.headers = status, headers or {}


def translated(code: str, status: int = 200, headers: dict[str, Any] | None = None) -> errors.SlackError:
    return errors.translate(SlackApiError("refused", Answer(code, status, headers)))


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("channel_not_found", errors.ChannelMissing),
        ("is_archived", errors.ChannelMissing),
        ("not_in_channel", errors.NotInChannel),
        ("invalid_auth", errors.TokenRefused),
        ("missing_scope", errors.ScopeMissing),
        ("message_not_found", errors.MessageGone),
        ("invalid_blocks", errors.BadMessage),
        ("user_not_in_channel", errors.PersonNotThere),
        ("expired_trigger_id", errors.TriggerExpired),
        ("not_found", errors.ViewGone),
        ("fatal_error", errors.Unreachable),
        ("something_new", errors.SlackError),
    ],
)
def test_each_code_has_one_class_and_a_sentence(code: str, kind: type[errors.SlackError]) -> None:
    error = translated(code)
    assert type(error) is kind
    assert error.code == code
    assert str(error)


@pytest.mark.parametrize(
    ("headers", "wait"),
    [({"Retry-After": "7"}, 7), ({"retry-after": ["30"]}, 30), ({}, 1), ({"Retry-After": "soon"}, 1)],
)
def test_rate_limits(headers: dict[str, Any], wait: float) -> None:
    error = translated("ratelimited", 429, headers)
    assert isinstance(error, errors.RateLimited)
    assert (error.wait, error.delivered) == (wait, False)


@pytest.mark.parametrize(
    ("raised", "delivered"),
    [
        (URLError(ConnectionRefusedError(111, "refused")), False),
        (ConnectionRefusedError(111, "refused"), False),
        (URLError(TimeoutError("timed out")), None),
        (TimeoutError("timed out"), None),
        (RemoteDisconnected("closed"), None),
        (ConnectionResetError(104, "reset"), None),
        (URLError(ssl.SSLError("bad")), None),
        (SlackApiError("broken", Answer("", 503)), None),
        (SlackApiError("refused", Answer("channel_not_found")), False),
    ],
)
def test_what_is_known_of_a_message_that_was_being_sent(raised: Exception, delivered: bool | None) -> None:
    assert errors.translate(raised).delivered is delivered


@pytest.mark.parametrize("raised", [URLError(TimeoutError("timed out")), TimeoutError("timed out")])
def test_a_call_that_timed_out_is_not_looked_up_while_slack_may_yet_carry_it_out(raised: Exception) -> None:
    assert errors.translate(raised).wait == 10.0


def test_what_is_not_slacks_trouble_is_raised_again() -> None:
    with pytest.raises(ZeroDivisionError):
        errors.translate(ZeroDivisionError())
    kept = errors.RateLimited(3)
    assert errors.translate(kept) is kept


def test_no_code_is_mapped_twice() -> None:
    codes = [code for codes in errors._CODES.values() for code in codes]
    assert len(codes) == len(set(codes))
