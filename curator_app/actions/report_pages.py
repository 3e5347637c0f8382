"""Pages about judge runs: one file each, with styles and plots inside, that asks no other file or server for anything.

Every text of a model or a release is escaped by the templates, which are under `templates/reports`.
"""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from curator_app.actions import report_plots as plots
from curator_app.actions.judge_reports import ReportedRun
from endpoints.ledger import Totals, format_cost
from judge.comparisons import Comparison, compare_models
from judge.config import MODES
from judge.failure_markdown import name_labels
from judge.failure_report import PLACES
from judge.leaderboard import (
    Leaderboard,
    ScoredRun,
    group_reports,
    list_differences,
    mark_reports,
    read_figures,
    read_yardstick,
    show_difference,
    show_mean_difference,
    show_p,
)
from judge.leaderboard_text import EXPLAINED, NOT_COMPARABLE, name_table
from judge.metrics import LETTERS
from judge.paired_report import list_lines, list_notes
from judge.report_text import (
    LETTER_NAMES,
    OVER_WARNING,
    RECONSTRUCTED,
    list_groups,
    list_over_warning,
    show_mean,
    show_mean_range,
    show_name,
    show_share,
    show_share_range,
)
from judge.speech_parts import TAG_NAMES
from judge.study_markdown import number, percent
from judge.token_shift_text import CAUTION, explain, list_notices, name_sides, show_kl, show_token

Report = dict[str, Any]
PACKAGE = Path(__file__).parents[1]
STYLES = ("static/tokens.css", "static/shades.css", "static/curves.css", "templates/reports/report.css")
SHAPES = 6
"""Different shapes that a plot has; further runs stand in the tables only."""


