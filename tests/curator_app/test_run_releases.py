"""Runs and releases: new scenarios are compared with every release of the workspace, or the run does not start."""

import shutil

import pytest
from approved_items import add_approved
from run_workspace import ask_for, open_models, write_endpoints

from curator_app.actions import releases
from curator_app.actions.runs import RunRefused, run
from curator_app.workspace import Workspace
from pipeline.dedup import DuplicateIndex


def freeze(workspace: Workspace, version: str) -> str:
    line = releases.freeze(workspace, version=version, split="benchmark", notes="", actor="user:mia")
    return line.digest[:12]


def test_a_run_is_compared_with_every_release(workspace: Workspace) -> None:
    ids = add_approved(workspace.db, workspace.blobs, 2)
    first = freeze(workspace, "v1.0")
    second = freeze(workspace, "v1.1")
    with open_models() as models:
        write_endpoints(workspace.settings.home, models.url)
        run(workspace, ask_for(quotas={"dependants": 2}))
    (folder,) = (workspace.settings.home / "dedup").iterdir()
    index = DuplicateIndex(dim=384, space="hash-384", threshold=0.9, folder=folder)
    released = {name for name in index.ids if name.startswith("release/")}
    assert released == {f"release/{digest}/{item_id}" for digest in (first, second) for item_id in ids}
    assert len(index) > len(released)


def test_a_run_does_not_start_without_a_release_that_it_has_to_be_compared_with(workspace: Workspace) -> None:
    add_approved(workspace.db, workspace.blobs, 1)
    freeze(workspace, "v1.0")
    shutil.rmtree(workspace.releases_folder / "v1.0")
    write_endpoints(workspace.settings.home, "http://127.0.0.1:9/v1")
    with pytest.raises(RunRefused, match=r"release v1\.0, which cannot be read.*restore its folder"):
        run(workspace, ask_for(quotas={"dependants": 2}))
