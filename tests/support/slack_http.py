"""Slack's signed calls, as Slack makes them, for tests that look at one call."""

from __future__ import annotations

import json
import time
from typing import Any
from urllib.parse import urlencode

from slack_sdk.signature import SignatureVerifier

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"


def signed(body: str, secret: str, *, ago: float = 0.0, content_type: str = "application/json") -> dict[str, str]:
    """The headers. ``ago``: how long ago it is said to have been signed, seconds."""
    moment = str(int(time.time() - ago))
    signature = SignatureVerifier(secret).generate_signature(timestamp=moment, body=body)
    assert signature is not None
    return {"content-type": content_type, "x-slack-request-timestamp": moment, "x-slack-signature": signature}


def interaction(payload: dict[str, Any]) -> str:
    """The body of a click or of a submitted window: a form with JSON in it."""
    return urlencode({"payload": json.dumps(payload)})
