"""Writes a new migration from the difference between the tables and a fresh database.

python -m storage.migrations "Add the column that …"
"""

import re
import sys
import tempfile
from pathlib import Path

from alembic import command

from storage.db import open_database
from storage.schema import migrate, migration_config


def write_migration(message: str) -> Path:
    """Write the next numbered migration and return its path; look it over before you commit it."""
    versions = Path(__file__).parent / "versions"
    number = f"{len(list(versions.glob('rev_*.py'))) + 1:04d}"
    with tempfile.TemporaryDirectory() as folder:
        db = open_database(f"sqlite:///{folder}/empty.db")
        migrate(db=db)
        with db.engine.connect() as connection:
            config = migration_config()
            config.attributes["connection"] = connection
            config.set_main_option("file_template", f"rev_{number}_{re.sub(r'[^a-z0-9]+', '_', message.lower())[:40]}")
            command.revision(config, message=message, autogenerate=True, rev_id=number)
        db.close()
    return next(versions.glob(f"rev_{number}_*.py"))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit('usage: python -m storage.migrations "what it does"')
    sys.stdout.write(f"{write_migration(sys.argv[1])}\n")
