"""The review queue: tasks, and people's claims on them.

A task wants `overlap` different people. A claim takes one of its slots until it lapses; `open_slots` on the task
is what is left. Everything that changes a slot locks the task's row first, so that two people never get the last one.
"""

import json
import uuid
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, col, select

from storage import claim_queries as queries
from storage import study_queries
from storage.audit import Tag, lock_chain, record_event
from storage.claim_content import Claim, describe_claims
from storage.errors import ClaimLost, Conflict, InvalidRecord, NotFound
from storage.items import get_item, label
from storage.priorities import check_priority, find_mined, make_rank
from storage.records import SETTLING_KINDS, STUDY_KINDS, TaskKind
from storage.tables import ClaimRow, DraftRow, FlagRow, ItemRow, TaskRow, UserRow
from storage.texts import canonical_json, check_text, utc_now

CLAIM_TTL_S = 900
MAX_CLAIMS = 20
MAX_HELD = 60
"""Items that one person may hold at a time, over all tabs and scripts, so that nobody can empty the queue."""
MAX_OPEN_FLAGS = 5
"""Of one person on one item, so that nobody can bury the flags of others."""
MAX_DRAFT_BYTES = 30_000


def check_overlap(overlap: int) -> None:
    """Refuse a number of people that a task cannot want.

    Raises:
        InvalidRecord: it is not 1 to 20.
    """
    if not 1 <= overlap <= 20:
        raise InvalidRecord(f"overlap {overlap} is out of range; ask 1 to 20 people")


def open_task(
    *,
    session: Session,
    item_id: str,
    kind: TaskKind,
    overlap: int,
    priority: int | None = None,
    actor: str = "policy",
    now: datetime | None = None,
) -> TaskRow:
    """Ask `overlap` people about an item in its present round; the same task twice is opened once.

    Args:
        session: a write session; the caller commits.
        item_id: the item.
        kind: what is asked.
        overlap: how many different people, 1 to 20.
        priority: -100 to 100; a higher one comes first. None: what mining found for the item as it stands, else 0.
        actor: who asks.
        now: the time, for tests.

    Raises:
        NotFound: there is no such item.
        InvalidRecord: overlap or priority is out of range.
    """
    check_overlap(overlap)
    check_priority(priority or 0)
    now = now or utc_now()
    lock_chain(session=session)
    item = get_item(session=session, item_id=item_id)
    assert item.number is not None
    if priority is None:
        priority = find_mined(session=session, item=item)
    existing = session.exec(
        select(TaskRow)
        .where(TaskRow.item_number == item.number, TaskRow.kind == kind.value, TaskRow.round == item.round)
        .with_for_update()
    ).first()
    if existing is not None:
        if existing.status == "withdrawn":
            existing.status, existing.open_slots = "open", existing.overlap
            session.add(existing)
        return existing
    task = TaskRow(
        item_number=item.number,
        kind=kind.value,
        round=item.round,
        overlap=overlap,
        open_slots=overlap,
        rank=make_rank(item_id=item_id, priority=priority),
        created_at=now,
    )
    session.add(task)
    session.flush()
    payload = {"kind": kind.value, "round": item.round, "overlap": overlap}
    record_event(session=session, actor=actor, tag=Tag.TASK_OPENED, subject=item_id, payload=payload, now=now)
    return task


