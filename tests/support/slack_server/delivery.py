"""What Slack tells the app: an envelope over a socket, or a signed POST; with the time of each acknowledgement."""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from urllib.parse import urlencode

import requests
from slack_sdk.signature import SignatureVerifier

from tests.support.poll import PATIENCE
from tests.support.slack_server.sockets import Sockets
from tests.support.slack_server.workspace import Json

Acked = Callable[[Json], None]


@dataclass
class Delivery:
    """One payload. ``kind``: interactive, slash_commands or events_api. ``error``: why it did not arrive."""

    kind: str
    payload: Json
    then: Acked
    sent_at: float
    retry: int = 0
    acked_at: float | None = None
    answer: Json = field(default_factory=dict)
    error: str = ""
    done: threading.Event = field(default_factory=threading.Event)

    def acknowledged(self) -> Delivery:
        """Wait until it was; fails if it did not arrive, or was acknowledged too late."""
        assert not self.wait().error, self.error
        return self

    def wait(self, seconds: float = PATIENCE) -> Delivery:
        """Until it was acknowledged, or did not arrive."""
        assert self.done.wait(seconds), f"no acknowledgement in {seconds:.0f} s of {self.kind}"
        return self

    @property
    def took(self) -> float:
        """Seconds from the sending to the acknowledgement."""
        assert self.acked_at is not None, self.error or "not acknowledged"
        return self.acked_at - self.sent_at


class Deliveries:
    """Sends over the sockets, or by HTTP after ``post_to``. ``copies``: how often each payload is sent. What is
    acknowledged after more than ``patience`` seconds did not arrive."""

    def __init__(self, host: str, patience: float) -> None:
        self.sockets = Sockets(self._took, host)
        self.sent: list[Delivery] = []
        self.copies = 1
        self._patience = patience
        self._waiting: dict[str, Delivery] = {}
        self._numbers = itertools.count(1)
        self._address: tuple[str, str] | None = None
        self._posting = ThreadPoolExecutor(32, thread_name_prefix="slack-http")

    def post_to(self, url: str, signing_secret: str) -> None:
        """From now on by HTTP, to this address."""
        self._address = (url, signing_secret)

    def deliver(self, kind: str, payload: Json, then: Acked = lambda answer: None) -> Delivery:
        """``then`` is called once, with what the first acknowledgement says."""
        first = self._send(Delivery(kind, payload, then, time.monotonic()))
        for _ in range(self.copies - 1):
            self.redeliver(first)
        return first

    def redeliver(self, delivery: Delivery) -> Delivery:
        """The same once more, as Slack does when no acknowledgement came in time."""
        again = Delivery(delivery.kind, delivery.payload, lambda answer: None, time.monotonic(), delivery.retry + 1)
        return self._send(again)

    def stop(self) -> None:
        self._posting.shutdown(cancel_futures=True)

    def _send(self, delivery: Delivery) -> Delivery:
        self.sent.append(delivery)
        if self._address is not None:
            self._posting.submit(self._post, delivery, *self._address)
            return delivery
        envelope_id = f"E{next(self._numbers)}"
        envelope = {"envelope_id": envelope_id, "type": delivery.kind, "payload": delivery.payload}
        more = {"retry_attempt": delivery.retry, "retry_reason": "timeout" if delivery.retry else ""}
        self._waiting[envelope_id] = delivery
        accepts = {"accepts_response_payload": delivery.kind != "events_api"}
        if not self.sockets.send({**envelope, **accepts, **(more if delivery.kind == "events_api" else {})}):
            self._end(delivery, error="no connection")
        return delivery

    def _took(self, envelope_id: str, answer: Json) -> None:
        delivery = self._waiting.pop(envelope_id, None)
        if delivery is not None:
            self._end(delivery, answer)

    def _post(self, delivery: Delivery, url: str, secret: str) -> None:
        if delivery.kind == "interactive":
            kind, body = "application/x-www-form-urlencoded", urlencode({"payload": json.dumps(delivery.payload)})
        elif delivery.kind == "slash_commands":
            kind, body = "application/x-www-form-urlencoded", urlencode(delivery.payload)
        else:
            kind, body = "application/json", json.dumps(delivery.payload)
        moment = str(int(time.time()))
        signature = SignatureVerifier(secret).generate_signature(timestamp=moment, body=body)
        headers = {"Content-Type": kind, "X-Slack-Request-Timestamp": moment, "X-Slack-Signature": signature or ""}
        if delivery.retry:
            headers |= {"X-Slack-Retry-Num": str(delivery.retry), "X-Slack-Retry-Reason": "http_timeout"}
        try:
            answer = requests.post(url, data=body.encode(), headers=headers, timeout=self._patience)
            answer.raise_for_status()
            said = answer.json() if "json" in answer.headers.get("Content-Type", "") and answer.content else {}
            self._end(delivery, said or ({"text": answer.text} if answer.text.strip() else {}))
        except (requests.RequestException, ValueError) as error:
            self._end(delivery, error=str(error))

    def _end(self, delivery: Delivery, answer: Json | None = None, error: str = "") -> None:
        now = time.monotonic()
        took = now - delivery.sent_at
        late = f"acknowledged after {took:.1f} s; it had to be within {self._patience:g} s"
        delivery.error = error or (late if took > self._patience else "")
        if not delivery.error:
            delivery.acked_at, delivery.answer = now, answer or {}
            delivery.then(delivery.answer)
        delivery.done.set()
