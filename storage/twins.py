"""What people say of twins: a release takes a twin only when somebody has looked at its picture and found it harmless.

Only an approved item that no release holds yet is asked about: what was released does not change.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from storage.audit import lock_chain
from storage.errors import Conflict, NotFound
from storage.items import attach, get_item, label
from storage.records import Provenance, Record, Twin, TwinReview, parse_record
from storage.stages import Stage
from storage.tables import ItemRow, RecordRow
from storage.texts import utc_now


@dataclass(frozen=True, slots=True)
class StandingTwin:
    """The twin of an item's present scenario, and what was said of it last."""

    twin: Twin
    review: TwinReview | None = None


def find_twin(*, session: Session, item: ItemRow) -> StandingTwin | None:
    """Return the twin of the item's scenario as it stands; None when there is none, or only of an earlier one."""
    twin = _read_last(session, item, "twin")
    if not isinstance(twin, Twin) or twin.parent_id != item.scenario_id:
        return None
    review = _read_last(session, item, "twin_review")
    return StandingTwin(twin, review if isinstance(review, TwinReview) and review.twin_id == twin.id else None)


def list_unseen(*, session: Session) -> list[ItemRow]:
    """Return the approved items whose twin nobody has looked at, by number."""
    twin, review = aliased(RecordRow), aliased(RecordRow)
    seen = select(review.seq).where(
        review.kind == "twin_review", review.item_number == twin.item_number, col(review.seq) > col(twin.seq)
    )
    unseen = select(twin.item_number).where(
        twin.kind == "twin", col(twin.parent_id) == col(ItemRow.scenario_id), ~seen.exists()
    )
    query = select(ItemRow).where(ItemRow.stage == Stage.REVIEWED.value, col(ItemRow.number).in_(unseen))
    return list(session.exec(query.order_by(col(ItemRow.number))))


def review_twin(
    *,
    session: Session,
    item_id: str,
    twin_id: str,
    harmless: bool,
    reviewer: str,
    now: datetime | None = None,
) -> TwinReview:
    """Keep what a person says of a twin; it takes the place of what was said before. The caller commits.

    Args:
        session: a session for writing; gets the record and its audit event.
        item_id: the item.
        twin_id: the record that they saw.
        harmless: whether a release may take it.
        reviewer: the person's name.
        now: the time to write.

    Raises:
        NotFound: there is no such item, or it has no twin.
        Conflict: the item is not approved, a release holds it, or its twin is another by now.
    """
    now = now or utc_now()
    lock_chain(session=session)
    item = get_item(session=session, item_id=item_id, lock=True)
    name = label(item.number or 0)
    standing = find_twin(session=session, item=item)
    if standing is None:
        raise NotFound(f"{name} has no twin of its present wording")
    if item.stage != Stage.REVIEWED.value:
        raise Conflict(f"{name} is at stage {item.stage!r}; twins of approved items are looked at, before a release")
    if standing.twin.id != twin_id:
        raise Conflict(f"{name} has another twin by now; look at that one")
    actor = f"user:{reviewer}"
    review = TwinReview(
        item_id=item_id,
        twin_id=twin_id,
        reviewer=reviewer,
        harmless=harmless,
        parent_id=standing.review.id if standing.review else twin_id,
        provenance=Provenance(actor=actor, tool="storage.twins.review_twin", created_at=now),
    )
    attach(session=session, item_id=item_id, record=review, actor=actor, now=now)
    item.updated_at = now  # a freeze that runs meanwhile has to notice
    session.add(item)
    session.flush()
    return review


def _read_last(session: Session, item: ItemRow, kind: str) -> Record | None:
    query = select(RecordRow.body).where(RecordRow.item_number == item.number, RecordRow.kind == kind)
    body = session.exec(query.order_by(col(RecordRow.seq).desc()).limit(1)).first()
    return None if body is None else parse_record(body)
