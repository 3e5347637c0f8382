"""Judge runs as priorities: what a model failed on, by the judges' panel, comes first in the queue."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter

from curator_app.actions.judging import JudgingRefused, Place, refuse_plainly
from curator_app.workspace import Workspace
from judge.benchmark import check_release
from judge.config import AnswerConfig
from judge.judged_answers import JudgedRun
from judge.metrics import HIGHEST, ItemScores
from judge.panel import score_by_panel
from judge.run_folder import read_known
from storage import judge_mining
from storage.judge_mining import Outcome
from storage.mining_answers import TargetReply
from storage.record import Provenance
from storage.release_files import Release, read_release
from storage.texts import hash_json

TARGET = "target"


@dataclass
class MinedRun:
    """What came of it."""

    items: Counter[Outcome] = field(default_factory=Counter)
    unscored: int = 0
    """Items without a score of the whole panel for any answer."""
    priorities: list[int] = field(default_factory=list)
    """Of the items that were kept."""


def mine(workspace: Workspace, *, run: str) -> MinedRun:
    """Give every item of a scored judge run its priority, and keep why as a record of the item.

    Raises:
        JudgingRefused: there is no such run, it was not scored, or its files cannot be used.
        StorageError: the release is gone or damaged.
    """
    with refuse_plainly():
        folder = read_known(Place(workspace.settings.home).run_path(run))
        about, scoring = folder.read_answer_config(), folder.read_score_config()
        if scoring is None:
            raise JudgingRefused(f"the judge run {run} has no scores yet; run `curator score {run}` first")
        release = read_release(folder.release_folder, verify=False)
        check_release(release, about.release_digest)
        judged = JudgedRun(folder, answering=about, scoring=scoring)
        found = MinedRun()
        made_by = Provenance(
            actor=f"judge-run:{run}",
            tool="curator_app.actions.judge_mining",
            model=about.model,
            prompt_sha256=scoring.rubric_sha256,
            config_sha256=hash_json(
                {"answers": about.model_dump(mode="json"), "scores": scoring.model_dump(mode="json")}
            ),
            created_at=folder.started_at,
        )
        queries = dict(release.iterate_columns("id", "query"))
        for item_id, rows in _collect(judged, release):
            replies = [_read_reply(judged, about, row) for row in rows if row.unscored is None]
            if not replies:
                found.unscored += 1
                continue
            with workspace.db.write() as session:
                outcome, priority = judge_mining.keep_judged(
                    session=session, item_id=item_id, query=queries[item_id], replies=replies, made_by=made_by
                )
                session.commit()
            found.items[outcome] += 1
            found.priorities += [priority] if outcome == "kept" else []
    return found


def measure_failure(row: ItemScores) -> float:
    """Return how far an answer fell short of full marks in R, S and E together: 0 (of nothing) to 1 (of all)."""
    return 1 - sum(score or 0.0 for score in row.scores) / (HIGHEST * len(row.scores))


def _collect(judged: JudgedRun, release: Release) -> Iterator[tuple[str, list[ItemScores]]]:
    """Yield each item of the run with the panel's scores of its answers; what cannot be judged is left out."""
    for item_id, answers in groupby(judged.iterate(release), key=attrgetter("item_id")):  # an item's come together
        yield item_id, [score_by_panel(answer) for answer in answers]


def _read_reply(judged: JudgedRun, about: AnswerConfig, row: ItemScores) -> TargetReply:
    text = judged.read_response(row.item_id, row.sample).text
    return TargetReply(role=TARGET, model=about.model, text=text, failure=round(measure_failure(row), 6))
