"""Answers that are on file, with what was asked: of a judge run, or of a file of JSON lines. No model is asked."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationError

from judge.errors import ConfigInvalid, ShiftInvalid
from judge.judged_answers import JudgedRun
from judge.run_folder import RunFolder
from storage.judgment_records import LongText
from storage.record import Frozen
from storage.records import Category
from storage.release_files import Release
from storage.texts import FilledText, Line


@dataclass(frozen=True)
class GivenAnswer:
    """An answer and the query that it answers."""

    item_id: str
    sample: int
    category: str
    """A slug; empty where a file names none."""
    query: str
    picture: bytes | None
    """Encoded."""
    text: str


class _AnswerLine(Frozen):
    """A line of a file of answers."""

    id: Line | None = None
    """The item's. None: the line's number."""
    category: Category | None = None
    query: FilledText
    image: Line | None = None
    """A picture's path, relative to the file."""
    answer: Annotated[LongText, Field(min_length=1)]


def iterate_run_answers(folder: RunFolder, release: Release) -> Iterator[GivenAnswer]:
    """Yield the answers of a judge run in the release's order, with the words that were asked.

    What stood before the query is left out: in Constitution mode the constitution.

    Raises:
        ConfigInvalid: the run is in mode caption, whose query has other words around it, or of another release.
        RunMissing, LogDamaged: the run's files cannot be used.
        ReleaseInvalid: the release cannot be read.
    """
    config = folder.read_answer_config()
    if config.mode == "caption":
        raise ConfigInvalid(
            f"the judge run {folder.path.name} is in mode caption, which asks more than the query; take a run in mode "
            "standard, malicious or constitution"
        )
    run = JudgedRun(folder, answering=config, scoring=None)
    for item in release.iterate_items():
        for sample in range(config.samples):
            found = run.get(item.id, sample)
            if found is None or found.unanswered is not None:
                continue
            kept = run.read_response(item.id, sample)
            yield GivenAnswer(item.id, sample, item.category, kept.asked, item.image, kept.text)


def iterate_file_answers(path: Path) -> Iterator[GivenAnswer]:
    """Yield the answers of a file of JSON lines: `query` and `answer`, and where wanted `id`, `category`, `image`.

    Lines of one id are samples of one item.

    Raises:
        ShiftInvalid: a line or its picture cannot be read.
    """
    samples: dict[str, int] = {}
    try:
        with path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield _read_line(path, number, line, samples)
    except (OSError, UnicodeDecodeError) as exc:
        raise ShiftInvalid(f"answers {path} cannot be read: {exc}") from exc


def _read_line(path: Path, number: int, line: str, samples: dict[str, int]) -> GivenAnswer:
    try:
        told = _AnswerLine.model_validate(json.loads(line))
        picture = (path.parent / told.image).read_bytes() if told.image else None
    except ValidationError as exc:
        first = exc.errors(include_url=False)[0]
        place = ".".join(str(step) for step in first["loc"]) or "the line"
        raise ShiftInvalid(
            f"answers {path}, line {number}: {place}: {first['msg']}; a line is an object with query and answer, and "
            "where wanted id, category and image"
        ) from exc
    except (OSError, ValueError, RecursionError) as exc:
        raise ShiftInvalid(f"answers {path}, line {number}: {exc}") from exc
    name = told.id or str(number)
    samples[name] = samples.get(name, -1) + 1
    return GivenAnswer(name, samples[name], told.category or "", told.query, picture, told.answer)
