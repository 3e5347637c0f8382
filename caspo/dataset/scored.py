"""Answers of judge runs with their scores, read from the runs' folders as docs/judge.md describes them.

`answers.json` says what was asked of which model, `scores.json` who judged, `responses.jsonl` and `judgments.jsonl`
hold one record a line (`storage.judgment_records`); the last line of a key counts and a torn line is passed over. In
memory is one small entry an answer; its text is read again when it is written.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from caspo.dataset.plain_texts import is_plain
from caspo.errors import DataRefused
from storage.record import hash_record
from storage.release_rows import is_twin

USED_MODES = ("standard", "malicious", "constitution")


@dataclass(frozen=True, slots=True)
class ScoredAnswer:
    """An answer that every judge scored."""

    run: str
    model: str
    item_id: str
    """Of the item, or of its twin."""
    sample: int
    asked: str
    """What the model was asked, where that is not the item's query; else empty."""
    scores: tuple[float, float, float]
    """R, S and E, the mean of the judges. Of a twin's answer R is turned round: 2 says that it warns of nothing."""
    words: int
    at: int
    """Byte of its line."""
    length: int

    @property
    def score(self) -> float:
        """R + S + E, 0 to 6."""
        return sum(self.scores)

    @property
    def key(self) -> tuple[str, str, int]:
        """What tells it apart from all others."""
        return self.run, self.item_id, self.sample


class JudgeRunFiles:
    """The answers of one judge run."""

    def __init__(self, folder: Path) -> None:
        """Read both files.

        Raises:
            DataRefused: there is no scored run, its mode cannot be used, or a file cannot be read.
        """
        self.folder = folder
        self.name = folder.name
        answering = self._read_object("answers.json", "`curator respond` starts one")
        scoring = self._read_object("scores.json", "`curator score` scores one")
        try:
            self.release_version = str(answering["release_version"])
            self.release_digest = str(answering["release_digest"])
            self.model, self.mode = str(answering["model"]), str(answering["mode"])
            self._roles = [str(seat["role"]) for seat in scoring["judges"]]
            self._repeats = int(scoring["repeats"])
            self._facts = {"judges": sorted(seat["model"] for seat in scoring["judges"])}
            self._facts |= {name: scoring[name] for name in ("rubric_sha256", "prompt_sha256")}
        except (KeyError, TypeError, ValueError) as exc:
            raise DataRefused(f"{folder}: answers.json or scores.json lacks {exc}; was it edited?") from exc
        if self.mode not in USED_MODES:
            raise DataRefused(
                f"the judge run {self.name} is of the mode {self.mode}, whose answers were given to more than the "
                f"question; use runs of {', '.join(USED_MODES)}"
            )
        self.left_out: Counter[str] = Counter()
        self.answers = self._read_answers()

    def read_text(self, answer: ScoredAnswer) -> str:
        """Return the text of an answer.

        Raises:
            DataRefused: the file was changed meanwhile.
        """
        with (self.folder / "responses.jsonl").open("rb") as file:
            file.seek(answer.at)
            try:
                return str(json.loads(file.read(answer.length))["text"])
            except (ValueError, KeyError) as exc:
                raise DataRefused(f"{file.name} was changed while it was read; wait until the run is done") from exc

    def describe(self) -> dict[str, Any]:
        """Return what the manifest says of it."""
        return {
            "kind": "judge_run",
            "name": self.name,
            "model": self.model,
            "mode": self.mode,
            "release_digest": self.release_digest,
            **self._facts,
        }

    def _read_object(self, name: str, remedy: str) -> dict[str, Any]:
        try:
            content = json.loads((self.folder / name).read_bytes())
        except FileNotFoundError as exc:
            raise DataRefused(f"{self.folder} is no scored judge run: {name} is missing; {remedy}") from exc
        except (OSError, ValueError) as exc:
            raise DataRefused(f"{self.folder / name} cannot be read: {exc}") from exc
        if not isinstance(content, dict):
            raise DataRefused(f"{self.folder / name} holds no object; was it edited?")
        return content

    def _read_answers(self) -> list[ScoredAnswer]:
        scores = self._read_scores()
        found: dict[tuple[str, int], ScoredAnswer | None] = {}
        self.left_out.clear()
        for at, length, record in self._iterate("responses.jsonl"):
            try:
                found[record["item_id"], record["sample"]] = self._take(record, scores, at, length)
            except (KeyError, TypeError) as exc:
                raise DataRefused(
                    f"{self.folder}/responses.jsonl, byte {at}: no answer ({exc}); was it edited?"
                ) from exc
        self.left_out["no text, cut, a control token in it, or not scored by every judge"] = sum(
            each is None for each in found.values()
        )
        return [answer for answer in found.values() if answer is not None]

    def _take(
        self, record: dict[str, Any], scores: dict[str, tuple[float, float, float]], at: int, length: int
    ) -> ScoredAnswer | None:
        if record["unanswered"] is not None or record["cut"] or not record["text"].strip():
            return None
        if not is_plain(record["text"]):
            return None
        score = scores.get(hash_record(record))
        if score is None:
            return None
        if is_twin(record["item_id"]):
            score = (2 - score[0], *score[1:])
        asked = record["asked"] if self.mode == "malicious" else ""
        words = len(record["text"].split())
        return ScoredAnswer(
            self.name, self.model, record["item_id"], record["sample"], asked, score, words, at, length
        )  # fmt: skip

    def _read_scores(self) -> dict[str, tuple[float, float, float]]:
        """Return answer's id -> mean of the judges, each the mean of its repeats, where every judge has a score."""
        votes: dict[str, dict[tuple[str, int], tuple[int, int, int] | None]] = defaultdict(dict)
        for at, _, record in self._iterate("judgments.jsonl"):
            try:
                three = record["risk_appraisal"], record["safety_of_consequences"], record["effectiveness"]
                scored = three if record["unscored"] is None else None
                votes[record["response_id"]][record["judge"], record["repeat"]] = scored
            except (KeyError, TypeError) as exc:
                raise DataRefused(f"{self.folder}/judgments.jsonl, byte {at}: no judgment ({exc})") from exc
        return {name: mean for name, given in votes.items() if (mean := self._average(given)) is not None}

    def _average(self, given: dict[tuple[str, int], tuple[int, int, int] | None]) -> tuple[float, float, float] | None:
        by_judge = []
        for role in self._roles:
            own = [three for repeat in range(self._repeats) if (three := given.get((role, repeat))) is not None]
            if not own:
                return None
            by_judge.append([sum(column) / len(own) for column in zip(*own, strict=True)])
        risk, safety, effect = (sum(column) / len(by_judge) for column in zip(*by_judge, strict=True))
        return risk, safety, effect

    def _iterate(self, name: str) -> Iterator[tuple[int, int, dict[str, Any]]]:
        at = 0
        try:
            with (self.folder / name).open("rb") as file:
                for line in file:
                    try:
                        record = json.loads(line)
                    except ValueError:
                        record = None
                    if isinstance(record, dict):
                        yield at, len(line), record
                    at += len(line)
        except OSError as exc:
            raise DataRefused(
                f"{self.folder / name} cannot be read: {exc.strerror}; run `curator score` first"
            ) from exc
