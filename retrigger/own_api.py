"""The HTTP API that should be found on this machine, and what really answers there."""

from __future__ import annotations

import json
from http.client import HTTPConnection, HTTPException

from retrigger.settings import Settings

CONNECT_SECONDS = 3.0


def own_address(settings: Settings) -> str:
    """Where the HTTP API of this machine is to be found: host and port."""
    everywhere = settings.api.host in ("0.0.0.0", "::")  # noqa: S104  # compared with, not listened on
    host = "localhost" if everywhere else settings.api.host
    return f"{f'[{host}]' if ':' in host else host}:{settings.api.port}"


def service_at(place: str) -> object:
    """What the one that listens there says it is. Raises OSError, HTTPException, ValueError."""
    connection = HTTPConnection(place, timeout=CONNECT_SECONDS)
    try:
        connection.request("GET", "/healthz")
        told = json.loads(connection.getresponse().read(1000))
        return told.get("service") if isinstance(told, dict) else None
    finally:
        connection.close()


def is_retrigger(place: str) -> bool:
    """Whether a Retrigger listens there."""
    try:
        return service_at(place) == "retrigger"
    except (OSError, HTTPException, ValueError):
        return False
