"""Answers that people gave in another annotation tool: every revision is kept, and what may count, counts.

A revision is keyed by project, annotation, time and hash of the result, and never changed. An annotation that may
count becomes a review under a claim, by the rules of the queue: so a decision that rests on it is the one that the same
answers given here would have reached. Who gave it is a claim of the other server, which the audit log says beside it.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlmodel import Session, col, select

from storage.audit import Tag, lock_chain, record_event
from storage.claims import claim_task, release_claim
from storage.contradictions import is_contradicted, read_settled_at
from storage.errors import Conflict, InvalidRecord, StorageError
from storage.external_tables import (
    ExternalAnnotationRow,
    ExternalProjectRow,
    ExternalRevisionRow,
    ExternalTaskRow,
)
from storage.items import get_record
from storage.records import STUDY_KINDS, TaskKind
from storage.reviews import CONTRADICTED, Answers, SubmittedReview, decide, shape_of, submit_review
from storage.study_audits import is_late
from storage.tables import FlagRow, ItemRow, ReviewRow, TaskRow, UserRow
from storage.texts import hash_json, utc_now
from storage.undo import reopen_task, take_back

HOLDER = "label-studio"
"""Whose claims these are, beside people's browser tabs."""


class Use(StrEnum):
    """What came of an annotation."""

    COUNTED = "counted"
    """It is a review here."""
    SAME = "same"
    """The person gave the same answer here."""
    WAITING = "waiting"
    """Somebody holds the last place, or the person has the item open here; the next pull tries again."""
    LATE = "late"
    """Something was built on the older answer (a release, an adjudication, a closed study): kept, the older stands."""
    EXTRA = "extra"
    """Others had finished the item; tried again if it is opened again."""
    CONFLICT = "conflict"
    """The person answered differently here; whoever settles it sees both, and a flag calls a maintainer."""
    SETTLED = "settled"
    """It was a conflict, and who settled it could see both answers."""
    UNREADABLE = "unreadable"
    UNKNOWN_PERSON = "unknown_person"
    """No account here has this e-mail as its name."""
    WRONG_PERSON = "wrong_person"
    """The project is somebody else's."""
    NOT_BLIND = "not_blind"
    """The rules of the queue would not have given the person this item."""
    KEPT = "kept"
    """A leakage check, whose guess nothing locked: kept, and counts for nothing."""
    SKIPPED = "skipped"
    WITHDRAWN = "withdrawn"
    """Deleted by its author."""
    FOREIGN = "foreign"
    """About a task that was not pushed from here."""


RETRIED = (
    Use.WAITING.value, Use.UNKNOWN_PERSON.value, Use.NOT_BLIND.value, Use.SAME.value, Use.CONFLICT.value,
)  # fmt: skip
"""What the next pull tries again: the place may be free by then, or the person's other answer taken back."""


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


def keep_revision(
    *,
    session: Session,
    project: ExternalProjectRow,
    received: Received,
    row: ExternalAnnotationRow | None,
    now: datetime | None = None,
) -> tuple[ExternalAnnotationRow, ExternalRevisionRow] | None:
    """Append a revision and make it the annotation's newest; None: it is known. The caller commits.

    Args:
        session: open for writing.
        project: where it was answered.
        received: the annotation now.
        row: what is known of the annotation ; None: nothing.
        now: when it was seen.
    """
    now = now or utc_now()
    assert project.id is not None
    if row is not None:
        known = session.exec(
            select(ExternalRevisionRow.id).where(
                ExternalRevisionRow.project_id == project.id,
                ExternalRevisionRow.annotation == received.annotation,
                ExternalRevisionRow.updated_at == received.updated_at,
                ExternalRevisionRow.result_sha256 == received.result_sha256,
                ExternalRevisionRow.state == received.state,
            )
        ).first()
        if known is not None:
            return None
    revision = ExternalRevisionRow(project_id=project.id, seen_at=now, **received.__dict__)
    session.add(revision)
    session.flush()
    assert revision.id is not None
    if row is None:
        row = ExternalAnnotationRow(
            project_id=project.id,
            remote_task=received.remote_task,
            annotation=received.annotation,
            revision_id=revision.id,
            use=Use.WAITING.value,
        )
    row.revision_id = revision.id
    session.add(row)
    session.flush()
    return row, revision


