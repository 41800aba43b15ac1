"""HTTP mode: Slack's own signed calls, for where Slack can reach this process (SPEC 7)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import NamedTuple

from slack_bolt import App, BoltRequest
from slack_sdk.signature import SignatureVerifier

from engine.logs import logger

PATH = "/slack/events"  # for events, clicks, windows and commands alike

log = logger(__name__)


class Answer(NamedTuple):
    """What Slack is answered."""

    status: int
    body: str = ""
    content_type: str = "application/json"


class HttpReceiver:
    """``signing_secret`` tells Slack's calls from others'."""

    def __init__(self, app: App, signing_secret: str) -> None:
        self._app = app
        self._verifier = SignatureVerifier(signing_secret)

    def receive(self, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Take one call in. For a thread, not for an event loop: a submitted window takes up to 2 s. ``headers`` are
        looked up in lower case."""
        if not self._is_slacks(body, headers):
            return _refused(401, "The signature is not Slack's, or is old. Is SLACK_SIGNING_SECRET right?")
        try:
            request = BoltRequest(body=body.decode(), headers=dict(headers))
        except ValueError:
            return _refused(400, "The body cannot be read.")
        response = self._app.dispatch(request)
        content_type = response.headers.get("content-type", ["text/plain"])[0]
        return Answer(response.status, response.body or "", content_type)

    def _is_slacks(self, body: bytes, headers: Mapping[str, str]) -> bool:
        stamp, signature = headers.get("x-slack-request-timestamp", ""), headers.get("x-slack-signature", "")
        if not (stamp.isdecimal() and len(stamp) < 20 and signature.isascii()):
            return False  # what the verifier does not expect of anybody
        try:
            return self._verifier.is_valid(body, stamp, signature)
        except UnicodeDecodeError:
            return False


def _refused(status: int, sentence: str) -> Answer:
    log.warning("slack.refused", says=f"A call to {PATH} was refused: {sentence}", status=status)
    return Answer(status, json.dumps({"error": sentence}))
