"""The HTTP side: methods of the Web API, response_urls, uploads and downloads."""

from __future__ import annotations

import json
import socket
import struct
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.support.slack_server.faults import LOST_ANSWER, LOST_CALL, RESET, Answer, Call, Faults, Hold
from tests.support.slack_server.methods import METHODS
from tests.support.slack_server.methods.chat import respond
from tests.support.slack_server.sockets import Sockets
from tests.support.slack_server.workspace import Json, Refused, Workspace


class WebServer(ThreadingHTTPServer):
    """Serves on ``port`` of ``host``, 0 for one of the system's choice."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, slack: Workspace, faults: Faults, sockets: Sockets, host: str, port: int = 0) -> None:
        self.slack, self.faults, self.sockets = slack, faults, sockets
        super().__init__((host, port), _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: WebServer

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        kind, _, rest = self.path[1:].partition("/")
        if kind == "api":
            self._call(urlsplit(rest).path, _arguments(self.headers.get("Content-Type") or "", body, rest))
        elif kind == "respond":
            self._respond(body)
        elif kind == "upload" and rest in self.server.slack.files:
            self.server.slack.files[rest]["content"] = body
            self._answer(200, f"OK - {len(body)}".encode(), {"Content-Type": "text/plain"})
        else:
            self._answer(404, b"", {})

    def do_GET(self) -> None:
        kind, _, rest = self.path[1:].partition("/")
        if kind == "api":
            self._call(urlsplit(rest).path, _arguments("", b"", rest))
            return
        file = self.server.slack.files.get(rest.partition("/")[0])
        allowed = self.headers.get("Authorization") == f"Bearer {self.server.slack.bot_token}"
        if kind != "download" or file is None or not allowed:
            self._answer(404, b"", {})
        else:
            self._answer(200, file["content"], {"Content-Type": "application/octet-stream"})

    def _call(self, method: str, arguments: Json) -> None:
        faults = self.server.faults
        fault = faults.pick(method, arguments)
        if isinstance(fault, Hold) and not fault.after:
            fault.stop_here()
        carried_out = fault in (None, LOST_ANSWER) or isinstance(fault, Hold)
        answer = self._carry_out(method, arguments) if carried_out else None
        error = str(answer.get("error", "")) if answer else _named(fault)
        faults.calls.append(Call(method, arguments, time.monotonic(), error))
        if isinstance(fault, Hold) and fault.after:
            fault.stop_here()
        if isinstance(fault, Answer):
            self._answer(fault.status, json.dumps(fault.body).encode(), fault.headers)
        elif fault in (LOST_ANSWER, LOST_CALL, RESET):
            self._hang_up(reset=fault == RESET)
        else:
            more = {"X-OAuth-Scopes": self.server.slack.scopes} if method == "auth.test" else {}
            self._answer(200, json.dumps(answer).encode(), more)

    def _carry_out(self, method: str, arguments: Json) -> Json:
        slack = self.server.slack
        try:
            with slack.changed:
                self._check_token(method, arguments)
                if method == "apps.connections.open":
                    return {"ok": True, "url": self.server.sockets.address()}
                answer = METHODS[method].run(slack, arguments)
                slack.changed.notify_all()
                return json.loads(json.dumps({"ok": True, **answer}))  # type: ignore[no-any-return]  # a copy, as it is now
        except Refused as refused:
            return {"ok": False, "error": refused.code, **refused.more}

    def _check_token(self, method: str, arguments: Json) -> None:
        slack = self.server.slack
        token = arguments.pop("token", None) or (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        if not token:
            raise Refused("not_authed")
        if slack.token_error:
            raise Refused(slack.token_error)
        if method == "apps.connections.open":
            if token != slack.app_token:
                raise Refused("not_allowed_token_type" if token == slack.bot_token else "invalid_auth")
            return
        if token != slack.bot_token:
            raise Refused("invalid_auth")
        if method not in METHODS:
            raise Refused("unknown_method")
        needed, has = METHODS[method].scope.split(","), slack.scopes.split(",")
        if needed != [""] and not set(needed) & set(has):
            raise Refused("missing_scope", needed=needed[0], provided=slack.scopes)

    def _respond(self, body: bytes) -> None:
        slack = self.server.slack
        fault = self.server.faults.pick("response_url", {})
        if isinstance(fault, Answer):
            self._answer(fault.status, b"", fault.headers)
            return
        try:
            with slack.changed:
                respond(slack, slack.url + self.path, json.loads(body))
        except Refused as refused:
            self._answer(404, json.dumps({"ok": False, "error": refused.code}).encode(), {})
        else:
            self._answer(200, b"ok", {"Content-Type": "text/plain"})

    def _hang_up(self, reset: bool) -> None:
        if reset:  # closing with nothing left to linger for sends a reset
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True

    def _answer(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        whole = {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}
        for name, value in whole.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def handle(self) -> None:
        try:
            super().handle()
        except OSError:
            self.close_connection = True  # whoever asked was killed meanwhile

    def finish(self) -> None:
        try:
            super().finish()
        except OSError:
            self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:
        """Tests are quiet."""


def _arguments(kind: str, body: bytes, path: str) -> Json:
    """As JSON, or as a form whose values may be JSON."""
    found: Json = dict(parse_qsl(urlsplit(path).query))
    if kind.startswith("application/json"):
        return {**found, **json.loads(body or b"{}")}
    found |= dict(parse_qsl(body.decode()))
    nested = {name: json.loads(found[name]) for name in ("blocks", "view", "files") if isinstance(found.get(name), str)}
    return {**found, **nested}


def _named(fault: Any) -> str:
    return f"HTTP {fault.status} {(fault.body or {}).get('error', '')}" if isinstance(fault, Answer) else str(fault)
