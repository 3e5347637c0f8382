"""What is on file of a run's answers and of their scores, read in one pass over each file.

For reports: only what they count is kept of a line, a few hundred bytes an answer, and what a judge wrote is read again
for the few answers that are shown. A torn line is passed over and the last line of a key counts, as everywhere.
"""

import os
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import from_json

from judge.config import AnswerConfig, ScoreConfig
from judge.errors import LogDamaged
from judge.panel import JudgedAnswer, Vote
from judge.run_folder import RunFolder
from storage.judgment_records import Judgment, ModelResponse, Score
from storage.record import hash_record
from storage.release_files import Release
from storage.release_rows import is_twin, name_twin

Unanswered = Literal["refused_by_provider", "failed", "not_asked"]
Kept = TypeVar("Kept", ModelResponse, Judgment)
_RESPONSE = b'"response_id":"'
_HEX_DIGITS = 64


class _AnswerLine(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)

    item_id: str
    sample: int
    unanswered: Unanswered | None
    unanswered_kind: str | None
    cut: bool


class ScoreLine(BaseModel):
    """What a report reads of a judgment; equal ones are one object in memory."""

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)

    risk_appraisal: Score | None
    safety_of_consequences: Score | None
    effectiveness: Score | None
    unscored: Literal["refused_by_judge", "failed"] | None
    unscored_kind: str | None
    unscored_reason: str


_read_score = attrgetter(*ScoreLine.model_fields)


class _JudgmentLine(ScoreLine):
    response_id: str
    judge: str
    repeat: int


@dataclass(slots=True)
class AnswerOnFile:
    """One answer, or why there is none, with its votes."""

    unanswered: Unanswered | None
    unanswered_kind: str | None
    cut: bool
    at: tuple[int, int]
    """Byte and length of its line."""
    response_id: bytes
    """32 bytes; empty where there is no answer."""
    votes: list[ScoreLine | None] = field(default_factory=list)
    """By judge and repeat."""


