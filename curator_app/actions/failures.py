"""Studies of failures: asking people how those answers of a judge run fail that the judge scored as failed."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from curator_app.actions.judging import Place
from curator_app.actions.releases import find_release
from curator_app.actions.report_pages import draw_failures
from curator_app.actions.studies import (
    ANNOTATORS,
    PreparedStudy,
    StudyRefused,
    check_run,
    keep,
    list_scores,
    progress_as_json,
    refuse_plainly,
)
from curator_app.workspace import Workspace
from judge.failure_markdown import show_failures
from judge.failure_report import build_failure_report
from judge.judged_answers import JudgedRun
from judge.panel import score_by_judge, score_by_panel
from judge.run_folder import open_known
from judge.study_report import encode_report
from storage import studies
from storage.failure_taxonomy import hash_taxonomy, load_taxonomy_text, parse_taxonomy
from storage.records import StudyKind
from storage.release_files import Release
from storage.studies import DrawnAnswer, StudyPlan, StudyProgress
from storage.tables import StudyRow
from storage.texts import hash_json

FOLDER = "failure-reports"
FAILED = {"R": 0, "S": 1}
"""A zero of the panel in one of these, at its place among R, S, E, is a failure."""
_OF_JUDGES = frozenset({"kind", "attention_checks", "agreed", "to_settle", "settled"})


@dataclass(frozen=True)
class FailureRequest:
    """What `curator failures create` is asked for."""

    name: str
    release: str
    run: str
    n: int | None = None
    """How many answers to draw; None: all that failed."""
    seed: int = 0
    annotators: int = ANNOTATORS


@dataclass
class _Failed:
    """The run's failed answers, without their texts, and how many others there are."""

    answers: list[tuple[str, int]] = field(default_factory=list)
    judged: dict[tuple[str, int], dict[str, Any]] = field(default_factory=dict)
    scored: Counter[str] = field(default_factory=Counter)
    """By category."""
    failed: Counter[str] = field(default_factory=Counter)
    unscored: int = 0


def prepare(workspace: Workspace, request: FailureRequest) -> PreparedStudy:
    """Draw failed answers of a judge run; nothing is written.

    Raises:
        StorageError: the release is unknown or damaged.
        StudyRefused: the run is unknown, unscored or of another release, nothing failed, or too many are wanted.
    """
    release = find_release(workspace, request.release)
    with refuse_plainly(), open_known(Place(workspace.settings.home).run_path(request.run)) as folder:
        about, scoring = folder.read_answer_config(), check_run(folder, release, run=request.run)
        run = JudgedRun(folder, answering=about, scoring=scoring)
        found = _find_failed(run, release)
        drawn = _draw(found.answers, request)
        text = load_taxonomy_text()
        plan = StudyPlan(
            name=request.name,
            release_version=release.manifest.version,
            release_digest=release.manifest.digest,
            run=request.run,
            model=about.model,
            mode=about.mode,
            rubric_version=parse_taxonomy(text).version,
            rubric_sha256=hash_taxonomy(text),
            rubric=text,
            seed=request.seed,
            stratify=(),
            annotators=request.annotators,
            population=_describe_population(found, judge_rubric=scoring.rubric_sha256),
            kind=StudyKind.FAILURES,
        )
        responses = {place: run.read_response(*place) for place in drawn}
    weight = len(found.answers) / len(drawn)
    answers = [
        DrawnAnswer(
            item_id=place[0],
            asked=response.asked,
            answer=response.text,
            sample=place[1],
            weight=weight,
            judged=found.judged[place],
        )
        for place, response in responses.items()
    ]
    return PreparedStudy(plan, release, answers, [], found.failed)


def create(workspace: Workspace, request: FailureRequest, *, actor: str) -> StudyProgress:
    """Draw failed answers of a judge run and ask people how they fail.

    Raises:
        StorageError: the release is unknown or damaged, or the study's name is taken or no name.
        StudyRefused: as `prepare` does.
    """
    return keep(workspace, prepare(workspace, request), actor=actor)


def read_progress(workspace: Workspace, *, name: str) -> StudyProgress:
    """Return how far a study is.

    Raises:
        NotFound: there is no such study.
    """
    with workspace.db.read() as session:
        study = studies.get_study(session=session, name=name, kind=StudyKind.FAILURES)
        return studies.read_study_progress(session=session, study=study)


def read_all(workspace: Workspace) -> list[StudyProgress]:
    """Return how far every study is, the newest first."""
    with workspace.db.read() as session:
        found = studies.list_studies(session=session, kind=StudyKind.FAILURES)
        return [studies.read_study_progress(session=session, study=study) for study in found]


