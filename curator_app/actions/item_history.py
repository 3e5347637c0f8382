"""Everything that is known about one item, in the order in which it came about."""

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any

from sqlmodel import Session, col, select

from curator_app.actions.item_calls import ModelCall, read_calls
from curator_app.actions.runs import runs_folder
from curator_app.workspace import Workspace
from pipeline.prompting import PROMPTS, load_prompt
from pipeline.run_events import read_events
from storage import leak_looks
from storage.accounts import Person, Role
from storage.errors import NotFound
from storage.items import get_scenario, label
from storage.mining_answers import JUDGE
from storage.records import AuditDecision, AuditReview, FailureReview, Mining, Record, parse_record
from storage.stages import Stage
from storage.studies import studies_under_way
from storage.tables import AuditRow, ItemRow, RecordRow

PLAIN = frozenset({"scenario", "filter_verdict", "grounding", "refinement", "twin"})
"""Records that say nothing of what people answered."""
SETTLED = frozenset({Stage.REVIEWED.value, Stage.RELEASED.value, Stage.REJECTED.value})
PEOPLE_TAGS = ("reviews:",)
WORDS = re.compile(r"\s+|[^\s]+")


@dataclass(frozen=True)
class Step:
    """One record of an item, or one event of the audit log, ready to be shown."""

    at: datetime
    kind: str
    actor: str
    record: Record | None = None
    text: str = ""
    """What the event's payload says; for events only."""


@dataclass(frozen=True)
class ItemHistory:
    """An item and its steps, the oldest first."""

    number: int
    id: str
    label: str
    stage: str
    batch: str
    category: str
    sub_category: str
    steps: tuple[Step, ...]
    log: tuple[str, ...] = field(default=())
    """What its run's events say about it."""
    calls: tuple[ModelCall, ...] = ()
    """To models, with their replies; none for whom the steps are withheld."""
    withheld: int = 0
    """Answers of people that this person may not see yet."""
    blind: bool = False
    """The person may still be asked what the words alone say: they see the query, and no step."""
    query: str = ""


def read_history(workspace: Workspace, *, name: str, person: Person) -> ItemHistory:
    """Return the history of the item with this label (`S-0012`), number or id.

    Somebody who may still be asked about the item does not see what others answered before it is settled, and whoever
    may still be given its leakage check sees the query alone.

    Raises:
        NotFound: there is no such item.
    """
    with workspace.db.read() as session:
        item = find_item(session, name)
        query = get_scenario(session=session, item=item).query
        asked = person.has(Role.ANNOTATOR)
        blind = asked and leak_looks.may_be_asked(session=session, user_id=person.id, item=item)
        checking = asked and leak_looks.is_open(session=session, item=item)
        steps = sorted([*_read_records(session, item), *_read_events(session, item)], key=lambda step: step.at)
        studies = studies_under_way(session=session)
    hidden = checking or (asked and item.stage not in SETTLED)
    steps_shown = [step for step in steps if not (hidden and _tells_answers(step)) and not _tells_scores(step, studies)]
    shown = [] if blind else steps_shown
    return ItemHistory(
        number=item.number or 0,
        id=item.id,
        label=label(item.number or 0),
        stage=item.stage,
        batch=item.batch,
        category="" if blind else item.category,
        sub_category="" if blind else item.sub_category,
        steps=tuple(shown),
        log=() if blind else tuple(_read_log(workspace, item)),
        calls=read_calls(workspace, batch=item.batch, item_id=item.id) if shown else (),
        withheld=len(steps) - len(shown),
        blind=blind,
        query=query,
    )


def give_up_check(workspace: Workspace, *, name: str, person: Person) -> None:
    """Let the person see the whole item, and never give them its leakage check.

    Raises:
        NotFound: there is no such item.
    """
    with workspace.db.write() as session:
        leak_looks.give_up_check(session=session, user_id=person.id, item=find_item(session, name))
        session.commit()


def read_reply(workspace: Workspace, *, name: str, request_sha256: str, person: Person) -> str:
    """Return the whole reply to one of the calls that concern an item, as it came.

    Raises:
        NotFound: there is no such item or call, this person may not see it yet, or its reply is not kept.
    """
    history = read_history(workspace, name=name, person=person)
    for call in history.calls:
        if call.request_sha256 == request_sha256 and call.text is not None:
            return call.text
    raise NotFound(f"no reply to a call {request_sha256[:12]} is kept for {history.label}")


@cache
def read_prompts() -> dict[str, tuple[str, str]]:
    """Return hash -> (name, text) of the prompt files as they are now."""
    prompts = [load_prompt(path.stem) for path in sorted(PROMPTS.glob("*.md"))]
    return {prompt.sha256: (prompt.name, prompt.text) for prompt in prompts}


def diff_words(before: str, after: str) -> list[tuple[str, str]]:
    """Return the pieces of a change word by word: (`same`, `gone` or `new`, text)."""
    old, new = WORDS.findall(before), WORDS.findall(after)
    pieces: list[tuple[str, str]] = []
    for tag, a, b, c, d in difflib.SequenceMatcher(a=old, b=new, autojunk=False).get_opcodes():
        if tag == "equal":
            pieces.append(("same", "".join(old[a:b])))
            continue
        pieces += [("gone", "".join(old[a:b]))] if a < b else []
        pieces += [("new", "".join(new[c:d]))] if c < d else []
    return pieces


def find_item(session: Session, name: str) -> ItemRow:
    """Return the item with this label (`S-0012`), number or id.

    Raises:
        NotFound: there is none.
    """
    number = re.fullmatch(r"(?:[Ss]-)?0*([0-9]{1,9})", name.strip())
    found = session.exec(select(ItemRow).where(ItemRow.number == int(number[1]))).first() if number else None
    found = found or session.exec(select(ItemRow).where(ItemRow.id == name.strip())).first()
    if found is None:
        raise NotFound(f"there is no item {name!r}; give its label, such as S-0012, or its id")
    return found


def _read_records(session: Session, item: ItemRow) -> Iterator[Step]:
    rows = session.exec(select(RecordRow).where(RecordRow.item_number == item.number).order_by(col(RecordRow.seq)))
    for row in rows:
        yield Step(row.created_at, row.kind, row.actor.removeprefix("user:"), parse_record(row.body))


def _read_events(session: Session, item: ItemRow) -> Iterator[Step]:
    for row in session.exec(select(AuditRow).where(AuditRow.subject == item.id).order_by(col(AuditRow.seq))):
        yield Step(row.at, row.tag, row.actor.removeprefix("user:"), text=row.payload)


def _tells_answers(step: Step) -> bool:
    if step.record is not None:
        return step.kind not in PLAIN
    return step.kind.startswith(PEOPLE_TAGS)


def _tells_scores(step: Step, studies: frozenset[str]) -> bool:
    """Whether the step tells what an open study asks for: an answer to it, or what a judge said of the item."""
    if isinstance(step.record, Mining) and step.record.scorer == JUDGE:
        return bool(studies)
    answers = AuditReview | AuditDecision | FailureReview
    return isinstance(step.record, answers) and step.record.study in studies


def _read_log(workspace: Workspace, item: ItemRow) -> Iterator[str]:
    events: Iterator[dict[str, Any]] = read_events(runs_folder(workspace) / item.batch / "events.jsonl")
    for event in events:
        if event["item"] == item.id:
            words = (event["stage"], event["outcome"], event["kind"], event["message"])
            yield f"{str(event.get('at', ''))[11:19]}  {'  '.join(word for word in words if word)}"
