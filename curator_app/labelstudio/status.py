"""What was pushed to Label Studio and pulled from it, from what is known here: no server is asked."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func
from sqlmodel import Session, col, select

from curator_app.workspace import Workspace
from storage.external import list_projects
from storage.external_counts import Use
from storage.external_tables import (
    ExternalAnnotationRow,
    ExternalProjectRow,
    ExternalRevisionRow,
    ExternalTaskRow,
)
from storage.items import label
from storage.tables import ItemRow, TaskRow

SHOWN = (
    Use.CONFLICT.value, Use.LATE.value, Use.UNREADABLE.value, Use.UNKNOWN_PERSON.value, Use.WRONG_PERSON.value,
    Use.NOT_BLIND.value,
)  # fmt: skip
"""What a maintainer may want to look into."""
NO_ANSWER = (Use.SKIPPED.value, Use.WITHDRAWN.value, Use.FOREIGN.value)
MOST = 20


@dataclass(frozen=True)
class ProjectStatus:
    """A project, and what came of it."""

    id: int
    source: str
    remote_id: int
    kind: str
    study: str
    person: str
    watermark: str
    """Up to when changes were pulled, by the server's clock; empty: nothing yet."""
    live: int
    deleted: int
    answered: int
    """Tasks that somebody has answered."""
    uses: dict[str, int]
    people: dict[str, str]
    """E-mail -> account, where somebody has said so."""
    config: str
    """As it was pushed."""

    @property
    def named(self) -> str:
        """What is asked there, of whom."""
        return " ".join(part for part in (self.kind, self.study, self.person) if part)


@dataclass(frozen=True)
class OddAnnotation:
    """An annotation that counts for nothing, though somebody may want it to."""

    project: int
    """Ours."""
    remote_id: int
    annotation: int
    item: str
    """Its id; empty: not one of ours."""
    label: str
    claimed: str
    use: str
    reason: str


def read_projects(*, session: Session) -> list[ProjectStatus]:
    """Return every project, the oldest first."""
    return [_read_project(session, project) for project in list_projects(session=session)]


def _read_project(session: Session, project: ExternalProjectRow) -> ProjectStatus:
    assert project.id is not None
    states = Counter(session.exec(select(ExternalTaskRow.state).where(ExternalTaskRow.project_id == project.id)))
    mine = ExternalAnnotationRow.project_id == project.id
    uses = session.exec(
        select(ExternalAnnotationRow.use, func.count()).where(mine).group_by(col(ExternalAnnotationRow.use))
    )
    answered = select(func.count(func.distinct(ExternalAnnotationRow.remote_task))).where(
        mine, col(ExternalAnnotationRow.use).not_in(NO_ANSWER)
    )
    return ProjectStatus(
        id=project.id,
        source=project.source,
        remote_id=project.remote_id,
        kind=project.kind,
        study=project.study,
        person=project.person,
        watermark=project.watermark,
        live=states["live"],
        deleted=states["deleted"],
        answered=session.exec(answered).one(),
        uses=dict(sorted(uses.all())),
        people=json.loads(project.people),
        config=project.config,
    )


def read_odd(*, session: Session, project: int | None = None, uses: Sequence[str] = SHOWN) -> list[OddAnnotation]:
    """Return the annotations of one project, or of all, that somebody may want to look into, the oldest first."""
    query = (
        select(ExternalAnnotationRow, ExternalRevisionRow.claimed, ExternalProjectRow.remote_id, ItemRow)
        .join(ExternalRevisionRow, col(ExternalRevisionRow.id) == ExternalAnnotationRow.revision_id)
        .join(ExternalProjectRow, col(ExternalProjectRow.id) == ExternalAnnotationRow.project_id)
        .join(
            ExternalTaskRow,
            (col(ExternalTaskRow.project_id) == ExternalAnnotationRow.project_id)
            & (col(ExternalTaskRow.remote_id) == ExternalAnnotationRow.remote_task),
            isouter=True,
        )
        .join(TaskRow, col(TaskRow.id) == ExternalTaskRow.task_id, isouter=True)
        .join(ItemRow, col(ItemRow.number) == TaskRow.item_number, isouter=True)
        .where(col(ExternalAnnotationRow.use).in_(uses))
        .order_by(col(ExternalAnnotationRow.id))
    )
    if project is not None:
        query = query.where(ExternalAnnotationRow.project_id == project)
    return [
        OddAnnotation(
            row.project_id, remote_id, row.annotation, item.id if item else "", label(item.number or 0) if item else "",
            claimed, row.use, row.reason,
        )
        for row, claimed, remote_id, item in session.exec(query)
    ]  # fmt: skip


def read_status(workspace: Workspace) -> list[str]:
    """Return it as lines to print; none where nothing was pushed."""
    lines: list[str] = []
    with workspace.db.read() as session:
        for project in read_projects(session=session):
            lines.append(f"{project.source}, project {project.remote_id}: {project.named}")
            lines.append(f"  tasks there {project.live}, deleted there {project.deleted}")
            lines.append(f"  pulled up to {project.watermark or 'nothing yet'}")
            lines += [f"  {use.replace('_', ' '):<16} {count:>7}" for use, count in project.uses.items()]
            odd = read_odd(session=session, project=project.id)
            for each in odd[:MOST]:
                said = f"  annotation {each.annotation} by {each.claimed or 'nobody known'}"
                lines.append(f"{said}: {each.use.replace('_', ' ')}; {each.reason}")
            if len(odd) > MOST:
                lines.append(f"  and {len(odd) - MOST} more")
    return lines
