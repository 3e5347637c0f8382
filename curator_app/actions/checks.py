"""What `curator doctor` looks at."""

import platform
import shutil
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import select

from curator_app.settings import Settings
from curator_app.workspace import Workspace, find_revision, open_workspace
from storage.audit import verify_chain
from storage.errors import NotFound, StorageError
from storage.schema import newest_revision
from storage.tables import BlobRow

LEAST_ROOM_BYTES = 500 * 1024 * 1024
OLDEST_GRADIO = (6, 27)


@dataclass(frozen=True)
class Finding:
    """The outcome of one check; `remedy` says what to do when it is not fine."""

    name: str
    fine: bool
    detail: str
    remedy: str = ""


def run_checks(settings: Settings) -> list[Finding]:
    """Run every check on the workspace of `settings`; reads only, but for a probe file among the images."""
    findings = [check_python(), check_gradio(), check_room(settings)]
    schema = check_schema(settings)
    findings.append(schema)
    if schema.fine:
        workspace = open_workspace(settings)
        try:
            findings += [check_chain(workspace), check_blobs(workspace)]
        finally:
            workspace.close()
    return findings


def check_python() -> Finding:
    """Whether this Python is one that is supported."""
    fine = (3, 11) <= sys.version_info[:2] < (3, 13)
    return Finding("python", fine, platform.python_version(), "use Python 3.11 or 3.12")


def check_gradio() -> Finding:
    """Whether gradio is there, in a version that the pages were built for."""
    try:
        found = version("gradio")
    except PackageNotFoundError:
        return Finding("gradio", False, "not installed", "install the package again: pip install ood-mmsafe-curator")
    numbers = tuple(int(part) for part in found.split(".")[:2])
    fine = numbers >= OLDEST_GRADIO and numbers[0] == OLDEST_GRADIO[0]
    return Finding("gradio", fine, found, 'pip install "gradio>=6.27,<7"')


def check_room(settings: Settings) -> Finding:
    """Whether the disk under the workspace has room."""
    folder = next(path for path in (settings.home, *settings.home.parents) if path.exists())
    free = shutil.disk_usage(folder).free
    detail = f"{free / 1024**3:.1f} GB free at {folder}"
    remedy = "free some room, or move the workspace and set CURATOR_HOME"
    return Finding("disk", free >= LEAST_ROOM_BYTES, detail, remedy)


def check_schema(settings: Settings) -> Finding:
    """Whether the database answers and is at the newest migration."""
    name = "database"
    try:
        revision = find_revision(settings)
    except (SQLAlchemyError, StorageError) as exc:
        first_line = str(exc).splitlines()[0]
        return Finding(name, False, f"no answer: {first_line}", "check CURATOR_DATABASE_URL and that the server runs")
    if revision is None:
        return Finding(name, False, f"none at {settings.home}", "run `curator init`, or set CURATOR_HOME")
    newest = newest_revision()
    remedy = "stop the server, copy the database, run `curator init`"
    return Finding(name, revision == newest, f"at revision {revision}, newest is {newest}", remedy)


def check_chain(workspace: Workspace) -> Finding:
    """Whether the audit chain verifies."""
    try:
        with workspace.db.read() as session:
            report = verify_chain(session=session)
    except StorageError as exc:
        remedy = "somebody changed the log; compare with a backup and restore it"
        return Finding("audit chain", False, str(exc), remedy)
    return Finding("audit chain", True, f"{report.events:,} events, head {report.head[:12]}")


def check_blobs(workspace: Workspace) -> Finding:
    """Whether every picture that the database knows is there and intact, and new ones can be written."""
    missing = damaged = total = 0
    with workspace.db.read() as session:
        for row in session.exec(select(BlobRow)):
            total += 1
            try:
                workspace.blobs.read(row.sha256, row.mime)
            except NotFound:
                missing += 1
            except StorageError:
                damaged += 1
    remedy = f"restore the pictures from a backup to {workspace.settings.blobs_url}"
    if missing or damaged:
        return Finding("pictures", False, f"of {total:,}, {missing} missing and {damaged} damaged", remedy)
    return _check_writable(workspace, total=total)


def _check_writable(workspace: Workspace, *, total: int) -> Finding:
    try:
        workspace.blobs.check_writable()
    except StorageError as exc:
        return Finding("pictures", False, str(exc), "free some room, or allow this user to write there")
    return Finding("pictures", True, f"{total:,}, all present and intact")
