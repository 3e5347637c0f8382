"""What comes of answers that people gave in another annotation tool, by the rules of the queue.

An annotation that may count becomes a review under a claim: so a decision that rests on it is the one that the same
answers given here would have reached. Who gave it is a claim of the other server, which the audit log says beside it.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlmodel import Session, col, select

from storage.audit import Tag, lock_chain, record_event
from storage.claims import claim_task, expire_claims, release_claim
from storage.contradictions import is_contradicted, read_settled_at
from storage.errors import Conflict, InvalidRecord
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
TOGETHER = 500
"""For how many annotations tasks and people are looked up at once."""


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
class _Batch:
    """What annotations that are counted together have in common."""

    session: Session
    project: ExternalProjectRow
    now: datetime
    retried: bool
    tasks: dict[int, TaskRow]
    """By the other server's number; who is not in it was not pushed from here."""
    people: dict[str, UserRow]
    """By name."""

    def find_person(self, claimed: str) -> UserRow | None:
        """Return the account of an e-mail: the one named in the project's list, else the one called so."""
        found = self.people.get(self.project.name_person(claimed))
        return found if found is not None and may_answer(found) else None


def count_annotations(
    *,
    session: Session,
    project: ExternalProjectRow,
    rows: Sequence[ExternalAnnotationRow],
    retried: bool = False,
    now: datetime | None = None,
) -> list[Use]:
    """Let the newest revisions of annotations count, as far as they may; return what came of each. The caller commits.

    Calling it again changes nothing. What the rules of the queue refuse is data, not an error.

    Args:
        session: a write session.
        project: of the annotations.
        rows: the annotations, in the order in which they count.
        retried: whether these revisions were tried before.
        now: the time, for tests.
    """
    now = now or utc_now()
    lock_chain(session=session)
    expire_claims(session=session, now=now)
    batches = (rows[start : start + TOGETHER] for start in range(0, len(rows), TOGETHER))
    return [
        use
        for batch in batches
        for use in _count_rows(session=session, project=project, rows=batch, retried=retried, now=now)
    ]


def _count_rows(
    *,
    session: Session,
    project: ExternalProjectRow,
    rows: Sequence[ExternalAnnotationRow],
    retried: bool,
    now: datetime,
) -> Iterator[Use]:
    numbers = {row.revision_id for row in rows}
    found = session.exec(select(ExternalRevisionRow).where(col(ExternalRevisionRow.id).in_(numbers)))
    revisions = {revision.id: revision for revision in found}
    batch = _Batch(
        session=session,
        project=project,
        now=now,
        retried=retried,
        tasks=_find_tasks(session=session, project=project, remote_ids={row.remote_task for row in rows}),
        people=_find_people(session=session, names={project.name_person(it.claimed) for it in revisions.values()}),
    )
    for row in rows:
        yield _count_row(batch, row=row, revision=revisions[row.revision_id])


def _count_row(batch: _Batch, *, row: ExternalAnnotationRow, revision: ExternalRevisionRow) -> Use:
    session = batch.session
    try:
        with session.begin_nested():
            was = row.use
            use, reason = _settle(batch, row=row, revision=revision)
            row.use = use.value
            session.add(row)
            session.flush()
            if Use.CONFLICT in (use, was) and use is not Use.SETTLED:
                _weigh(batch, row=row, shown=batch.retried and use.value == was)
    except (Conflict, InvalidRecord) as exc:
        use, reason = (Use.LATE if isinstance(exc, Conflict) else Use.UNREADABLE), str(exc)
    row.use, row.reason = use.value, reason
    session.add(row)
    session.flush()
    return use