def claim_next(
    *,
    session: Session,
    user_id: int,
    kind: TaskKind,
    count: int = 1,
    holder: str = "",
    ttl_s: int = CLAIM_TTL_S,
    now: datetime | None = None,
) -> list[Claim]:
    """Return `count` claims of this person and holder: those held already, renewed, then new ones.

    So a request that is sent again after a lost reply gets the same items. Fewer come back when the queue has
    no more for this person. The caller commits.

    Raises:
        InvalidRecord: count is not 1 to 20, or the holder's name is too long.
        Conflict: this holder has nothing, and the person's other holders have all that one person may hold.
    """
    if not 1 <= count <= MAX_CLAIMS:
        raise InvalidRecord(f"count {count} is out of range; claim 1 to {MAX_CLAIMS} items at a time")
    if len(holder) > 64:
        raise InvalidRecord(f"holder has {len(holder)} characters; use at most 64")
    now = now or utc_now()
    expires_at = now + timedelta(seconds=ttl_s)
    # One request of a person at a time, or two tabs could claim the same task (PostgreSQL; SQLite has one writer).
    if session.get_bind().dialect.name == "postgresql":
        session.exec(queries.LOCK_PERSON, params={"user_id": user_id}).one()
    expire_claims(session=session, now=now)
    who = {"user_id": user_id, "kind": kind.value, "holder": holder, "limit": count}
    rows = list(session.exec(queries.HELD, params=who))
    for row in rows:
        row.expires_at = expires_at
        session.add(row)
    if len(rows) < count:
        room = MAX_HELD - session.exec(queries.HELD_IN_ALL, params={"user_id": user_id}).one()
        if room < 1 and not rows:
            raise Conflict(
                f"you hold {MAX_HELD} items in other tabs or scripts (`holder`), and nobody may hold more; finish or "
                f"release some, or wait until they lapse"
            )
        wanted = {"user_id": user_id, "limit": max(0, min(room, count - len(rows)))}
        tasks = _find_free(session=session, kind=kind, wanted=wanted)
        fresh = [
            ClaimRow(
                id=uuid.uuid4().hex,
                task_id=task_id,
                user_id=user_id,
                holder=holder,
                expires_at=expires_at,
                created_at=now + timedelta(microseconds=place),  # keeps the queue's order among claims of one call
            )
            for place, task_id in enumerate(tasks)
        ]
        session.add_all(fresh)
        _change_slots(session=session, changes=Counter(dict.fromkeys(tasks, -1)))
        rows += fresh
    session.flush()
    return describe_claims(session=session, rows=rows)


def claim_task(
    *, session: Session, user_id: int, task_id: int, holder: str, ttl_s: int = CLAIM_TTL_S, now: datetime | None = None
) -> ClaimRow | None:
    """Claim this very task for the person, under the rules by which `claim_next` gives it out; None: it would not.

    For answers that were given elsewhere. Lapsed claims keep their slots here: call `expire_claims` before. The caller
    commits.
    """
    now = now or utc_now()
    kind = TaskKind(session.get_one(TaskRow, task_id).kind)
    whose = {"user_id": user_id, "task_id": task_id}
    query = study_queries.FREE_CASE if kind in study_queries.FREE_CASE else queries.FREE_TASK
    if session.execute(query[kind], whose).first() is None:
        return None
    row = ClaimRow(
        id=uuid.uuid4().hex,
        task_id=task_id,
        user_id=user_id,
        holder=holder,
        expires_at=now + timedelta(seconds=ttl_s),
        created_at=now,
    )
    session.add(row)
    _change_slots(session=session, changes=Counter({task_id: -1}))
    session.flush()
    return row


def renew_claim(
    *, session: Session, user_id: int, claim_id: str, ttl_s: int = CLAIM_TTL_S, now: datetime | None = None
) -> datetime:
    """Extend a claim and return its new expiry. A lapsed claim is taken up again while its slot is free.

    Raises:
        NotFound: the person has no such claim.
        ClaimLost: the claim was given up, or somebody else has the slot.
    """
    now = now or utc_now()
    row = hold_claim(session=session, user_id=user_id, claim_id=claim_id, now=now).claim
    row.expires_at = now + timedelta(seconds=ttl_s)
    session.add(row)
    return row.expires_at


def release_claim(
    *, session: Session, user_id: int, claim_id: str, skip: bool = False, now: datetime | None = None
) -> None:
    """Give a claim back to the queue. With `skip`, the person is not offered it again until `unskip`.

    Giving back what is held no more changes nothing, so that it can be sent twice.

    Raises:
        NotFound: the person has no such claim.
    """
    row = _own_claim(session=session, user_id=user_id, claim_id=claim_id)
    if row.state == "active":
        _change_slots(session=session, changes=Counter({row.task_id: 1}))
    if row.state in ("active", "expired", "released"):
        row.state = "skipped" if skip else "released"
        session.add(row)


def unskip(*, session: Session, user_id: int, kind: TaskKind) -> int:
    """Offer the person again what they skipped and is still open; return how many."""
    skipped = list(
        session.exec(
            select(ClaimRow)
            .join(TaskRow, col(TaskRow.id) == ClaimRow.task_id)
            .where(
                ClaimRow.user_id == user_id,
                ClaimRow.state == "skipped",
                TaskRow.kind == kind.value,
                TaskRow.status == "open",
            )
        )
    )
    for row in skipped:
        row.state = "released"
        session.add(row)
    return len(skipped)


