"""The queries of the review queue, built once.

Building a statement costs several times what SQLite needs to run it, and these run for every claim and every
review. Parameters are bound by name at the call.
"""

from sqlalchemy import ColumnElement, bindparam, exists, func, literal_column, or_, update
from sqlalchemy.orm import aliased
from sqlmodel import col, delete, select

from storage import study_queries
from storage.records import SETTLING_KINDS, STUDY_KINDS, TaskKind
from storage.stages import Stage
from storage.study_queries import TAKEN_STATES as TAKEN_STATES
from storage.tables import ClaimRow, DraftRow, FlagRow, ItemRow, RecordRow, ReviewRow, TaskRow, UserRow

CHECKED_STATES = ("active", "submitted", "undone")
"""A person with a claim on a leakage check in one of these is offered neither the item's review nor its difference."""

LOCK_PERSON = select(UserRow.id).where(UserRow.id == bindparam("user_id")).with_for_update(key_share=True)

LAPSED = (
    select(ClaimRow)
    .where(ClaimRow.state == "active", col(ClaimRow.expires_at) < bindparam("now"))
    .limit(500)
    .with_for_update(skip_locked=True)
)

HELD = (
    select(ClaimRow)
    .join(TaskRow, col(TaskRow.id) == ClaimRow.task_id)
    .where(
        ClaimRow.user_id == bindparam("user_id"),
        ClaimRow.state == "active",
        ClaimRow.holder == bindparam("holder"),
        TaskRow.kind == bindparam("kind"),
        TaskRow.status == "open",  # what is held of a closed study may still be sent, and is not offered any more
    )
    .order_by(col(ClaimRow.created_at), col(ClaimRow.id))
    .limit(bindparam("limit"))
)

HELD_IN_ALL = (
    select(func.count())
    .select_from(ClaimRow)
    # Written out rather than bound, so that the index on active claims serves.
    .where(ClaimRow.user_id == bindparam("user_id"), col(ClaimRow.state) == literal_column("'active'"))
)

OWN_CLAIM = (
    select(ClaimRow)
    .where(ClaimRow.id == bindparam("claim_id"), ClaimRow.user_id == bindparam("user_id"))
    .with_for_update()
    .execution_options(populate_existing=True)
)

CLAIM_AND_TASK = (
    # The item and the person come along, so that what follows finds them in the session.
    select(ClaimRow, TaskRow, ItemRow, UserRow)
    .join(TaskRow, col(TaskRow.id) == ClaimRow.task_id)
    .join(ItemRow, col(ItemRow.number) == TaskRow.item_number)
    .join(UserRow, col(UserRow.id) == ClaimRow.user_id)
    .where(ClaimRow.id == bindparam("claim_id"), ClaimRow.user_id == bindparam("user_id"))
    .with_for_update(of=(ClaimRow, TaskRow))
    .execution_options(populate_existing=True)
)

_Difference = aliased(TaskRow)


def _was_shown_the_answers() -> ColumnElement[bool]:
    """Whether the person was ever given the adjudication of the review task's round, and with it the answers.

    Or a leakage adjudication of the item, which shows the hazard, so that no review of theirs would be a first look.
    """
    return exists().where(
        col(_Difference.item_number) == TaskRow.item_number,
        or_(
            (col(_Difference.kind) == TaskKind.ADJUDICATION.value) & (col(_Difference.round) == TaskRow.round),
            col(_Difference.kind) == TaskKind.LEAKAGE_ADJUDICATION.value,
        ),
        col(ClaimRow.task_id) == _Difference.id,
        col(ClaimRow.user_id) == bindparam("user_id"),
    )


SHOWN_THE_ANSWERS = select(TaskRow.id).where(TaskRow.id == bindparam("task_id"), _was_shown_the_answers())

OTHER_HOLD = select(ClaimRow.id).where(
    ClaimRow.user_id == bindparam("user_id"),
    ClaimRow.task_id == bindparam("task_id"),
    col(ClaimRow.state).in_(("active", "submitted")),
)

WORK = (
    select(TaskRow, ItemRow, DraftRow)
    .join(ItemRow, col(ItemRow.number) == TaskRow.item_number)
    .join(
        DraftRow,
        (col(DraftRow.task_id) == TaskRow.id) & (col(DraftRow.user_id) == bindparam("user_id")),
        isouter=True,
    )
    .where(col(TaskRow.id).in_(bindparam("task_ids", expanding=True)))
)

BODIES = select(RecordRow.item_number, RecordRow.id, RecordRow.body).where(
    col(RecordRow.item_number).in_(bindparam("numbers", expanding=True)),
    col(RecordRow.id).in_(bindparam("record_ids", expanding=True)),
)

CHANGE_SLOTS = (
    update(TaskRow)
    .where(col(TaskRow.id) == bindparam("task_id"))
    .values(open_slots=TaskRow.open_slots + bindparam("change"))
    .execution_options(synchronize_session=False)
)

OPEN_NOTES = select(FlagRow.note).where(
    FlagRow.user_id == bindparam("user_id"),
    FlagRow.item_number == bindparam("item_number"),
    col(FlagRow.resolved_at).is_(None),
)

DISCARD_DRAFT = (
    delete(DraftRow)
    .where(col(DraftRow.user_id) == bindparam("user_id"), col(DraftRow.task_id) == bindparam("task_id"))
    .execution_options(synchronize_session=False)
)

