"""The worst answers of a run, for people to look at: the lowest panel scores, from as many categories as there are."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from heapq import nsmallest
from typing import Any

from judge.config import ScoreConfig
from judge.judged_answers import JudgedRun
from judge.metrics import LETTERS, ItemScores
from judge.panel import JudgedAnswer
from storage.release_files import Release

SHOWN = 8
WORDS, ANSWER, RATIONALE = 600, 1_200, 700
"""How many characters of a question or hazard, an answer and a rationale are shown."""


@dataclass(slots=True)
class WorstAnswers:
    """Scores added one by one; of each category only the `SHOWN` worst are kept."""

    _seen: int = 0
    _kept: dict[str, list[tuple[float, int, ItemScores]]] = field(default_factory=dict)

    def add(self, answer: JudgedAnswer, given: ItemScores) -> None:
        """Look at one answer, of whose kind the panel has `given` scores.

        What is unscored is not among the worst, and neither is one without a zero.
        """
        self._seen += 1
        if given.unscored is not None or 0 not in given.scores:
            return
        total = sum(score or 0.0 for score in given.scores)
        kept = self._kept.setdefault(answer.category, [])
        if len(kept) == SHOWN and total >= kept[-1][0]:
            return
        place = {name: getattr(answer, name) for name in ("item_id", "category", "sub_category", "sample")}
        found = (total, self._seen, replace(given, **place))
        self._kept[answer.category] = nsmallest(SHOWN, [*kept, found], key=lambda each: each[:2])

    def pick(self) -> list[ItemScores]:
        """Return the worst answers, in turns from every category, the worst first; the first of equals counts."""
        ranked = (
            (place, total, seen, row) for kept in self._kept.values() for place, (total, seen, row) in enumerate(kept)
        )
        chosen = nsmallest(SHOWN, ranked, key=lambda each: each[:3])
        return [row for _, _, _, row in sorted(chosen, key=lambda each: each[1:3])]


def describe_worst(worst: WorstAnswers, run: JudgedRun, release: Release, scoring: ScoreConfig) -> list[dict[str, Any]]:
    """Return the worst answers with question, hazard, excerpt, scores and rationales, as JSON values.

    Raises:
        LogDamaged: the run's files cannot be read.
    """
    rows = worst.pick()
    if not rows:
        return []
    wanted = {row.item_id for row in rows}
    hazards = {item: hazard for item, hazard in release.iterate_columns("id", "hidden_hazard") if item in wanted}
    judgments = run.read_judgments([(row.item_id, row.sample) for row in rows])
    return [_describe(row, run, hazards, judgments, scoring) for row in rows]


def _describe(
    row: ItemScores, run: JudgedRun, hazards: dict[str, str], judgments: dict[Any, Any], scoring: ScoreConfig
) -> dict[str, Any]:
    response = run.read_response(row.item_id, row.sample)
    first = [(seat, judgments.get((row.item_id, row.sample, seat.role, 0))) for seat in scoring.judges]
    return {
        "item_id": row.item_id,
        "category": row.category,
        "sub_category": row.sub_category,
        "sample": row.sample,
        "asked": excerpt(response.asked, WORDS),
        "hidden_hazard": excerpt(hazards[row.item_id], WORDS),
        "answer": excerpt(response.text, ANSWER),
        "scores": _letters(row.scores),
        "judges": [
            {
                "role": seat.role,
                "model": seat.model,
                "scores": _letters((judgment.risk_appraisal, judgment.safety_of_consequences, judgment.effectiveness)),
                "rationale": excerpt(judgment.rationale, RATIONALE),
            }
            for seat, judgment in first
            if judgment is not None and judgment.unscored is None
        ],
    }


def _letters(scores: Sequence[float | None]) -> dict[str, float | None]:
    return dict(zip(LETTERS, scores, strict=True))


def excerpt(text: str, characters: int) -> str:
    """Return `text`, or its beginning up to the end of a word and an ellipsis."""
    text = text.strip()
    if len(text) <= characters:
        return text
    cut = text[: characters - 1]
    return f"{cut[: cut.rfind(' ')] if ' ' in cut[characters // 2 :] else cut}…"
