"""Reports and the leaderboard for whoever looks at them in the app: read from the files as they are, never written."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from curator_app.actions.judge_jobs import make_place
from curator_app.actions.judge_reading import names_hidden_answers
from curator_app.actions.judge_reports import list_runs, rank, read_report, read_studies
from curator_app.actions.judging import JudgingRefused
from curator_app.actions.report_pages import draw_leaderboard, draw_reports
from curator_app.workspace import Workspace
from storage.accounts import Person
from storage.errors import Conflict, NotFound, ReleaseInvalid


def draw_report_page(workspace: Workspace, *, runs: Sequence[str], person: Person) -> str:
    """Return the report of judge runs as a page; without names of all that are scored.

    Raises:
        NotFound: one of the runs does not exist, or there is none.
        Conflict: a run's files cannot be used now, or the page would quote answers that the person may be asked to
            score in a study.
    """
    place, names = make_place(workspace), _check(workspace, runs)
    with _conflict_plainly():
        found = [read_report(place, run=name) for name in names]
    shown = found if runs else [run for run in found if run.scored]
    if not shown:
        raise NotFound("no judge run is scored yet; start one on the page of judge runs")
    for run in shown:
        if names_hidden_answers(workspace, name=run.folder.name, person=person):
            raise Conflict(
                f"the report of {run.folder.name} quotes answers that a study asks you about; it shows once the study "
                "is closed, and the page of the run shows its numbers meanwhile"
            )
    return draw_reports(shown, studies=read_studies(workspace, shown))


def draw_leaderboard_page(workspace: Workspace, *, runs: Sequence[str]) -> str:
    """Return the leaderboard as a page; without names over all runs.

    Raises:
        NotFound: one of the runs does not exist.
        Conflict: none has scores, or the files of a run that was named cannot be used now.
    """
    _check(workspace, runs)
    with _conflict_plainly():
        return draw_leaderboard(rank(make_place(workspace), runs=runs, reported=read_report))


@contextmanager
def _conflict_plainly() -> Iterator[None]:
    try:
        yield
    except (JudgingRefused, ReleaseInvalid) as exc:
        raise Conflict(str(exc)) from exc


def _check(workspace: Workspace, runs: Sequence[str]) -> list[str]:
    known = list_runs(make_place(workspace))
    for name in runs:
        if name not in known:
            raise NotFound(f"there is no judge run {name[:80]!r}")
    return list(dict.fromkeys(runs)) or known
