"""A workspace: one folder with its database, its images and its releases."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from curator_app.errors import WorkspaceMissing
from curator_app.settings import Settings
from pipeline.taxonomy import Taxonomy, load_taxonomy
from storage.blobs import BlobStore
from storage.db import Database, open_database
from storage.schema import current_revision, migrate, newest_revision


@dataclass(frozen=True)
class Workspace:
    """Everything that the server and the commands work on."""

    settings: Settings
    db: Database
    blobs: BlobStore
    taxonomy: Taxonomy

    @property
    def releases_folder(self) -> Path:
        """Where frozen releases are written."""
        return self.settings.releases_folder

    @cached_property
    def titles(self) -> dict[str, str]:
        """Slug of a category or sub-category -> the words that people see."""
        entries = self.taxonomy.categories
        return {entry.slug.value: entry.title for entry in entries} | {
            sub.slug: sub.title for entry in entries for sub in entry.sub_categories
        }

    def close(self) -> None:
        """Close the database."""
        self.db.close()


def find_revision(settings: Settings) -> str | None:
    """Return the revision of the workspace's database; None when there is no database or it is empty."""
    if settings.sqlite_file is not None and not settings.sqlite_file.exists():
        return None
    db = open_database(settings.effective_database_url)
    try:
        return current_revision(db=db)
    finally:
        db.close()


def create_workspace(settings: Settings) -> Workspace:
    """Make the folder and bring the database to the newest migration. Doing it again changes nothing."""
    settings.home.mkdir(parents=True, exist_ok=True)
    db = open_database(settings.effective_database_url)
    migrate(db=db)
    return Workspace(settings, db, BlobStore(settings.blobs_url), load_taxonomy())


def open_workspace(settings: Settings) -> Workspace:
    """Open a workspace that `curator init` made.

    Raises:
        WorkspaceMissing: there is none here, or it was made by another version.
    """
    revision = find_revision(settings)
    if revision is None:
        raise WorkspaceMissing(
            f"there is no workspace at {settings.home}; run `curator init`, or set CURATOR_HOME to the folder of one"
        )
    if revision != newest_revision():
        raise WorkspaceMissing(
            f"the database of {settings.home} is at revision {revision}, this version needs {newest_revision()}; "
            "stop the server, copy the database, and run `curator init` to upgrade it"
        )
    db = open_database(settings.effective_database_url)
    return Workspace(settings, db, BlobStore(settings.blobs_url), load_taxonomy())
