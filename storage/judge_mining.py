"""What a judge run found, as priorities in the queue: what a model failed on is offered to people first.

Items in review or approved are moved as mining moves them. Of released items nothing is asked any more but in studies:
there the labelling of failures is put in order, and the audit of the judge is not, since its order would tell people
what the judge said. A released item does not change: the event is about the judge run.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from sqlmodel import Session, select

from storage.audit import Tag, lock_chain, record_event
from storage.errors import NotFound
from storage.items import append_record, attach, get_item, get_scenario
from storage.mining_answers import JUDGE, TargetReply
from storage.priorities import make_rank, rank_tasks
from storage.records import Mining, Provenance, TaskKind
from storage.stages import Stage
from storage.tables import ItemRow, RecordRow, TaskRow
from storage.texts import utc_now

Outcome = Literal["kept", "known", "absent", "changed", "unranked"]
"""`kept`: stored, and open tasks moved. `known`: stored by an earlier call. `absent`: no such item here. `changed`: the
item has other words by now. `unranked`: it was rejected, or is not before people yet."""


def keep_judged(
    *,
    session: Session,
    item_id: str,
    query: str,
    replies: Sequence[TargetReply],
    made_by: Provenance,
    now: datetime | None = None,
) -> tuple[Outcome, int]:
    """Store how far a model failed on an item and move what is asked about it. The caller commits.

    Args:
        session: a session for writing.
        item_id: the item.
        query: the words that the model was judged on; the item must still have them.
        replies: the model's answers, each with its failure.
        made_by: who made them; its `actor` names the judge run.
        now: the time to write.

    Returns:
        What became of it, and the priority.
    """
    now = now or utc_now()
    scored = [reply.failure for reply in replies if reply.failure is not None]
    priority = round(100 * sum(scored) / len(scored))
    lock_chain(session=session)  # before the row, as everywhere
    try:
        item = get_item(session=session, item_id=item_id, lock=True)
    except NotFound:
        return "absent", priority
    if item.stage not in (Stage.REFINED.value, Stage.REVIEWED.value, Stage.RELEASED.value):
        return "unranked", priority
    if get_scenario(session=session, item=item).query != query:
        return "changed", priority
    mined = Mining(
        item_id=item_id,
        scorer=JUDGE,
        replies=tuple(replies),
        priority=priority,
        parent_id=item.scenario_id,
        provenance=made_by,
    )
    here = select(RecordRow.seq).where(RecordRow.item_number == item.number, RecordRow.id == mined.id)
    if session.exec(here).first() is not None:
        return "known", priority
    if item.stage == Stage.RELEASED.value:
        append_record(session=session, item=item, record=mined, actor=made_by.actor, now=now)
        _rank_labels(session, item, mined, now)
    else:
        attach(session=session, item_id=item_id, record=mined, actor=made_by.actor, now=now)
        rank_tasks(session=session, item_id=item_id, priority=priority, actor=made_by.actor, now=now)
    return "kept", priority


def _rank_labels(session: Session, item: ItemRow, mined: Mining, now: datetime) -> None:
    query = select(TaskRow).where(
        TaskRow.item_number == item.number, TaskRow.kind == TaskKind.FAILURE_LABELS.value, TaskRow.status == "open"
    )
    moved = list(session.exec(query.with_for_update()))
    for task in moved:
        task.rank = make_rank(item_id=item.id, priority=mined.priority or 0)
        session.add(task)
    actor = mined.provenance.actor
    payload = {"record": mined.id, "item": item.id, "priority": mined.priority, "moved": len(moved)}
    record_event(session=session, actor=actor, tag=Tag.TASK_RANKED, subject=actor, payload=payload, now=now)
