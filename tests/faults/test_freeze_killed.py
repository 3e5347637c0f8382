"""A freeze killed at any moment leaves no release, or a whole one that verifies; the next freeze just works."""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from approved_items import add_approved
from fault_server import make_environment, open_settings
from sqlmodel import select

from curator_app.workspace import Workspace, create_workspace
from storage.audit import Tag, verify_chain
from storage.release_files import verify_release
from storage.releases import list_releases
from storage.tables import AuditRow, ItemRow, ReleaseItemRow

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]

ITEMS = 120
AT_RANDOM = 8
"""Kills at a random moment after the hidden folder has appeared."""
AIMED = 4
"""Kills as soon as the folder has its final name: the database may or may not know of it yet."""
COMMAND = [sys.executable, "-c", "from curator_app.cli import main; main()", "release"]


def test_a_killed_freeze_leaves_no_release_or_a_whole_one(
    database_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home, rng = tmp_path / "home", random.Random(5)
    workspace = create_workspace(open_settings(home, database_url))
    environment = make_environment(home, database_url)
    add_approved(workspace.db, workspace.blobs, ITEMS)
    whole_s = time_freeze(home, environment, version="v0.1")
    frozen, total, outcomes = 1, ITEMS, Counter[str]()
    assert check_state(workspace, "v0.1", total) == "whole"
    for turn in range(AT_RANDOM + AIMED):
        version = f"v1.{frozen}"
        if not (workspace.releases_folder / version).exists():  # else it is to be taken over as it is
            add_approved(workspace.db, workspace.blobs, 3, first=total + 1)
            total += 3
        child = start_freeze(environment, version)
        watched = workspace.releases_folder / (f".{version}.partial" if turn < AT_RANDOM else version)
        wait_for(watched, child)
        if turn < AT_RANDOM:
            time.sleep(rng.uniform(0, 0.6 * whole_s))
        kill(child)
        outcome = check_state(workspace, version, total)
        outcomes[outcome] += 1
        frozen += outcome == "whole"
    with capsys.disabled():
        sys.stdout.write(f"\nfreezes killed: {dict(outcomes)}; a whole one takes {whole_s:.2f} s\n")
    assert outcomes["nothing"] >= 2, "no kill came in time; make the freeze slower"

    version = f"v1.{frozen}"
    done = subprocess.run([*COMMAND, "freeze", version], env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert check_state(workspace, version, total) == "whole"
    hidden = [path.name for path in workspace.releases_folder.iterdir() if path.name.endswith(".partial")]
    assert not hidden, "the next freeze removes what killed ones left"
    folder = str(workspace.releases_folder / version)
    done = subprocess.run([*COMMAND, "verify", folder], env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    workspace.close()


def check_state(workspace: Workspace, version: str, items: int) -> str:
    """Check the workspace after a freeze was killed or done; return `whole`, `folder only` or `nothing`.

    Args:
        workspace: looked at while nobody writes.
        version: the one that was being frozen.
        items: how many items it is to hold.
    """
    with workspace.db.read() as session:
        verify_chain(session=session)
        rows = list_releases(session=session)
        stages = Counter(session.exec(select(ItemRow.stage)).all())
        events = len(session.exec(select(AuditRow.seq).where(AuditRow.tag == Tag.RELEASE_FROZEN.value)).all())
        entries = Counter(session.exec(select(ReleaseItemRow.release_id)).all())
    for row in rows:
        report = verify_release(workspace.settings.home / row.folder, digest=row.digest)
        assert report.items == row.items == entries[row.id or 0]
    assert events == len(rows) and set(entries) == {row.id for row in rows}
    folder = workspace.releases_folder / version
    if rows and rows[0].version == version:
        assert stages == {"released": items} and rows[0].items == items
        return "whole"
    assert stages.get("released", 0) + stages["reviewed"] == items and stages["reviewed"] > 0
    if not folder.exists():
        return "nothing"
    # Whole, but the database does not know of it: not listed anywhere, and taken over by the next freeze.
    assert verify_release(folder).items == items
    return "folder only"


def start_freeze(environment: dict[str, str], version: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [*COMMAND, "freeze", version],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def time_freeze(home: Path, environment: dict[str, str], *, version: str) -> float:
    """Freeze once undisturbed; return the seconds from the hidden folder's appearance to the end."""
    child = start_freeze(environment, version)
    wait_for(home / "releases" / f".{version}.partial", child)
    began = time.monotonic()
    assert child.wait(timeout=120) == 0
    return time.monotonic() - began


def wait_for(path: Path, child: "subprocess.Popen[bytes]") -> None:
    """Return as soon as the path exists; the child may have ended when it was quick."""
    deadline = time.monotonic() + 120
    while not path.exists() and child.poll() is None:
        assert time.monotonic() < deadline, f"{path} did not appear"


def kill(child: "subprocess.Popen[bytes]") -> None:
    if child.poll() is None:
        os.killpg(child.pid, signal.SIGKILL)
    child.wait(timeout=30)
