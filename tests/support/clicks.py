"""Twenty people at our own Slack before a real `retrigger up`: they press, type and submit, and every time is taken."""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

from bot.blocks.modals import loading_modal
from bot.http_mode import PATH
from tests.support.front import Front, Process
from tests.support.poll import wait_until
from tests.support.slack_server import Person, SlackServer
from tests.support.slack_server.delivery import Delivery

CHANNEL = "C0HR"
TOKENS = {"SLACK_BOT_TOKEN": "xoxb-crowd", "SLACK_APP_TOKEN": "xapp-crowd"}
SECRET = "of-the-crowd"
PEOPLE = 20
LOADING = loading_modal("")["blocks"][0]["text"]["text"]
OVERTAKEN = "Re-trigger: nothing was done."
LATEST = 200  # messages, and calls, in which an answer is looked for
BANKS = 20  # systems that refuse, each of another connection; a workflow of its own for each
PAYMENT = """
workflow: payment-0
app: HR
title: "Pay {{ request.input.name }}"
nodes:
  pay: {action: {connection: bank-0, method: POST, path: "/pay/{{ request.id }}", retry: {times: 0}}, next: end}
"""


class Call(NamedTuple):
    """One call of the outside system: whose, when it came, and when it was answered. Monotonic seconds."""

    request: str
    came_at: float
    answered_at: float


class Refusing:
    """An outside system that refuses every payment, so that its step is blocked, and again."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        refusing = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                came_at = time.monotonic()
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                refusing.calls.append(Call(self.path.rpartition("/")[2], came_at, time.monotonic()))
                self.send_response(422)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                """Tests are quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class Turn(NamedTuple):
    """What one person did: pressed a button, and submitted its window where one came. ``told``: they were answered that
    somebody else was first. Whoever was not told so has won."""

    click: Delivery
    submit: Delivery | None
    told: bool

    @property
    def won(self) -> bool:
        return self.submit is not None and not self.told

    @property
    def deliveries(self) -> list[Delivery]:
        return [self.click, *([self.submit] if self.submit else [])]


