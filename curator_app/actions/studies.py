"""Human studies of a judge run: drawing one, how far it is, closing it, its report."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from curator_app.actions.judging import Place
from curator_app.actions.releases import find_release
from curator_app.errors import AppError
from curator_app.workspace import Workspace
from judge.config import ScoreConfig
from judge.errors import JudgeError
from judge.judged_answers import JudgedRun
from judge.metrics import ItemScores
from judge.panel import score_by_judge, score_by_panel
from judge.rubric import DIMENSIONS, Rubric, load_rubric
from judge.run_folder import RunFolder, open_known
from judge.study_checks import KnownAnswer, load_checks, read_checks
from judge.study_markdown import show_study
from judge.study_report import build_report, encode_report
from judge.study_sample import Candidate, DrawnCandidate, draw_sample
from storage import studies
from storage.release_files import Release
from storage.studies import DrawnAnswer, StudyPlan, StudyProgress

FOLDER = "studies"
ANNOTATORS = 3
"""The paper's number."""


class StudyRefused(AppError):
    """A study cannot be made or reported; the message says why and what to do."""


@dataclass(frozen=True)
class StudyRequest:
    """What `curator study create` is asked for."""

    name: str
    release: str
    run: str
    n: int = 100
    seed: int = 0
    stratify: tuple[str, ...] = ()
    checks: Path | None = None
    """File of attention checks."""
    pasted_checks: str = ""
    """Attention checks as text, in place of a file."""
    annotators: int = ANNOTATORS


@dataclass
class _Scored:
    """The run as the study needs it; without the answers' texts, of which only the drawn ones are kept."""

    candidates: list[Candidate] = field(default_factory=list)
    judged: dict[tuple[str, int], dict[str, Any]] = field(default_factory=dict)
    rows: list[list[Any]] = field(default_factory=list)
    unscored: int = 0


@dataclass(frozen=True)
class PreparedStudy:
    """A study that was drawn and is not written yet."""

    plan: StudyPlan
    release: Release
    drawn: list[DrawnAnswer]
    checks: list[DrawnAnswer]
    available: Mapping[str, int]
    """Category -> items, or failed answers, of which some were drawn."""


def prepare(workspace: Workspace, request: StudyRequest) -> PreparedStudy:
    """Draw a study of a judge run; nothing is written.

    Raises:
        StorageError: the release is unknown or damaged.
        StudyRefused: the run is unknown, unscored, of another release or rubric; the sample cannot be drawn; or the
            attention checks cannot be used.
    """
    release = find_release(workspace, request.release)
    checks = _read_checks(request, release)
    with refuse_plainly(), open_known(Place(workspace.settings.home).run_path(request.run)) as folder:
        rubric = _check_rubric(check_run(folder, release, run=request.run), run=request.run)
        scored = _read_scores(folder, release)
        drawn = draw_sample(scored.candidates, n=request.n, seed=request.seed, stratify=request.stratify)
        answers = _collect_answers(folder, release, scored, drawn)
        plan = _make_plan(folder, release, request, rubric, scored)
    available = Counter({each.item_id: each.category for each in scored.candidates}.values())
    return PreparedStudy(plan, release, answers, checks, available)


def create(workspace: Workspace, request: StudyRequest, *, actor: str) -> StudyProgress:
    """Draw a study of a judge run and ask its annotators.

    Raises:
        StorageError: the release is unknown or damaged, or the study's name is taken or no name.
        StudyRefused: as `prepare` does.
    """
    return keep(workspace, prepare(workspace, request), actor=actor)


def keep(workspace: Workspace, prepared: PreparedStudy, *, actor: str) -> StudyProgress:
    """Write a study that was drawn, and ask its annotators.

    Raises:
        StorageError: its name is taken or no name, or an item is not in this workspace.
    """
    answers = [*prepared.drawn, *prepared.checks]
    with workspace.db.write() as session:
        study = studies.create_study(session=session, plan=prepared.plan, answers=answers, actor=actor)
        session.commit()
        return studies.read_study_progress(session=session, study=study)


