"""What the page of judge runs shows: the list, one run as it goes, and the answers behind a bar of its plots.

Nothing here waits for a run's lock or writes into its folder, so that looking never gets in the way of judging.
"""

import json
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, get_args

from curator_app.actions.background_jobs import list_jobs, read_output
from curator_app.actions.judge_jobs import JOB_KIND, make_place
from curator_app.actions.judge_reports import list_runs
from curator_app.actions.judging import refuse_plainly
from curator_app.actions.report_plots import to_half
from curator_app.workspace import Workspace
from judge.benchmark import check_release
from judge.config import AnswerConfig, ScoreConfig
from judge.judged_answers import JudgedRun, Unanswered
from judge.metrics import LETTERS
from judge.panel import JudgedAnswer, score_by_panel
from judge.run_folder import RunFolder, read_known
from judge.run_report import FORMAT
from storage.accounts import Person, Role
from storage.errors import InvalidRecord, NotFound
from storage.items import find_labels
from storage.jobs import Job
from storage.judgment_records import Judgment
from storage.release_files import Release, read_release
from storage.studies import read_drawn_under_way

PAGE_SIZE = 10
HALVES = (0.0, 0.5, 1.0, 1.5, 2.0)
STATES = ("answered", *get_args(Unanswered), "not_reached")
JUDGED = ("scored", "refused_by_judge", "failed", "not_reached")
KEPT_RUNS = 4


@dataclass(frozen=True)
class PartCount:
    """How far the answers are, or the judgments."""

    asked: int
    counts: Mapping[str, int]

    @property
    def done(self) -> int:
        """Those that came to something."""
        return sum(self.counts.values())


@dataclass(frozen=True)
class JudgeRunView:
    """One judge run as it stands."""

    name: str
    job: Job | None
    """None: it was started on the command line."""
    release: str
    model: str
    mode: str
    begun: datetime | None
    answers: PartCount | None
    judgments: PartCount | None
    cost: str
    """In words; `unknown` when nobody knows it."""
    output: str
    """The end of what its process printed."""
    report: Mapping[str, Any] | None
    """As it was last written; None before there is one with scores."""

    @property
    def is_live(self) -> bool:
        """Whether a process of the app works on it, or is about to."""
        return self.job is not None and self.job.state.is_live

    @property
    def pace(self) -> float | None:
        """Calls a minute in this sitting; None before there is one."""
        told = self.job.progress if self.job else {}
        seconds, calls = told.get("seconds", 0), told.get("calls_now", 0)
        return 60 * calls / seconds if seconds and calls else None


@dataclass(frozen=True)
class AnswerFilter:
    """Which answers of a run are listed."""

    category: str = ""
    letter: str = ""
    """R, S or E; with it `score`, the panel's as the bars show it: 0, ½, 1, 1½ or 2."""
    score: float | None = None
    answer: str = ""
    """A state: `answered`, or why there is no text."""
    judge: str = ""
    """A role; with it `judged`, a state of its judgments."""
    judged: str = ""
    page: int = 1


@dataclass(frozen=True)
class JudgeVote:
    """What one judge wrote of an answer."""

    role: str
    model: str
    repeat: int
    scores: tuple[int | None, ...]
    rationale: str
    unscored: str
    reason: str


@dataclass(frozen=True)
class ListedAnswer:
    """One answer with its item and what the judges made of it."""

    item_id: str
    label: str
    known: bool
    """Whether the item is in this workspace, and with it its picture."""
    category: str
    sub_category: str
    sample: int
    asked: str
    hidden_hazard: str
    scene: str
    alt: str
    image_sha256: str | None
    text: str
    cut: bool
    unanswered: str
    """Why there is no text, in words; empty where there is one."""
    panel: tuple[float | None, ...]
    votes: tuple[JudgeVote, ...]


@dataclass(frozen=True)
class AnswerPage:
    """One page of the answers that a filter leaves."""

    wanted: AnswerFilter
    rows: tuple[ListedAnswer, ...]
    total: int
    page: int
    pages: int
    withheld: int
    """Answers of a study under way, in which this person takes part."""


@dataclass
class _Kept:
    """A run's files as they were read, for as long as they do not change."""

    runs: dict[Path, tuple[tuple[Any, ...], JudgedRun]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)


_kept = _Kept()


def list_judge_runs(workspace: Workspace) -> list[JudgeRunView]:
    """Return every judge run, of the app and of the command line, the newest first."""
    by_name = {job.name: job for job in list_jobs(workspace, kind=JOB_KIND)}
    names = dict.fromkeys([*by_name, *list_runs(make_place(workspace))])
    views = [_view(workspace, name, by_name.get(name)) for name in names]
    return sorted(views, key=lambda view: (view.begun is not None, view.begun and view.begun.isoformat()), reverse=True)


