"""Idempotency keys: one key for one intended effect (SPEC 4). Pure, so a worker that takes over finds the same key.

A key is made of the request, the step, its visit and the rendered call, so it stays the same over retries, recoveries
and re-triggers of a call that has not succeeded, and changes when the rendered call does. ``salt`` is raised when a
person asks for a new key. The readable front is for whoever reads the outside system's log.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

_ISSUE = re.compile(r"req-[0-9]+-[a-z0-9_]+-([0-9]+)(?:\.([0-9]+))?-[0-9a-f]+")
HASH_CHARS = 16  # 64 bits, within one visit of one step: more than enough


def idempotency_key(request_id: int, node: str, visit: int, salt: int, digest: str, scope: str = "") -> str:
    """The key of a call, such as ``req-42-create_account-1-9f86d081884c7d65``.

    ``digest`` is that of the rendered call. ``scope`` is something that two installations do not share, such as when
    the request was made: each database has a REQ-1, and an outside system that serves both must not take one for the
    other.
    """
    mark = sha256(json.dumps([scope, salt, digest]).encode()).hexdigest()[:HASH_CHARS]
    issue = f"{visit}.{salt}" if salt else str(visit)
    return f"req-{request_id}-{node}-{issue}-{mark}"


def issue_of(key: str) -> tuple[int, int] | None:
    """The visit and the salt that a key was made of; None for a text that is no key of ours."""
    match = _ISSUE.fullmatch(key)
    return (int(match[1]), int(match[2] or 0)) if match else None


def call_digest(connection: str, method: str, path: str, query: Any, body: Any) -> str:
    """What identifies a rendered call. Headers do not count: a trace id in one must not make another call of it. The
    connection does: the same call of another system is another effect."""
    return _digest([connection, method, path, query, body])


def function_digest(name: str, args: Mapping[str, Any]) -> str:
    """What identifies a rendered call of a function."""
    return _digest([name, args])


def _digest(parts: list[Any]) -> str:
    return sha256(json.dumps(parts, sort_keys=True, allow_nan=False).encode()).hexdigest()
