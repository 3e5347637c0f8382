"""Reports of judge runs and the leaderboard over them, from what is on file: no model is asked."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from curator_app.actions import studies
from curator_app.actions.judging import FOLDER, JudgingRefused, Place, open_ledger, refuse_plainly
from curator_app.workspace import Workspace
from endpoints.ledger import Ledger, read_ledger
from judge.leaderboard import Leaderboard, ScoredRun, make_leaderboard
from judge.metrics import ItemScores
from judge.run_folder import RunFolder, open_known, read_known
from judge.run_report import describe_spending, make_report_and_rows, write_report, write_spending
from storage.errors import StorageError
from storage.release_files import read_release


@dataclass(frozen=True)
class ReportedRun:
    """A run's report with what a page about it needs beside."""

    report: dict[str, Any]
    rows: Collection[ItemScores]
    """The panel's score of every answer that can be judged."""
    spending: list[dict[str, Any]]
    folder: Path

    @property
    def scored(self) -> bool:
        """Whether any answer has a score."""
        return bool(self.report.get("scores") and self.report["scores"]["panel"]["all"]["scored"])


def report(place: Place, *, run: str) -> ReportedRun:
    """Write the report of a run from its files, and return it.

    The release is opened by its manifest, whose digest must be the run's; its pictures were checked when the run was
    answered and scored and are not read.

    Raises:
        JudgingRefused: there is no such run, or its files cannot be used.
        StorageError: the release does not exist any more or cannot be read.
    """
    with refuse_plainly(), open_known(place.run_path(run)) as folder, open_ledger(folder) as ledger:
        found = _report(folder, ledger)
        write_report(found.report, folder)
        write_spending(ledger, folder)
        return found


def read_report(place: Place, *, run: str) -> ReportedRun:
    """Return the report of a run as its files are now. Nothing is written, and a process may be at work on the run.

    Raises:
        JudgingRefused, StorageError: as `report` does.
    """
    with refuse_plainly():
        folder = read_known(place.run_path(run))
        return _report(folder, read_ledger(folder.ledger))


def _report(folder: RunFolder, ledger: Ledger) -> ReportedRun:
    release = read_release(folder.release_folder, verify=False)
    made, rows = make_report_and_rows(folder, release)
    return ReportedRun(made, rows, describe_spending(ledger), folder.path)


def read_studies(workspace: Workspace | None, runs: Sequence[ReportedRun]) -> dict[str, list[dict[str, Any]]]:
    """Return the reports of the closed studies of each of these runs, by the run's name; without a workspace none.

    A study is of the run when release, rubric, model and mode are the run's, too: runs of one name come and go.

    Raises:
        StudyRefused: another version froze a study.
    """
    closed = [each for each in studies.read_all(workspace) if each.state == "closed"] if workspace else []
    found: dict[str, list[dict[str, Any]]] = {}
    for run in runs:
        name, config, scoring = run.folder.name, run.report["answers_config"], run.report.get("scores_config", {})
        wanted = {key: config[key] for key in ("release_digest", "model", "mode")}
        wanted |= {"run": name, "rubric_sha256": scoring.get("rubric_sha256")}
        for progress in closed:
            if workspace is None or progress.run != name:
                continue
            made = studies.make_report(workspace, name=progress.name)
            if {key: made["study"][key] for key in wanted} == wanted:
                found.setdefault(name, []).append(made)
    return found


def list_runs(place: Place) -> list[str]:
    """Return the names of the judge runs, in order."""
    return sorted(entry.parent.name for entry in (place.home / FOLDER).glob("*/run.json"))


def rank(
    place: Place,
    *,
    runs: Sequence[str] = (),
    across: bool = False,
    reported: Callable[..., ReportedRun] = report,
) -> Leaderboard:
    """Return the leaderboard over `runs`, or over all of the workspace; runs without scores are named and left out.

    `reported` makes a run's report: `report`, which writes it anew, or `read_report`.

    Raises:
        JudgingRefused: a run that was named cannot be read; there is no run, or none with scores.
        StorageError: the release of a run that was named cannot be read.
    """
    names = list(dict.fromkeys(runs)) or list_runs(place)
    scored: list[ScoredRun] = []
    left_out: list[tuple[str, str]] = []
    for name in names:
        try:
            found = reported(place, run=name)
        except (JudgingRefused, StorageError) as exc:
            if runs:
                raise
            left_out.append((name, str(exc)))
            continue
        if found.scored:
            scored.append(ScoredRun(found.report, found.rows))
        else:
            left_out.append((name, f"no answer is scored yet; run `curator score {name}`"))
    if not scored:
        told = "; ".join(f"{name}: {why}" for name, why in left_out) or "there is no judge run in this workspace"
        raise JudgingRefused(f"no run has scores to rank ({told}); `curator respond` and `curator score` make them")
    return make_leaderboard(scored, across=across, left_out=left_out)