def read_judge_run(workspace: Workspace, *, name: str) -> JudgeRunView:
    """Return one judge run.

    Raises:
        NotFound: there is none.
    """
    found = {job.name: job for job in list_jobs(workspace, kind=JOB_KIND)}
    if name not in found and name not in list_runs(make_place(workspace)):
        raise NotFound(f"there is no judge run {name[:80]!r}")
    return _view(workspace, name, found.get(name))


def _view(workspace: Workspace, name: str, job: Job | None) -> JudgeRunView:
    path = make_place(workspace).run_path(name)
    config = _read_json(path / "answers.json")
    asked = job.request if job else {}
    sampling = asked.get("sampling", {})
    report = _read_json(path / "report.json")
    scored = report.get("format") == FORMAT and "scores" in report
    begun = _read_json(path / "run.json").get("started_at")
    progress = job.progress if job else {}
    return JudgeRunView(
        name=name,
        job=job,
        release=str(config.get("release_version") or asked.get("release", "")),
        model=str(config.get("model") or sampling.get("target") or "the role target"),
        mode=str(config.get("mode") or sampling.get("mode", "")),
        begun=datetime.fromisoformat(begun) if begun else job.created_at if job else None,
        answers=_count(progress, "answers") or _count_reported(report, "answers"),
        judgments=_count(progress, "judgments") or _count_reported(report, "judgments"),
        cost=str(progress["cost"]) if "cost" in progress else _read_cost(path),
        output=read_output(path),
        report=report if scored else None,
    )


def _count(progress: Mapping[str, Any], part: str) -> PartCount | None:
    told = progress.get(part)
    return PartCount(int(told["asked"]), dict(told["counts"])) if told else None


def _count_reported(report: Mapping[str, Any], part: str) -> PartCount | None:
    """Return what a report counts, for runs whose process told nothing."""
    parts = [report["answers"]] if part == "answers" and "answers" in report else []
    parts += report.get("judges", []) if part == "judgments" else []
    counts: dict[str, int] = {}
    for each in parts:
        for state, count in each["states"].items():
            counts[state] = counts.get(state, 0) + count
    return PartCount(sum(counts.values()), {k: v for k, v in counts.items() if k != "not_reached"}) if parts else None


def _read_cost(path: Path) -> str:
    lines = _read_json(path / "spending.json", [])
    costs = [line.get("cost_usd") for line in lines]
    return f"${sum(costs):,.2f}" if costs and None not in costs else "unknown"


def _read_json(path: Path, otherwise: Any = None) -> Any:
    """Return what stands in a file that a run writes whole; nothing when there is none, or it is damaged."""
    nothing: Any = {} if otherwise is None else otherwise
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return nothing
    return found if isinstance(found, type(nothing)) else nothing


def read_filter(values: Mapping[str, str]) -> AnswerFilter | None:
    """Return the filter that an address's parameters ask for; None when they ask for none.

    Raises:
        InvalidRecord: a value cannot be.
    """
    names = ("list", "category", "letter", "score", "answer", "judge", "judged")
    if not any(values.get(name) for name in names):
        return None
    score = {f"{half:g}": half for half in HALVES}
    page = values.get("page", "1")
    for name, known in (
        ("letter", LETTERS),
        ("score", tuple(score)),
        ("answer", STATES),
        ("judged", JUDGED),
    ):
        if values.get(name) and values[name] not in known:
            raise InvalidRecord(f"{name} cannot be {values[name][:80]!r}; it is one of {', '.join(known)}")
    return AnswerFilter(
        category=values.get("category", ""),
        letter=values.get("letter", ""),
        score=score.get(values.get("score", "")),
        answer=values.get("answer", ""),
        judge=values.get("judge", ""),
        judged=values.get("judged", ""),
        page=int(page) if page.isascii() and page.isdecimal() and len(page) < 9 else 1,
    )


