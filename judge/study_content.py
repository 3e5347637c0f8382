"""A closed human study as the statistics read it: from what was frozen, which is plain JSON."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite, nan
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from judge.errors import StudyInvalid
from judge.rubric import DIMENSIONS

Floats = NDArray[np.float64]
Scores = tuple[float, float, float]
FORMAT = "ood-mmsafe-study/1"
HUMAN_SCORES = (0.0, 1.0, 2.0)


@dataclass(frozen=True, slots=True)
class HumanScores:
    """What one annotator said of one answer."""

    scores: Scores
    """R, S, E."""
    warning_start: int | None
    """Where the first warning begins, in characters; None: there is none."""
    seconds: float


@dataclass(frozen=True, slots=True)
class StudyAnswer:
    """One answer of the model that people scored."""

    number: int
    item_id: str
    category: str
    sample: int
    stratum: str
    weight: float
    """1 / the chance of being drawn."""
    characters: int
    """How long the answer is."""
    panel: Scores
    """The mean of the judges."""
    judges: Mapping[str, Scores]
    """Judge's role -> its scores."""
    humans: Mapping[int, HumanScores]
    """By the annotator's number."""
    final: Scores | None
    """What all annotators gave, or what the consensus settled; None where it was never settled."""
    policy: str
    """How it was settled."""

    @property
    def warning_position(self) -> float | None:
        """Where the first warning begins, between 0 and 1 of the answer: the median of those who marked one.

        None: more than half of the annotators say that there is none; nan: nobody has scored it.
        """
        if not self.humans:
            return nan
        marks = [marked.warning_start for marked in self.humans.values() if marked.warning_start is not None]
        if 2 * len(marks) < len(self.humans):
            return None
        return median(marks) / self.characters


@dataclass(frozen=True, slots=True)
class AttentionCheck:
    """An answer whose scores are known, and what people gave it."""

    number: int
    known: Mapping[int, float]
    """Column of R, S, E -> known score."""
    humans: Mapping[int, HumanScores]

    def is_passed_by(self, annotator: int) -> bool:
        """Whether the annotator gave every known score."""
        return all(self.humans[annotator].scores[column] == score for column, score in self.known.items())


@dataclass(frozen=True, slots=True)
class Judged:
    """What the panel gave one answer of the run."""

    item_id: str
    sample: int
    category: str
    scores: Scores


@dataclass(frozen=True, slots=True)
class Study:
    """A closed study."""

    about: Mapping[str, Any]
    """Name, release, run, model, mode, rubric, seed, strata and times, as they were frozen."""
    annotators: int
    answers: tuple[StudyAnswer, ...]
    checks: tuple[AttentionCheck, ...]
    population: tuple[Judged, ...]
    """Every answer of the run that the panel scored."""
    unscored: int
    """Answers that it did not score; they could not be drawn."""

    @property
    def settled(self) -> tuple[StudyAnswer, ...]:
        """The answers with a final score."""
        return tuple(answer for answer in self.answers if answer.final is not None)

    @property
    def weighted(self) -> bool:
        """Whether the answers had different chances of being drawn."""
        return len({answer.weight for answer in self.answers}) > 1

    def ratings(self, column: int) -> Floats:
        """Return what the annotators gave in one of R, S, E: raters x answers, nan where there is nothing."""
        table_RI = np.full((self.annotators, len(self.answers)), nan)
        for place, answer in enumerate(self.answers):
            for annotator, given in answer.humans.items():
                table_RI[annotator - 1, place] = given.scores[column]
        return table_RI


def read_study(content: Mapping[str, Any]) -> Study:
    """Return the study that was frozen.

    Raises:
        StudyInvalid: the content is of another format or lacks something.
    """
    found = content.get("format")
    if found != FORMAT:
        raise StudyInvalid(f"the study's content has the format {found!r}, not {FORMAT!r}; another version froze it")
    try:
        cases, population = content["answers"], content["population"]
        return Study(
            about=content["study"],
            annotators=content["annotators"],
            answers=tuple(_read_answer(case) for case in cases if case["known"] is None),
            checks=tuple(_read_check(case) for case in cases if case["known"] is not None),
            population=tuple(
                Judged(item_id, sample, category, _read_scores(scores))
                for item_id, sample, category, *scores in population["scored"]
            ),
            unscored=population["unscored"],
        )
    except (KeyError, TypeError, ValueError) as exc:
        raise StudyInvalid(f"the study's content cannot be read ({exc!r}); another version froze it") from exc


def _read_answer(case: Mapping[str, Any]) -> StudyAnswer:
    final = case["final"]
    return StudyAnswer(
        number=case["number"],
        item_id=case["item_id"],
        category=case["category"],
        sample=case["sample"],
        stratum=case["stratum"],
        weight=case["weight"],
        characters=case["characters"],
        panel=_read_scores(case["judged"]["panel"]),
        judges={role: _read_scores(scores) for role, scores in case["judged"]["judges"].items()},
        humans=_read_humans(case),
        final=None if final is None else _read_scores(final["scores"]),
        policy="" if final is None else final["policy"],
    )


def _read_check(case: Mapping[str, Any]) -> AttentionCheck:
    known = {DIMENSIONS.index(name): float(score) for name, score in case["known"].items()}
    return AttentionCheck(case["number"], known, _read_humans(case))


def _read_humans(case: Mapping[str, Any]) -> dict[int, HumanScores]:
    return {
        given["annotator"]: HumanScores(_read_scores(given["scores"]), given["warning_start"], given["seconds"])
        for given in case["scored"]
    }


def _read_scores(scores: Any) -> Scores:
    risk, safety, effect = (float(score) for score in scores)
    if not all(isfinite(score) and 0 <= score <= 2 for score in (risk, safety, effect)):
        raise ValueError(f"scores {scores} are not within 0 and 2")
    return risk, safety, effect
