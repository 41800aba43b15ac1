"""One HTTP exchange: what came back, or how far it got. Knows nothing of workflows.

It goes through requests' adapter without a session: redirects, cookies, proxies and passwords from the environment
are what a session adds, and none of them is wanted (SPEC 2).
"""

from __future__ import annotations

from requests import PreparedRequest, RequestException, Response, Timeout
from urllib3.exceptions import DecodeError, HTTPError, ReadTimeoutError

from engine.limits import MAX_RESPONSE_BYTES
from engine.nodes.answer import TOO_LARGE, Answer, NoAnswer
from engine.nodes.deadline_adapter import DeadlineAdapter, NotConnected
from engine.nodes.words import seconds

_CHUNK_BYTES = 64 * 1024


def exchange(adapter: DeadlineAdapter, request: PreparedRequest, timeout: float) -> Answer | NoAnswer:
    """Send the request and read the whole response, within ``timeout`` seconds."""
    try:
        response = adapter.send(request, timeout=timeout)
    except NotConnected as error:
        return NoAnswer(False, f"could not be reached ({error})")
    except (RequestException, HTTPError) as error:
        return NoAnswer(True, _why(error, timeout))
    except OSError as error:  # requests looks for the file of certificates before it connects
        return NoAnswer(False, f"could not be reached ({error})")
    try:
        body, fault = _read(response, timeout)
    finally:
        response.close()
    return Answer(response.status_code, response.reason or "", response.headers, body, fault)


def _read(response: Response, timeout: float) -> tuple[bytes, str | None]:
    body = bytearray()
    try:
        for chunk in response.raw.stream(_CHUNK_BYTES, decode_content=True):
            body += chunk
            if len(body) > MAX_RESPONSE_BYTES:
                return bytes(body[:MAX_RESPONSE_BYTES]), TOO_LARGE
    except ReadTimeoutError:
        return bytes(body), f"was not complete within {seconds(timeout)}"
    except DecodeError:
        return bytes(body), "cannot be unpacked"
    except HTTPError:
        return bytes(body), "broke off"
    return bytes(body), None


def _why(error: BaseException, timeout: float) -> str:
    causes = _causes(error)
    if any(isinstance(cause, TimeoutError | ReadTimeoutError | Timeout) for cause in causes):
        return f"did not answer within {seconds(timeout)}"
    if any(isinstance(cause, ConnectionError) for cause in causes):
        return "closed the connection without an answer"
    return f"did not answer properly ({type(causes[-1]).__name__})"


def _causes(error: BaseException) -> list[BaseException]:
    """The error and those behind it, outermost first: requests and urllib3 keep them in their arguments."""
    causes = [error]
    for cause in causes:
        behind = [*cause.args, cause.__cause__, cause.__context__]
        causes += [e for e in behind if isinstance(e, BaseException) and e not in causes]
    return causes
