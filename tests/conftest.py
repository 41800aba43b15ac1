"""What all tests share: the databases, the local Slack, and which tests a run leaves out."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import settings
from sqlalchemy.engine import make_url

from tests.support import executors
from tests.support.poll import PATIENCE
from tests.support.proxy import Proxy
from tests.support.slack_server import SLACKS

# Tests start hundreds of processes. Where nothing compiled is kept, as on some machines, each compiles all that it
# imports: 3 s instead of 1.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

pytest_plugins = ["tests.support.postgres", "tests.support.localslack", "tests.support.browser"]

DATABASES = ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]
ENGINES = [*DATABASES, pytest.param("procrastinate", marks=pytest.mark.postgres)]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="run the tests marked slow, too")


def pytest_configure(config: pytest.Config) -> None:
    """In the usual run hypothesis tries the same examples each time: what turns a run red is what was changed, and no
    throw of dice. The long forms throw them. No deadlines: a machine that runs many tests at once is slow at times."""
    settings.register_profile("house", deadline=None, derandomize=not config.getoption("--slow"))
    settings.load_profile("house")
    # A shell has whatever it starts in the background ignore Ctrl-C, and so would the commands that tests interrupt.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the slow tests out, unless they are asked for: `make test` has a short form of each."""
    if config.getoption("--slow"):
        return
    slow = [item for item in items if item.get_closest_marker("slow")]
    items[:] = [item for item in items if item not in slow]
    config.hook.pytest_deselected(items=slow)


@pytest.fixture(scope="session")
def strict_times(request: pytest.FixtureRequest) -> bool:
    """Whether promised times are asked for: only with --slow, where nothing else keeps the machine busy."""
    return bool(request.config.getoption("--slow"))


@pytest.fixture(scope="session")
def slack_patience(strict_times: bool) -> float:
    """Seconds for which our own Slack waits for an acknowledgement, and lets a trigger_id live."""
    return SLACKS if strict_times else PATIENCE


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """The address of a SQLite file that does not exist yet."""
    return f"sqlite:///{tmp_path / 'retrigger.db'}"


@pytest.fixture
def postgres_url(request: pytest.FixtureRequest) -> str:
    """The address of an empty PostgreSQL database of this test's own."""
    url: str = request.getfixturevalue("new_postgres_database")()
    return url


@pytest.fixture
def proxy(postgres_url: str) -> Iterator[Proxy]:
    """A door to the same database, which the test may slam."""
    with closing(Proxy(make_url(postgres_url))) as proxy:
        yield proxy


@pytest.fixture(params=DATABASES)
def database_url(request: pytest.FixtureRequest) -> str:
    """An empty database; a test that takes it runs once for each kind."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
def procrastinate_url(postgres_url: str) -> Iterator[str]:
    """A PostgreSQL database whose engines run with Procrastinate."""
    with executors.chosen("procrastinate"):
        yield postgres_url


@pytest.fixture(params=ENGINES)
def engine_url(request: pytest.FixtureRequest) -> str:
    """As ``database_url``, and once more with the other executor."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture(scope="module", params=DATABASES)
def module_database_url(request: pytest.FixtureRequest, new_module_url: Callable[[str], str]) -> str:
    """As ``database_url``, shared by the tests of a module: for those that look at their own rows only."""
    return new_module_url(request.param)


@pytest.fixture(scope="module")
def new_module_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    """Gives an empty database for one of ENGINES that the tests of a module may share."""

    def new(engine: str) -> str:
        if engine == "sqlite":
            return f"sqlite:///{tmp_path_factory.mktemp('shared') / 'retrigger.db'}"
        url: str = request.getfixturevalue("module_postgres_database")()
        return url

    return new
