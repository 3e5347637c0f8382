"""A trained model judged against its base: two judge runs on one release, alike, and their paired comparison.

evaluations/NAME/  comparison.json  comparison.md  report.html     written anew each time
judge-runs/NAME-base  judge-runs/NAME-trained                      resumed, as all judge runs
training-runs/RUN/evaluations.jsonl                                which of them belong to a training
"""

import json
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from caspo.errors import CaspoError
from caspo.export.exporting import EVALUATIONS, RECORD, read_evaluations, read_record
from caspo.export.provenance import read_run
from caspo.launch import read_manifest
from curator_app.actions.judge_reports import ReportedRun, read_studies, report
from curator_app.actions.judging import (
    JUDGE_TOKENS,
    JudgeObserver,
    JudgingRefused,
    Place,
    Sampling,
    SittingEnd,
    choose_target,
    load_place_endpoints,
    pick_judges,
    refuse_plainly,
    respond,
    score,
)
from curator_app.actions.releases import find_release
from curator_app.actions.report_pages import draw_reports
from curator_app.actions.training_exports import ModelNotExported, find_run
from curator_app.workspace import Workspace
from endpoints.config import build_endpoints
from endpoints.ledger import Ledger
from judge.benchmark import count_twins
from judge.paired_report import Side, describe_pair, show_pair_markdown, summarize_pair
from judge.run_folder import read_known
from judge.run_report import iterate_scores
from storage.release_files import Release, hash_file, read_release
from storage.texts import canonical_json, utc_now
from storage.whole_files import write_whole

FOLDER = "evaluations"
SIDES = ("base", "trained")
Show = Callable[[str], AbstractContextManager[JudgeObserver]]
"""What is being done -> shows how far it is."""


@dataclass(frozen=True)
class Evaluation:
    """What `curator caspo evaluate` is asked for."""

    release: str
    base: str
    """Endpoint of the file that serves the model before the training."""
    trained: str
    """And after it."""
    name: str | None = None
    run: str | None = None
    """The training, which is to know of it."""
    export: Path | None = None
    """The folder that `trained` serves."""
    sampling: Sampling = field(default_factory=Sampling)
    """`target` and, without a say in it, `twins` are set here."""
    twins: bool | None = None
    """None: where the release has any."""
    judges: tuple[str, ...] | None = None
    repeats: int = 1
    judge_temperature: float | None = 0.0
    judge_tokens: int = JUDGE_TOKENS


@dataclass(frozen=True)
class Evaluated:
    """What it came to; `pair` is None where it ended early."""

    name: str
    folder: Path
    ends: Mapping[str, SittingEnd]
    """By what was done."""
    pair: Mapping[str, Any] | None = None
    notes: tuple[str, ...] = ()

    @property
    def stopped(self) -> str:
        """Why it ended early; empty where it did not."""
        return next((end.state.stopped for end in self.ends.values() if end.state.stopped), "")

    @property
    def failed(self) -> int:
        """Calls that came to nothing, and are tried again by the same command."""
        return sum(end.state.counts["failed"] for end in self.ends.values())


def evaluate(place: Place, workspace: Workspace | None, asked: Evaluation, *, show: Show) -> Evaluated:
    """Let both models answer, have the answers scored by the same judges, and compare. The same again goes on.

    Raises:
        JudgingRefused: Something cannot be used, or the two runs are not alike; the message says what.
        ModelNotExported: The training or the export that is named is none.
        StorageError: The release does not exist or does not verify.
    """
    if asked.base == asked.trained:
        raise JudgingRefused(
            f"--base and --trained are both {asked.base!r}: name two endpoints of the file, one for each model"
        )
    _check_endpoints(place, asked)
    release = find_release(workspace, asked.release)
    training = find_run(place.home, asked.run) if asked.run else None
    export = describe_export(asked.export, training) if asked.export else None
    name = asked.name or f"{asked.trained}-{release.manifest.version}"
    runs = {side: f"{name}-{side}" for side in SIDES}
    for run in runs.values():
        place.run_path(run)
    ends: dict[str, SittingEnd] = {}
    for what, sit in _list_sittings(place, workspace, asked, release, runs):
        with show(what) as observer:
            ends[what] = sit(observer)
        if ends[what].state.stopped:
            return Evaluated(name, place.home / FOLDER / name, ends)
    return _compare(place, workspace, name, runs, ends, training=training, export=export)


def _check_endpoints(place: Place, asked: Evaluation) -> None:
    """Refuse a model or a judge that the endpoints file has not, before anything is paid for the others."""
    with refuse_plainly():
        file = load_place_endpoints(place)
        for name in (asked.base, asked.trained):
            choose_target(file, name)
        roles = build_endpoints(file, cache_dir=None, ledger=Ledger(), given=place.given)
        for role in pick_judges(roles, asked.judges):
            roles.chat(role)