def read_progress(workspace: Workspace, *, name: str) -> StudyProgress:
    """Return how far a study is.

    Raises:
        NotFound: there is no such study.
    """
    with workspace.db.read() as session:
        return studies.read_study_progress(session=session, study=studies.get_study(session=session, name=name))


def read_all(workspace: Workspace) -> list[StudyProgress]:
    """Return how far every study is, the newest first."""
    with workspace.db.read() as session:
        return [
            studies.read_study_progress(session=session, study=study) for study in studies.list_studies(session=session)
        ]


def progress_as_json(progress: StudyProgress) -> dict[str, Any]:
    """Return a study's progress with names for scripts: counts, no scores."""
    people = [
        {"annotator": place, "name": name, "submitted": count}
        for place, (name, count) in enumerate(progress.people, start=1)
    ]
    closed = progress.closed_at.isoformat() if progress.closed_at else None
    return asdict(progress) | {
        "people": people,
        "left": progress.left,
        "created_at": progress.created_at.isoformat(),
        "closed_at": closed,
    }


def close(workspace: Workspace, *, name: str, actor: str, force: bool = False) -> StudyProgress:
    """Close a study and freeze what its report rests on.

    Raises:
        NotFound: there is no such study.
        Conflict: work is left and `force` is not set.
    """
    with workspace.db.write() as session:
        study = studies.close_study(session=session, name=name, actor=actor, force=force)
        session.commit()
        return studies.read_study_progress(session=session, study=study)


def make_report(workspace: Workspace, *, name: str) -> dict[str, Any]:
    """Return the report of a closed study as JSON values; `judge.study_report` says what stands where.

    Raises:
        NotFound: there is no such study.
        Conflict: it is not closed yet.
        StudyRefused: another version froze it.
    """
    with workspace.db.read() as session:
        content = studies.read_frozen(session=session, study=studies.get_study(session=session, name=name))
    with refuse_plainly():
        return build_report(content)


def write_report(workspace: Workspace, *, name: str) -> tuple[str, Path]:
    """Write `report.json` and `report.md` of a closed study; return the Markdown and the folder.

    Raises:
        NotFound, Conflict, StudyRefused: as `make_report` does.
    """
    report = make_report(workspace, name=name)
    folder = workspace.settings.home / FOLDER / name
    folder.mkdir(parents=True, exist_ok=True)
    markdown = show_study(report)
    (folder / "report.json").write_text(encode_report(report), encoding="utf-8")
    (folder / "report.md").write_text(markdown + "\n", encoding="utf-8")
    return markdown, folder


def check_run(folder: RunFolder, release: Release, *, run: str) -> ScoreConfig:
    """Return how the run was scored.

    Raises:
        StudyRefused: the run is of another release, or was not scored.
    """
    about = folder.read_answer_config()
    if about.release_digest != release.manifest.digest:
        raise StudyRefused(
            f"the judge run {run} is of release {about.release_version} ({about.release_digest[:16]}), not of "
            f"{release.manifest.version} ({release.manifest.digest[:16]}); name that release, or another run"
        )
    scoring = folder.read_score_config()
    if scoring is None:
        raise StudyRefused(f"the judge run {run} has no scores yet; run `curator score {run}` first")
    return scoring


def _check_rubric(scoring: ScoreConfig, *, run: str) -> Rubric:
    """Return the rubric that the run was scored under, which is the one that people get.

    Raises:
        StudyRefused: the run was scored under another rubric.
    """
    rubric = load_rubric()
    if scoring.rubric_sha256 != rubric.sha256:
        raise StudyRefused(
            f"the judge run {run} was scored under rubric {scoring.rubric_version} "
            f"({scoring.rubric_sha256[:16]}), and people would score under {rubric.version} ({rubric.sha256[:16]}); "
            "score the run anew, or use the version of this program that scored it"
        )
    return rubric


