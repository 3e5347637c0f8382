"""Runs beside one another: who scores best on the same items, and which runs must not be compared at all.

Runs may be compared when release, rubric, judge prompt and judges are the same; a table is made for each such group and
mode. The first of a table has the lowest R_0, and every other is compared with it on the items that both have scored
answers to. Nothing is corrected for the number of comparisons.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

from judge.comparisons import Comparison, compare_models
from judge.config import MODES
from judge.metrics import ItemScores
from judge.report_text import show_mean, show_mean_range, show_share, show_share_range

Report = dict[str, Any]
Yardstick = tuple[tuple[str, str], ...]
"""(what, its value in words)."""


@dataclass(frozen=True, slots=True)
class ScoredRun:
    """A run's report, and its answers' scores by the panel."""

    report: Report
    rows: Collection[ItemScores]

    @property
    def name(self) -> str:
        """The run's name."""
        return str(self.report["run"])

    @property
    def mode(self) -> str:
        """How the target was asked."""
        return str(self.report["answers_config"]["mode"])

    @property
    def yardstick(self) -> Yardstick:
        """What has to be equal for runs to be compared."""
        return read_yardstick(self.report)


def read_yardstick(report: Report) -> Yardstick:
    """Return what a scored run was measured with: release, rubric, judge prompt and judges, each with its words."""
    config, scoring = report["answers_config"], report["scores_config"]
    return (
        ("release", f"{config['release_version']} ({config['release_digest'][:12]})"),
        ("rubric", f"{scoring['rubric_version']} ({scoring['rubric_sha256'][:12]})"),
        ("judge prompt", scoring["prompt_sha256"][:12]),
        ("judges", " and ".join(sorted(seat["model"] for seat in scoring["judges"]))),
    )


def group_reports(reports: Sequence[Report]) -> dict[str, Yardstick]:
    """Return mark -> what the scored runs of a group have in common, in the order in which they occur."""
    found = dict.fromkeys(read_yardstick(report) for report in reports if "scores" in report)
    return {_name_mark(number): yardstick for number, yardstick in enumerate(found)}


def mark_reports(reports: Sequence[Report]) -> list[str]:
    """Return for each report the mark of its group; empty marks when all that are scored may be compared."""
    groups = group_reports(reports)
    marks = {yardstick: mark for mark, yardstick in groups.items()} if len(groups) > 1 else {}
    return [marks.get(read_yardstick(report), "") if "scores" in report else "" for report in reports]


def list_differences(groups: Mapping[str, Yardstick]) -> list[str]:
    """Return in what groups of runs differ, a line each; nothing when there is one group."""
    if len(groups) < 2:
        return []
    lines = []
    for place, (what, _) in enumerate(next(iter(groups.values()))):
        values = {mark: group[place][1] for mark, group in groups.items()}
        if len(set(values.values())) > 1:
            lines.append(f"{what}: " + "; ".join(f"{mark} {value}" for mark, value in values.items()))
    return lines


@dataclass(frozen=True, slots=True)
class Place:
    """One row of a table."""

    run: ScoredRun
    mark: str
    """Letter of the group of runs that may be compared with one another."""
    to_best: Comparison | None
    """This run minus the table's first, over R; None of the first itself, and where the two must not be compared."""
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Runs of one mode, the lowest R_0 first."""

    mode: str
    places: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class Leaderboard:
    """All tables, and why they are several."""

    tables: tuple[Table, ...]
    groups: dict[str, Yardstick]
    """Mark -> what its runs have in common."""
    across: bool
    """Runs that must not be compared stand in one table."""
    left_out: tuple[tuple[str, str], ...] = ()
    """(run, why)."""

    @property
    def differences(self) -> list[str]:
        """In what the groups differ, a line each; empty when all runs may be compared."""
        return list_differences(self.groups)


def make_leaderboard(
    runs: Sequence[ScoredRun], *, across: bool = False, left_out: Sequence[tuple[str, str]] = ()
) -> Leaderboard:
    """Rank runs that may be compared; with `across`, list all in one table for each mode, marked by group.

    Args:
        runs: runs with at least one scored answer.
        across: put runs into one table that must not be compared; only those of the first's group are compared with it.
        left_out: runs that are not shown, and why.
    """
    groups = group_reports([run.report for run in runs])
    marks = {yardstick: mark for mark, yardstick in groups.items()}
    tables = []
    for members in (
        [list(runs)] if across else [[run for run in runs if marks[run.yardstick] == each] for each in groups]
    ):
        for mode in MODES:
            if of_mode := [run for run in members if run.mode == mode]:
                tables.append(_rank(mode, of_mode, marks))
    return Leaderboard(tuple(tables), groups, across, tuple(left_out))


def _name_mark(number: int) -> str:
    letters = ""
    while True:
        letters = chr(ord("a") + number % 26) + letters
        number = number // 26 - 1
        if number < 0:
            return letters


def _rank(mode: str, runs: Sequence[ScoredRun], marks: dict[Yardstick, str]) -> Table:
    ranked = sorted(runs, key=lambda run: (_read(run, "zero_share"), -_read(run, "mean"), run.name))
    best = ranked[0]
    places = []
    for run in ranked:
        alike = run is not best and run.yardstick == best.yardstick
        places.append(
            Place(
                run=run,
                mark=marks[run.yardstick],
                to_best=compare_models(run.rows, best.rows) if alike else None,
                notes=tuple(_note(run, best)),
            )
        )
    return Table(mode, tuple(places))


def _read(run: ScoredRun, kind: str) -> float:
    value: float = run.report["scores"]["panel"]["all"]["R"][kind]
    return value


def _note(run: ScoredRun, best: ScoredRun) -> list[str]:
    """Return what a reader has to know of a row."""
    notes = []
    group = run.report["scores"]["panel"]["all"]
    states = run.report["answers"]["states"]
    missing = sum(count for state, count in states.items() if state != "answered")
    if missing:
        notes.append(f"{missing} of {run.report['answers']['wanted']} answers missing")
    if group["scored"] < group["answers"]:
        low, high = group["R"]["zero_share_bounds"]
        notes.append(f"R_0 within {show_share(low)} and {show_share(high)} whatever the unscored had")
    kin = [judge["role"] for judge in run.report["judges"] if judge["same_family_as_target"]]
    if kin:
        notes.append(f"{' and '.join(kin)} of the target's own family")
    for name in ("temperature", "max_tokens", "samples", "caption"):
        mine, other = run.report["answers_config"][name], best.report["answers_config"][name]
        if mine != other:
            notes.append(f"{name.replace('_', ' ')} {mine}, the first's {other}")
    return notes


def show_difference(comparison: Comparison | None) -> str:
    """Return the paired difference of R_0 to the first in points, its interval and McNemar's p; empty without one."""
    if comparison is None:
        return ""
    found = comparison.zero_difference
    if not isfinite(found.value):
        return "no item in common"
    return show_signed(100 * found.value, 100 * found.low, 100 * found.high, digits=1)


