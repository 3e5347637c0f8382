"""Annotations from Label Studio, as far as they changed since the last pull.

The server's own clock says what changed; it does not say what was deleted, so counts are compared, and only where they
differ all ids are. Every batch is committed by itself and the watermark last: a pull that is killed is taken up by the
next one, which finds what it knows already and adds nothing twice.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import zip_longest
from typing import Any

from sqlmodel import Session, col, select

from curator_app.errors import LabelStudioRefused
from curator_app.labelstudio.links import (
    Tell,
    bury,
    count_live,
    hold,
    link_new,
    read_links,
    refuse_drift,
    tell_nobody,
)
from curator_app.labelstudio.mapping import Unreadable, read_result, read_seconds
from curator_app.labelstudio.server import Change, Server, read_time
from curator_app.workspace import Workspace
from storage.external import Received, keep_revisions, list_projects, name_people
from storage.external_counts import RETRIED, Use, count_annotations
from storage.external_tables import ExternalAnnotationRow, ExternalProjectRow, ExternalRevisionRow, ExternalTaskRow
from storage.records import TaskKind
from storage.tables import TaskRow
from storage.texts import canonical_json, hash_json

OVERLAP = timedelta(seconds=60)
"""How far before the watermark is looked again: a change is dated before it can be seen."""
AHEAD = 40
"""How many changed tasks are read at a time, while as many are stored: the first wait is short."""

_Known = tuple[ExternalAnnotationRow, ExternalRevisionRow]


@dataclass(frozen=True)
class PullReport:
    """What a pull of one project brought."""

    project: int
    kind: str
    revisions: int = 0
    tombstones: int = 0
    uses: dict[str, int] = field(default_factory=dict)
    """Of all annotations of the project."""
    refused: str = ""
    """Why it was left alone."""

    def to_lines(self) -> list[str]:
        """Return it as lines to print; none where it was left alone."""
        if self.refused:
            return []
        first = f"Project {self.project}, {self.kind}: {self.revisions} new, {self.tombstones} tasks deleted there"
        return [first, *(f"  {use.replace('_', ' '):<16} {count:>7}" for use, count in self.uses.items())]


def pull(
    workspace: Workspace, server: Server, *, people: dict[str, str] | None = None, tell: Tell = tell_nobody
) -> list[PullReport]:
    """Pull every project that was pushed to this server. One that is gone, or changed, does not keep the others.

    Raises:
        LabelStudioRefused: the server refuses or is away.
    """
    with hold(workspace):
        with workspace.db.write() as session:
            projects = list_projects(session=session, source=server.url)
            for project in projects:
                name_people(session=session, project=project, people=people or {})
            session.commit()
        emails = server.read_people() if projects else {}
        return [_try_project(workspace, server, project, emails, tell) for project in projects]


def _try_project(
    workspace: Workspace, server: Server, project: ExternalProjectRow, emails: dict[int, str], tell: Tell
) -> PullReport:
    try:
        return _pull_project(workspace, server, project, emails, tell)
    except LabelStudioRefused as exc:
        return PullReport(project.remote_id, project.kind, refused=str(exc))


def _pull_project(
    workspace: Workspace, server: Server, project: ExternalProjectRow, emails: dict[int, str], tell: Tell
) -> PullReport:
    remote = server.read_project(project.remote_id)
    refuse_drift(project, remote)
    changes = server.list_changes(project.remote_id, since=_since(project.watermark))
    links = link_new(workspace, server, project, there={change.task for change in changes})
    with workspace.db.read() as session:
        fresh = _find_news(session=session, project=project, changes=changes, links=links)
    added = done = 0
    for batch, found in _read_ahead(server, project, fresh):
        tell(f"changed tasks of project {project.remote_id} read", done, len(fresh))
        done += len(batch)
        with workspace.db.write() as session:
            known = _read_known(session=session, project=project, tasks=list(batch))
            known_links = read_links(session=session, project=project, only=batch.keys() & found.keys())
            received = []
            for remote_id, link in known_links.items():
                texts = json.loads(link.data)
                now_there = [_receive(project, each, remote_task=remote_id, texts=texts, emails=emails)
                             for each in found[remote_id]]  # fmt: skip
                received += _add_deleted(remote_id, now_there, known=known[remote_id])
            added += _take(session=session, project=project, known=known, received=received)
            for remote_id, link in known_links.items():
                link.seen = batch[remote_id].updated_at
                session.add(link)
            session.commit()
    tombstones = 0
    with workspace.db.read() as session:
        live = count_live(session=session, project=project)
    if remote.tasks != live:
        tombstones = bury(workspace, project, there=server.count_annotations(project.remote_id))
    with workspace.db.write() as session:
        row = session.get_one(ExternalProjectRow, project.id)
        row.watermark = max([row.watermark, *(change.updated_at for change in changes)])
        session.add(row)
        again = _to_retry(session=session, project=row)
        count_annotations(session=session, project=row, rows=again, retried=True)
        session.commit()
        uses = session.exec(select(ExternalAnnotationRow.use).where(ExternalAnnotationRow.project_id == project.id))
        return PullReport(project.remote_id, project.kind, added, tombstones, dict(sorted(Counter(uses).items())))


def _read_ahead(
    server: Server, project: ExternalProjectRow, fresh: Sequence[Change]
) -> Iterator[tuple[dict[int, Change], dict[int, list[dict[str, Any]]]]]:
    """Yield the tasks a batch at a time, by number, with their annotations; the next is read while one is stored."""
    number = project.remote_id
    batches = [{each.task: each for each in fresh[start : start + AHEAD]} for start in range(0, len(fresh), AHEAD)]
    with ThreadPoolExecutor(1, thread_name_prefix="annotations") as ahead:

        def read(batch: dict[int, Change]) -> Future[dict[int, list[dict[str, Any]]]]:
            return ahead.submit(server.read_annotations, number, list(batch))

        pending = read(batches[0]) if batches else None
        for batch, after in zip_longest(batches, batches[1:]):
            assert pending is not None
            found = pending.result()
            pending = read(after) if after else None
            yield batch, found


def _since(watermark: str) -> str:
    return (datetime.fromisoformat(watermark) - OVERLAP).isoformat() if watermark else ""


def _find_news(
    *,
    session: Session,
    project: ExternalProjectRow,
    changes: Sequence[Change],
    links: Mapping[int, ExternalTaskRow],
) -> list[Change]:
    """Return the tasks whose annotations are not known as they are now, the oldest change first.

    What was taken over in the overlap of two pulls is known; so are tasks that never had an annotation.
    """
    query = select(ExternalAnnotationRow.remote_task).where(ExternalAnnotationRow.project_id == project.id).distinct()
    answered = set(session.exec(query))
    fresh = [
        each
        for each in changes
        if (link := links.get(each.task)) is not None
        and link.seen != each.updated_at
        and (each.annotations or each.task in answered)
    ]
    return sorted(fresh, key=lambda each: each.updated_at)


def _read_known(*, session: Session, project: ExternalProjectRow, tasks: Sequence[int]) -> dict[int, list[_Known]]:
    """Return the annotations of these tasks that are known, each with its newest revision."""
    query = (
        select(ExternalAnnotationRow, ExternalRevisionRow)
        .join(ExternalRevisionRow, col(ExternalRevisionRow.id) == ExternalAnnotationRow.revision_id)
        .where(ExternalAnnotationRow.project_id == project.id, col(ExternalAnnotationRow.remote_task).in_(tasks))
    )
    known: dict[int, list[_Known]] = {task: [] for task in tasks}
    for row, last in session.exec(query):
        known[row.remote_task].append((row, last))
    return known


def _add_deleted(remote_task: int, received: Sequence[Received], *, known: Sequence[_Known]) -> list[Received]:
    """Return what is to be kept of one task, the oldest first: before it, the annotations that are gone."""
    there = {each.annotation for each in received}
    return [
        *(
            Received(remote_task, row.annotation, last.updated_at, "", "deleted", "{}", claimed=last.claimed)
            for row, last in known
            if last.state != "deleted" and row.annotation not in there
        ),
        *sorted(received, key=lambda each: (each.updated_at, each.annotation)),
    ]


def _take(
    *,
    session: Session,
    project: ExternalProjectRow,
    known: Mapping[int, Sequence[_Known]],
    received: Sequence[Received],
) -> int:
    """Keep what is new of some tasks, let it count, and return how many revisions were added."""
    rows = {row.annotation: row for each in known.values() for row, _ in each}
    kept = keep_revisions(session=session, project=project, received=received, known=rows)
    count_annotations(session=session, project=project, rows=kept)
    return len(kept)


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


def _to_retry(*, session: Session, project: ExternalProjectRow) -> Sequence[ExternalAnnotationRow]:
    reopened = (
        select(ExternalTaskRow.remote_id)
        .join(TaskRow, col(TaskRow.id) == ExternalTaskRow.task_id)
        .where(ExternalTaskRow.project_id == project.id, TaskRow.status == "open")
    )
    use = col(ExternalAnnotationRow.use)
    query = select(ExternalAnnotationRow).where(
        ExternalAnnotationRow.project_id == project.id,
        use.in_(RETRIED) | ((use == Use.EXTRA.value) & col(ExternalAnnotationRow.remote_task).in_(reopened)),
    )
    return session.exec(query.order_by(col(ExternalAnnotationRow.id))).all()
