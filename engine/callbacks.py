"""The one-time addresses of callbacks: unguessable, stored nowhere, and made anew when the step is (SPEC 1, 2).

An address is a signed sentence: request, node, and the issue that it is good for. The signature is
made with a secret of the installation, so the same step always gives the same address, and a call rendered again
carries the same key; a step that was re-triggered has another issue, which makes the old address void.
"""

from __future__ import annotations

import hmac
import re
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterable
from functools import cached_property
from typing import NamedTuple

from engine.errors import NotFound
from engine.records import Step
from engine.templates import TemplateError

_TOKEN = re.compile(r"([1-9][0-9]{0,17})\.([a-z][a-z0-9_]{0,59})\.([0-9]{1,9})\.([A-Za-z0-9_-]{43})")

_KEPT = 10  # earlier issues of a step whose tokens are hidden as well


class Address(NamedTuple):
    """What a token stands for. ``issue``: a number that rises when the step is issued anew (Step.key_salt)."""

    request_id: int
    node: str
    issue: int


class Callbacks:
    """``public_url`` as the settings have it, None when it is not set. ``secret`` gives the installation's bytes."""

    def __init__(self, public_url: str | None, secret: Callable[[], bytes]) -> None:
        self._public_url = public_url.rstrip("/") if public_url else None
        self._read_secret = secret

    @property
    def reachable(self) -> bool:
        """Whether the settings say at which address others reach us."""
        return self._public_url is not None

    @cached_property
    def _secret(self) -> bytes:
        return self._read_secret()

    def url(self, address: Address) -> str:
        """The whole address. Raises TemplateError when the settings do not say where the outside world reaches us."""
        if self._public_url is None:
            raise TemplateError("callback_url needs the setting api.public_url")
        return f"{self._public_url}/callbacks/{self.token(address)}"

    def token(self, address: Address) -> str:
        """The last part of the address."""
        said = f"{address.request_id}.{address.node}.{address.issue}"
        mark = urlsafe_b64encode(hmac.digest(self._secret, said.encode(), "sha256")).decode().rstrip("=")
        return f"{said}.{mark}"

    def tokens(self, steps: Iterable[Step]) -> frozenset[str]:
        """The tokens of these steps that may be out, the void ones too: they must not be shown at any door."""
        issues = [
            Address(step.request_id, step.node, issue)
            for step in steps
            if step.kind == "callback"
            for issue in range(max(0, step.key_salt - _KEPT), step.key_salt + 1)
        ]
        return frozenset(map(self.token, issues))

    def read(self, token: str) -> Address:
        """What a token stands for. Raises NotFound for one that was never given out."""
        match = _TOKEN.fullmatch(token)
        if match is not None:
            address = Address(int(match[1]), match[2], int(match[3]))
            if hmac.compare_digest(self.token(address), token):
                return address
        raise NotFound("callback", "with this address", "Call the address exactly as it was given.")
