"""Migrations: from an empty file, from the first migration's file, and never backwards."""

import sqlite3
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text
from sqlmodel import select

from storage.audit import verify_chain
from storage.db import Database, open_database
from storage.errors import StorageError
from storage.items import get_history, list_items
from storage.records import parse_record
from storage.schema import current_revision, migrate, migration_config, newest_revision
from storage.stages import Stage
from storage.studies import list_studies
from storage.tables import RecordRow, UserRow, metadata

FIRST = Path(__file__).parent / "first_migration.sql"
"""Dump of a database that the first migration made, with one item on its way, by that day's code."""


def test_the_migrations_make_exactly_the_tables(db: Database) -> None:
    with db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
    assert current_revision(db=db) == newest_revision()
    assert migrate(db=db) is False


def test_a_database_file_of_the_first_migration_upgrades_and_keeps_its_content(tmp_path: Path) -> None:
    file = tmp_path / "old.db"
    with sqlite3.connect(file) as connection:
        connection.executescript(FIRST.read_text(encoding="utf-8"))
    db = open_database(f"sqlite:///{file}")
    assert current_revision(db=db) == "0001"
    migrate(db=db)
    assert current_revision(db=db) == newest_revision()
    with db.read() as session:
        (item,) = list_items(session=session)
        assert (item.stage, item.category) == (Stage.REVIEWED.value, "self_harm")
        kinds = [record.kind for record in get_history(session=session, item_id=item.id)]
        assert kinds == ["scenario", "filter_verdict", "grounding", "refinement", "review", "review", "decision"]
        for row in session.exec(select(RecordRow)):
            record = parse_record(row.body)
            assert (record.id, record.to_json()) == (row.id, row.body), "a record of that day reads as it was written"
        assert [user.name for user in session.exec(select(UserRow).order_by(UserRow.id))] == ["ann", "ben"]
        assert verify_chain(session=session).events > 5
    with db.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
        assert connection.execute(text("PRAGMA foreign_key_check")).all() == []
    db.close()


def test_a_study_from_before_there_were_kinds_is_one_of_the_judge(tmp_path: Path) -> None:
    db = open_database(f"sqlite:///{tmp_path / 'c.db'}")
    with db.engine.connect() as connection:
        config = migration_config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0004")
        columns = "name, release_version, release_digest, run, model, mode, rubric_version, rubric_sha256, seed, "
        columns += "stratify, annotators, author, created_at, closed_by"
        row = "'old', 'v1', 'd', 'r', 'm', 'standard', '1.0', 'e', 1, '', 3, 'mia', '2026-01-01 00:00:00', ''"
        connection.execute(text(f"INSERT INTO studies ({columns}) VALUES ({row})"))
        connection.commit()
    assert migrate(db=db) is True
    with db.read() as session:
        assert [study.name for study in list_studies(session=session)] == ["old"]
    db.close()


def test_a_database_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    db = open_database(f"sqlite:///{tmp_path / 'c.db'}")
    migrate(db=db)
    with db.engine.connect() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        connection.commit()
    with pytest.raises(StorageError, match=r"'9999'.*newer version"):
        migrate(db=db)
    db.close()


@pytest.mark.parametrize("url", ["", "nonsense", "mysql://u@h/d"])
def test_a_bad_database_url_is_named(url: str) -> None:
    with pytest.raises(StorageError, match="database"):
        open_database(url)


def test_sqlite_is_opened_safely(tmp_path: Path) -> None:
    db = open_database(f"sqlite:///{tmp_path / 'c.db'}")
    with db.engine.connect() as connection:
        pragmas = {
            name: connection.execute(text(f"PRAGMA {name}")).scalar()
            for name in ("journal_mode", "foreign_keys", "busy_timeout", "synchronous")
        }
    assert pragmas == {"journal_mode": "wal", "foreign_keys": 1, "busy_timeout": 20_000, "synchronous": 2}
    db.close()
