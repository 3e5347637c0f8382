"""Annotations from Label Studio, as far as they changed since the last pull.

The server's own clock says what changed; it does not say what was deleted, so counts are compared, and only where they
differ all ids are. Every batch is committed by itself and the watermark last: a pull that is killed is taken up by the
next one, which finds what it knows already and adds nothing twice.
"""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, col, select

from curator_app.labelstudio.mapping import Unreadable, read_result, read_seconds
from curator_app.labelstudio.outgoing import keep_texts
from curator_app.labelstudio.pushing import hold, refuse_drift
from curator_app.labelstudio.server import Change, RemoteProject, Server, read_time
from curator_app.workspace import Workspace
from storage.external import (
    RETRIED,
    Received,
    count_annotation,
    keep_revision,
    list_projects,
    name_people,
)
from storage.external_tables import ExternalAnnotationRow, ExternalProjectRow, ExternalRevisionRow, ExternalTaskRow
from storage.records import TaskKind
from storage.texts import canonical_json, hash_json

BATCH = 100
OVERLAP = timedelta(seconds=60)
"""How far before the watermark is looked again: a change is dated before it can be seen."""


@dataclass(frozen=True)
class PullReport:
    """What a pull of one project brought."""

    project: int
    kind: str
    revisions: int
    tombstones: int
    uses: dict[str, int]
    """Of all annotations of the project."""


def pull(workspace: Workspace, server: Server, *, people: dict[str, str] | None = None) -> list[PullReport]:
    """Pull every project that was pushed to this server.

    Raises:
        LabelStudioRefused: the server refuses or is away, a project is gone, or its config was changed.
    """
    with hold(workspace):
        with workspace.db.write() as session:
            projects = list_projects(session=session, source=server.url)
            for project in projects:
                name_people(session=session, project=project, people=people or {})
            session.commit()
        emails = server.read_people() if projects else {}
        return [_pull_project(workspace, server, project, emails) for project in projects]


def _pull_project(
    workspace: Workspace, server: Server, project: ExternalProjectRow, emails: dict[int, str]
) -> PullReport:
    remote = server.read_project(project.remote_id)
    refuse_drift(project, remote)
    changes = server.list_changes(project.remote_id, since=_since(project.watermark))
    with workspace.db.read() as session:
        fresh = _find_news(session=session, project=project, changes=changes)
    added = 0
    for start in range(0, len(fresh), BATCH):
        wanted = fresh[start : start + BATCH]
        tasks = server.read_tasks(project.remote_id, wanted)
        with workspace.db.write() as session:
            for task in tasks:
                added += _take_task(session=session, project=project, task=task, emails=emails)
            session.commit()
    tombstones = _bury(workspace, server, project, remote)
    with workspace.db.write() as session:
        row = session.get_one(ExternalProjectRow, project.id)
        row.watermark = max([row.watermark, *(change.updated_at for change in changes)])
        session.add(row)
        for each in _to_retry(session=session, project=row):
            count_annotation(session=session, project=row, row=each)
        session.commit()
        uses = session.exec(select(ExternalAnnotationRow.use).where(ExternalAnnotationRow.project_id == project.id))
        return PullReport(project.remote_id, project.kind, added, tombstones, dict(sorted(Counter(uses).items())))


def _since(watermark: str) -> str:
    return (datetime.fromisoformat(watermark) - OVERLAP).isoformat() if watermark else ""


def _find_news(*, session: Session, project: ExternalProjectRow, changes: Sequence[Change]) -> list[int]:
    """Return the tasks of which something is not known yet, oldest change first."""
    query = (
        select(ExternalAnnotationRow.remote_task, ExternalAnnotationRow.annotation, ExternalRevisionRow.updated_at)
        .join(ExternalRevisionRow, col(ExternalRevisionRow.id) == ExternalAnnotationRow.revision_id)
        .where(ExternalAnnotationRow.project_id == project.id, ExternalRevisionRow.state != "deleted")
    )
    known: dict[int, dict[int, str]] = {}
    for task, annotation, updated_at in session.exec(query):
        known.setdefault(task, {})[annotation] = updated_at
    linked = set(
        session.exec(
            select(ExternalTaskRow.remote_id).where(
                ExternalTaskRow.project_id == project.id, ExternalTaskRow.state == "live"
            )
        )
    )
    fresh = [each for each in changes if each.task not in linked or known.get(each.task, {}) != each.annotations]
    return [each.task for each in sorted(fresh, key=lambda each: each.updated_at)]


