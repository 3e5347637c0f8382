"""Leakage checks as a maintainer sees them: opening them, and what came of them."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session, col, select

from curator_app.actions.leak_detectors import WAYS, read_machine
from curator_app.actions.starting import COMMAND_LINE
from curator_app.workspace import Workspace
from storage import leak_rates
from storage.claims import check_overlap, open_task
from storage.errors import NotFound
from storage.intervals import Share
from storage.leak_rates import CheckAnswer
from storage.records import Refinement, Scenario, TaskKind, parse_record
from storage.stages import Stage
from storage.tables import ItemRow, RecordRow, TaskRow

DETECTORS_LOOK_AT = 500
"""The detectors are compared on the wordings that were checked last: each costs some milliseconds."""
WAY_NAMES = {
    "words": "Word list",
    "picture text": "Writing in the picture",
    "embedding": "Similarity",
    "text-only probe": "Text-only probe",
}


@dataclass(frozen=True)
class OpenedChecks:
    """What a call of `open_checks` did."""

    opened: int
    present_before: int


def open_checks(workspace: Workspace, *, batch: str | None = None, overlap: int | None = None) -> OpenedChecks:
    """Ask for a leakage check of every item that is in review or approved; what is asked already stays as it is.

    Args:
        workspace: an open workspace.
        batch: only the items of this batch, such as a run's name.
        overlap: how many different people check an item, 1 to 20; by default the workspace's setting.

    Raises:
        NotFound: no item of the batch is in review or approved.
        InvalidRecord: overlap is out of range.
    """
    overlap = workspace.settings.overlap if overlap is None else overlap
    check_overlap(overlap)  # also when there is nothing to open
    opened = present = 0
    with workspace.db.write() as session:
        query = select(ItemRow).where(col(ItemRow.stage).in_((Stage.REFINED.value, Stage.REVIEWED.value)))
        items = session.exec(query if batch is None else query.where(ItemRow.batch == batch)).all()
        if not items:
            where = "" if batch is None else f" of batch {batch!r}"
            raise NotFound(f"no item{where} is in review or approved; load the starter scenarios or start a run first")
        asked = set(
            session.exec(
                select(TaskRow.item_number, TaskRow.round).where(
                    TaskRow.kind == TaskKind.LEAKAGE_CHECK.value, col(TaskRow.status) != "withdrawn"
                )
            )
        )
        for item in items:
            if (item.number, item.round) in asked:
                present += 1
                continue
            open_task(
                session=session,
                item_id=item.id,
                kind=TaskKind.LEAKAGE_CHECK,
                overlap=overlap,
                actor=COMMAND_LINE,
            )
            opened += 1
        session.commit()
    return OpenedChecks(opened=opened, present_before=present)


@dataclass(frozen=True)
class LeakRates:
    """How often leaks were found, by people and by the machine."""

    present: Share
    """Answers in which the guess from the words alone named the hazard; wordings as they are now."""
    present_partly: int
    all: Share
    """The same over every wording that was checked, those rewritten or rejected since among them."""
    all_partly: int
    finders: tuple[tuple[str, Share], ...]
    """Who found a leak in how many of the wordings checked last: people first, then the detectors that were tried."""


def read_rates(workspace: Workspace) -> LeakRates:
    """Return the rates as they are now. Counts of answers only, so it tells nobody's answer."""
    with workspace.db.read() as session:
        answers = leak_rates.read_answers(session=session)
        wordings = {(answer.item_number, answer.scenario_id): None for answer in reversed(answers)}
        compared = list(wordings)[:DETECTORS_LOOK_AT]
        machine = _ask_detectors(session, compared)
    present = [answer for answer in answers if answer.present]
    return LeakRates(
        present=leak_rates.share_named(present),
        present_partly=sum(answer.named == "partly" for answer in present),
        all=leak_rates.share_named(answers),
        all_partly=sum(answer.named == "partly" for answer in answers),
        finders=(*_count_people(answers, compared), *machine),
    )


def describe_rates(rates: LeakRates) -> list[tuple[str, str, str]]:
    """Return (what, share with its interval, remark) line by line; empty before the first answer."""
    if not rates.all.of:
        return []
    guesses = (("present", rates.present, rates.present_partly), ("all", rates.all, rates.all_partly))
    lines = [
        (f"Hazard named, {which} wordings", f"{tell_share(share)} answers", f"{partly:,} more were partly right")
        for which, share, partly in guesses
    ]
    return lines + [(f"Leak found: {name}", f"{tell_share(share)} wordings", "") for name, share in rates.finders]


def tell_share(share: Share) -> str:
    """Return `15.0% (8.8 to 24.4%) of 80`: the share, its 95% interval, and of how many."""
    if share.rate is None or share.interval is None:
        return "– of 0"
    low, high = share.interval
    return f"{share.rate:.1%} ({100 * low:.1f} to {100 * high:.1f}%) of {share.of:,}"


def rates_as_json(rates: LeakRates) -> dict[str, Any]:
    """Return the rates with names for scripts."""
    return {
        "right_guesses": {
            "present_wordings": _share_as_json(rates.present) | {"partly": rates.present_partly},
            "all_wordings": _share_as_json(rates.all) | {"partly": rates.all_partly},
        },
        "leaks_found": [{"by": name} | _share_as_json(share) for name, share in rates.finders],
    }


def _share_as_json(share: Share) -> dict[str, Any]:
    return {"hits": share.hits, "of": share.of, "rate": share.rate, "interval_95": share.interval}


def _count_people(answers: Sequence[CheckAnswer], compared: Sequence[tuple[int, str]]) -> list[tuple[str, Share]]:
    """A wording counts once, as found when anybody found it."""
    wanted = set(compared)
    mine = [answer for answer in answers if (answer.item_number, answer.scenario_id) in wanted]
    if not mine:
        return []
    named = {(answer.item_number, answer.scenario_id) for answer in mine if answer.named == "yes"}
    seen = {(answer.item_number, answer.scenario_id) for answer in mine if answer.gave_away == "yes"}
    return [
        ("People, from the words alone", Share(len(named), len(wanted))),
        ("People, with the picture", Share(len(seen), len(wanted))),
    ]


def _ask_detectors(session: Session, compared: Sequence[tuple[int, str]]) -> list[tuple[str, Share]]:
    tried: Counter[str] = Counter()
    leaks: Counter[str] = Counter()
    scenarios, refinements = _read_wordings(session, compared)
    for number, scenario_id in compared:
        found = read_machine(scenario=scenarios[number, scenario_id], refinements=refinements[number])
        for way in found.ways:
            tried[way.way] += way.leaks is not None
            leaks[way.way] += way.leaks is True
    return [(WAY_NAMES[way], Share(leaks[way], tried[way])) for way in WAYS if tried[way]]


def _read_wordings(
    session: Session, compared: Sequence[tuple[int, str]]
) -> tuple[dict[tuple[int, str], Scenario], dict[int, list[Refinement]]]:
    numbers = {number for number, _ in compared}
    rows = session.exec(
        select(RecordRow.item_number, RecordRow.id, RecordRow.body)
        .where(col(RecordRow.item_number).in_(numbers), col(RecordRow.kind).in_(("scenario", "refinement")))
        .order_by(col(RecordRow.seq))
    )
    scenarios: dict[tuple[int, str], Scenario] = {}
    refinements: dict[int, list[Refinement]] = defaultdict(list)
    for number, record_id, body in rows:
        record = parse_record(body)
        if isinstance(record, Scenario):
            scenarios[number, record_id] = record
        elif isinstance(record, Refinement):
            refinements[number].append(record)
    return scenarios, refinements
