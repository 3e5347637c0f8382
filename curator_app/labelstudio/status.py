"""What was pushed to Label Studio and pulled from it, as lines to print."""

from collections import Counter

from sqlmodel import col, select

from curator_app.workspace import Workspace
from storage.external import Use, list_projects
from storage.external_tables import ExternalAnnotationRow, ExternalRevisionRow, ExternalTaskRow

SHOWN = (
    Use.CONFLICT.value, Use.LATE.value, Use.UNREADABLE.value, Use.UNKNOWN_PERSON.value, Use.WRONG_PERSON.value,
    Use.NOT_BLIND.value,
)  # fmt: skip
"""What a maintainer may want to look into."""
MOST = 20


def read_status(workspace: Workspace) -> list[str]:
    """Return the lines; none where nothing was pushed."""
    lines: list[str] = []
    with workspace.db.read() as session:
        for project in list_projects(session=session):
            named = " ".join(part for part in (project.kind, project.study, project.person) if part)
            lines.append(f"{project.source}, project {project.remote_id}: {named}")
            states = Counter(
                session.exec(select(ExternalTaskRow.state).where(ExternalTaskRow.project_id == project.id))
            )
            lines.append(f"  tasks there {states['live']}, deleted there {states['deleted']}")
            lines.append(f"  pulled up to {project.watermark or 'nothing yet'}")
            query = (
                select(ExternalAnnotationRow, ExternalRevisionRow.claimed)
                .join(ExternalRevisionRow, col(ExternalRevisionRow.id) == ExternalAnnotationRow.revision_id)
                .where(ExternalAnnotationRow.project_id == project.id)
                .order_by(col(ExternalAnnotationRow.id))
            )
            rows = session.exec(query).all()
            for use, count in sorted(Counter(row.use for row, _ in rows).items()):
                lines.append(f"  {use.replace('_', ' '):<16} {count:>7}")
            odd = [(row, claimed) for row, claimed in rows if row.use in SHOWN]
            for row, claimed in odd[:MOST]:
                said = f"  annotation {row.annotation} by {claimed or 'nobody known'}: {row.use.replace('_', ' ')}"
                lines.append(f"{said}; {row.reason}")
            if len(odd) > MOST:
                lines.append(f"  and {len(odd) - MOST} more")
    return lines
