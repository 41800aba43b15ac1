"""What people at Slack wait for: click to acknowledgement, submit to the outside call, block to the alert.

A real `retrigger up` in a process of its own, SQLite, before the Slack of the tests, which takes the times and waits as
long as Slack itself: whoever is acknowledged later, or whose window is too late, ends the benchmark.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from functools import partial
from pathlib import Path

from tests.support.clicks import BANKS, Crowd, Turn, crowd, percentile
from tests.support.poll import wait_until
from tests.support.slack_server import SLACKS

RATE, CARDS = 50, 8  # clicks a second; requests that they are on
ALONE = 200  # acts, one after the other, with nobody else there


def main() -> None:
    """Print the table, for both transports."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0, help="how long the crowd clicks; 60 for the long form")
    seconds = parser.parse_args().seconds
    print("| ms | p50 | p99 | worst | load |\n| --- | --- | --- | --- | --- |")
    for transport in ("socket", "http"):
        with tempfile.TemporaryDirectory() as folder, crowd(Path(folder), transport, SLACKS) as people:
            _alone(people, transport)
            _crowded(people, transport, seconds)
    print(
        "\nThe load is that of the last minute, ours among it: figures of a machine with other work to do say little."
    )


def _alone(people: Crowd, transport: str) -> None:
    """One person, one act after the other; and requests that block, one after the other."""
    alerts = [_alert(people, bank) for bank in range(2, BANKS) for _ in range(CARDS)]
    cards = people.blocked(CARDS, bank=1)
    acks: list[float] = []
    calls: list[float] = []
    while len(calls) < ALONE:
        before = len(people.outside.calls)
        turn = people.turn(people.people[0], cards[len(calls) % CARDS])
        if not turn.won:
            continue  # faster than the card, which shows the state before
        wait_until(partial(_more, people, before), "the outside call", every=0.002)
        assert turn.submit is not None  # as it has won
        acks += [delivery.took for delivery in turn.deliveries]
        calls.append(people.outside.calls[-1].came_at - turn.submit.sent_at)
    _print(f"{transport}: click or submit to ack", acks)
    _print(f"{transport}: submit to the outside call", calls)
    _print(f"{transport}: block to the alert in Slack", alerts)


def _alert(people: Crowd, bank: int) -> float:
    """Seconds from the answer of the outside system to the post of the card."""
    people.blocked(1, bank)
    answered_at = people.outside.calls[-1].answered_at
    posts = [call.at for call in people.slack.faults.calls if call.method == "chat.postMessage"]
    return next(at for at in posts if at > answered_at) - answered_at


def _more(people: Crowd, before: int) -> bool:
    return len(people.outside.calls) > before


def _crowded(people: Crowd, transport: str, seconds: float) -> None:
    cards = people.blocked(CARDS)
    turns: list[Turn] = people.turns(cards, RATE, seconds)
    clicks = sorted(turn.click.sent_at for turn in turns)
    took = clicks[-1] - clicks[0]
    times = [delivery.took for turn in turns for delivery in turn.deliveries]
    won = sum(turn.won for turn in turns)
    _print(f"{transport}: ack, {len(turns) / took:.0f} clicks/s for {took:.0f} s", times)
    lost, attempts = len(turns) - won, people.attempts(cards)
    crowd_did = f"{len(times)} payloads; {won} won: {attempts} attempts; {lost} were told who was first"
    print(f"| {crowd_did} | | | | |")


def _print(what: str, times: list[float]) -> None:
    values = (percentile(times, 0.5), percentile(times, 0.99), max(times))
    load = os.getloadavg()[0]
    print(f"| {what} | " + " | ".join(f"{1000 * value:.0f}" for value in values) + f" | {load:.0f} |")


if __name__ == "__main__":
    main()
