"""A person at the local Slack without a browser: what its web page sends and sees, over the same websocket."""

from __future__ import annotations

import json
import logging
import socket
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

from slack_sdk.socket_mode.builtin.connection import Connection, ConnectionState

from tests.support.poll import PATIENCE, wait_until

T = TypeVar("T")


class SlackUi:
    """``user`` in front of the local Slack at ``url``. The waiting methods raise TimeoutError after PATIENCE.

    The local Slack has one modal stack for everybody, and shows ephemeral messages to everybody.
    """

    def __init__(self, url: str, user: str) -> None:
        self.user = user
        self._changed = threading.Condition()
        self._messages: dict[str, dict[str, Any]] = {}
        self._stack: list[dict[str, Any]] = []
        self._errors: dict[str, str] = {}
        self._homes: dict[str, dict[str, Any]] = {}
        self._ready = False
        self._ending = ConnectionState()
        address = url.replace("http", "ws", 1) + "/ui"
        self._connection = Connection(address, logging.getLogger(__name__), on_message_listener=self._hear)
        self._connection.connect()
        self._reader = threading.Thread(target=self._connection.run_until_completion, args=(self._ending,), daemon=True)
        self._reader.start()
        self.wait(lambda: self._ready)

    def close(self) -> None:
        """Leave."""
        self._ending.terminated = True
        if self._connection.sock is not None:
            self._connection.sock.shutdown(socket.SHUT_RDWR)  # or the reader sits in its receive for 3 s
        self._reader.join(PATIENCE)
        self._connection.close()

    def __enter__(self) -> SlackUi:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def wait(self, found: Callable[[], T], what: str = "it") -> T:
        """Wait until ``found`` gives something true, and give that."""
        with self._changed:
            if not self._changed.wait_for(found, PATIENCE):
                raise TimeoutError(f"{what} did not come about in {PATIENCE:.0f} s")
            return found()

    def caught_up(self) -> None:
        """Wait until all is heard that the server had sent by now: its answer to a ping comes behind it."""
        asked = time.time()
        self._connection.ping(f"{self._connection.session_id}:{asked}")
        wait_until(lambda: (self._connection.last_ping_pong_time or 0.0) >= asked, "the answer to a ping")

    def messages(self, channel: str, *, thread: str | None = None) -> list[dict[str, Any]]:
        """The messages of a channel, or the replies of a thread, oldest first; ephemeral ones included."""
        with self._changed:
            return [m for m in self._messages.values() if m["channel"] == channel and m.get("thread_ts") == thread]

    def everything(self) -> dict[str, dict[str, Any]]:
        """Every message there is, by ts."""
        with self._changed:
            return dict(self._messages)

    def message(self, channel: str, text: str, *, thread: str | None = None) -> dict[str, Any]:
        """Wait for a message that has ``text`` anywhere in it, and give the newest such."""

        def newest() -> dict[str, Any] | None:
            fitting = [m for m in self.messages(channel, thread=thread) if text in json.dumps(m, ensure_ascii=False)]
            return fitting[-1] if fitting else None

        found = self.wait(newest, f"a message with {text!r}")
        assert found is not None
        return found

    def modal(self, text: str = "") -> dict[str, Any]:
        """Wait for a modal on top that has ``text`` anywhere in it, and give its view."""

        def top() -> dict[str, Any]:
            view: dict[str, Any] = self._stack[-1] if self._stack else {}
            return view if text in json.dumps(view, ensure_ascii=False) else {}

        return self.wait(top, f"a modal with {text!r}")

    def no_modal(self) -> None:
        """Wait until no modal is open."""
        self.wait(lambda: not self._stack, "the end of the modal")

    def errors(self) -> dict[str, str]:
        """Wait for errors in the modal, by block id."""
        return self.wait(lambda: self._errors, "an error in the modal")

    def home(self) -> dict[str, Any]:
        """Wait for this person's App Home."""
        return self.wait(lambda: self._homes.get(self.user, {}), "the App Home")

    def click(self, message: dict[str, Any], action_id: str) -> None:
        """Press the button of a message whose action id is, or begins with, ``action_id``."""
        for block in message.get("blocks", []):
            for element in [*block.get("elements", []), block.get("accessory") or {}]:
                if str(element.get("action_id", "")).startswith(action_id):
                    kept = {key: element[key] for key in ("type", "action_id", "value", "text") if key in element}
                    action = {**kept, "block_id": block.get("block_id")}
                    self._send("block_action", channel=message["channel"], messageTs=message["ts"], action=action)
                    return
        raise LookupError(f"the message has no button {action_id}")

    def submit(self, values: dict[str, dict[str, dict[str, Any]]] | None = None) -> None:
        """Press Submit; ``values`` are ``{block_id: {action_id: {"type": "plain_text_input", "value": "..."}}}``."""
        with self._changed:
            self._errors = {}
        self._send("view_submit", values=values or {})

    def dismiss(self) -> None:
        """Close the modal."""
        self._send("view_close")

    def command(self, channel: str, text: str, command: str = "/retrigger") -> None:
        """Type a slash command."""
        self._send("slash_command", channel=channel, command=command, text=text)

    def open_home(self) -> None:
        """Open the app's Home tab."""
        self._send("open_home")

    def _send(self, what: str, **fields: Any) -> None:
        self._connection.send(json.dumps({"t": what, "user": self.user, **fields}))

    def _hear(self, text: str) -> None:
        with self._changed:
            self._take(json.loads(text))
            self._changed.notify_all()

    def _take(self, said: dict[str, Any]) -> None:
        match said:
            case {"t": "init", "state": state}:
                self._messages = {m["ts"]: m for messages in state["messages"].values() for m in messages}
                self._stack, self._ready = state["modalStack"], True
            case {"t": "message" | "message_update", "message": message}:
                self._messages[message["ts"]] = message
            case {"t": "message_delete", "ts": ts}:
                self._messages.pop(ts, None)
            case {"t": "view", "stack": stack}:
                self._stack, self._errors = stack, {}
            case {"t": "view_errors", "errors": errors}:
                self._errors = errors
            case {"t": "home", "user": user, "view": view}:
                self._homes[user] = view
