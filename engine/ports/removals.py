"""The port in which the bot keeps that it was taken out of a Slack workspace, for every process to know and to say."""

from __future__ import annotations

from typing import NamedTuple, Protocol


class Removal(NamedTuple):
    """``team``: the workspace; ``reason``: the event that said so; ``at``: epoch seconds of the database's clock."""

    team: str
    reason: str
    at: float

    @property
    def sentence(self) -> str:
        return (
            f"Slack: the app was taken out of workspace {self.team} ({self.reason}), so nothing is told there. "
            "Install it again, set SLACK_BOT_TOKEN anew and start the bot; what is to be told waits."
        )


class Removals(Protocol):
    """Few rows, one a workspace."""

    def removed(self, team: str, reason: str) -> None:
        """The app is in the workspace no more."""
        ...

    def restored(self) -> None:
        """The token works, so the app is in its workspace. There is one workspace so far."""
        ...

    def removals(self) -> list[Removal]:
        """Where the app is no more."""
        ...