def _list_sittings(
    place: Place, workspace: Workspace | None, asked: Evaluation, release: Release, runs: Mapping[str, str]
) -> list[tuple[str, Callable[[JudgeObserver], SittingEnd]]]:
    """Return what is to be done, one after the other."""
    twins = asked.twins
    if twins is None:
        twins = asked.sampling.mode != "malicious" and count_twins(release) > 0

    def answer(side: str) -> Callable[[JudgeObserver], SittingEnd]:
        target = {"base": asked.base, "trained": asked.trained}[side]
        sampling = replace(asked.sampling, target=target, twins=bool(twins))
        return lambda observer: respond(
            place, workspace, release=asked.release, run=runs[side], sampling=sampling, observer=observer
        )

    def judge(side: str) -> Callable[[JudgeObserver], SittingEnd]:
        return lambda observer: score(
            place,
            run=runs[side],
            judges=asked.judges,
            repeats=asked.repeats,
            temperature=asked.judge_temperature,
            max_tokens=asked.judge_tokens,
            observer=observer,
        )

    return [(f"answers, {side}", answer(side)) for side in SIDES] + [
        (f"judgments, {side}", judge(side)) for side in SIDES
    ]


def _compare(
    place: Place,
    workspace: Workspace | None,
    name: str,
    runs: Mapping[str, str],
    ends: Mapping[str, SittingEnd],
    *,
    training: Path | None,
    export: Mapping[str, Any] | None,
) -> Evaluated:
    reported = {side: report(place, run=run) for side, run in runs.items()}
    for each in reported.values():
        if not each.scored:
            raise JudgingRefused(
                f"no answer of the judge run {each.folder.name} has a score; see {each.folder / 'report.md'}"
            )
    with refuse_plainly():
        pair = describe_pair(*(_read_side(reported[side]) for side in SIDES))
    notes = tuple(_list_cautions(pair, training))
    told = {**pair, "training": training.name if training else None, "export": export, "notes": list(notes)}
    folder = place.home / FOLDER / name
    page = draw_reports(
        [reported[side] for side in SIDES],
        studies=read_studies(workspace, list(reported.values())),
        pair=pair,
        notes=notes,
    )
    write_whole(folder / "comparison.json", json.dumps(told, indent=1, ensure_ascii=False, allow_nan=False) + "\n")
    write_whole(folder / "comparison.md", show_pair_markdown(pair, notes=notes) + "\n")
    write_whole(folder / "report.html", page)
    if training is not None:
        note_evaluation(training, name, pair, export)
    return Evaluated(name, folder, ends, pair, notes)


def _read_side(run: ReportedRun) -> Side:
    if not run.report["answers_config"]["twins"]:
        return Side(run.report, run.rows)
    folder = read_known(run.folder)
    release = read_release(folder.release_folder, verify=False)
    return Side(run.report, run.rows, list(iterate_scores(folder, release, twins=True)))


def _list_cautions(pair: Mapping[str, Any], training: Path | None) -> list[str]:
    """Return what makes the numbers worth less than they look."""
    if training is None:
        return []
    with refuse_plainly():
        config = read_run(training)[1]
        sources = read_manifest(config.data.folder).get("sources", [])
    trained_on = {source.get("digest") for source in sources if source.get("part") == "train"}
    if pair["release"]["digest"] in trained_on:
        version = pair["release"]["version"]
        return [
            f"The model was trained on release {version}: its numbers say nothing about items that it has not seen."
        ]
    return []


def describe_export(folder: Path, training: Path | None) -> dict[str, Any]:
    """Return what names an exported model.

    Raises:
        ModelNotExported: It is none, or that of another training.
    """
    try:
        record = read_record(folder)
    except CaspoError as exc:
        raise ModelNotExported(str(exc)) from exc
    if training is not None:
        own = json.loads((training / "run.json").read_bytes())
        if record["run"]["started_at"] != own.get("started_at") or record["run"]["name"] != training.name:
            raise ModelNotExported(
                f"{folder} was exported from the run {record['run']['name']}, begun {record['run']['started_at']}, and "
                f"not from {training}; give the folder of this training's export"
            )
    return {"name": folder.name, "step": record["step"], "record_sha256": hash_file(folder / RECORD)["sha256"]}


def note_evaluation(training: Path, name: str, pair: Mapping[str, Any], export: Mapping[str, Any] | None) -> None:
    """Add to a training's folder that it was evaluated, unless its last word on that evaluation is the same.

    Raises:
        ModelNotExported: The file was edited.
    """
    told = {
        "name": name,
        "release": pair["release"],
        "mode": pair["mode"],
        "judge_runs": {side: pair[side]["run"] for side in SIDES},
        "models": {side: pair[side]["model"] for side in SIDES},
        "report": f"{FOLDER}/{name}",
        "export": export,
        "summary": summarize_pair(dict(pair)),
    }
    try:
        known = [one for one in read_evaluations(training) if one["name"] == name]
    except CaspoError as exc:
        raise ModelNotExported(str(exc)) from exc
    if known and {key: value for key, value in known[-1].items() if key != "at"} == told:
        return
    with (training / EVALUATIONS).open("a", encoding="utf-8") as file:
        file.write(canonical_json({**told, "at": utc_now().isoformat()}) + "\n")
