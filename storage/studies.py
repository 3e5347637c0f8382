"""Human studies of a judge run: making one, how far it is, closing it.

`storage.study_audits` takes the answers to a study of the judge, `storage.study_failures` those to one of failures. A
study asks `annotators` different people about each answer that was drawn, each in an order of their own. When it is
closed, everything that the report rests on is frozen as one text; what is sent afterwards is kept, marked late.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import case, func
from sqlmodel import Session, col, select

from storage.audit import Tag, lock_chain, record_event
from storage.claims import check_overlap, expire_claims
from storage.errors import Conflict, InvalidRecord, NotFound
from storage.items import get_item
from storage.priorities import make_rank
from storage.records import StudyKind, TaskKind
from storage.study_audits import name_subject
from storage.study_frozen import StudyReview, freeze_content, read_reviews
from storage.study_queries import TAKEN_STATES
from storage.tables import (
    ClaimRow,
    ItemRow,
    ReviewRow,
    StudyItemRow,
    StudyKeyRow,
    StudyRow,
    StudyTextRow,
    TaskRow,
    UserRow,
)
from storage.texts import canonical_json, hash_json, utc_now

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
ASKED = {StudyKind.JUDGE: TaskKind.JUDGE_AUDIT, StudyKind.FAILURES: TaskKind.FAILURE_LABELS}
"""What a study asks about each of its answers."""
COMMANDS = {StudyKind.JUDGE: "curator study", StudyKind.FAILURES: "curator failures"}


@dataclass(frozen=True)
class DrawnAnswer:
    """One answer that the study asks about: drawn from the run, or an attention check with known scores."""

    item_id: str
    asked: str
    answer: str
    sample: int = 0
    stratum: str = ""
    weight: float = 1.0
    judged: Mapping[str, Any] | None = None
    """`panel`: R, S, E; `judges`: role -> R, S, E; in a study of failures `why`. None for an attention check."""
    known: Mapping[str, int] | None = None
    """Of an attention check: dimension -> score. None for an answer of the model."""


@dataclass(frozen=True)
class StudyPlan:
    """What a study is made of; the fields are those of `StudyRow`."""

    name: str
    release_version: str
    release_digest: str
    run: str
    model: str
    mode: str
    rubric_version: str
    rubric_sha256: str
    rubric: str
    seed: int
    stratify: tuple[str, ...]
    annotators: int
    population: Mapping[str, Any]
    """What the judge gave every answer of the run; kept with the study as JSON."""
    kind: StudyKind = StudyKind.JUDGE


@dataclass(frozen=True)
class StudyProgress:
    """How far a study is: counts, and nothing of any score."""

    name: str
    kind: str
    """What people do: `judge` (score) or `failures` (label)."""
    release: str
    run: str
    state: str
    """`open` while annotators work, `consensus` (of failures: `labelled`) once all have, then `closed`."""
    answers: int
    """Drawn from the run."""
    attention_checks: int
    annotators: int
    """How many people score each."""
    submitted: int
    needed: int
    agreed: int
    to_settle: int
    """Answers that were scored differently and wait for the consensus."""
    settled: int
    """By consensus; a study of failures has none, and all its finished answers count as agreed."""
    late: int
    """Answers, and answers taken back, that came after the closing."""
    people: tuple[tuple[str, int], ...]
    """Who submitted how much, by name; their number in the report is their place in this list."""
    created_at: datetime
    closed_at: datetime | None

    @property
    def left(self) -> list[str]:
        """What is still to be done, in words; empty when nothing is."""
        missing = self.needed - self.submitted
        verb = "score" if self.kind == StudyKind.JUDGE.value else "label"
        scored = [f"{missing} of {self.needed} answers to {verb}"] if missing else []
        return scored + ([f"{self.to_settle} differences to settle"] if self.to_settle else [])


def create_study(
    *,
    session: Session,
    plan: StudyPlan,
    answers: Sequence[DrawnAnswer],
    actor: str,
    now: datetime | None = None,
) -> StudyRow:
    """Write a study and ask about each of its answers. The caller commits.

    Raises:
        InvalidRecord: the name cannot be used, the number of annotators is out of range, or there are no answers.
        Conflict: the name is taken.
        NotFound: an answer is about an item that is not in this workspace.
    """
    now = now or utc_now()
    check_overlap(plan.annotators)
    if not answers:
        raise InvalidRecord("a study needs at least one answer to score")
    lock_chain(session=session)
    check_new_name(session=session, name=plan.name)
    study = StudyRow(
        **{name: getattr(plan, name) for name in StudyPlan.__dataclass_fields__ if name in StudyRow.model_fields}
        | {"stratify": ",".join(plan.stratify), "kind": plan.kind.value, "author": actor, "created_at": now}
    )
    session.add(study)
    session.flush()
    assert study.id is not None
    texts = {"rubric": plan.rubric, "population": canonical_json(plan.population)}
    session.add_all(StudyTextRow(study_id=study.id, kind=kind, body=body) for kind, body in texts.items())
    # Shuffled, so that the numbers tell neither strata nor attention checks.
    shuffled = sorted(enumerate(answers), key=lambda pair: hash_json(["place", plan.seed, pair[0], pair[1].item_id]))
    _ask(session=session, study=study, answers=[answer for _, answer in shuffled], now=now)
    payload = {
        "release": plan.release_digest,
        "run": plan.run,
        "rubric": plan.rubric_sha256,
        "seed": plan.seed,
        "stratify": study.stratify,
        "answers": len(answers),
        "annotators": plan.annotators,
        "sample": hash_json([[answer.item_id, answer.sample, answer.answer] for answer in answers]),
    }
    if plan.kind is not StudyKind.JUDGE:
        payload["kind"] = plan.kind.value
    subject = name_subject(plan.name)
    record_event(session=session, actor=actor, tag=Tag.STUDY_CREATED, subject=subject, payload=payload, now=now)
    return study


def check_new_name(*, session: Session, name: str) -> None:
    """Return if a study may be made under this name.

    Raises:
        InvalidRecord: the name cannot be used.
        Conflict: it is taken.
    """
    if not NAME.fullmatch(name):
        raise InvalidRecord(
            f"study name {name[:80]!r} cannot be used; take 1 to 64 letters, digits, '.', '_' and '-', "
            "and begin with a letter or digit"
        )
    if session.exec(select(StudyRow.id).where(StudyRow.name == name)).first() is not None:
        raise Conflict(f"there is already a study {name!r}; choose another name")


def get_study(*, session: Session, name: str, kind: StudyKind = StudyKind.JUDGE) -> StudyRow:
    """Return a study of a kind by its name.

    Raises:
        NotFound: there is none; the message names those that there are.
    """
    study = session.exec(select(StudyRow).where(StudyRow.name == name, StudyRow.kind == kind.value)).first()
    if study is None:
        names = select(StudyRow.name).where(StudyRow.kind == kind.value).order_by(col(StudyRow.id))
        known = ", ".join(session.exec(names)) or "none yet"
        what = "study" if kind is StudyKind.JUDGE else "study of failures"
        raise NotFound(f"there is no {what} {name[:80]!r}; there are: {known}. `{COMMANDS[kind]} create` makes one")
    return study


def list_studies(*, session: Session, kind: StudyKind = StudyKind.JUDGE) -> list[StudyRow]:
    """Return all studies of a kind, the newest first."""
    return list(session.exec(select(StudyRow).where(StudyRow.kind == kind.value).order_by(col(StudyRow.id).desc())))


def studies_under_way(*, session: Session) -> frozenset[str]:
    """Return the names of the studies, of any kind, that are not closed."""
    return frozenset(session.exec(select(StudyRow.name).where(col(StudyRow.closed_at).is_(None))))


def takes_part(*, session: Session, study: StudyRow, user_id: int) -> bool:
    """Whether the person has sent, skipped or holds an answer of the study, or a difference to settle."""
    query = (
        select(ClaimRow.id)
        .join(
            StudyItemRow,
            (col(StudyItemRow.task_id) == ClaimRow.task_id) | (col(StudyItemRow.consensus_task_id) == ClaimRow.task_id),
        )
        .where(StudyItemRow.study_id == study.id, ClaimRow.user_id == user_id, col(ClaimRow.state).in_(TAKEN_STATES))
        .limit(1)
    )
    return session.exec(query).first() is not None


def read_drawn_under_way(*, session: Session, run: str, user_id: int, asked: bool) -> frozenset[tuple[str, int]]:
    """Return (item id, sample) of the answers of a judge run that this person must not see the judge's scores of.

    Those are the answers drawn for studies that are not closed, when the person is `asked` to score, or has been.
    """
    found: set[tuple[str, int]] = set()
    for study in session.exec(select(StudyRow).where(StudyRow.run == run, col(StudyRow.closed_at).is_(None))):
        if not asked and not takes_part(session=session, study=study, user_id=user_id):
            continue
        rows = session.exec(
            select(ItemRow.id, StudyKeyRow.sample)
            .join(StudyItemRow, col(StudyItemRow.item_number) == ItemRow.number)
            .join(StudyKeyRow, col(StudyKeyRow.study_item_id) == StudyItemRow.id)
            .where(StudyItemRow.study_id == study.id, col(StudyKeyRow.known).is_(None))
        )
        found.update((item_id, sample) for item_id, sample in rows)
    return frozenset(found)


def read_study_progress(*, session: Session, study: StudyRow) -> StudyProgress:
    """Return how far a study is. Counts only."""
    rows = session.exec(
        select(TaskRow.status, col(StudyKeyRow.known).is_not(None))
        .join(StudyItemRow, col(StudyItemRow.task_id) == TaskRow.id)
        .join(StudyKeyRow, col(StudyKeyRow.study_item_id) == StudyItemRow.id)
        .where(StudyItemRow.study_id == study.id)
    ).all()
    submitted, needed, audits_open = session.exec(
        select(
            func.coalesce(func.sum(TaskRow.submitted), 0),
            func.coalesce(func.sum(TaskRow.overlap), 0),
            func.coalesce(func.sum(case((col(TaskRow.status) == "open", 1), else_=0)), 0),
        )
        .join(StudyItemRow, col(StudyItemRow.task_id) == TaskRow.id)
        .where(StudyItemRow.study_id == study.id)
    ).one()
    settled = _count_settled(session=session, study=study)
    done = "consensus" if study.kind == StudyKind.JUDGE.value else "labelled"
    state = "closed" if study.closed_at is not None else "open" if audits_open else done
    sampled = [status for status, is_check in rows if not is_check]
    waiting = sampled.count("adjudicating")
    return StudyProgress(
        name=study.name,
        kind=study.kind,
        release=study.release_version,
        run=study.run,
        state=state,
        answers=len(sampled),
        attention_checks=len(rows) - len(sampled),
        annotators=study.annotators,
        submitted=submitted,
        needed=needed,
        agreed=sampled.count("decided") - settled,
        to_settle=waiting,
        settled=settled,
        late=len(read_late(session=session, study=study)),
        people=_count_people(session=session, study=study),
        created_at=study.created_at,
        closed_at=study.closed_at,
    )


def close_study(
    *,
    session: Session,
    name: str,
    actor: str,
    kind: StudyKind = StudyKind.JUDGE,
    force: bool = False,
    now: datetime | None = None,
) -> StudyRow:
    """Freeze a study. Closing a closed one changes nothing. The caller commits.

    Raises:
        NotFound: there is no such study.
        Conflict: there is work left and `force` is not set; the message lists it.
    """
    now = now or utc_now()
    lock_chain(session=session)
    study = get_study(session=session, name=name, kind=kind)
    if study.closed_at is not None:
        return study
    expire_claims(session=session, now=now)
    left = read_study_progress(session=session, study=study).left
    if left and not force:
        raise Conflict(
            f"study {name} has work left: {'; '.join(left)}. Finish it, or close it as it is with --force: "
            "what comes later is kept and marked late, and changes nothing"
        )
    study.closed_at, study.closed_by = now, actor
    session.add(study)
    _stop_asking(session=session, study=study)
    frozen = freeze_content(session=session, study=study)
    assert study.id is not None
    session.add(StudyTextRow(study_id=study.id, kind="frozen", body=frozen))
    study.frozen_sha256 = hashlib.sha256(frozen.encode("utf-8")).hexdigest()
    payload = {"frozen": study.frozen_sha256, "left": left}
    subject = name_subject(name)
    record_event(session=session, actor=actor, tag=Tag.STUDY_CLOSED, subject=subject, payload=payload, now=now)
    return study


def read_frozen(*, session: Session, study: StudyRow) -> dict[str, Any]:
    """Return what was frozen when the study was closed.

    Raises:
        Conflict: it is not closed yet.
        InvalidRecord: the text is not the one that was frozen.
    """
    if study.frozen_sha256 is None:
        left = read_study_progress(session=session, study=study).left
        raise Conflict(
            f"study {study.name} is not closed yet ({'; '.join(left) or 'nothing is left to do'}); "
            f"run `{COMMANDS[StudyKind(study.kind)]} close {study.name}` first"
        )
    body = session.get_one(StudyTextRow, (study.id, "frozen")).body
    if hashlib.sha256(body.encode("utf-8")).hexdigest() != study.frozen_sha256:
        raise InvalidRecord(f"the frozen content of study {study.name} was changed in the database; restore a backup")
    content: dict[str, Any] = json.loads(body)
    return content


def read_late(*, session: Session, study: StudyRow) -> list[StudyReview]:
    """Return the answers that came, or were taken back, after the study was closed, oldest first."""
    if study.closed_at is None:
        return []
    return [review for review in read_reviews(session=session, study=study) if review.late]


def _ask(*, session: Session, study: StudyRow, answers: Sequence[DrawnAnswer], now: datetime) -> None:
    assert study.id is not None
    items = {}
    for answer in answers:
        if answer.item_id not in items:
            items[answer.item_id] = get_item(session=session, item_id=answer.item_id)
    cases = [
        StudyItemRow(
            study_id=study.id,
            item_number=items[answer.item_id].number or 0,
            asked=answer.asked,
            answer=answer.answer,
        )
        for answer in answers
    ]
    for place, row in enumerate(cases):  # one by one, so that the numbers follow the order
        session.add(row)
        session.flush()
        assert row.id is not None
        answer = answers[place]
        task = TaskRow(
            item_number=row.item_number,
            kind=ASKED[StudyKind(study.kind)].value,
            round=-row.id,
            overlap=study.annotators,
            open_slots=study.annotators,
            rank=make_rank(item_id=answer.item_id, priority=0),
            created_at=now,
        )
        session.add(task)
        session.flush()
        row.task_id = task.id
        key = StudyKeyRow(
            study_item_id=row.id,
            sample=answer.sample,
            stratum=answer.stratum,
            weight=answer.weight,
            judged=None if answer.judged is None else canonical_json(answer.judged),
            known=None if answer.known is None else canonical_json(answer.known),
        )
        session.add_all((row, key))
    session.flush()


def _stop_asking(*, session: Session, study: StudyRow) -> None:
    """Close the study's unfinished tasks. Claims that are held stay: what is sent under them is kept as late."""
    query = (
        select(TaskRow)
        .join(
            StudyItemRow,
            (col(StudyItemRow.task_id) == TaskRow.id) | (col(StudyItemRow.consensus_task_id) == TaskRow.id),
        )
        .where(StudyItemRow.study_id == study.id, col(TaskRow.status).in_(("open", "adjudicating")))
    )
    for task in session.exec(query.with_for_update(of=TaskRow)).all():
        task.status, task.open_slots = "closed", 0
        session.add(task)
    session.flush()


def _count_settled(*, session: Session, study: StudyRow) -> int:
    return session.exec(
        select(func.count())
        .select_from(TaskRow)
        .join(StudyItemRow, col(StudyItemRow.consensus_task_id) == TaskRow.id)
        .where(StudyItemRow.study_id == study.id, TaskRow.status == "decided")
    ).one()


def _count_people(*, session: Session, study: StudyRow) -> tuple[tuple[str, int], ...]:
    rows = session.exec(
        select(UserRow.name, func.count())
        .join(ReviewRow, col(ReviewRow.user_id) == UserRow.id)
        .join(StudyItemRow, col(StudyItemRow.task_id) == ReviewRow.task_id)
        .where(StudyItemRow.study_id == study.id, ReviewRow.status == "submitted")
        .group_by(UserRow.name)
        .order_by(UserRow.name)
    )
    return tuple((name, count) for name, count in rows)
