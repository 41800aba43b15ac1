"""Named external systems: where they are, and how we show who we are (SPEC 1, *connection*; SPEC 10).

A secret stays in its environment variable: it is read when a call is made, and kept nowhere.
"""

from __future__ import annotations

import os
import re
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, field_validator, model_validator

from engine.definition.fields import Model, Timeout, matching, problem
from engine.errors import RetriggerError
from engine.values.headers import HEADER_NAME, OWN_HEADERS, can_be_sent, header_problem

if TYPE_CHECKING:
    from engine.nodes.deadline_adapter import DeadlineAdapter


def _not_ours(name: str) -> str:
    why = header_problem(name, "")
    if why:
        raise problem(f"cannot be used: {why}")
    return name


def is_address(url: str) -> bool:
    """Whether paths can follow it."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        return False
    return bool(usable) and not re.search(r"[\s\\?#]", url)


HeaderName = Annotated[str, matching(HEADER_NAME, "a header's name, such as X-Api-Key"), AfterValidator(_not_ours)]


class ConnectionUnusable(RetriggerError):
    """The connection's secret is missing or cannot be sent; the sentence names its variable, never its value."""


_Variable = Annotated[str, Field(min_length=1)] | None


class Auth(Model):
    """How a call shows who we are: exactly one of a bearer token, ``user:password``, or a header of its own."""

    bearer_env: _Variable = Field(None, description="the name of the environment variable that holds the token")
    basic_env: _Variable = Field(None, description="the name of the environment variable that holds user:password")
    header: HeaderName | None = Field(None, description="a header's name, such as X-Api-Key")
    header_env: _Variable = Field(None, description="the name of the environment variable that holds its value")

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.header is None) != (self.header_env is None):
            raise problem("lacks one of header and header_env; write the header's name, and the variable of its value")
        if sum(way is not None for way in (self.bearer_env, self.basic_env, self.header_env)) != 1:
            raise problem("must show one way to sign in; write bearer_env, or basic_env, or header with header_env")
        return self

    @property
    def variable(self) -> str:
        """The environment variable that holds the secret."""
        return self.bearer_env or self.basic_env or self.header_env or ""


class ConnectionSettings(Model):
    """One entry of the settings' ``connections``. ``timeout``: seconds of a whole call, where the step names none.

    ``ca_file`` holds the certificates to trust instead of the public ones, for a system with a private authority.
    """

    base_url: str = Field(description='an address such as "https://identity.example.com"')
    auth: Auth | None = Field(None, description="a mapping such as {bearer_env: IDENTITY_TOKEN}")
    timeout: Timeout = Field(30.0, description="a duration such as 10s")
    idempotency_header: HeaderName = Field("Idempotency-Key", description="a header's name, such as Idempotency-Key")
    headers: dict[HeaderName, str] = Field({}, description="texts, such as {X-Team: hr}")
    ca_file: Path | None = Field(None, description="the path of a file, such as /etc/ssl/our-ca.pem")

    @field_validator("base_url")
    @classmethod
    def _plain_address(cls, url: str) -> str:
        if not is_address(url):
            raise problem('is no address that paths can follow; write one such as "https://identity.example.com"')
        if "@" in urlsplit(url).netloc:
            raise problem("holds a password; put user:password into a variable, and name it under auth as basic_env")
        return url.rstrip("/")

    @model_validator(mode="after")
    def _two_headers(self) -> Self:
        own = (self.auth.header or "Authorization") if self.auth else ""
        if own.lower() == self.idempotency_header.lower():
            raise problem("sends its secret and its keys in one header; write another idempotency_header")
        return self

    @field_validator("ca_file")
    @classmethod
    def _file_that_is_there(cls, file: Path | None) -> Path | None:
        if file is not None and not (file.is_absolute() and file.is_file()):
            raise problem(f"is {file}; write the whole path of a file with the certificates to trust, from / on")
        return file

    @field_validator("headers")
    @classmethod
    def _headers_that_can_be_sent(cls, headers: dict[str, str]) -> dict[str, str]:
        for name, value in headers.items():
            why = header_problem(name, value)
            if why:
                raise problem(f"cannot be sent: {why}")
        return headers


class Connection:
    """A connection, ready for calls from any thread; its sockets are pooled and kept alive."""

    def __init__(self, name: str, settings: ConnectionSettings, environ: Mapping[str, str] = os.environ) -> None:
        self.name = name
        self.settings = settings
        self._environ = environ
        self._adapter: DeadlineAdapter | None = None
        self._making = Lock()

    @property
    def adapter(self) -> DeadlineAdapter:
        """Made at the first call: it needs requests, an eighth of a command's start, and most commands call nobody."""
        with self._making:
            if self._adapter is None:
                from engine.nodes.deadline_adapter import DeadlineAdapter

                self._adapter = DeadlineAdapter(self.settings.ca_file)
            return self._adapter

    def url(self, path: str) -> str:
        """The address of a path, which begins with a single slash: the host is never the path's to choose."""
        return self.settings.base_url + path

    def auth_headers(self) -> dict[str, str]:
        """The headers that show who we are. Raises ConnectionUnusable."""
        auth = self.settings.auth
        if auth is None:
            return {}
        secret = self._secret(auth.variable)
        if auth.header is not None:
            return {auth.header: secret}
        if auth.bearer_env is not None:
            return {"Authorization": f"Bearer {secret}"}
        return {"Authorization": f"Basic {b64encode(secret.encode()).decode()}"}

    def problem(self) -> str | None:
        """Why calls cannot be made, for start and doctor; None when they can."""
        try:
            self.auth_headers()
        except ConnectionUnusable as error:
            return str(error)
        return None

    def secrets(self) -> frozenset[str]:
        """What must never be shown: the secret, and the password in it."""
        auth = self.settings.auth
        secret = self._environ.get(auth.variable, "").strip() if auth else ""
        if auth and auth.basic_env and ":" in secret:
            return frozenset({secret, secret.partition(":")[2]})
        return frozenset({secret} - {""})

    def reserved(self, header: str) -> bool:
        """Whether a definition may not set this header, because the engine or this connection does."""
        auth = self.settings.auth
        own = {self.settings.idempotency_header.lower(), (auth.header or "Authorization").lower() if auth else ""}
        return header.lower() in OWN_HEADERS | own

    def close(self) -> None:
        """Close the pooled sockets."""
        if self._adapter is not None:
            self._adapter.close()

    def _secret(self, variable: str) -> str:
        secret = self._environ.get(variable, "").strip()
        if not secret:
            raise ConnectionUnusable(
                f"Connection {self.name} needs the environment variable {variable}, and it is not set."
            )
        if not can_be_sent(secret):
            raise ConnectionUnusable(
                f"Connection {self.name} cannot send what the environment variable {variable} holds: "
                "it has a line break or a character that a header cannot carry."
            )
        return secret