def count_annotation(
    *,
    session: Session,
    project: ExternalProjectRow,
    row: ExternalAnnotationRow,
    retried: bool = False,
    now: datetime | None = None,
) -> Use:
    """Let an annotation's newest revision count, as far as it may; return what came of it. The caller commits.

    Calling it again changes nothing. What the rules of the queue refuse is data, not an error.

    Args:
        session: a write session.
        project: of the annotation.
        row: the annotation.
        retried: whether this revision was tried before.
        now: the time, for tests.
    """
    now = now or utc_now()
    lock_chain(session=session)
    revision = session.get_one(ExternalRevisionRow, row.revision_id)
    try:
        with session.begin_nested():
            was = row.use
            use, reason = _settle(session=session, project=project, row=row, revision=revision, now=now)
            row.use = use.value
            session.add(row)
            session.flush()
            if Use.CONFLICT in (use, was) and use is not Use.SETTLED:
                _weigh(session=session, project=project, row=row, shown=retried and use.value == was, now=now)
    except (Conflict, InvalidRecord) as exc:
        use, reason = (Use.LATE if isinstance(exc, Conflict) else Use.UNREADABLE), str(exc)
    row.use, row.reason = use.value, reason
    session.add(row)
    session.flush()
    return use


def _settle(
    *,
    session: Session,
    project: ExternalProjectRow,
    row: ExternalAnnotationRow,
    revision: ExternalRevisionRow,
    now: datetime,
) -> tuple[Use, str]:
    task = _find_task(session=session, project=project, remote_id=row.remote_task)
    if task is None:
        return Use.FOREIGN, f"task {row.remote_task} was not pushed from here"
    standing = _standing(session=session, row=row)
    if standing is not None and task.kind in STUDY_KINDS and is_late(session=session, task=task):
        return Use.LATE, "the study was closed before this change"
    if revision.state != "submitted" or revision.problem:
        if standing is not None:
            claim = take_back(session=session, row=standing, holder=HOLDER, now=now)
            release_claim(session=session, user_id=standing.user_id, claim_id=claim.id, now=now)
        row.review_id = None
        if revision.problem:
            return Use.UNREADABLE, revision.problem
        return (Use.SKIPPED if revision.state == "skipped" else Use.WITHDRAWN), ""
    if task.kind == TaskKind.LEAKAGE_CHECK.value:
        return Use.KEPT, "nothing locked the guess before the picture was shown"
    person = _find_person(session=session, project=project, claimed=revision.claimed)
    if person is None or person.id is None:
        return Use.UNKNOWN_PERSON, f"no annotator here is called {revision.claimed!r}"
    if project.person and person.name != project.person:
        return Use.WRONG_PERSON, f"{person.name} answered in the project of {project.person}"
    answers = shape_of(TaskKind(task.kind)).model_validate_json(revision.answers)
    if standing is not None and standing.user_id != person.id:
        return Use.CONFLICT, "the annotation changed its author; the first one's answer stands"
    if standing is not None and _says(session=session, review=standing, answers=answers):
        return Use.COUNTED, ""
    return _count(
        session=session, project=project, row=row, revision=revision, task=task, person=person, answers=answers,
        standing=standing, now=now,
    )  # fmt: skip


def _count(
    *,
    session: Session,
    project: ExternalProjectRow,
    row: ExternalAnnotationRow,
    revision: ExternalRevisionRow,
    task: TaskRow,
    person: UserRow,
    answers: Answers,
    standing: ReviewRow | None,
    now: datetime,
) -> tuple[Use, str]:
    assert person.id is not None and task.id is not None
    if standing is not None:
        claim_id = take_back(session=session, row=standing, holder=HOLDER, now=now).id
    else:
        own = session.exec(
            select(ReviewRow).where(
                ReviewRow.task_id == task.id, ReviewRow.user_id == person.id, ReviewRow.status == "submitted"
            )
        ).first()
        if own is not None:
            return _compare(
                session=session, own=own, revision=revision, task=task, person=person, answers=answers, now=now
            )
        if task.kind in STUDY_KINDS and is_late(session=session, task=task):
            return Use.LATE, "the study was closed before this answer"
        if task.status != "open":
            return Use.EXTRA, "others had finished the item"
        claim = claim_task(session=session, user_id=person.id, task_id=task.id, holder=HOLDER, now=now)
        if claim is None and task.open_slots < 1:
            return Use.WAITING, "somebody holds the last place"
        if claim is None:
            return Use.NOT_BLIND, f"{person.name} has the item open here, or was given what would spoil a first look"
        claim_id = claim.id
    key = hash_json([project.source, project.remote_id, revision.id])
    made = submit_review(
        session=session, user_id=person.id, claim_id=claim_id, answers=answers, idempotency_key=key, now=now
    )
    _record(session=session, project=project, row=row, revision=revision, made=made, task=task, now=now)
    row.review_id = made.review_id
    return Use.COUNTED, ""


