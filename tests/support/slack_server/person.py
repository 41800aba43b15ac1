"""A person in front of this Slack: sees what they would see, and clicks. The surface is that of slack_ui.SlackUi."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any, TypeVar

from tests.support.poll import PATIENCE
from tests.support.slack_server import payloads
from tests.support.slack_server.delivery import Deliveries, Delivery
from tests.support.slack_server.methods import chat, files, views
from tests.support.slack_server.workspace import Json, Workspace

T = TypeVar("T")


class Person:
    """The waiting methods raise TimeoutError after PATIENCE. What is done gives its Delivery, to wait for."""

    def __init__(self, slack: Workspace, deliveries: Deliveries, user: str) -> None:
        self.user = user
        self._slack, self._deliveries = slack, deliveries

    def close(self) -> None:
        """Leave."""

    def wait(self, found: Callable[[], T], what: str = "it") -> T:
        """Wait until ``found`` gives something true, and give that."""
        with self._slack.changed:
            if not self._slack.changed.wait_for(found, PATIENCE):
                raise TimeoutError(f"{what} did not come about in {PATIENCE:.0f} s")
            return found()

    def messages(self, channel: str, *, thread: str | None = None) -> list[Json]:
        """Of a channel, or the replies of a thread, oldest first; everybody's ephemeral ones too, as in SlackUi."""
        with self._slack.changed:
            found = [m for m in self._slack.messages.values() if m["channel"] == channel]
            return [dict(m) for m in found if m.get("thread_ts") == thread]

    def everything(self) -> dict[str, Json]:
        """Every message there is, by ts."""
        with self._slack.changed:
            return {str(m["ts"]): dict(m) for m in self._slack.messages.values()}

    def message(self, channel: str, text: str, *, thread: str | None = None) -> Json:
        """Wait for a message that has ``text`` anywhere in it, and give the newest such."""

        def newest() -> list[Json]:
            return [m for m in self.messages(channel, thread=thread) if text in json.dumps(m, ensure_ascii=False)]

        return self.wait(newest, f"a message with {text!r}")[-1]

    def modal(self, text: str = "") -> Json:
        """Wait for a modal on top that has ``text`` anywhere in it, and give its view."""

        def top() -> Json:
            view = self._top()
            return view if text in json.dumps(view, ensure_ascii=False) else {}

        return self.wait(top, f"a modal with {text!r}")

    def no_modal(self) -> None:
        """Wait until no modal is open."""
        self.wait(lambda: not self._slack.stacks[self.user], "the end of the modal")

    def errors(self) -> dict[str, str]:
        """Wait for errors in the modal, by block id."""
        return self.wait(lambda: self._slack.errors.get(self.user, {}), "an error in the modal")

    def home(self, text: str = "") -> Json:
        """Wait for this person's App Home that has ``text`` anywhere in it."""

        def shown() -> Json:
            home = self._slack.homes.get(self.user, {})
            return home if text in json.dumps(home, ensure_ascii=False) else {}

        return self.wait(shown, f"the App Home with {text!r}")

    def click(self, where: Json, action_id: str, **chosen: Any) -> Delivery:
        """Press the button, or choose in the menu (``selected_option={…}``), of a message or a view whose action id
        is, or begins with, ``action_id``."""
        for block in where.get("blocks", []):
            inside = [block.get("accessory") or {}, block.get("element") or {}]
            for element in [*block.get("elements", []), *inside]:
                if str(element.get("action_id", "")).startswith(action_id):
                    kept = {key: element[key] for key in ("type", "action_id", "value", "text") if key in element}
                    action = {**kept, **chosen, "block_id": block.get("block_id"), "action_ts": str(time.time())}
                    return self._deliver(payloads.block_actions(self._slack, self.user, where, action))
        raise LookupError(f"there is no {action_id}")

    def submit(self, values: dict[str, dict[str, Json]] | None = None) -> Delivery:
        """Press Submit; ``values`` are ``{block_id: {action_id: {"type": "plain_text_input", "value": "..."}}}``; the
        rest is as the view has it."""
        with self._slack.changed:
            self._slack.errors.pop(self.user, None)
            view = self._top()
        payload = payloads.view_submission(self._slack, self.user, view, values or {})
        return self._deliver(payload, lambda answer: self._submitted(view["id"], answer))

    def dismiss(self) -> None:
        """Close the modal, and those below it."""
        with self._slack.changed:
            view = self._top()
            self._slack.stacks[self.user] = []
            self._slack.changed.notify_all()
        if view.get("notify_on_close"):
            self._deliver(payloads.view_closed(self._slack, self.user, view))

    def command(self, channel: str, text: str, command: str = "/retrigger") -> Delivery:
        """Type a slash command."""
        payload = payloads.slash_command(self._slack, self.user, channel, command, text)
        return self._deliveries.deliver("slash_commands", payload, lambda answer: self._answered(channel, answer))

    def open_home(self) -> Delivery:
        """Open the app's Home tab. Slack sends along what was published there."""
        event: Json = {"type": "app_home_opened", "user": self.user, "channel": f"D{self.user}", "tab": "home"}
        with self._slack.changed:
            if self.user in self._slack.homes:
                event["view"] = self._slack.homes[self.user]
        return self._deliveries.deliver("events_api", payloads.event(self._slack, event))

    def upload(self, name: str, content: bytes) -> Json:
        """A file of this person's, as a file_input has it."""
        with self._slack.changed:
            return files.keep(self._slack, name, content)

    def _top(self) -> Json:
        stack = self._slack.stacks[self.user]
        return self._slack.views[stack[-1]] if stack else {}

    def _deliver(self, payload: Json, then: Callable[[Json], None] = lambda answer: None) -> Delivery:
        return self._deliveries.deliver("interactive", payload, then)

    def _submitted(self, view_id: str, answer: Json) -> None:
        slack = self._slack
        with slack.changed:
            stack = slack.stacks[self.user]
            match answer.get("response_action"):
                case "errors":
                    slack.errors[self.user] = answer["errors"]
                case "update":
                    views.replace(slack, view_id, answer["view"])
                case "push":
                    views.add_to(slack, self.user, answer["view"])
                case "clear":
                    stack.clear()
                case _:
                    if view_id in stack:
                        stack.remove(view_id)
            slack.changed.notify_all()

    def _answered(self, channel: str, answer: Json) -> None:
        if answer.get("text") or answer.get("blocks"):
            with self._slack.changed:
                chat.respond(self._slack, self._slack.hook(channel, self.user), answer)