def describe_progress(progress: StudyProgress) -> dict[str, Any]:
    """Return a study's progress with names for scripts: counts, no labels."""
    told = progress_as_json(progress)
    return {name: value for name, value in told.items() if name not in _OF_JUDGES} | {"finished": progress.agreed}


def close(workspace: Workspace, *, name: str, actor: str, force: bool = False) -> StudyProgress:
    """Close a study and freeze what its report rests on.

    Raises:
        NotFound: there is no such study.
        Conflict: work is left and `force` is not set.
    """
    with workspace.db.write() as session:
        study = studies.close_study(session=session, name=name, actor=actor, kind=StudyKind.FAILURES, force=force)
        session.commit()
        return studies.read_study_progress(session=session, study=study)


def make_report(workspace: Workspace, *, names: Sequence[str]) -> dict[str, Any]:
    """Return the report of closed studies, one or several together; `judge.failure_report` says what stands where.

    Raises:
        NotFound: there is no such study.
        Conflict: one is not closed yet.
        StudyRefused: they used different taxonomies, or another version froze one.
    """
    with workspace.db.read() as session:
        found = [
            studies.get_study(session=session, name=name, kind=StudyKind.FAILURES) for name in dict.fromkeys(names)
        ]
        contents = [studies.read_frozen(session=session, study=study) for study in found]
    with refuse_plainly():
        return build_failure_report(contents)


def find_reported(workspace: Workspace) -> list[str]:
    """Return the closed studies that go into one map, oldest first: those with the taxonomy of the newest."""
    with workspace.db.read() as session:
        closed: list[StudyRow] = [
            study
            for study in studies.list_studies(session=session, kind=StudyKind.FAILURES)
            if study.closed_at is not None
        ]
    return [study.name for study in reversed(closed) if study.rubric_sha256 == closed[0].rubric_sha256]


def draw_map(workspace: Workspace, *, names: Sequence[str]) -> str:
    """Return the report of closed studies as a page, one file that needs no other.

    Raises:
        NotFound, Conflict, StudyRefused: as `make_report` does.
    """
    return draw_failures(make_report(workspace, names=names))


def write_report(workspace: Workspace, *, names: Sequence[str]) -> tuple[str, Path]:
    """Write `report.json`, `report.md` and `report.html` of closed studies; return the Markdown and the folder.

    Raises:
        NotFound, Conflict, StudyRefused: as `make_report` does.
    """
    report = make_report(workspace, names=names)
    folder = workspace.settings.home / FOLDER / "+".join(dict.fromkeys(names))[:200]
    folder.mkdir(parents=True, exist_ok=True)
    markdown = show_failures(report)
    (folder / "report.json").write_text(encode_report(report), encoding="utf-8")
    (folder / "report.md").write_text(markdown + "\n", encoding="utf-8")
    (folder / "report.html").write_text(draw_failures(report), encoding="utf-8")
    return markdown, folder


def _find_failed(run: JudgedRun, release: Release) -> _Failed:
    found = _Failed()
    for answer in run.iterate(release):
        panel = score_by_panel(answer)
        if panel.unscored is not None:
            found.unscored += 1
            continue
        found.scored[answer.category] += 1
        scores = list_scores(panel)
        why = [letter for letter, place in FAILED.items() if scores[place] == 0]
        if not why:
            continue
        found.failed[answer.category] += 1
        judges = {role: list_scores(score_by_judge(answer, role)) for role in answer.votes}
        found.answers.append((answer.item_id, answer.sample))
        found.judged[answer.item_id, answer.sample] = {"panel": scores, "judges": judges, "why": why}
    return found


def _draw(failed: Sequence[tuple[str, int]], request: FailureRequest) -> list[tuple[str, int]]:
    """Return which answers people get: a simple random sample, the same for the same run and seed.

    Raises:
        StudyRefused: nothing failed, or more are wanted than failed.
    """
    if not failed:
        raise StudyRefused(
            f"the judge run {request.run} has no answer whose R or S every judge scored 0, so there is nothing to label"
        )
    wanted = len(failed) if request.n is None else request.n
    if not 1 <= wanted <= len(failed):
        raise StudyRefused(
            f"--n {wanted} cannot be drawn from {len(failed)} failed answers; give 1 to {len(failed)}, or leave it out"
        )
    return sorted(failed, key=lambda place: hash_json(["failures", request.seed, *place]))[:wanted]


def _describe_population(found: _Failed, *, judge_rubric: str) -> dict[str, Any]:
    categories = {
        category: {"scored": count, "failed": found.failed[category]}
        for category, count in sorted(found.scored.items())
    }
    return {
        "scored": found.scored.total(),
        "failed": found.failed.total(),
        "unscored": found.unscored,
        "categories": categories,
        "judge_rubric_sha256": judge_rubric,
    }