def show_mean_difference(comparison: Comparison) -> str:
    """Return the paired difference of R_A and its interval."""
    found = comparison.mean_difference
    return show_signed(found.value, found.low, found.high, digits=2) if isfinite(found.value) else "no item in common"


def show_signed(value: float, low: float, high: float, *, digits: int) -> str:
    """Return a difference with its sign, and its interval where there is one."""
    text = f"{value:+.{digits}f}" + (f" ({low:+.{digits}f} to {high:+.{digits}f})" if isfinite(low) else "")
    return text.replace("-", "−")


def show_p(comparison: Comparison | None) -> str:
    """Return McNemar's p; empty where there is no test."""
    if comparison is None or not isfinite(comparison.mcnemar_p):
        return ""
    return "< 0.001" if comparison.mcnemar_p < 0.001 else f"{comparison.mcnemar_p:.3f}"


def describe_place(place: Place) -> dict[str, Any]:
    """Return a row of a table as JSON values."""
    compared = place.to_best
    group = place.run.report["scores"]["panel"]["all"]
    config = place.run.report["answers_config"]
    found: dict[str, Any] = {
        "run": place.run.name,
        "model": config["model"],
        "mode": config["mode"],
        "group": place.mark,
        "notes": list(place.notes),
        "scores": group,
        "to_best": None,
    }
    if compared is not None:
        zero, mean = compared.zero_difference, compared.mean_difference
        found["to_best"] = {
            "items": compared.items,
            "unpaired": compared.unpaired,
            "zero_share": [_number(zero.value), _number(zero.low), _number(zero.high)],
            "mean": [_number(mean.value), _number(mean.low), _number(mean.high)],
            "only_this_zero": compared.only_first_zero,
            "only_best_zero": compared.only_second_zero,
            "mcnemar_p": _number(compared.mcnemar_p),
            "reason": compared.reason or zero.reason,
        }
    return found


def describe_leaderboard(board: Leaderboard) -> dict[str, Any]:
    """Return the leaderboard as JSON values."""
    return {
        "format": "ood-mmsafe-leaderboard/1",
        "across": board.across,
        "differences": board.differences,
        "groups": {mark: dict(group) for mark, group in board.groups.items()},
        "tables": [
            {"mode": table.mode, "places": [describe_place(place) for place in table.places]} for table in board.tables
        ],
        "left_out": [{"run": run, "why": why} for run, why in board.left_out],
    }


def _number(value: float) -> float | None:
    return round(float(value), 6) if isfinite(value) else None


def read_figures(place: Place) -> list[tuple[str, str, str, str]]:
    """Return (letter, kind, value, interval) of X_A and X_0 of a row in words; kind is `A` or `0`."""
    group = place.run.report["scores"]["panel"]["all"]
    figures = []
    for letter in ("R", "S", "E"):
        score = group[letter]
        figures.append((letter, "A", show_mean(score["mean"]), show_mean_range(score["mean_interval"])))
        figures.append((letter, "0", show_share(score["zero_share"]), show_share_range(score["zero_share_wilson"])))
    return figures
