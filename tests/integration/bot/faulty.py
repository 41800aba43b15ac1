"""Slack with troubles: a server before the local Slack that spoils chosen calls and passes on the rest."""

from __future__ import annotations

import json
import threading
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import requests

LOST_ANSWER = "carried out, and the answer lost"
LOST_CALL = "not carried out, and no answer"


class FaultySlack:
    """``spoil`` a method's next calls; ``calls`` lists what was asked, in order."""

    def __init__(self, url: str) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self._faults: dict[str, deque[Any]] = {}
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.slack, self._server.behind = self, url
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def api_url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/api/"

    def spoil(self, method: str, *faults: Any) -> None:
        """Each fault is for one call: LOST_ANSWER, LOST_CALL, or (status, headers, answer)."""
        with self._lock:
            self._faults.setdefault(method, deque()).extend(faults)

    def count(self, method: str) -> int:
        return sum(1 for name, _ in self.calls if name == method)

    def fault(self, method: str, arguments: dict[str, Any]) -> Any:
        with self._lock:
            self.calls.append((method, arguments))
            waiting = self._faults.get(method)
            return waiting.popleft() if waiting else None

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> FaultySlack:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    slack: FaultySlack
    behind: str


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        method = self.path.rpartition("/")[2]
        fault = self.server.slack.fault(method, _arguments(body))
        if fault == LOST_CALL:
            self.close_connection = True
            return
        if isinstance(fault, tuple):
            status, headers, answer = fault
            self._answer(status, headers, json.dumps(answer).encode())
            return
        headers = {name: self.headers[name] for name in ("Content-Type", "Authorization") if self.headers[name]}
        answer = requests.post(f"{self.server.behind}{self.path}", data=body, headers=headers, timeout=5)
        if fault == LOST_ANSWER:
            self.close_connection = True
            return
        self._answer(answer.status_code, {}, answer.content)

    def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Tests are quiet."""


def _arguments(body: bytes) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(body)
    except ValueError:
        return {}
    return found
