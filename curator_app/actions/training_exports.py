"""Models out of trainings: what `curator caspo export` does. Torch is loaded once there is something to compare."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from caspo.errors import CaspoError
from caspo.export.exporting import Exported, export_run
from caspo.launch import RUN_FILE
from curator_app.actions import studies
from curator_app.actions.releases import read_releases
from curator_app.actions.training_runs import FOLDER
from curator_app.errors import AppError
from curator_app.workspace import Workspace
from storage.release_files import read_release


class ModelNotExported(AppError):
    """A run cannot be exported; the message says why and what to do."""


def find_run(home: Path, name: str) -> Path:
    """Return the folder of the training that `name` means: a folder with a run in it, else one of the workspace's.

    Raises:
        ModelNotExported: It is neither.
    """
    for folder in (Path(name), home / FOLDER / name):
        if (folder / RUN_FILE).is_file():
            return folder
    known = ", ".join(sorted(path.parent.name for path in (home / FOLDER).glob(f"*/{RUN_FILE}"))) or "none yet"
    raise ModelNotExported(f"there is no training {name!r}, as a folder or in {home / FOLDER}; there are: {known}")


def export_model(
    home: Path,
    workspace: Workspace | None,
    *,
    run: str,
    to: Path,
    step: int | None = None,
    releases: Sequence[Path] = (),
    tell: Callable[[str], None] = lambda line: None,
) -> Exported:
    """Export a training's model; the card tells what the workspace knows of its releases and of the studies on them.

    Raises:
        ModelNotExported: It cannot be done; the message says why.
        StorageError: A release that was named cannot be read.
    """
    folders = {line.digest: line.folder for line in read_releases(workspace)} if workspace else {}
    folders |= {read_release(path, verify=False).manifest.digest: path for path in releases}
    try:
        return export_run(
            find_run(home, run), to, step=step, releases=folders, studies=read_closed_studies(workspace), tell=tell
        )
    except CaspoError as exc:
        raise ModelNotExported(str(exc)) from exc


def read_closed_studies(workspace: Workspace | None) -> list[dict[str, Any]]:
    """Return the reports of all closed studies of judges."""
    if workspace is None:
        return []
    closed = [each.name for each in studies.read_all(workspace) if each.state == "closed"]
    return [studies.make_report(workspace, name=name) for name in closed]