ROUND_REVIEWS = (
    select(RecordRow.body)
    .join(
        ReviewRow,
        (col(ReviewRow.record_id) == RecordRow.id) & (col(ReviewRow.item_number) == RecordRow.item_number),
    )
    .join(TaskRow, col(TaskRow.id) == ReviewRow.task_id)
    .where(
        ReviewRow.item_number == bindparam("item_number"),
        ReviewRow.status == "submitted",
        TaskRow.round == bindparam("round"),
        TaskRow.kind == bindparam("kind"),
    )
    .order_by(col(ReviewRow.id))
)
"""The standing answers to one kind of task about an item in a round, oldest first."""

LOCKS = (
    select(RecordRow.body)
    .join(UserRow, "user:" + col(UserRow.name) == col(RecordRow.actor))
    .where(
        UserRow.id == bindparam("user_id"),
        RecordRow.item_number == bindparam("item_number"),
        col(RecordRow.kind).in_(("leak_guess", "leak_findings")),
    )
    .order_by(col(RecordRow.seq))
)
"""What a person has locked about an item, in any round."""

_Other = aliased(TaskRow)


def _has_held(*conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    """Whether the person ever had a claim on another task of the task's item."""
    return exists().where(
        col(_Other.item_number) == TaskRow.item_number,
        col(_Other.id) != TaskRow.id,
        col(ClaimRow.task_id) == _Other.id,
        col(ClaimRow.user_id) == bindparam("user_id"),
        *conditions,
    )


_LOOKED = exists().where(
    col(ClaimRow.task_id) == TaskRow.id,
    col(ClaimRow.user_id) == bindparam("user_id"),
    col(ClaimRow.state) == "seen",
)

HAS_SEEN_ITEM = select(TaskRow.id).where(TaskRow.id == bindparam("task_id"), or_(_has_held(), _LOOKED))


_Answered = aliased(TaskRow)


def _has_answered() -> ColumnElement[bool]:
    """Whether the person has a part in what is to be settled: they answered the item, or settled it in another round.

    Who has settled another difference of the same round may go on: they gave none of the answers.
    """
    return exists().where(
        col(ReviewRow.item_number) == TaskRow.item_number,
        col(ReviewRow.user_id) == bindparam("user_id"),
        col(ReviewRow.status) == "submitted",
        col(ReviewRow.task_id) != TaskRow.id,
        col(_Answered.id) == ReviewRow.task_id,
        or_(
            col(_Answered.kind).not_in(sorted(kind.value for kind in SETTLING_KINDS)),
            col(_Answered.round) != TaskRow.round,
        ),
    )


def _is_free(kind: TaskKind) -> list[ColumnElement[bool]]:
    """What must hold for a task of the kind to be given to the person."""
    conditions: list[ColumnElement[bool]] = [
        col(TaskRow.kind) == kind.value,
        col(TaskRow.status) == "open",
        col(TaskRow.open_slots) > 0,
        ~exists().where(
            col(ClaimRow.task_id) == TaskRow.id,
            col(ClaimRow.user_id) == bindparam("user_id"),
            col(ClaimRow.state).in_(TAKEN_STATES),
        ),
    ]
    if kind in (TaskKind.LEAKAGE_CHECK, TaskKind.LEAKAGE_ADJUDICATION):
        in_review = exists().where(
            col(ItemRow.number) == TaskRow.item_number,
            col(ItemRow.round) == TaskRow.round,
            col(ItemRow.stage).in_((Stage.REFINED.value, Stage.REVIEWED.value)),
        )
        conditions.append(in_review)
    if kind is TaskKind.LEAKAGE_CHECK:  # whoever was given the item before has its picture, and cannot guess blind
        conditions.append(~_has_held())
    else:  # a review shows the picture of an item whose query they are about to judge alone
        states = ("active",) if kind is TaskKind.ADJUDICATION else CHECKED_STATES
        # and whoever has finished a check has read the hazard, so that a review of theirs would be no first look
        conditions.append(~_has_held(col(_Other.kind) == TaskKind.LEAKAGE_CHECK.value, col(ClaimRow.state).in_(states)))
    if kind in SETTLING_KINDS:  # nobody settles a difference that they are part of
        conditions.append(~_has_answered())
    elif (
        kind is TaskKind.SCENARIO_REVIEW
    ):  # a difference is withdrawn when a review behind it is undone; who has seen it cannot review blind
        conditions.append(~_was_shown_the_answers())
    return conditions


def _free_tasks(kind: TaskKind):  # type: ignore[no-untyped-def]  # the type of a select is longer than the function
    query = select(TaskRow.id).where(*_is_free(kind)).order_by(col(TaskRow.rank), col(TaskRow.id))
    return query.limit(bindparam("limit")).with_for_update(skip_locked=True)


FREE_TASK = {
    kind: select(TaskRow.id).where(*_is_free(kind), TaskRow.id == bindparam("task_id")).with_for_update()
    for kind in TaskKind
    if kind not in STUDY_KINDS
}
"""The one task, if it would be given to the person."""
COUNT_FREE = {
    kind: select(func.count()).select_from(TaskRow).where(*_is_free(kind)) for kind in SETTLING_KINDS - STUDY_KINDS
}
"""How many differences would be given to the person."""
FREE_TASKS = {kind: _free_tasks(kind) for kind in TaskKind if kind not in STUDY_KINDS}
FREE_TASKS[TaskKind.JUDGE_CONSENSUS] = study_queries.FREE_CONSENSUS
"""Ids of the first tasks that want somebody and have not had this person; their rows are locked."""
