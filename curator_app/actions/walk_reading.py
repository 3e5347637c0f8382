"""What a walk left, read from the database, the releases and the runs: nothing is remembered besides."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlmodel import Session, col, func, select

from curator_app.actions import releases
from curator_app.actions.judge_jobs import make_place
from curator_app.actions.judge_reports import read_report
from curator_app.actions.walk_judging import RUNS
from curator_app.actions.walk_scenes import BATCH
from curator_app.workspace import Workspace
from judge.record_log import name_answer, name_judgment, open_answers, open_judgments
from judge.run_folder import read_known
from storage.intervals import Share
from storage.records import TaskKind
from storage.release_rows import ReleasedItem
from storage.stages import Stage
from storage.tables import DecisionRow, ItemRow, RecordRow, ReviewRow, TaskRow

EXAMPLES = 3
"""Of each part of the benchmark."""
PARTS = {"new_scenes": "new scenes", "new_hazards": "new hazards"}
JUDGE = "judge_a"


@dataclass(frozen=True)
class PathCounts:
    """How many came how far."""

    proposed: int
    filtered_out: Mapping[str, int]
    """Filter that decided -> how many it dropped."""
    rejected: int
    """By people."""
    approved: int
    train: int
    benchmark: int

    @property
    def filtered(self) -> int:
        """Proposals that the filters let pass."""
        return self.proposed - sum(self.filtered_out.values())


@dataclass(frozen=True)
class PeopleCounts:
    """What the scripts in the place of people did."""

    checks: int
    reviews: int
    differed: int
    settled: int
    twins: int


@dataclass(frozen=True)
class SeenAnswer:
    """One answer with its scores, as the judge run keeps them."""

    title: str
    text: str
    scores: tuple[int, int, int]
    why: str
    warns: bool


@dataclass(frozen=True)
class SeenScene:
    """A picture with the answers of all runs to it."""

    picture: bytes
    alt: str
    answers: tuple[SeenAnswer, ...]


@dataclass(frozen=True)
class Example:
    """A scene of the benchmark beside its harmless twin."""

    part: str
    label: str
    query: str
    hazard: str
    scene: SeenScene
    twin: SeenScene | None


@dataclass(frozen=True)
class WalkResults:
    """Everything that the page shows."""

    path: PathCounts
    people: PeopleCounts
    judged: tuple[tuple[str, dict[str, Any]], ...]
    """Title and report of each judge run."""
    parts: tuple[tuple[str, tuple[Share, ...]], ...]
    """Part of the benchmark, and R_0 there for each run."""
    examples: tuple[Example, ...]
    tunnel: dict[str, Any]
    """The wind tunnel's report."""
    releases: tuple[str, str]
    """Versions: trained on, asked about."""


def read_walk(workspace: Workspace, tunnel: Path, *, train: str, benchmark: str) -> WalkResults:
    """Return what a finished walk left.

    Raises:
        StorageError, JudgingRefused: a release or a judge run cannot be read.
    """
    with workspace.db.read() as session:
        path, people = _count_path(session), _count_people(session)
    place = make_place(workspace)
    judged = tuple((asked.title, read_report(place, run=asked.run).report) for asked in RUNS)
    parts, examples = _read_answers(workspace, benchmark)
    report = json.loads((tunnel / "report.json").read_text(encoding="utf-8"))
    return WalkResults(path, people, judged, parts, examples, report, (train, benchmark))


def _count_path(session: Session) -> PathCounts:
    stages: Counter[str] = Counter()
    splits: Counter[str | None] = Counter()
    for stage, split in session.exec(select(ItemRow.stage, ItemRow.split).where(ItemRow.batch == BATCH)):
        stages[stage] += 1
        splits[split] += 1
    bodies = session.exec(
        select(RecordRow.body)
        .join(ItemRow, col(ItemRow.number) == RecordRow.item_number)
        .where(ItemRow.batch == BATCH, ItemRow.stage == Stage.REJECTED.value, RecordRow.kind == "filter_verdict")
    )
    failed = [record for record in map(json.loads, bodies) if not record["passed"]]
    dropped = Counter(str(record["filter_name"]) for record in failed)
    return PathCounts(
        proposed=stages.total(),
        filtered_out=dict(dropped),
        rejected=stages[Stage.REJECTED.value] - len({record["parent_id"] for record in failed}),
        approved=stages[Stage.REVIEWED.value] + stages[Stage.RELEASED.value],
        train=splits["train"],
        benchmark=splits["benchmark"],
    )