def _settle(batch: _Batch, *, row: ExternalAnnotationRow, revision: ExternalRevisionRow) -> tuple[Use, str]:
    session, project, now = batch.session, batch.project, batch.now
    task = batch.tasks.get(row.remote_task)
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
    person = batch.find_person(revision.claimed)
    if person is None or person.id is None:
        return Use.UNKNOWN_PERSON, f"no annotator here is called {revision.claimed!r}"
    if project.person and person.name != project.person:
        return Use.WRONG_PERSON, f"{person.name} answered in the project of {project.person}"
    answers = shape_of(TaskKind(task.kind)).model_validate_json(revision.answers)
    if standing is not None and standing.user_id != person.id:
        return Use.CONFLICT, "the annotation changed its author; the first one's answer stands"
    if standing is not None and _says(session=session, review=standing, answers=answers):
        return Use.COUNTED, ""
    return _count(batch, row=row, revision=revision, task=task, person=person, answers=answers, standing=standing)


def _count(
    batch: _Batch,
    *,
    row: ExternalAnnotationRow,
    revision: ExternalRevisionRow,
    task: TaskRow,
    person: UserRow,
    answers: Answers,
    standing: ReviewRow | None,
) -> tuple[Use, str]:
    session, project, now = batch.session, batch.project, batch.now
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
            return _compare(batch, own=own, revision=revision, task=task, person=person, answers=answers)
        if task.kind in STUDY_KINDS and is_late(session=session, task=task):
            return Use.LATE, "the study was closed before this answer"
        if task.status != "open":
            return Use.EXTRA, "others had finished the item"
        claim = claim_task(session=session, user_id=person.id, task_id=task.id, holder=HOLDER, now=now)
        if claim is None:
            session.refresh(task)
            if task.open_slots < 1:
                return Use.WAITING, "somebody holds the last place"
            return Use.NOT_BLIND, f"{person.name} has the item open here, or was given what would spoil a first look"
        claim_id = claim.id
    key = hash_json([project.source, project.remote_id, revision.id])
    made = submit_review(
        session=session, user_id=person.id, claim_id=claim_id, answers=answers, idempotency_key=key, now=now
    )
    _record(batch, row=row, revision=revision, made=made, task=task)
    row.review_id = made.review_id
    return Use.COUNTED, ""


def _compare(
    batch: _Batch,
    *,
    own: ReviewRow,
    revision: ExternalRevisionRow,
    task: TaskRow,
    person: UserRow,
    answers: Answers,
) -> tuple[Use, str]:
    """The person has answered by another way: here, or in another annotation. Neither answer is taken silently."""
    session, now = batch.session, batch.now
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


def _weigh(batch: _Batch, *, row: ExternalAnnotationRow, shown: bool) -> None:
    """Settle a task anew, now that somebody answered it differently in both tools, or no longer did.

    `shown`: whoever settles it could see all that there is. Otherwise what they hold is taken from them and given anew.

    Raises:
        Conflict: others have built on what was settled, so that it stands.
    """
    session, now = batch.session, batch.now
    found = batch.tasks.get(row.remote_task)
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
    batch: _Batch,
    *,
    row: ExternalAnnotationRow,
    revision: ExternalRevisionRow,
    made: SubmittedReview,
    task: TaskRow,
) -> None:
    project = batch.project
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
        session=batch.session, actor=HOLDER, tag=Tag.EXTERNAL_COUNTED, subject=subject, payload=payload, now=batch.now
    )


def _find_tasks(*, session: Session, project: ExternalProjectRow, remote_ids: Collection[int]) -> dict[int, TaskRow]:
    query = (
        select(ExternalTaskRow.remote_id, TaskRow)
        .join(TaskRow, col(TaskRow.id) == ExternalTaskRow.task_id)
        .where(ExternalTaskRow.project_id == project.id, col(ExternalTaskRow.remote_id).in_(remote_ids))
        .execution_options(populate_existing=True)
    )
    return dict(session.exec(query).all())


def _find_people(*, session: Session, names: Collection[str]) -> dict[str, UserRow]:
    return {row.name: row for row in session.exec(select(UserRow).where(col(UserRow.name).in_(names)))}


def _standing(*, session: Session, row: ExternalAnnotationRow) -> ReviewRow | None:
    review = session.get(ReviewRow, row.review_id) if row.review_id is not None else None
    return review if review is not None and review.status == "submitted" else None


def may_answer(person: UserRow) -> bool:
    """Whether an answer of this account would count."""
    return not person.disabled and bool({"annotator", "admin"} & set(person.roles.split()))