def save_draft(
    *, session: Session, user_id: int, claim_id: str, body: dict[str, Any], now: datetime | None = None
) -> datetime:
    """Keep what the person has filled in so far, for this task, whoever holds its slot later.

    Raises:
        NotFound: the person has no such claim.
        InvalidRecord: the draft is no storable JSON, or larger than 30,000 bytes.
    """
    now = now or utc_now()
    row = _own_claim(session=session, user_id=user_id, claim_id=claim_id)
    try:
        text = check_text(canonical_json(body))
    except (ValueError, TypeError) as exc:
        raise InvalidRecord(f"the draft cannot be stored: {exc}") from exc
    if "\\u0000" in json.dumps(body):
        raise InvalidRecord("the draft holds a NUL character (U+0000); remove it")
    size = len(text.encode())
    if size > MAX_DRAFT_BYTES:
        raise InvalidRecord(f"the draft has {size} bytes; keep it under {MAX_DRAFT_BYTES}")
    draft = session.get(DraftRow, (user_id, row.task_id))
    if draft is None:
        draft = DraftRow(user_id=user_id, task_id=row.task_id, body=text, updated_at=now)
    draft.body, draft.updated_at = text, now
    session.add(draft)
    return now


def add_flag(*, session: Session, user_id: int, claim_id: str, note: str, now: datetime | None = None) -> None:
    """Call a maintainer's attention to a claimed item. The claim stays as it is; the caller commits.

    Sending the same note again, while the first is open, changes nothing.

    Raises:
        NotFound: the person has no such claim.
        Conflict: the person has five open flags on this item.
        InvalidRecord: the note is longer than 2,000 characters or cannot be stored.
    """
    now = now or utc_now()
    try:
        note = check_text(note).strip()
    except ValueError as exc:
        raise InvalidRecord(f"the note cannot be stored: {exc}") from exc
    if len(note) > 2000:
        raise InvalidRecord(f"the note has {len(note)} characters; keep it under 2,000")
    lock_chain(session=session)
    row = _own_claim(session=session, user_id=user_id, claim_id=claim_id)
    task = session.get_one(TaskRow, row.task_id)
    item = session.get_one(ItemRow, task.item_number)
    person = session.get_one(UserRow, user_id)
    open_notes = session.exec(queries.OPEN_NOTES, params={"user_id": user_id, "item_number": task.item_number}).all()
    if note in open_notes:
        return
    if len(open_notes) >= MAX_OPEN_FLAGS:
        raise Conflict(
            f"you have {MAX_OPEN_FLAGS} open flags on {label(task.item_number)}; wait until a maintainer has seen them"
        )
    session.add(FlagRow(item_number=task.item_number, user_id=user_id, note=note, created_at=now))
    payload = {"note": note}
    record_event(
        session=session, actor=f"user:{person.name}", tag=Tag.ITEM_FLAGGED, subject=item.id, payload=payload, now=now
    )


def expire_claims(*, session: Session, now: datetime) -> int:
    """Return the slots of lapsed claims to the queue; how many."""
    lapsed = session.exec(queries.LAPSED, params={"now": now}).all()
    for row in lapsed:
        row.state = "expired"
        session.add(row)
    _change_slots(session=session, changes=Counter(row.task_id for row in lapsed))
    return len(lapsed)


@dataclass(frozen=True)
class HeldClaim:
    """An active claim and its task, both locked, with the item and the person."""

    claim: ClaimRow
    task: TaskRow
    item: ItemRow
    person: UserRow