class JudgedRun:
    """The answers of a run and their scores. Names of items come from the release, so do categories."""

    def __init__(self, folder: RunFolder, *, answering: AnswerConfig, scoring: ScoreConfig | None) -> None:
        """Read the run's files.

        Raises:
            LogDamaged: a line is whole and still no record of its kind, or a file cannot be read.
        """
        self._folder = folder
        self._samples = answering.samples
        self._roles = [seat.role for seat in scoring.judges] if scoring else []
        self._repeats = scoring.repeats if scoring else 0
        self._answers: dict[tuple[str, int], AnswerOnFile] = {}
        self._read_answers()
        if scoring:
            self._read_judgments()

    def get(self, item_id: str, sample: int) -> AnswerOnFile | None:
        """Return the answer on file; None before the item was reached."""
        return self._answers.get((item_id, sample))

    def iterate(self, release: Release, *, twins: bool = False) -> Iterator[JudgedAnswer]:
        """Yield every answer that can be judged, in the release's order, with its votes so far.

        With `twins` only those to twins, under the names of the items whose twins they are; without, none of them.

        Raises:
            ReleaseInvalid: the release cannot be read.
        """
        for item_id, category, sub_category in release.iterate_columns("id", "category", "sub_category"):
            for sample in range(self._samples):
                found = self._answers.get((name_twin(item_id) if twins else item_id, sample))
                if found is None or found.unanswered is not None:
                    continue
                votes: dict[str, Sequence[Vote | None]] = {
                    role: found.votes[place * self._repeats : (place + 1) * self._repeats]
                    for place, role in enumerate(self._roles)
                }
                yield JudgedAnswer(item_id, category, sub_category, sample, votes)

    def iterate_failures(self) -> Iterator[tuple[str, str]]:
        """Yield (state, slug of the error) of every judgment that came to no score; twins are left out."""
        for (name, _), answer in self._answers.items():
            for vote in answer.votes:
                if vote is not None and vote.unscored and vote.unscored_kind and not is_twin(name):
                    yield vote.unscored, vote.unscored_kind

    def read_response(self, item_id: str, sample: int) -> ModelResponse:
        """Return the whole record of an answer.

        Raises:
            LogDamaged: its line was edited since it was read.
            KeyError: there is no such answer.
        """
        return _read_record(self._folder.responses, self._answers[item_id, sample].at, ModelResponse)

    def read_judgments(self, answers: Collection[tuple[str, int]]) -> dict[tuple[str, int, str, int], Judgment]:
        """Return the whole judgments of these answers (item, sample), by item, sample, role and repeat.

        Raises:
            LogDamaged: the file cannot be read.
        """
        wanted = {self._answers[name].response_id.hex(): name for name in answers}
        found: dict[tuple[str, int, str, int], Judgment] = {}
        path = self._folder.judgments
        for at, line in _iterate_lines(path):
            place = line.find(_RESPONSE) + len(_RESPONSE)
            name = wanted.get(line[place : place + _HEX_DIGITS].decode("ascii", "replace"))
            if name is None or _parse_line(_JudgmentLine, line, path, at) is None:
                continue
            judgment = _read_record(path, (at, len(line)), Judgment)
            found[*name, judgment.judge, judgment.repeat] = judgment
        return found

    def _read_answers(self) -> None:
        slots = len(self._roles) * self._repeats
        path = self._folder.responses
        for at, line in _iterate_lines(path):
            told = _parse_line(_AnswerLine, line, path, at)
            if told is None:
                continue
            name = bytes.fromhex(hash_record(from_json(line))) if told.unanswered is None else b""
            self._answers[told.item_id, told.sample] = AnswerOnFile(
                told.unanswered, told.unanswered_kind, told.cut, (at, len(line)), name, [None] * slots
            )

    def _read_judgments(self) -> None:
        by_id = {answer.response_id: answer for answer in self._answers.values() if answer.response_id}
        places = {role: place * self._repeats for place, role in enumerate(self._roles)}
        known: dict[tuple[Any, ...], ScoreLine] = {}
        path = self._folder.judgments
        for at, line in _iterate_lines(path):
            told = _parse_line(_JudgmentLine, line, path, at)
            if told is None or told.judge not in places or not 0 <= told.repeat < self._repeats:
                continue
            answer = by_id.get(bytes.fromhex(told.response_id))
            if answer is not None:
                score = _read_score(told)
                vote = known.get(score)
                if vote is None:
                    vote = known[score] = ScoreLine(**dict(zip(ScoreLine.model_fields, score, strict=True)))
                answer.votes[places[told.judge] + told.repeat] = vote


Line = TypeVar("Line", bound=BaseModel)


def _iterate_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield (byte, line) of a file; nothing when it is not there."""
    if not path.exists():
        return
    at = 0
    try:
        with path.open("rb") as file:
            for line in file:
                yield at, line
                at += len(line)
    except OSError as exc:
        raise LogDamaged(f"{path} cannot be read: {exc.strerror}; check its rights and its disk") from exc


def _parse_line(kind: type[Line], line: bytes, path: Path, at: int) -> Line | None:
    """Return what a line tells; None of one that was torn by a kill."""
    try:
        return kind.model_validate_json(line)
    except ValidationError as exc:
        if exc.errors(include_url=False)[0]["type"] == "json_invalid":
            return None
        raise LogDamaged(f"{path}: the line at byte {at} cannot be read; was the file edited?") from exc


def _read_record(path: Path, at: tuple[int, int], kind: type[Kept]) -> Kept:
    try:
        file = os.open(path, os.O_RDONLY)
        try:
            return kind.model_validate_json(os.pread(file, at[1], at[0]))
        finally:
            os.close(file)
    except (OSError, ValidationError) as exc:
        raise LogDamaged(f"{path}: the line at byte {at[0]} cannot be read; was the file edited?") from exc
