"""The database's schema and its migrations."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from storage.db import Database, wrap_database_errors
from storage.errors import StorageError
from storage.external_tables import ExternalProjectRow as ExternalProjectRow

SCHEMA_LOCK = 0x00D_5AFF


def newest_revision() -> str:
    """Return the revision that this code expects."""
    head = ScriptDirectory.from_config(migration_config()).get_current_head()
    assert head is not None
    return head


def current_revision(*, db: Database) -> str | None:
    """Return the database's revision; None when it is empty.

    Raises:
        StorageFull: SQLite cannot even be opened, because its disk has no room for the files beside it.
        Busy: the database is locked or does not answer.
    """
    with wrap_database_errors(), db.engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def migrate(*, db: Database) -> bool:
    """Bring the database to the newest revision; return whether anything had to be done.

    Two programs that start together do not collide: the second waits and finds the work done.

    Raises:
        StorageError: the database was made by a newer version of this program.
        StorageFull, Busy: as `current_revision` does.
    """
    known = {script.revision for script in ScriptDirectory.from_config(migration_config()).walk_revisions()}
    with wrap_database_errors(), db.engine.connect().execution_options(curator_write=True) as connection:
        if not db.is_sqlite:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": SCHEMA_LOCK})
        before = MigrationContext.configure(connection).get_current_revision()
        if before is not None and before not in known:
            raise StorageError(
                f"the database is at revision {before!r}, which this version does not know; "
                "install the newer version that made it"
            )
        if before == newest_revision():
            return False
        config = migration_config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        connection.commit()
    return True


def migration_config() -> Config:
    """Return what Alembic needs; the caller adds the connection as an attribute."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config