def hold_claim(*, session: Session, user_id: int, claim_id: str, now: datetime) -> HeldClaim:
    """Return the claim, locked and active; takes a lapsed claim up again if its slot is free.

    Raises:
        NotFound: the person has no such claim.
        ClaimLost: the claim was given up or submitted, or others have finished the task.
    """
    found = session.exec(queries.CLAIM_AND_TASK, params={"claim_id": claim_id, "user_id": user_id}).first()
    if found is None:
        raise NotFound(f"you have no claim {claim_id!r}; claim the item first")
    row, task, item, person = found
    held = HeldClaim(claim=row, task=task, item=item, person=person)
    name = label(task.item_number)
    # After a study was closed, what somebody still holds is kept when it comes, marked late.
    if row.state == "active" and (task.status == "open" or task.kind in STUDY_KINDS):
        return held
    if row.state == "submitted":
        raise ClaimLost(f"your review of {name} was already submitted, perhaps in another tab")
    if task.status == "closed":
        raise ClaimLost(f"your claim on {name} lapsed, and its study was closed since; your draft is kept")
    if task.status != "open":
        raise ClaimLost(f"{name} was finished by others after your claim lapsed; your answer was not needed any more")
    if row.state != "expired":
        raise ClaimLost(f"your claim on {name} was {row.state}; claim the item again")
    if task.open_slots < 1:
        raise ClaimLost(f"your claim on {name} lapsed and somebody else has taken it; claim another item")
    if _has_claim(session=session, user_id=user_id, task_id=row.task_id):
        raise ClaimLost(f"you hold {name} under a newer claim, perhaps in another tab")
    if task.kind == TaskKind.LEAKAGE_CHECK.value and was_given_elsewhere(session=session, user_id=user_id, task=task):
        raise ClaimLost(
            f"you have been given {name} for review since, picture included, or looked it up; claim another item"
        )
    if _was_shown_the_answers(session=session, user_id=user_id, task=task):
        raise ClaimLost(f"you have seen what others said of {name}, so you cannot review it any more")
    task.open_slots -= 1
    row.state = "active"
    row.expires_at = now + timedelta(seconds=CLAIM_TTL_S)
    session.add_all((row, task))
    session.flush()
    return held


def withdraw_task(*, session: Session, task: TaskRow) -> None:
    """Ask nobody any more: claims on the task end. The caller holds the task's lock."""
    for claim in session.exec(select(ClaimRow).where(ClaimRow.task_id == task.id, ClaimRow.state == "active")):
        claim.state = "released"
        session.add(claim)
    task.status, task.open_slots = "withdrawn", 0
    session.add(task)


def discard_draft(*, session: Session, user_id: int, task_id: int) -> None:
    """Forget the person's draft for a task."""
    session.exec(queries.DISCARD_DRAFT, params={"user_id": user_id, "task_id": task_id})


def _own_claim(*, session: Session, user_id: int, claim_id: str) -> ClaimRow:
    row = session.exec(queries.OWN_CLAIM, params={"claim_id": claim_id, "user_id": user_id}).first()
    if row is None:
        raise NotFound(f"you have no claim {claim_id!r}; claim the item first")
    return row


def _change_slots(*, session: Session, changes: Counter[int]) -> None:
    for task_id in sorted(changes):  # in one order everywhere, so that two requests never wait for each other
        session.exec(queries.CHANGE_SLOTS, params={"task_id": task_id, "change": changes[task_id]})


def _has_claim(*, session: Session, user_id: int, task_id: int) -> bool:
    return session.exec(queries.OTHER_HOLD, params={"user_id": user_id, "task_id": task_id}).first() is not None


def _was_shown_the_answers(*, session: Session, user_id: int, task: TaskRow) -> bool:
    kind = TaskKind(task.kind)
    if kind in SETTLING_KINDS:
        return False
    query = study_queries.SHOWN_THE_SCORES if kind in STUDY_KINDS else queries.SHOWN_THE_ANSWERS
    return session.exec(query, params={"user_id": user_id, "task_id": task.id}).first() is not None


def _find_free(*, session: Session, kind: TaskKind, wanted: dict[str, int]) -> list[int]:
    """Return the ids of the first tasks that want somebody and have not had this person; their rows are locked."""
    if kind in (TaskKind.JUDGE_AUDIT, TaskKind.FAILURE_LABELS):
        return study_queries.find_free(session=session, kind=kind, **wanted)
    return list(session.exec(queries.FREE_TASKS[kind], params=wanted))


def was_given_elsewhere(*, session: Session, user_id: int, task: TaskRow) -> bool:
    """Whether the person ever had another task of the task's item, and so perhaps its picture, or looked at it all."""
    return session.exec(queries.HAS_SEEN_ITEM, params={"user_id": user_id, "task_id": task.id}).first() is not None