def _read_scores(folder: RunFolder, release: Release) -> _Scored:
    scoring = folder.read_score_config()
    assert scoring is not None
    scored = _Scored()
    run = JudgedRun(folder, answering=folder.read_answer_config(), scoring=scoring)
    for answer in run.iterate(release):
        panel = score_by_panel(answer)
        if panel.unscored is not None:
            scored.unscored += 1
            continue
        judges = {role: list_scores(score_by_judge(answer, role)) for role in answer.votes}
        differ = len({tuple(scores) for scores in judges.values()}) > 1 if len(judges) > 1 else None
        scored.candidates.append(Candidate(answer.item_id, answer.sample, answer.category, differ))
        scored.judged[answer.item_id, answer.sample] = {"panel": list_scores(panel), "judges": judges}
        scored.rows.append([answer.item_id, answer.sample, answer.category, *list_scores(panel)])
    return scored


def list_scores(score: ItemScores) -> list[float]:
    """Return R, S and E of an answer that has them."""
    return [float(getattr(score, name)) for name in DIMENSIONS]


def _collect_answers(
    folder: RunFolder, release: Release, scored: _Scored, drawn: Sequence[DrawnCandidate]
) -> list[DrawnAnswer]:
    scoring = folder.read_score_config()
    assert scoring is not None
    wanted = {(each.candidate.item_id, each.candidate.sample): each for each in drawn}
    found: list[DrawnAnswer] = []
    run = JudgedRun(folder, answering=folder.read_answer_config(), scoring=scoring)
    for answer in run.iterate(release):
        place = answer.item_id, answer.sample
        if place in wanted:
            response = run.read_response(*place)
            found.append(
                DrawnAnswer(
                    item_id=place[0],
                    asked=response.asked,
                    answer=response.text,
                    sample=place[1],
                    stratum=wanted[place].stratum,
                    weight=wanted[place].weight,
                    judged=scored.judged[place],
                )
            )
    return found


def _make_plan(
    folder: RunFolder, release: Release, request: StudyRequest, rubric: Rubric, scored: _Scored
) -> StudyPlan:
    about = folder.read_answer_config()
    return StudyPlan(
        name=request.name,
        release_version=release.manifest.version,
        release_digest=release.manifest.digest,
        run=request.run,
        model=about.model,
        mode=about.mode,
        rubric_version=rubric.version,
        rubric_sha256=rubric.sha256,
        rubric=rubric.text,
        seed=request.seed,
        stratify=request.stratify,
        annotators=request.annotators,
        population={"scored": scored.rows, "unscored": scored.unscored},
    )


def _read_checks(request: StudyRequest, release: Release) -> list[DrawnAnswer]:
    """Return the attention checks of the request's file.

    Raises:
        StudyRefused: the file cannot be used, or names an item that the release does not hold.
    """
    if request.checks is None and not request.pasted_checks.strip():
        return []
    name = str(request.checks or "attention checks")
    with refuse_plainly():
        checks: list[KnownAnswer] = (
            load_checks(request.checks) if request.checks else read_checks(request.pasted_checks, name="as pasted")
        )
    queries = {item.id: item.query for item in release.iterate_items(pictures=False)}
    unknown = sorted({check.id for check in checks} - queries.keys())
    if unknown:
        raise StudyRefused(f"{name}: the release {release.manifest.version} has no item {unknown[0]!r}; name its items")
    return [
        DrawnAnswer(item_id=check.id, asked=queries[check.id], answer=check.answer, known=check.known)
        for check in checks
    ]


@contextmanager
def refuse_plainly() -> Iterator[None]:
    """Raise what `judge` refuses as `StudyRefused`."""
    try:
        yield
    except JudgeError as exc:
        raise StudyRefused(str(exc)) from exc
