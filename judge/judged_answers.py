"""What is on file of a run's answers and of their scores, read in one pass over each file.

For reports: only what they count is kept of a line, a few hundred bytes an answer, and what a judge wrote is read again
for the few answers that are shown. A torn line is passed over and the last line of a key counts, as everywhere.
"""

import hashlib
import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic_core import from_json
from typing_extensions import TypedDict  # before Python 3.12 pydantic takes this one only

from judge.config import AnswerConfig, ScoreConfig
from judge.errors import LogDamaged
from judge.panel import JudgedAnswer
from judge.run_folder import RunFolder
from storage.judgment_records import Judgment, ModelResponse, Score
from storage.record import hash_record
from storage.release_files import Release
from storage.release_rows import is_twin, name_twin

Unanswered = Literal["refused_by_provider", "failed", "not_asked"]
Kept = TypeVar("Kept", ModelResponse, Judgment)
_RESPONSE = b'"response_id":"'
_PROVENANCE, _AFTER_PROVENANCE = b',"provenance":{', b',"release_digest":"'
_HEX_DIGITS = 64


class _AnswerLine(TypedDict):
    __pydantic_config__ = ConfigDict(extra="ignore", strict=True)  # type: ignore[misc]  # pydantic's way to say it

    item_id: str
    sample: int
    unanswered: Unanswered | None
    unanswered_kind: str | None
    cut: bool


class _JudgmentLine(TypedDict):
    __pydantic_config__ = ConfigDict(extra="ignore", strict=True)  # type: ignore[misc]  # pydantic's way to say it

    risk_appraisal: Score | None
    safety_of_consequences: Score | None
    effectiveness: Score | None
    unscored: Literal["refused_by_judge", "failed"] | None
    unscored_kind: str | None
    unscored_reason: str
    response_id: str
    judge: str
    repeat: int


@dataclass(frozen=True, eq=False, slots=True)
class ScoreLine:
    """What a report reads of a judgment. Equal ones of a run are one object, so that they are compared as objects."""

    risk_appraisal: Score | None
    safety_of_consequences: Score | None
    effectiveness: Score | None
    unscored: Literal["refused_by_judge", "failed"] | None
    unscored_kind: str | None
    unscored_reason: str


_ANSWER, _JUDGMENT = TypeAdapter(_AnswerLine), TypeAdapter(_JudgmentLine)
_read_score = itemgetter(*ScoreLine.__slots__)
Votes = tuple[ScoreLine | None, ...]
"""By judge and repeat. Equal ones of a run are one tuple."""


@dataclass(slots=True)
class AnswerOnFile:
    """One answer, or why there is none, with its votes."""

    unanswered: Unanswered | None
    unanswered_kind: str | None
    cut: bool
    at: int
    """Byte at which its line begins."""
    length: int
    """Bytes of its line."""
    response_id: bytes
    """32 bytes; empty where there is no answer."""
    votes: Votes