def _compare(
    *,
    session: Session,
    own: ReviewRow,
    revision: ExternalRevisionRow,
    task: TaskRow,
    person: UserRow,
    answers: Answers,
    now: datetime,
) -> tuple[Use, str]:
    """The person has answered by another way: here, or in another annotation. Neither answer is taken silently."""
    if _says(session=session, review=own, answers=answers):
        return Use.SAME, ""
    if task.kind in STUDY_KINDS and is_late(session=session, task=task):
        return Use.LATE, "the study was closed before this answer"
    settled_at = read_settled_at(session=session, task=task)
    if settled_at is not None and settled_at > revision.seen_at:
        return Use.SETTLED, f"{person.name} answered differently in both tools, and somebody has settled it"
    item = session.get_one(ItemRow, own.item_number)
    note = f"Label Studio holds another answer of {person.name}."
    flags = select(FlagRow).where(
        FlagRow.item_number == own.item_number, FlagRow.user_id == own.user_id, FlagRow.note == note
    )
    if session.exec(flags).first() is None:
        session.add(FlagRow(item_number=own.item_number, user_id=own.user_id, note=note, created_at=now))
        payload = {"note": note}
        record_event(
            session=session, actor=HOLDER, tag=Tag.ITEM_FLAGGED, subject=item.id, payload=payload, now=now
        )  # fmt: skip
    return Use.CONFLICT, f"{person.name} answered differently here, or in another annotation"


def _weigh(
    *, session: Session, project: ExternalProjectRow, row: ExternalAnnotationRow, shown: bool, now: datetime
) -> None:
    """Settle a task anew, now that somebody answered it differently in both tools, or no longer did.

    `shown`: whoever settles it could see all that there is. Otherwise what they hold is taken from them and given anew.

    Raises:
        Conflict: others have built on what was settled, so that it stands.
    """
    found = _find_task(session=session, project=project, remote_id=row.remote_task)
    if found is None or found.kind == TaskKind.FAILURE_LABELS.value:  # those are not settled
        return
    task = session.exec(select(TaskRow).where(TaskRow.id == found.id).with_for_update()).one()
    contradicted = is_contradicted(session=session, task_id=task.id)
    if {"decided": not contradicted, "adjudicating": shown}.get(task.status, True):
        return
    item = session.get_one(ItemRow, task.item_number)
    reopen_task(
        session=session, task=task, item=item, actor=HOLDER, now=now, policy="label studio", reason=CONTRADICTED
    )  # fmt: skip
    session.flush()
    assert task.id is not None
    decide(session=session, task_id=task.id, now=now)


def _says(*, session: Session, review: ReviewRow, answers: Answers) -> bool:
    """Whether the review gives these answers; how long it took does not matter."""
    record = get_record(session=session, record_id=review.record_id, item_number=review.item_number)
    fields = set(type(answers).model_fields) - {"seconds"}
    return record.model_dump(mode="json", include=fields) == answers.model_dump(mode="json", include=fields)


def _record(
    *,
    session: Session,
    project: ExternalProjectRow,
    row: ExternalAnnotationRow,
    revision: ExternalRevisionRow,
    made: SubmittedReview,
    task: TaskRow,
    now: datetime,
) -> None:
    payload = {
        "review": made.record_id,
        "source": project.source,
        "project": project.remote_id,
        "annotation": row.annotation,
        "updated_at": revision.updated_at,
        "claimed": revision.claimed,
        "prefilled": revision.prefilled,
    }
    subject = f"study:{project.study}" if task.kind in STUDY_KINDS else made.item_id
    record_event(
        session=session, actor=HOLDER, tag=Tag.EXTERNAL_COUNTED, subject=subject, payload=payload, now=now
    )  # fmt: skip


def _find_task(*, session: Session, project: ExternalProjectRow, remote_id: int) -> TaskRow | None:
    return session.exec(
        select(TaskRow)
        .join(ExternalTaskRow, col(ExternalTaskRow.task_id) == TaskRow.id)
        .where(ExternalTaskRow.project_id == project.id, ExternalTaskRow.remote_id == remote_id)
    ).first()


def _standing(*, session: Session, row: ExternalAnnotationRow) -> ReviewRow | None:
    review = session.get(ReviewRow, row.review_id) if row.review_id is not None else None
    return review if review is not None and review.status == "submitted" else None


def _find_person(*, session: Session, project: ExternalProjectRow, claimed: str) -> UserRow | None:
    """Return the account that an e-mail stands for: the one named in the project's list, else the one called so."""
    found = session.exec(select(UserRow).where(UserRow.name == project.name_person(claimed))).first()
    return found if found is not None and may_answer(found) else None


def may_answer(person: UserRow) -> bool:
    """Whether an answer of this account would count."""
    return not person.disabled and bool({"annotator", "admin"} & set(person.roles.split()))


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
        for row in session.exec(waiting).all():
            use = count_annotation(session=session, project=project, row=row, now=now)
            counted += use in (Use.COUNTED, Use.SAME)
    return counted