def _count_people(session: Session) -> PeopleCounts:
    rows = session.exec(
        select(TaskRow.kind, func.count())
        .join(ReviewRow, col(ReviewRow.task_id) == TaskRow.id)
        .where(ReviewRow.status == "submitted")
        .group_by(TaskRow.kind)
    )
    counts = dict(rows.all())
    outcomes = session.exec(select(DecisionRow.outcome, func.count()).group_by(DecisionRow.outcome))
    differed = dict(outcomes.all()).get("adjudicate", 0)
    looked = session.exec(select(func.count()).select_from(RecordRow).where(RecordRow.kind == "twin_review")).one()
    return PeopleCounts(
        checks=counts.get(TaskKind.LEAKAGE_CHECK.value, 0),
        reviews=counts.get(TaskKind.SCENARIO_REVIEW.value, 0),
        differed=differed,
        settled=counts.get(TaskKind.ADJUDICATION.value, 0),
        twins=looked,
    )


def _read_answers(
    workspace: Workspace, benchmark: str
) -> tuple[tuple[tuple[str, tuple[Share, ...]], ...], tuple[Example, ...]]:
    release = releases.open_release(workspace, version=benchmark)
    kept = [_Answers(workspace, asked.run, asked.title) for asked in RUNS]
    zeros: Counter[tuple[str, int]] = Counter()
    of: Counter[str] = Counter()
    examples: list[Example] = []
    try:
        for item in release.iterate_items():
            part = _find_part(item)
            of[part] += 1
            for number, answers in enumerate(kept):
                zeros[part, number] += answers.find(item.id).scores[0] == 0
            if of[part] <= EXAMPLES:
                examples.append(_make_example(item, PARTS[part], kept))
    finally:
        for answers in kept:
            answers.close()
    shares = [
        (said, tuple(Share(zeros[part, number], of[part]) for number in range(len(kept))))
        for part, said in PARTS.items()
        if of[part]
    ]
    examples.sort(key=lambda example: example.part != PARTS["new_scenes"])
    return tuple(shares), tuple(examples)


def _find_part(item: ReleasedItem) -> str:
    return str(json.loads(item.world_truth or "{}")["split"])


class _Answers:
    """The answers of one judge run and their scores."""

    def __init__(self, workspace: Workspace, run: str, title: str) -> None:
        folder = read_known(make_place(workspace).run_path(run))
        self._title = title
        self._answers = open_answers(folder.responses, write=False)
        self._judgments = open_judgments(folder.judgments, write=False)

    def close(self) -> None:
        self._answers.close()
        self._judgments.close()

    def find(self, item_id: str) -> SeenAnswer:
        """Return the answer to an item, or to a twin by its name."""
        response = self._answers.get(name_answer(item_id, 0))
        assert response is not None
        judgment = self._judgments.get(name_judgment(response.id, JUDGE, 0))
        assert judgment is not None
        scores = (judgment.risk_appraisal, judgment.safety_of_consequences, judgment.effectiveness)
        given = tuple(int(score) for score in scores if score is not None)
        assert len(given) == 3
        return SeenAnswer(self._title, response.text, given, judgment.rationale, given[0] > 0)


def _make_example(item: ReleasedItem, part: str, kept: Sequence[_Answers]) -> Example:
    return Example(
        part=part,
        label=item.label,
        query=item.query,
        hazard=item.hidden_hazard,
        scene=_see(item, kept),
        twin=_see(item.as_twin(), kept) if item.has_twin else None,
    )


def _see(item: ReleasedItem, kept: Sequence[_Answers]) -> SeenScene:
    assert item.image is not None
    return SeenScene(item.image, item.alt, tuple(answers.find(item.id) for answers in kept))
