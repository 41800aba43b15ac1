"""The Progress Path as a picture, sent to the one who asked for it, in their direct messages: the thread of the card is
the audit, and not everybody in the channel may see the whole path."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from threading import Lock

from slack_sdk import WebClient

from bot.blocks import modals
from bot.context import Bot
from bot.errors import SlackError
from bot.files import send_file
from bot.listeners.opening import open_view, show_view
from bot.listeners.visit import Body, Visit
from bot.picture import picture
from bot.targets import Target
from engine.texts import PROGRESS_PATH

SENT = "The picture is in your direct messages with Retrigger."
DRAWING = "Drawing… The picture comes to your direct messages with Retrigger."

_one_at_a_time = Lock()  # a large one takes 200 MB while it is drawn


def send_picture(bot: Bot, client: WebClient, visit: Visit, body: Body, target: Target) -> None:
    """Draw it, send it, and say where it is. Raises NotFound, NotPermitted."""
    document = bot.engine.document(visit.person.actor, target.request_id)
    tell = _teller(bot, client, visit, body)
    with _one_at_a_time:
        png = picture(document, bot.engine.graph(document), datetime.now(UTC))
    name = f"{PROGRESS_PATH} of {document.id}"
    alt = f"{name}: its steps with their status, and the paths between them"
    try:
        send_file(client, visit.user, f"{document.id}.png", png, name, title=name, alt=alt)
    except SlackError as error:
        tell(f"The picture could not be sent: {error} `retrigger show {document.id} --picture FILE` draws it, too.")
    else:
        tell(SENT)


def _teller(bot: Bot, client: WebClient, visit: Visit, body: Body) -> Callable[[str], object]:
    """Where the person hears of it: in a window, if they clicked in one."""
    if not body.get("view"):
        return lambda text: bot.whisper(visit.place, visit.user, text)
    on_top = body["view"].get("type") == "modal"
    view_id = open_view(client, body["trigger_id"], modals.notice_modal(PROGRESS_PATH, DRAWING), on_top)
    return lambda text: show_view(client, view_id, modals.notice_modal(PROGRESS_PATH, text))