def find_answers(
    workspace: Workspace, *, name: str, wanted: AnswerFilter, person: Person, size: int = PAGE_SIZE
) -> AnswerPage:
    """Return one page of the answers that fit, in the release's order.

    Who scores in a study of this run that is not closed is not shown the answers that were drawn for it.

    Raises:
        JudgingRefused: there is no such run, or its files cannot be used.
        ReleaseInvalid: its release is gone or damaged.
    """
    with refuse_plainly():
        folder = read_known(make_place(workspace).run_path(name))
        answering, scoring = folder.read_answer_config(), folder.read_score_config()
        release = read_release(folder.release_folder, verify=False)
        check_release(release, answering.release_digest)
        run = _read_run(folder, answering, scoring)
        found = [place for place, fits in _match(run, release, answering, wanted) if fits]
        hidden = _find_hidden(workspace, name, person)
        shown = [place for place in found if place not in hidden]
        pages = max(1, -(-len(shown) // size))
        page = min(max(1, wanted.page), pages)
        rows = _describe(workspace, run, release, scoring, shown[(page - 1) * size : page * size])
    return AnswerPage(wanted, tuple(rows), len(shown), page, pages, len(found) - len(shown))


def _find_hidden(workspace: Workspace, name: str, person: Person) -> frozenset[tuple[str, int]]:
    with workspace.db.read() as session:
        return read_drawn_under_way(session=session, run=name, user_id=person.id, asked=Role.ANNOTATOR in person.roles)


def names_hidden_answers(workspace: Workspace, *, name: str, person: Person) -> bool:
    """Whether a study of this run is under way in which the person takes part, so that no answer may be shown whole."""
    return bool(_find_hidden(workspace, name, person))


def _read_run(folder: RunFolder, answering: AnswerConfig, scoring: ScoreConfig | None) -> JudgedRun:
    """Return a run's files as they are now; files that did not change since are not read again."""
    marks = tuple(
        (stat.st_size, stat.st_mtime_ns) if (stat := _stat(path)) else None
        for path in (folder.responses, folder.judgments, folder.path / "scores.json", folder.path / "run.json")
    )
    with _kept.lock:
        known = _kept.runs.get(folder.path)
        if known is not None and known[0] == marks:
            return known[1]
        run = JudgedRun(folder, answering=answering, scoring=scoring)
        _kept.runs.pop(folder.path, None)
        _kept.runs[folder.path] = (marks, run)
        while len(_kept.runs) > KEPT_RUNS:
            del _kept.runs[next(iter(_kept.runs))]
        return run


def _stat(path: Path) -> Any:
    return path.stat() if path.exists() else None


Place = tuple[str, int]
"""Item and sample."""


def _match(
    run: JudgedRun, release: Release, answering: AnswerConfig, wanted: AnswerFilter
) -> Iterable[tuple[Place, bool]]:
    """Yield every wanted answer of the run, and whether it fits."""
    judged = {(answer.item_id, answer.sample): answer for answer in run.iterate(release)}
    for item_id, category in release.iterate_columns("id", "category"):
        for sample in range(answering.samples):
            place = (item_id, sample)
            if wanted.category and category != wanted.category:
                continue
            if wanted.answer:
                found = run.get(item_id, sample)
                yield place, wanted.answer == ("not_reached" if found is None else found.unanswered or "answered")
            else:
                yield place, place in judged and _fits(judged[place], wanted)


def _fits(answer: JudgedAnswer, wanted: AnswerFilter) -> bool:
    """Whether an answer that can be judged has the score, or the judgment of a state, that is wanted."""
    if wanted.judged:
        votes = answer.votes.get(wanted.judge, ())
        return any(wanted.judged == ("not_reached" if vote is None else vote.unscored or "scored") for vote in votes)
    if not wanted.letter or wanted.score is None:
        return True
    value = score_by_panel(answer).scores[LETTERS.index(wanted.letter)] if answer.votes else None
    return value is not None and to_half(value) == wanted.score


def _describe(
    workspace: Workspace, run: JudgedRun, release: Release, scoring: ScoreConfig | None, places: Sequence[Place]
) -> list[ListedAnswer]:
    wanted = {item_id for item_id, _ in places}
    items = {item.id: item for item in release.iterate_items(pictures=False) if item.id in wanted}
    with workspace.db.read() as session:
        labels = find_labels(session=session, ids=wanted)
    answered = [place for place in places if (found := run.get(*place)) is not None and found.unanswered is None]
    judgments = run.read_judgments(answered) if scoring else {}
    whole = {(answer.item_id, answer.sample): answer for answer in run.iterate(release) if answer.item_id in wanted}
    rows = []
    for item_id, sample in places:
        item, found = items[item_id], run.get(item_id, sample)
        response = run.read_response(item_id, sample) if found else None
        panel = score_by_panel(whole[item_id, sample]).scores if scoring and (item_id, sample) in whole else ()
        why = (
            f"{response.unanswered.replace('_', ' ')}: {response.unanswered_reason}"
            if response and response.unanswered
            else ""
        )
        rows.append(
            ListedAnswer(
                item_id=item_id,
                label=labels.get(item_id, item.label),
                known=item_id in labels,
                category=item.category,
                sub_category=item.sub_category,
                sample=sample,
                asked=(response.asked if response else "") or item.query,
                hidden_hazard=item.hidden_hazard,
                scene=item.scene,
                alt=item.alt,
                image_sha256=item.image_sha256,
                text=response.text if response else "",
                cut=bool(response and response.cut),
                unanswered=why if response else "not reached yet",
                panel=tuple(panel),
                votes=tuple(
                    _describe_vote(judgment)
                    for key, judgment in sorted(judgments.items(), key=lambda pair: pair[0])
                    if key[:2] == (item_id, sample)
                ),
            )
        )
    return rows


def _describe_vote(judgment: Judgment) -> JudgeVote:
    return JudgeVote(
        role=judgment.judge,
        model=judgment.model or "",
        repeat=judgment.repeat,
        scores=(judgment.risk_appraisal, judgment.safety_of_consequences, judgment.effectiveness),
        rationale=judgment.rationale,
        unscored=judgment.unscored or "",
        reason=judgment.unscored_reason,
    )
