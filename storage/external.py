"""Answers that people gave in another annotation tool: every revision is kept, and what may count, counts.

A revision is keyed by project, annotation, time and hash of the result, and never changed.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from storage.audit import Tag, lock_chain, record_event
from storage.errors import InvalidRecord, StorageError
from storage.external_counts import Use, count_annotations, may_answer
from storage.external_tables import ExternalAnnotationRow, ExternalProjectRow, ExternalRevisionRow
from storage.tables import UserRow
from storage.texts import utc_now


@dataclass(frozen=True)
class Received:
    """An annotation as the other server has it now."""

    remote_task: int
    annotation: int
    updated_at: str
    result_sha256: str
    state: str
    raw: str
    answers: str = ""
    problem: str = ""
    claimed: str = ""
    seconds: float = 0.0
    ground_truth: bool = False
    prefilled: bool = False


def keep_revisions(
    *,
    session: Session,
    project: ExternalProjectRow,
    received: Sequence[Received],
    known: Mapping[int, ExternalAnnotationRow],
    now: datetime | None = None,
) -> list[ExternalAnnotationRow]:
    """Append revisions and make each its annotation's newest; return the annotations that have one. The caller commits.

    A revision that is known adds nothing.

    Args:
        session: open for writing.
        project: where they were answered.
        received: annotations as they are now, each once.
        known: the annotations that are known, by the other server's number.
        now: when they were seen.
    """
    now = now or utc_now()
    assert project.id is not None
    fresh = [
        (each, ExternalRevisionRow(project_id=project.id, seen_at=now, **each.__dict__))
        for each in received
        if each.annotation not in known or not _has_revision(session=session, project=project, received=each)
    ]
    session.add_all(revision for _, revision in fresh)
    session.flush()
    kept = []
    for each, revision in fresh:
        assert revision.id is not None
        row = known.get(each.annotation) or ExternalAnnotationRow(
            project_id=project.id,
            remote_task=each.remote_task,
            annotation=each.annotation,
            revision_id=revision.id,
            use=Use.WAITING.value,
        )
        row.revision_id = revision.id
        kept.append(row)
    session.add_all(kept)
    session.flush()
    return kept


def _has_revision(*, session: Session, project: ExternalProjectRow, received: Received) -> bool:
    query = select(ExternalRevisionRow.id).where(
        ExternalRevisionRow.project_id == project.id,
        ExternalRevisionRow.annotation == received.annotation,
        ExternalRevisionRow.updated_at == received.updated_at,
        ExternalRevisionRow.result_sha256 == received.result_sha256,
        ExternalRevisionRow.state == received.state,
    )
    return session.exec(query).first() is not None


def find_project(*, session: Session, source: str, marker: str) -> ExternalProjectRow | None:
    """Return the project that asks this on that server."""
    return session.exec(
        select(ExternalProjectRow).where(ExternalProjectRow.source == source, ExternalProjectRow.marker == marker)
    ).first()


def list_projects(*, session: Session, source: str | None = None) -> list[ExternalProjectRow]:
    """Return the projects of one server or of all, the oldest first."""
    query = select(ExternalProjectRow).order_by(col(ExternalProjectRow.id))
    return list(session.exec(query if source is None else query.where(ExternalProjectRow.source == source)))


def name_people(*, session: Session, project: ExternalProjectRow, people: dict[str, str]) -> None:
    """Say which account stands for which e-mail; adds to what was said before. The caller commits.

    Raises:
        StorageError: there is no such account.
    """
    for name in people.values():
        if session.exec(select(UserRow.id).where(UserRow.name == name)).first() is None:
            raise StorageError(f"there is no account {name!r}; add it with `curator users add {name}`")
    merged = json.loads(project.people) | {email.lower(): name for email, name in people.items()}
    project.people = json.dumps(merged, sort_keys=True)
    session.add(project)


def map_person(*, session: Session, email: str, name: str, actor: str, now: datetime | None = None) -> int:
    """Say in every project which account an e-mail stands for, and let what waited for that count; return how many do.

    Adds an audit event. The caller commits.

    Raises:
        InvalidRecord: there is no e-mail.
        StorageError: there is no such account, or it may not answer.
    """
    now = now or utc_now()
    email = email.strip().lower()
    if not email:
        raise InvalidRecord("no e-mail is chosen; choose one that Label Studio named and nobody here is called")
    person = session.exec(select(UserRow).where(UserRow.name == name)).first()
    if person is None:
        raise StorageError(f"there is no account {name!r}; add it with `curator users add {name}`")
    if not may_answer(person):
        raise StorageError(f"{name} may not answer; give the role annotator on the People page, or choose another")
    lock_chain(session=session)
    projects = list_projects(session=session)
    for project in projects:
        name_people(session=session, project=project, people={email: name})
    payload = {"claimed": email, "account": name}
    record_event(session=session, actor=actor, tag=Tag.EXTERNAL_NAMED, subject=name, payload=payload, now=now)
    counted = 0
    for project in projects:
        waiting = (
            select(ExternalAnnotationRow)
            .join(ExternalRevisionRow, col(ExternalRevisionRow.id) == ExternalAnnotationRow.revision_id)
            .where(
                ExternalAnnotationRow.project_id == project.id,
                ExternalAnnotationRow.use == Use.UNKNOWN_PERSON.value,
                ExternalRevisionRow.claimed == email,
            )
            .order_by(col(ExternalAnnotationRow.id))
        )
        uses = count_annotations(session=session, project=project, rows=session.exec(waiting).all(), now=now)
        counted += sum(use in (Use.COUNTED, Use.SAME) for use in uses)
    return counted