class JudgedRun:
    """The answers of a run and their scores. Names of items come from the release, so do categories."""

    def __init__(self, folder: RunFolder, *, answering: AnswerConfig, scoring: ScoreConfig | None) -> None:
        """Read the run's files.

        Raises:
            LogDamaged: a line is whole and still no record of its kind, or a file cannot be read.
        """
        self._folder = folder
        self._samples = answering.samples
        self.roles = [seat.role for seat in scoring.judges] if scoring else []
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
        Answers with equal votes share them.

        Raises:
            ReleaseInvalid: the release cannot be read.
        """
        by_role: dict[Votes, Mapping[str, Votes]] = {}
        for item_id, category, sub_category in release.iterate_columns("id", "category", "sub_category"):
            for sample in range(self._samples):
                found = self._answers.get((name_twin(item_id) if twins else item_id, sample))
                if found is None or found.unanswered is not None:
                    continue
                votes = by_role.get(found.votes)
                if votes is None:
                    votes = by_role[found.votes] = self._split(found.votes)
                yield JudgedAnswer(item_id, category, sub_category, sample, votes)

    def _split(self, votes: Votes) -> Mapping[str, Votes]:
        n = self._repeats
        return {role: votes[place * n : (place + 1) * n] for place, role in enumerate(self.roles)}

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
        found = self._answers[item_id, sample]
        return _read_record(self._folder.responses, found.at, found.length, ModelResponse)

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
            if name is None or _parse_line(_JUDGMENT, line, path, at) is None:
                continue
            judgment = _read_record(path, at, len(line), Judgment)
            found[*name, judgment.judge, judgment.repeat] = judgment
        return found

    def _read_answers(self) -> None:
        nobody: Votes = (None,) * (len(self.roles) * self._repeats)
        path = self._folder.responses
        for at, line in _iterate_lines(path):
            told = _parse_line(_ANSWER, line, path, at)
            if told is None:
                continue
            unanswered = told["unanswered"]
            name = hash_line(line) if unanswered is None else b""
            self._answers[told["item_id"], told["sample"]] = AnswerOnFile(
                unanswered, told["unanswered_kind"], told["cut"], at, len(line), name, nobody
            )

    def _find_by_id(self, *, parsed: bool) -> dict[bytes, AnswerOnFile]:
        if parsed:
            for answer in self._answers.values():
                if answer.response_id:
                    line = _read_line(self._folder.responses, answer.at, answer.length)
                    answer.response_id = bytes.fromhex(hash_record(from_json(line)))
        return {answer.response_id: answer for answer in self._answers.values() if answer.response_id}

    def _read_judgments(self) -> None:
        by_id, parsed = self._find_by_id(parsed=False), False
        places = {role: place * self._repeats for place, role in enumerate(self.roles)}
        known: dict[tuple[Any, ...], ScoreLine] = {}
        equal: dict[Votes, Votes] = {}
        path = self._folder.judgments
        for at, line in _iterate_lines(path):
            told = _parse_line(_JUDGMENT, line, path, at)
            if told is None or told["judge"] not in places or not 0 <= told["repeat"] < self._repeats:
                continue
            name = bytes.fromhex(told["response_id"])
            if name not in by_id and not parsed:  # a line of an answer that was written otherwise than we do
                by_id, parsed = self._find_by_id(parsed=True), True
            if (answer := by_id.get(name)) is not None:
                score = _read_score(told)
                vote = known.get(score)
                if vote is None:
                    vote = known[score] = ScoreLine(*score)
                place = places[told["judge"]] + told["repeat"]
                votes = (*answer.votes[:place], vote, *answer.votes[place + 1 :])
                answer.votes = equal.setdefault(votes, votes)


Line = TypeVar("Line")


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


def _parse_line(kind: TypeAdapter[Line], line: bytes, path: Path, at: int) -> Line | None:
    """Return what a line tells; None of one that was torn by a kill."""
    try:
        return kind.validate_json(line)
    except ValidationError as exc:
        if exc.errors(include_url=False)[0]["type"] == "json_invalid":
            return None
        raise LogDamaged(f"{path}: the line at byte {at} cannot be read; was the file edited?") from exc


def hash_line(line: bytes) -> bytes:
    """Return the id (32 bytes) of the answer in a line as `RecordLog` writes it: of its JSON without the provenance.

    Quotes within texts are escaped, so that nothing but the keys themselves is found. In a line of another form the
    hash is of no answer.
    """
    begin = line.find(_PROVENANCE)
    end = line.find(_AFTER_PROVENANCE, begin)
    return hashlib.sha256(line[:begin] + line[end:].rstrip(b"\n") if 0 < begin < end else line).digest()


def _read_line(path: Path, at: int, length: int) -> bytes:
    file = os.open(path, os.O_RDONLY)
    try:
        return os.pread(file, length, at)
    finally:
        os.close(file)


def _read_record(path: Path, at: int, length: int, kind: type[Kept]) -> Kept:
    try:
        return kind.model_validate_json(_read_line(path, at, length))
    except (OSError, ValidationError) as exc:
        raise LogDamaged(f"{path}: the line at byte {at} cannot be read; was the file edited?") from exc