@cache
def _templates() -> Environment:
    made = Environment(
        loader=FileSystemLoader(PACKAGE / "templates" / "reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters = {
        "mean": show_mean, "share": show_share, "mean_range": show_mean_range, "share_range": show_share_range,
        "named": show_name, "difference": show_difference, "mean_difference": show_mean_difference, "p": show_p,
        "pieces": _split_pieces,
    }  # fmt: skip
    made.filters.update(filters)
    return made


def draw_page(template: str, **values: Any) -> str:
    """Return a page of the templates, with its styles inside."""
    styles = "\n".join((PACKAGE / name).read_text(encoding="utf-8") for name in STYLES)
    shared = {"letters": LETTERS, "letter_names": LETTER_NAMES, "rubric_note": RECONSTRUCTED}
    return _templates().get_template(template).render(styles=styles, **shared, **values)


def draw_part(template: str, **values: Any) -> str:
    """Return a part of a page of the app, which has its own styles."""
    return _templates().get_template(template).render(**values)


def _split_pieces(text: str) -> list[tuple[str, str]]:
    """Return a text of ours as (kind, piece): X_A, R_0 and the like are `metric`, what is in backticks is `code`."""
    pieces = []
    for place, piece in enumerate(re.split(r"(\b[XRSE]_[A0]\b|`[^`]+`)", text)):
        kind = "text" if place % 2 == 0 else "code" if piece[0] == "`" else "metric"
        pieces.append((kind, piece.strip("`") if kind == "code" else piece))
    return pieces


def draw_reports(
    runs: Sequence[ReportedRun],
    *,
    studies: Mapping[str, Sequence[Report]] | None = None,
    pair: Report | None = None,
    notes: Sequence[str] = (),
) -> str:
    """Return the page about one run, or about several beside one another, as HTML.

    Args:
        runs: At least one.
        studies: Reports of closed human studies, by the run's name.
        pair: Of `judge.paired_report`, where the runs are a model before and after a training.
        notes: What is to be said beside the page's own notices.
    """
    reports = [run.report for run in runs]
    scored = [run for run in runs if run.scored]
    marks = dict(zip((report["run"] for report in reports), mark_reports(reports), strict=True))
    names = _name_runs(scored, marks)
    shown = [(name, run.report) for name, run in zip(names, scored, strict=True)][:SHAPES]
    return draw_page(
        "report.html",
        title=_title(runs),
        runs=runs,
        names=dict(zip((run.report["run"] for run in scored), names, strict=True)),
        marks=marks,
        differences=list_differences(group_reports(reports)),
        not_comparable=NOT_COMPARABLE,
        over_warning=OVER_WARNING,
        notices=[*notes, *(notice for run in runs for notice in _notices(run.report, several=len(runs) > 1))],
        pair=pair,
        pair_lines=list_lines(pair) if pair else [],
        pair_notes=list_notes(pair) if pair else [],
        hidden=len(scored) - len(shown),
        shown=shown,
        main_plots=_plot_scores(shown) if shown else [],
        category_plots=_plot_categories(shown) if shown else [],
        bars=[
            (LETTER_NAMES[letter], [plots.bar_scores(report, letter, name=name) for name, report in shown])
            for letter in LETTERS
        ],
        modes=_compare_modes(scored),
        details=[_detail(run, (studies or {}).get(run.report["run"], ())) for run in scored],
        coverage=[_cover(run.report) for run in runs],
        costs=[(run.report["run"], *_spend(run.spending)) for run in runs],
        groups=[(name, list_groups(run.report["scores"]["panel"])) for name, run in zip(names, scored, strict=True)],
    )


def _plot_scores(shown: Sequence[tuple[str, Report]]) -> list[plots.DotPlot]:
    mean = "X_A, 0 to 2, higher is better. Dots with 95% intervals, items resampled."
    zero = "X_0, lower is better. Dots with 95% intervals after Wilson."
    return [
        plots.plot_letters(shown, plots.MEAN, title="Mean score", note=mean),
        plots.plot_letters(shown, plots.ZERO, title="Answers that scored zero", note=zero),
    ]


def _plot_categories(shown: Sequence[tuple[str, Report]]) -> list[plots.DotPlot]:
    mean, zero = "Mean risk appraisal, 0 to 2, higher is better.", "Answers oblivious to the hazard, lower is better."
    return [
        plots.plot_categories(shown, plots.MEAN, letter="R", title="R_A by category", note=mean),
        plots.plot_categories(shown, plots.ZERO, letter="R", title="R_0 by category", note=zero),
    ]


def draw_token_shift(report: Report) -> str:
    """Return the page about a token-shift analysis, as HTML."""
    shares = {row["name"]: row["share"] for row in report["groups"]}
    note = "Filled: among the tokens that moved most, with 95% intervals. Hollow: among all tokens of the answers."
    return draw_page(
        "token_shift.html",
        report=report,
        sides=name_sides(report["config"]),
        explained=explain(report),
        notices=list_notices(report),
        punctuation=shares["punctuation"],
        content=shares["content words and modifiers"],
        warning=CAUTION,
        plots=[
            plots.plot_shares(report["groups"], title="Kinds of words", note=note),
            plots.plot_shares(report["tags"], title="Parts of speech", note=note),
        ],
        tag_names=TAG_NAMES,
        show_token=show_token,
        show_kl=show_kl,
    )


def draw_leaderboard(board: Leaderboard) -> str:
    """Return the leaderboard as an HTML page."""
    tables = []
    for table in board.tables:
        marked = board.across and len(board.groups) > 1
        named = [
            (f"{place.run.name} ({place.mark})" if marked else place.run.name, place.run.report)
            for place in table.places
        ]
        tables.append(
            {
                "name": name_table(board, table),
                "places": [(place, read_figures(place)) for place in table.places],
                "plot": plots.DotPlot(
                    "R_0",
                    "Share of answers oblivious to the hazard, lower is better. Dots with 95% intervals after Wilson.",
                    tuple(
                        plots.DotGroup(
                            name,
                            (plots.make_dot(report["scores"]["panel"]["all"], "R", plots.ZERO, name=name, series=1),),
                        )
                        for name, report in named
                    ),
                    plots.ZERO.ticks,
                ),
            }
        )
    return draw_page("leaderboard.html", board=board, tables=tables, explained=EXPLAINED, not_comparable=NOT_COMPARABLE)


def draw_failures(report: Report) -> str:
    """Return the report of studies of failures as an HTML page."""
    names = name_labels(report)
    return draw_page(
        "failures.html",
        report=report,
        names=names,
        maps=plots.map_failures(report),
        groups=list(dict.fromkeys(label["group"] for label in report["taxonomy"]["labels"])),
        places=PLACES,
        show_number=number,
        show_percent=percent,
    )


def _name_runs(runs: Sequence[ReportedRun], marks: Mapping[str, str]) -> list[str]:
    """Return the shortest name that tells each run apart, its mode, its model, both, or its own; and its group."""
    configs = [run.report["answers_config"] for run in runs]
    found = [str(run.report["run"]) for run in runs]
    if len({config["model"] for config in configs}) == 1:
        choices = [[config["mode"].capitalize() for config in configs]]
    else:
        choices = [[config["model"] for config in configs], [f"{each['model']}, {each['mode']}" for each in configs]]
    names = next((names for names in choices if len(set(names)) == len(names)), found)
    own = [marks[run] for run in found]
    return [f"{name} ({mark})" if mark else name for name, mark in zip(names, own, strict=True)]


def _title(runs: Sequence[ReportedRun]) -> dict[str, str]:
    """Return the page's head: a statement, and what qualifies it."""
    scored = [run for run in runs if run.scored]
    model = runs[0].report["answers_config"]["model"]
    if len(runs) > 1:
        models = len({run.report["answers_config"]["model"] for run in runs})
        return {
            "name": ", ".join(run.report["run"] for run in runs),
            "said": f"{len(runs)} runs of {model}" if models == 1 else f"{len(runs)} runs of {models} models",
            "rest": "",
        }
    if not scored:
        return {"name": runs[0].report["run"], "said": f"{model} is not scored yet", "rest": ""}
    risk = scored[0].report["scores"]["panel"]["all"]["R"]
    return {
        "name": runs[0].report["run"],
        "said": f"{model} misses the hazard in {show_share(risk['zero_share'])} of its answers.",
        "rest": f"95% interval {show_share_range(risk['zero_share_wilson'])}",
    }


def _notices(report: Report, *, several: bool) -> list[str]:
    """Return what a reader has to know before the numbers."""
    notices = []
    if "scores" not in report:
        return [f"{report['run']}: no answer is scored yet; run `curator score {report['run']}`."]
    for judge in report["judges"]:
        if judge["same_family_as_target"]:
            notices.append(
                f"The judge {judge['model']} is of the target's own family; judges favour their own kind. "
                "Read each judge's figures."
            )
    group = report["scores"]["panel"]["all"]
    if group["scored"] < group["answers"]:
        notices.append(
            f"{group['answers'] - group['scored']} of {group['answers']} answers have no score by every judge and "
            f"count nowhere; R_0 lies within {show_share_range(group['R']['zero_share_bounds'])} whatever they had."
        )
    states = report["answers"]["states"]
    missing = report["answers"]["wanted"] - states.get("answered", 0)
    if missing:
        notices.append(f"{missing} of {report['answers']['wanted']} wanted answers do not exist.")
    return [f"{report['run']}: {' '.join(notices)}"] if several and notices else notices


def _compare_modes(runs: Sequence[ReportedRun]) -> list[dict[str, Any]]:
    """Return for each model with runs of several modes the paired differences to its Standard run, or its first."""
    found = []
    for model in dict.fromkeys(run.report["answers_config"]["model"] for run in runs):
        own = [ScoredRun(run.report, run.rows) for run in runs if run.report["answers_config"]["model"] == model]
        own.sort(key=lambda run: MODES.index(run.report["answers_config"]["mode"]))
        base = own[0]
        rows: list[dict[str, Any]] = []
        for run in own[1:]:
            if run.mode == base.mode:
                continue
            alike = read_yardstick(run.report) == read_yardstick(base.report)
            compared: Comparison | None = compare_models(run.rows, base.rows) if alike else None
            rows.append({"mode": run.mode, "run": run.name, "compared": compared})
        if rows:
            found.append({"model": model, "base": base.mode, "rows": rows})
    return found


def _detail(run: ReportedRun, studies: Sequence[Report]) -> dict[str, Any]:
    """Return what is told of one run alone: its judges, its people, its worst answers."""
    report = run.report
    zeros = "X_0 with 95% intervals. The panel's zero is a zero of every judge, so it has fewer."
    return {
        "report": report,
        "judge_plots": [
            plots.plot_judges(report, plots.MEAN, title="Mean score by judge", note="X_A with 95% intervals."),
            plots.plot_judges(report, plots.ZERO, title="Zeros by judge", note=zeros),
        ],
        "crossed": plots.cross_judges(report),
        "twins": list_over_warning(report),
        "studies": [(study, plots.cross_people(study)) for study in studies],
    }


def _cover(report: Report) -> dict[str, Any]:
    bars = [plots.bar_states(report["answers"]["states"], name="Answers")]
    if "twin_answers" in report:
        bars.append(plots.bar_states(report["twin_answers"]["states"], name="Answers to twins"))
    for judge in report.get("judges", []):
        bars.append(plots.bar_states(judge["states"], name=f"Judgments, {judge['model']}"))
    why = {**report["answers"]["why"], **report.get("why_unscored", {})}
    return {"run": report["run"], "bars": bars, "why": why, "cut": report["answers"]["cut"]}


def _spend(spending: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Return what each role and model took, and the sum, with costs in words."""
    counted = ("calls", "cached", "failed", "prompt_tokens", "completion_tokens")
    total = Totals()
    lines = []
    for row in spending:
        totals = Totals(**{name: value for name, value in row.items() if name not in ("role", "model", "cost_usd")})
        lines.append({**row, "cost": format_cost(totals)})
        for name in (*counted, "known_usd", "unknown_costs", "budget_tokens", "budget_usd"):
            setattr(total, name, getattr(total, name) + getattr(totals, name))
    return lines, {**{name: getattr(total, name) for name in counted}, "cost": format_cost(total)}
