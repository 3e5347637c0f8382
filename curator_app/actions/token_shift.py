"""Token-shift analysis of a judge run's answers, or of a file's, by models in this process."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from curator_app.actions.constitutions import Named
from curator_app.actions.judging import JudgingRefused, Place, find_constitutions, refuse_plainly
from curator_app.actions.report_pages import draw_token_shift
from curator_app.workspace import Workspace
from endpoints.local_models import require_libraries, shown_name
from judge.benchmark import check_release
from judge.errors import AnswerUnusable, ConfigInvalid
from judge.given_answers import GivenAnswer, iterate_file_answers, iterate_run_answers
from judge.run_folder import open_known
from judge.speech_parts import Tagger, load_tagger, tag_pieces
from judge.target_texts import TargetTexts
from judge.token_shift import ShiftConfig, ShiftTally, TaggedAnswer
from judge.token_shift_text import show_shift_markdown
from storage.release_files import read_release

NAME = "token-shift"


@dataclass(frozen=True)
class ShiftRequest:
    """What `curator token-shift` is asked for; `ShiftConfig` says what the fields mean."""

    answers: str
    """A judge run's name, or a file of JSON lines."""
    model: str
    """A folder, or a name on the hub."""
    reference: str | None = None
    """The other model. Either this or `constitutions`."""
    constitutions: Path | Named | None = None
    top: int = 5
    direction: str = "forward"
    limit: int | None = None
    """Answers at most, the first ones."""
    device: str = "auto"
    dtype: Literal["float32", "bfloat16", "float16"] = "float32"
    tagger: str | None = None


@dataclass(frozen=True)
class _Source:
    name: str
    release_digest: str | None
    categories: dict[str, Any]
    answers: Iterator[GivenAnswer]


def analyse(
    place: Place,
    request: ShiftRequest,
    *,
    to: Path,
    workspace: Workspace | None = None,
    observer: Callable[[int], None] | None = None,
) -> dict[str, Any]:
    """Compare two models, or one with and without constitutions, and write JSON, Markdown and a page to `to`.

    Raises:
        JudgingRefused: something cannot be used, or no answer could be read; the message says what.
        StorageError: the run's release does not exist any more or cannot be read.
    """
    if (request.reference is None) == (request.constitutions is None):
        raise JudgingRefused(
            "a shift is from one model to another, or from no constitution to one: give either --reference MODEL or "
            "--constitutions FILE (`shipped` for the package's own, `workspace` for those edited here)"
        )
    with refuse_plainly():
        tagger, tagger_name = load_tagger(request.tagger)
        source = _open_answers(place, request.answers)
        texts = TargetTexts()
        if request.constitutions is not None:
            texts = find_constitutions(request.constitutions, categories=source.categories, workspace=workspace)
        tally = ShiftTally(_make_config(request, source, tagger_name, texts.sha256))
        _make_folder(to)
        _measure(tally, request, source.answers, texts, tagger, observer or (lambda done: None))
    report = tally.describe()
    if not report["counts"]["answers"]:
        told = "; ".join(each["first"] for each in report["counts"]["skipped"].values()) or "there is none"
        raise JudgingRefused(f"no answer of {source.name} could be read: {told}")
    _write(report, to)
    return report


def _open_answers(place: Place, name: str) -> _Source:
    file = Path(name)
    if file.suffix == ".jsonl":
        if not file.is_file():
            raise JudgingRefused(f"answers {file} cannot be read: there is no such file")
        return _Source(file.name, None, {}, iterate_file_answers(file))
    with open_known(place.run_path(name)) as folder:
        config = folder.read_answer_config()
    # Not held meanwhile: models take hours, and what is appended to the run's files does not disturb a reader.
    release = read_release(folder.release_folder, verify=False)
    check_release(release, config.release_digest)
    return _Source(name, config.release_digest, dict(release.manifest.counts), iterate_run_answers(folder, release))


def _make_config(request: ShiftRequest, source: _Source, tagger: str, texts_sha256: str | None) -> ShiftConfig:
    try:
        return ShiftConfig.model_validate(
            {
                "answers": source.name,
                "release_digest": source.release_digest,
                "model": shown_name(request.model),
                "reference": shown_name(request.reference or request.model),
                "constitutions_sha256": texts_sha256,
                "top": request.top,
                "direction": request.direction,
                "dtype": request.dtype,
                "tagger": tagger,
            }
        )
    except ValidationError as exc:
        first = exc.errors(include_url=False)[0]
        raise ConfigInvalid(f"{'.'.join(map(str, first['loc']))} is {first['input']!r}: {first['msg']}") from exc


def _measure(
    tally: ShiftTally,
    request: ShiftRequest,
    answers: Iterator[GivenAnswer],
    texts: TargetTexts,
    tagger: Tagger,
    observer: Callable[[int], None],
) -> None:
    require_libraries("token shift", "torch", "transformers")
    from judge.teacher_forcing import Side, check_comparable, compare_sides, load_model

    model = load_model(request.model, device=request.device, dtype=request.dtype)
    other = load_model(request.reference, device=request.device, dtype=request.dtype) if request.reference else model
    check_comparable(model, other)
    shifted, reference = Side(model, texts.constitutions), Side(other)
    for number, answer in enumerate(islice(answers, request.limit), 1):
        try:
            found = compare_sides(answer, shifted, reference, direction=tally.config.direction)
        except AnswerUnusable as exc:
            tally.skip(exc.kind, str(exc))
        else:
            tags = tag_pieces(answer.text, found.spans, tagger(answer.text))
            tally.blind += answer.picture is not None and not (model.sees and other.sees)
            tally.add(
                TaggedAnswer(
                    answer.item_id, answer.sample, answer.text, found.spans, tags, found.kl, found.delta, found.raised
                )
            )
        observer(number)


def _make_folder(folder: Path) -> None:
    """Make the folder before anything is measured: hours of work shall not end at a name that cannot be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise JudgingRefused(f"{folder} cannot be made: {exc.strerror}; give another folder with --to") from exc


def _write(report: dict[str, Any], folder: Path) -> None:
    texts = {
        "json": json.dumps(report, indent=1, ensure_ascii=False, allow_nan=False) + "\n",
        "md": show_shift_markdown(report),
        "html": draw_token_shift(report),
    }
    try:
        for form, text in texts.items():
            (folder / f"{NAME}.{form}").write_text(text, encoding="utf-8")
    except OSError as exc:
        raise JudgingRefused(f"{folder} cannot be written: {exc.strerror}; give another folder with --to") from exc