class Crowd:
    """The whole stage. ``process`` is the bot, with the engine in it."""

    def __init__(self, slack: SlackServer, front: Front, process: Process, outside: Refusing) -> None:
        self.slack, self.front, self.process, self.outside = slack, front, process, outside
        self.people = [slack.person(f"U{number}") for number in range(1, PEOPLE + 1)]

    def blocked(self, number: int, bank: int = 0) -> list[dict[str, Any]]:
        """So many new requests, blocked; their cards. From 10 of one bank on there would be one card for all."""
        names = [self.front.submit(f"P{each}", workflow=f"payment-{bank}") for each in range(number)]
        return [wait_until(partial(self._card, name), f"the card of {name}") for name in names]

    def turns(self, cards: list[dict[str, Any]], rate: float, seconds: float) -> list[Turn]:
        """``rate`` clicks a second of all people together, each of whom does one thing after the other."""
        each = PEOPLE / rate  # seconds between the clicks of one person
        start = time.monotonic() + 0.1

        def live(number: int) -> list[Turn]:
            done: list[Turn] = []
            for turn in itertools.count():
                moment = start + number * each / PEOPLE + turn * each
                if moment > start + seconds:
                    return done
                time.sleep(max(0.0, moment - time.monotonic()))  # the pace of the crowd, not a wait for something
                done.append(self.turn(self.people[number], cards[(number // 2 + turn) % len(cards)]))
            return done

        with ThreadPoolExecutor(PEOPLE) as pool:
            return [turn for turns in pool.map(live, range(PEOPLE)) for turn in turns]

    def turn(self, person: Person, card: dict[str, Any]) -> Turn:
        """Re-trigger the step of the card as it stands now, if nobody else does so first."""
        person.dismiss()
        heard = self._newest()
        now = self.slack.workspace.messages[card["ts"]]
        try:
            click = person.click(now, "retrigger.step").acknowledged()
        except LookupError:  # it runs at this moment: nothing to press, so the path is looked at
            return Turn(person.click(now, "retrigger.path").acknowledged(), None, True)
        window = wait_until(partial(self._answered, person, click, heard), f"an answer to {person.user}")
        if window == "told":
            return Turn(click, None, True)
        submit = person.submit().acknowledged()
        # Errors, or a window that asks once more: somebody else was faster. What closes the window is done.
        return Turn(click, submit, submit.answer.get("response_action") not in (None, "clear"))

    def attempts(self, cards: list[dict[str, Any]]) -> int:
        """That people caused, in all requests of these cards, once nothing runs any more."""
        documents = [self.front.wait(_request(card), "blocked") for card in cards]
        return sum(a["kind"] == "retrigger" for d in documents for step in d["steps"] for a in step["attempts"])

    def _answered(self, person: Person, click: Delivery, heard: str) -> str:
        """ "window" once the click's own can be submitted, "told" once it was said that nothing was done, and why."""
        view: dict[str, Any] = person._top()
        latest = self.slack.faults.calls[-LATEST:]
        opened = [call for call in latest if call.arguments.get("trigger_id") == click.payload["trigger_id"]]
        assert not any(call.error for call in opened), f"no window for {person.user}: {opened[-1].error}"
        if opened:
            if view.get("submit"):
                return "window"
            return "told" if view and LOADING not in json.dumps(view, ensure_ascii=False) else ""
        with self.slack.workspace.changed:
            messages = list(itertools.islice(reversed(self.slack.workspace.messages.values()), LATEST))
        told = [m["text"] for m in messages if m.get("ephemeral_to") == person.user and m["ts"] > heard]
        return "told" if any(text.startswith(OVERTAKEN) for text in told) else ""

    def _newest(self) -> str:
        with self.slack.workspace.changed:
            newest: str = next(reversed(self.slack.workspace.messages), "")
            return newest

    def _card(self, request: str) -> dict[str, Any]:
        with self.slack.workspace.changed:
            found: list[dict[str, Any]] = [m for m in self.slack.workspace.messages.values() if "thread_ts" not in m]
        return next((m for m in found if f"{request} " in m["text"] and "locked" in m["text"]), {})


def _request(card: dict[str, Any]) -> str:
    words: list[str] = card["text"].replace("*", " ").split()
    return next(word for word in words if word.startswith("REQ-"))


def workspace() -> dict[str, Any]:
    users = [
        {"id": f"U{n}", "name": f"p{n}", "real_name": f"Person {n}", "email": f"p{n}@example.com"}
        for n in range(1, PEOPLE + 1)
    ]
    app = {"appId": "A1", "botUserId": "U0BOT", "botName": "Retrigger", "mode": "socket"}
    tokens = {"botToken": TOKENS["SLACK_BOT_TOKEN"], "appToken": TOKENS["SLACK_APP_TOKEN"]}
    return {
        "workspace": {"name": "Crowd", "domain": "crowd", "teamId": "T1"},
        "apps": [{**app, **tokens}],
        "users": users,
        "channels": [{"id": CHANNEL, "name": "hr-ops", "members": [*(user["id"] for user in users), "U0BOT"]}],
    }


@contextmanager
def crowd(folder: Path, transport: str, patience: float) -> Iterator[Crowd]:
    """With a `retrigger up` of its own, over "socket" or "http"; ``patience`` is Slack's (SlackServer)."""
    with ExitStack() as stack:
        outside = Refusing()
        stack.callback(outside.stop)
        slack = stack.enter_context(SlackServer(workspace(), patience=patience))
        grants = [{"who": f"p{n}@example.com", "permission": "take_action"} for n in range(1, PEOPLE + 1)]
        more = {
            "connections": {f"bank-{bank}": {"base_url": outside.url} for bank in range(BANKS)},
            "apps": {"HR": {"channel": CHANNEL}},
            "grants": grants,
        }
        front = Front(folder, "sqlite:///retrigger.db", "".join(f"{k}: {json.dumps(v)}\n" for k, v in more.items()))
        for bank in range(BANKS):
            front.define(
                f"payment-{bank}", PAYMENT.replace("payment-0", f"payment-{bank}").replace("bank-0", f"bank-{bank}")
            )
        signed = {"SLACK_SIGNING_SECRET": SECRET} if transport == "http" else {}
        process = Process(folder, "up", SLACK_API_URL=slack.api_url, **TOKENS, **signed)
        stack.callback(process.close)
        said = process.wait_for("Ctrl-C stops it.")
        if transport == "http":
            url = next(line for line in said.splitlines() if line.startswith("API: ")).removeprefix("API: ")
            slack.deliveries.post_to(url + PATH, SECRET)
        else:
            wait_until(lambda: len(slack.deliveries.sockets.connections) == 2, "both sockets")
        yield Crowd(slack, front, process, outside)
        process.end()


def percentile(values: list[float], part: float) -> float:
    """The value below which ``part`` of them lie."""
    return sorted(values)[min(len(values) - 1, int(part * len(values)))]
