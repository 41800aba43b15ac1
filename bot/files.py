"""Files that people give and get (SPEC 4): a provided result as a `.json` file, a long text to start from, a picture.

A file's address comes from Slack, and the bot's token goes with the call: so only Slack's own hosts are asked, or the
server that stands for Slack, and no redirect is followed.
"""

from __future__ import annotations

from http.client import HTTPException
from typing import IO, Any, NoReturn
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from slack_sdk import WebClient

from bot.errors import ScopeMissing, translate
from bot.targets import ChosenFile
from engine.errors import InputTooLarge, InvalidInput
from engine.limits import MAX_INPUT_BYTES

FIELD = "file"
_SLACK = ("slack.com", "slack-files.com")
_TIMEOUT = 10  # seconds between one part and the next
_IN_PART = "Slack's answer was not whole"
_NO_SCOPE = "Slack does not give the file: the app lacks the scope files:read. Paste the text instead."


def read_file(client: WebClient, chosen: ChosenFile) -> str:
    """The text of a file of at most ``MAX_INPUT_BYTES``. Raises InvalidInput, SlackError."""
    try:
        facts = client.files_info(file=chosen.id)["file"]
    except Exception as raised:
        error = translate(raised)
        if isinstance(error, ScopeMissing):
            raise InvalidInput(_NO_SCOPE, FIELD) from raised
        raise InvalidInput(f"The file {chosen.name} cannot be read. {error}", FIELD) from raised
    if int(facts.get("size") or 0) > MAX_INPUT_BYTES:
        raise _too_large(chosen)
    address = str(facts.get("url_private_download") or facts.get("url_private") or "")
    if not is_slacks(address, client.base_url):
        raise InvalidInput(f"The file {chosen.name} is not kept by Slack; upload it to Slack itself.", FIELD)
    return _decoded(_download(address, client.token or "", chosen), chosen)


def send_file(
    client: WebClient,
    user: str,
    name: str,
    content: str | bytes,
    comment: str,
    *,
    title: str = "",
    alt: str | None = None,
) -> None:
    """Send a text or a picture to a person as a file, in their direct messages; ``alt`` describes a picture. Raises
    SlackError."""
    try:
        channel = client.conversations_open(users=user)["channel"]["id"]
        client.files_upload_v2(
            channel=channel,
            filename=name,
            title=title or name,
            content=content,
            alt_txt=alt,
            initial_comment=comment,
        )
    except Exception as raised:
        raise translate(raised) from raised


def is_slacks(address: str, base_url: str) -> bool:
    """Whether the token may go there: over TLS to Slack, or to the server of the ``base_url``."""
    try:
        wanted, own = urlsplit(address), urlsplit(base_url)
        same = (wanted.scheme, wanted.hostname, wanted.port) == (own.scheme, own.hostname, own.port)
        host = wanted.hostname or ""
    except ValueError:
        return False
    slacks = any(host == name or host.endswith(f".{name}") for name in _SLACK)
    return bool(host) and (same or (wanted.scheme == "https" and wanted.port in (None, 443) and slacks))


class _NoRedirect(HTTPRedirectHandler):
    """The answer that would redirect is the answer."""

    def redirect_request(self, req: Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str) -> None:
        return None


def _download(address: str, token: str, chosen: ChosenFile) -> bytes:
    request = Request(address, headers={"Authorization": f"Bearer {token}"})  # noqa: S310  # is_slacks has seen it
    try:
        with build_opener(_NoRedirect).open(request, timeout=_TIMEOUT) as answer:
            content: bytes = answer.read(MAX_INPUT_BYTES + 1)
            kind, missing = answer.headers.get_content_type(), answer.length
    except HTTPError as error:
        _refuse(chosen, f"Slack answers HTTP {error.code}", error)
    except OSError as error:
        _refuse(chosen, f"Slack cannot be reached ({error})", error)
    except HTTPException as error:
        _refuse(chosen, _IN_PART, error)
    if missing and len(content) <= MAX_INPUT_BYTES:
        _refuse(chosen, _IN_PART)
    if kind == "text/html":  # the page to sign in at, for an app that may not read files
        raise InvalidInput(_NO_SCOPE, FIELD)
    return content


def _decoded(content: bytes, chosen: ChosenFile) -> str:
    if len(content) > MAX_INPUT_BYTES:
        raise _too_large(chosen)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InvalidInput(
            f"The file {chosen.name} is not UTF-8 text (line {line}); save it as UTF-8.", FIELD
        ) from None


def _too_large(chosen: ChosenFile) -> InputTooLarge:
    return InputTooLarge(f"The file {chosen.name} is too large; the limit is {MAX_INPUT_BYTES:,} bytes.", FIELD)


def _refuse(chosen: ChosenFile, why: str, error: Exception | None = None) -> NoReturn:
    raise InvalidInput(f"The file {chosen.name} could not be fetched: {why}. Please try again.", FIELD) from error
