"""Which task of the server is which of ours, and what push and pull both hold on to."""

import json
from collections.abc import Callable, Collection
from contextlib import AbstractContextManager

from sqlmodel import Session, col, func, select

from curator_app.errors import LabelStudioRefused
from curator_app.labelstudio.outgoing import keep_texts
from curator_app.labelstudio.server import RemoteProject, RemoteTask, Server
from curator_app.labelstudio.xml_check import describe_drift
from curator_app.workspace import Workspace
from storage.external_tables import ExternalProjectRow, ExternalTaskRow
from storage.locks import hold_lock
from storage.tables import TaskRow

BATCH = 100
Tell = Callable[[str, int, int], None]
"""Is told what is done, how many of it, and of how many."""


def tell_nobody(what: str, done: int, of: int) -> None:
    """Take it and say nothing."""


def hold(workspace: Workspace) -> AbstractContextManager[int]:
    """Let one push or pull run at a time."""
    busy = LabelStudioRefused("another push or pull of this workspace is running; wait until it has ended")
    return hold_lock(workspace.settings.home / "label-studio.lock", busy=busy)


def refuse_drift(project: ExternalProjectRow, remote: RemoteProject) -> None:
    """Stop when somebody changed the labeling config on the server.

    Raises:
        LabelStudioRefused: it differs; the message ends with the difference.
    """
    drift = describe_drift(pushed=project.config, found=remote.config)
    if drift:
        raise LabelStudioRefused(
            f"the labeling config of project {project.remote_id} was changed on the server, so its answers may mean "
            f"something else; put ours back under its Settings, and try again:\n{drift}"
        )


def read_links(
    *, session: Session, project: ExternalProjectRow, only: Collection[int] | None = None
) -> dict[int, ExternalTaskRow]:
    """Return what is known of the project's tasks, or of these, by the server's number."""
    query = select(ExternalTaskRow).where(ExternalTaskRow.project_id == project.id)
    if only is None:
        return {row.remote_id: row for row in session.exec(query)}
    ids = sorted(only)
    batches = (ids[start : start + BATCH] for start in range(0, len(ids), BATCH))
    return {
        row.remote_id: row
        for batch in batches
        for row in session.exec(query.where(col(ExternalTaskRow.remote_id).in_(batch)))
    }


def count_live(*, session: Session, project: ExternalProjectRow) -> int:
    """Return how many tasks of the project were on the server when it was last looked at."""
    query = select(func.count()).where(ExternalTaskRow.project_id == project.id, ExternalTaskRow.state == "live")
    return int(session.exec(query).one())


def link_new(
    workspace: Workspace, server: Server, project: ExternalProjectRow, *, there: Collection[int]
) -> dict[int, ExternalTaskRow]:
    """Note the tasks of `there` that are not known yet, of us or of others; return what is known of all of them.

    A batch is committed by itself, so that one that is killed is taken up by the next.
    """
    with workspace.db.read() as session:
        known = read_links(session=session, project=project, only=there)
    unknown = sorted(set(there) - set(known))
    for start in range(0, len(unknown), BATCH):
        tasks = server.read_data(project.remote_id, unknown[start : start + BATCH])
        with workspace.db.write() as session:
            for task in tasks:
                known[task.id] = _note(session=session, project=project, task=task)
                session.add(known[task.id])
            session.commit()
    return known


def _note(*, session: Session, project: ExternalProjectRow, task: RemoteTask) -> ExternalTaskRow:
    assert project.id is not None
    number = task.data.get("curator_task")
    ours = session.get(TaskRow, number) if type(number) is int else None
    if ours is not None and ours.kind != project.kind:  # anybody who may write there can name any task
        ours = None
    return ExternalTaskRow(
        project_id=project.id,
        remote_id=task.id,
        task_id=None if ours is None else ours.id,
        content_sha256=str(task.data.get("content_hash", ""))[:64],
        data=json.dumps(keep_texts(task.data), ensure_ascii=False),
    )


def bury(workspace: Workspace, project: ExternalProjectRow, *, there: Collection[int]) -> int:
    """Mark the tasks that are no longer on the server; return how many. What was pulled of them stays as it is."""
    with workspace.db.write() as session:
        links = read_links(session=session, project=project)
        gone = [row for row in links.values() if row.state == "live" and row.remote_id not in there]
        for row in gone:
            row.state = "deleted"
            session.add(row)
        session.commit()
    return len(gone)