def _take_task(*, session: Session, project: ExternalProjectRow, task: dict[str, Any], emails: dict[int, str]) -> int:
    """Keep what is new of one task, let it count, and return how many revisions were added."""
    link = _link(session=session, project=project, task=task)
    texts = json.loads(link.data)
    received = [
        _receive(project, each, remote_task=link.remote_id, texts=texts, emails=emails)
        for each in task.get("annotations") or []
    ]
    there = {each.annotation for each in received}
    gone = select(ExternalAnnotationRow, ExternalRevisionRow).join(
        ExternalRevisionRow, col(ExternalRevisionRow.id) == ExternalAnnotationRow.revision_id
    )
    gone = gone.where(
        ExternalAnnotationRow.project_id == project.id,
        ExternalAnnotationRow.remote_task == link.remote_id,
        ExternalRevisionRow.state != "deleted",
    )
    received = [
        *(
            Received(link.remote_id, row.annotation, last.updated_at, "", "deleted", "{}", claimed=last.claimed)
            for row, last in session.exec(gone).all()
            if row.annotation not in there
        ),
        *sorted(received, key=lambda each: (each.updated_at, each.annotation)),
    ]
    added = 0
    for each in received:
        row = keep_revision(session=session, project=project, received=each)
        if row is not None:
            added += 1
            count_annotation(session=session, project=project, row=row)
    return added


def _link(*, session: Session, project: ExternalProjectRow, task: dict[str, Any]) -> ExternalTaskRow:
    row = session.exec(
        select(ExternalTaskRow).where(ExternalTaskRow.project_id == project.id, ExternalTaskRow.remote_id == task["id"])
    ).first()
    if row is None:  # somebody else's, or ours from a push that was killed before it noted it
        assert project.id is not None
        data = task.get("data") or {}
        ours = data.get("curator_task")
        row = ExternalTaskRow(
            project_id=project.id,
            remote_id=task["id"],
            task_id=ours if isinstance(ours, int) else None,
            content_sha256=str(data.get("content_hash", ""))[:64],
            data=json.dumps(keep_texts(data), ensure_ascii=False),
        )
    row.state = "live"
    session.add(row)
    session.flush()
    return row


def _receive(
    project: ExternalProjectRow,
    annotation: dict[str, Any],
    *,
    remote_task: int,
    texts: dict[str, str],
    emails: dict[int, str],
) -> Received:
    author = annotation.get("completed_by")
    number = author.get("id") if isinstance(author, dict) else author
    result = annotation.get("result")
    skipped = bool(annotation.get("was_cancelled"))
    answers, problem = "", ""
    if not skipped:
        try:
            read = read_result(TaskKind(project.kind), result, texts=texts, lead_time=annotation.get("lead_time"))
            answers = canonical_json(read.model_dump(mode="json"))
        except Unreadable as exc:
            problem = str(exc)
    return Received(
        remote_task=remote_task,
        annotation=int(annotation["id"]),
        updated_at=read_time(annotation["updated_at"]),
        result_sha256=hash_json([result, skipped, bool(annotation.get("ground_truth")), number]),
        state="skipped" if skipped else "submitted",
        raw=canonical_json(annotation),
        answers=answers,
        problem=problem,
        claimed=emails.get(number or 0, ""),
        seconds=read_seconds(annotation.get("lead_time")),
        ground_truth=bool(annotation.get("ground_truth")),
        prefilled=bool(annotation.get("parent_prediction")),
    )


def _bury(workspace: Workspace, server: Server, project: ExternalProjectRow, remote: RemoteProject) -> int:
    """Mark the tasks that were deleted there; return how many. What was pulled of them stays as it is."""
    query = select(ExternalTaskRow).where(ExternalTaskRow.project_id == project.id, ExternalTaskRow.state == "live")
    with workspace.db.read() as session:
        live = {row.remote_id for row in session.exec(query)}
    if remote.tasks == len(live):
        return 0
    gone = live - server.list_ids(project.remote_id)
    with workspace.db.write() as session:
        for row in session.exec(query):
            if row.remote_id in gone:
                row.state = "deleted"
                session.add(row)
        session.commit()
    return len(gone)


def _to_retry(*, session: Session, project: ExternalProjectRow) -> Sequence[ExternalAnnotationRow]:
    query = select(ExternalAnnotationRow).where(
        ExternalAnnotationRow.project_id == project.id, col(ExternalAnnotationRow.use).in_(RETRIED)
    )
    return session.exec(query.order_by(col(ExternalAnnotationRow.id))).all()
