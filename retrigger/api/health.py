"""What a monitor asks: whether the process lives, whether it is of use, and how much there is to do (SPEC 8)."""

from __future__ import annotations

from importlib.metadata import version
from typing import Literal

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST
from pydantic import BaseModel

from engine.errors import RetriggerError
from retrigger.api.answers import answer, problems
from retrigger.api.cached import Cached
from retrigger.api.metrics import Metrics
from retrigger.wiring import App, check_tables
from storage.writer import STOPPED

_FRESH = 1.0  # seconds that a look is good for
_PATIENCE = 2.0  # seconds: a monitor that hears nothing cannot tell which of us is away
_THREADS = 16  # monitors that wait for a look at once

router = APIRouter()


class Health(BaseModel):
    """The process lives."""

    service: Literal["retrigger"] = "retrigger"
    version: str


class Ready(BaseModel):
    """Whether it is of use; if not, why not."""

    ready: bool
    reasons: list[str]


class Monitor:
    """What the routes here look at, in threads of their own: however many calls wait for the database, a monitor hears
    of it."""

    def __init__(self, app: App) -> None:
        self._app = app
        self.health = Health(version=version("retrigger"))
        self.metrics = Metrics(app)
        self.threads = CapacityLimiter(_THREADS)
        self._looks = Cached(self._look, _FRESH)

    def reasons(self) -> list[str]:
        """Why the process is of no use now; empty when it is. What goes wrong is not kept: it may be over."""
        try:
            return self._looks.get(_PATIENCE)
        except TimeoutError:
            return [f"The database has not answered for {_PATIENCE:.0f} s."]
        except RetriggerError as error:
            return [str(error)]

    def _look(self) -> list[str]:
        check_tables(self._app.settings, self._app.database)
        return [*self._writer(), *self._engine(), *self._slack()]

    def _writer(self) -> list[str]:
        """Engines elsewhere may be alive, and be seen from here, while nothing of this process can be stored."""
        return [STOPPED] if self._app.store.writer.has_stopped else []

    def _engine(self) -> list[str]:
        return [] if self._app.store.workers_alive() else ["No engine is running."]

    def _slack(self) -> list[str]:
        """Only a process that knows Slack's tokens can say whether its relay should be telling anything."""
        if self._app.settings.slack.missing:
            return []
        if removals := self._app.removals.removals():
            return [removal.sentence for removal in removals]
        late = self._app.outbox.backlog().late()
        return [late] if late else []


def _monitor(request: Request) -> Monitor:
    monitor: Monitor = request.app.state.monitor
    return monitor


@router.get("/healthz", response_model=Health, responses=problems())
async def healthz(request: Request) -> Response:
    """The process lives. It asks nobody, so it needs no thread."""
    return answer(_monitor(request).health)


@router.get(
    "/readyz",
    response_model=Ready,
    responses={503: {"model": Ready, "description": "It is of no use now; the reasons say why."}, **problems()},
)
async def readyz(request: Request) -> Response:
    """The database can be reached and has the right tables, an engine is alive, and what is for Slack gets told."""
    monitor = _monitor(request)
    reasons = await to_thread.run_sync(monitor.reasons, limiter=monitor.threads)
    return answer(Ready(ready=not reasons, reasons=reasons), 503 if reasons else 200)


@router.get(
    "/metrics",
    response_class=Response,
    responses={
        200: {"description": "Metrics for Prometheus.", "content": {"text/plain": {"schema": {"type": "string"}}}},
        **problems(503),
    },
)
async def metrics(request: Request) -> Response:
    """Requests by status, steps by outcome, the age of the queue, lease expiries, the relay's lag."""
    monitor = _monitor(request)
    text = await to_thread.run_sync(monitor.metrics.text, limiter=monitor.threads)
    return Response(text, media_type=CONTENT_TYPE_LATEST)


# Many probes only ask for the head. Of what GET answers, that is no operation of its own.
router.add_api_route("/healthz", healthz, methods=["HEAD"], include_in_schema=False)
router.add_api_route("/readyz", readyz, methods=["HEAD"], include_in_schema=False)
