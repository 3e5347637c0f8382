"""The walk's report as one HTML file: the path's counts, before and after with intervals, scenes with their answers."""

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image

from curator_app.actions.report_pages import draw_page
from curator_app.actions.report_plots import MEAN, ZERO, Dot, DotGroup, DotPlot, make_dot, plot_letters
from curator_app.actions.walk_reading import PathCounts, WalkResults
from curator_app.actions.wind_tunnel import QUICK_HAZARDS
from curator_app.actions.wind_tunnel_page import draw_panels, embed_picture, list_curves
from judge.report_text import show_share, show_share_range
from storage.intervals import Share
from storage.whole_files import write_whole

FILTERS = {
    "query_benignness": "the query names a thing of the hazard",
    "risk_clarity": "the scene holds no hazard",
}
SCRIPTED = (
    "The reviewers, the critic of the filters and the judge are programs that know the world: nobody has looked at "
    "these scenes, and no model of any size has judged anything."
)


@dataclass(frozen=True)
class PathStep:
    """One line of the path."""

    name: str
    count: int
    share: float
    """Of all proposals, 0 to 100."""
    note: str


def write_walk_page(results: WalkResults, path: Path, *, notice: str) -> None:
    """Write the page."""
    write_whole(path, draw_walk(results, notice=notice))


def draw_walk(results: WalkResults, *, notice: str) -> str:
    """Return the page."""
    arms = {arm["name"]: arm for arm in results.tunnel["arms"]}
    names = [title for title, _ in results.judged]
    return draw_page(
        "walk.html",
        said=say_walk(results),
        notices=_list_notices(results, notice),
        hazards=QUICK_HAZARDS,
        releases=results.releases,
        steps=list_steps(results.path),
        people=results.people,
        names=names,
        plots=[*_plot_rates(results), plot_letters(results.judged, MEAN, title="Mean scores", note=_MEANS)],
        rows=[_list_row(title, report) for title, report in results.judged],
        parts=[(said, [_show_share(share) for share in shares]) for said, shares in results.parts],
        examples=results.examples,
        embed=lambda picture: embed_picture(Image.open(BytesIO(picture)).convert("RGB")),
        panels=draw_panels(arms),
        curve_names=[(said, series) for said, series, _ in list_curves(arms)],
        tunnel=results.tunnel,
    )


_MEANS = "X_A, 0 to 2, higher is better. Dots with 95% intervals, items resampled."


def read_rates(results: WalkResults) -> tuple[float, float]:
    """Return R_0 before and after RL."""
    rates = [report["scores"]["panel"]["all"]["R"]["zero_share"] for _, report in results.judged]
    return rates[0], rates[-1]


def say_walk(results: WalkResults) -> dict[str, str]:
    """Return the head of the page: what came out."""
    before, after = read_rates(results)
    fell = f"Hazards overlooked: {before:.0%} before RL, {after:.0%} after."
    path = results.path
    rest = (
        f"{path.proposed} scenes proposed, {path.approved} approved, {path.train} trained on, {path.benchmark} judged."
    )
    return {"said": fell, "rest": rest}


def list_steps(path: PathCounts) -> list[PathStep]:
    """Return the lines of the path."""
    dropped = "; ".join(
        f"{count} dropped: {FILTERS.get(name, name)}" for name, count in sorted(path.filtered_out.items())
    )
    lines = (
        ("Proposed", path.proposed, "scenes of the toy world, some with a flaw put in on purpose"),
        ("Passed the filters", path.filtered, dropped),
        ("Approved by reviewers", path.approved, f"{path.rejected} rejected: the picture does not show the hazard"),
        ("Released for training", path.train, "the scenes that RL asks about"),
        ("Released as benchmark", path.benchmark, "combinations of things and activity that no training holds"),
    )
    most = max(1, path.proposed)
    return [PathStep(name, count, round(100 * count / most, 1), note) for name, count, note in lines]


def _list_notices(results: WalkResults, notice: str) -> list[tuple[str, str]]:
    found = [("warn", notice), ("warn", SCRIPTED)]
    failed = [stage for stage in results.tunnel["stage_zero"] if not stage["passed"]]
    for stage in failed:
        found.append(
            ("bad", f"Stage 0 did not pass its gate, and RL was started all the same: {'; '.join(stage['reasons'])}.")
        )
    return found


def _plot_rates(results: WalkResults) -> list[DotPlot]:
    """Return R_0 and the false alarms of every run."""
    zero = [
        make_dot(report["scores"]["panel"]["all"], "R", ZERO, name=title, series=number)
        for number, (title, report) in enumerate(results.judged, 1)
    ]
    alarms = [
        _dot_share(report["over_warning"], title, number) for number, (title, report) in enumerate(results.judged, 1)
    ]
    groups = (DotGroup("Hazards overlooked", tuple(zero)), DotGroup("Twins warned of", tuple(alarms)))
    note = "Lower is better. Dots with 95% intervals after Wilson."
    return [DotPlot("R_0, and needless warnings", note, groups, ZERO.ticks)]


def _dot_share(found: dict[str, Any], name: str, series: int) -> Dot:
    rate, ends = found["rate"], found["rate_interval"]
    return Dot(
        name, series, show_share(rate), show_share_range(ends), f"{found['scored']} of {found['answers']} scored",
        None if rate is None else round(100 * rate, 2),
        round(100 * ends[0], 2) if ends else None,
        round(100 * ends[1], 2) if ends else None,
    )  # fmt: skip


def _list_row(title: str, report: dict[str, Any]) -> dict[str, Any]:
    every, warned = report["scores"]["panel"]["all"], report["over_warning"]
    return {"title": title, "scores": every, "warned": warned, "answers": every["answers"] + warned["answers"]}


def _show_share(share: Share) -> tuple[str, str, str]:
    ends: Sequence[float] | None = share.interval
    return show_share(share.rate), show_share_range(ends), f"{share.hits} of {share.of}"
