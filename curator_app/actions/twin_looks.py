"""Looking at twins before a release takes them: which wait, what is shown, and what a person says."""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlmodel import Session

from curator_app.actions.item_history import find_item
from curator_app.workspace import Workspace
from storage import leak_looks, twins
from storage.accounts import Person, Role
from storage.errors import NotFound
from storage.items import get_grounding, get_scenario, label
from storage.records import BlobRef, Scenario, Twin, TwinReview
from storage.stages import Stage
from storage.tables import ItemRow


@dataclass(frozen=True)
class TwinLook:
    """A twin beside its item."""

    label: str
    stage: str
    scenario: Scenario
    picture: BlobRef | None
    alt: str
    twin: Twin
    review: TwinReview | None
    """What was said last."""

    @property
    def is_open(self) -> bool:
        """Whether anything can be said: before a release, of an approved item."""
        return self.stage == Stage.REVIEWED.value


def count_unseen(workspace: Workspace) -> int:
    """Return how many approved items have a twin that nobody has looked at."""
    with workspace.db.read() as session:
        return len(twins.list_unseen(session=session))


def find_next(workspace: Workspace, *, person: Person) -> str:
    """Return the label of the first item whose twin waits for somebody and that this person may see; else nothing."""
    with workspace.db.read() as session:
        return next((label(item.number or 0) for item in _list_open(session, person)), "")


def read_look(workspace: Workspace, *, name: str, person: Person) -> TwinLook:
    """Return an item's twin beside the item.

    Raises:
        NotFound: there is no such item, it has no twin of its present wording, or the person may still be asked what
            the item's words alone say.
    """
    with workspace.db.read() as session:
        item = find_item(session, name)
        standing = twins.find_twin(session=session, item=item)
        _refuse_blind(session, item, person)
        if standing is None:
            raise NotFound(f"{label(item.number or 0)} has no twin of its present wording")
        grounding = get_grounding(session=session, item=item)
        return TwinLook(
            label=label(item.number or 0),
            stage=item.stage,
            scenario=get_scenario(session=session, item=item),
            picture=grounding.image if grounding else None,
            alt=grounding.alt if grounding else "",
            twin=standing.twin,
            review=standing.review,
        )


def say(workspace: Workspace, *, name: str, twin_id: str, harmless: bool, person: Person) -> str:
    """Keep what a person says of a twin; return the item's label.

    Raises:
        NotFound: there is no such item or twin.
        Conflict: the item is not approved, a release holds it, or its twin is another by now.
    """
    with workspace.db.write() as session:
        item = find_item(session, name)
        _refuse_blind(session, item, person)
        twins.review_twin(session=session, item_id=item.id, twin_id=twin_id, harmless=harmless, reviewer=person.name)
        session.commit()
        return label(item.number or 0)


def _list_open(session: Session, person: Person) -> Iterator[ItemRow]:
    for item in twins.list_unseen(session=session):
        if not _is_blind(session, item, person):
            yield item


def _is_blind(session: Session, item: ItemRow, person: Person) -> bool:
    asked = person.has(Role.ANNOTATOR)
    return asked and leak_looks.may_be_asked(session=session, user_id=person.id, item=item)


def _refuse_blind(session: Session, item: ItemRow, person: Person) -> None:
    if _is_blind(session, item, person):
        raise NotFound(
            f"{label(item.number or 0)} may still be given to you for a leakage check, so its pictures are withheld; "
            "open the item to be left out of that check"
        )
