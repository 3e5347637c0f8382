"""The wind tunnel's report as one HTML file, with styles, curves and pictures inside. Made from its JSON."""

import base64
from collections.abc import Callable, Mapping, Sequence
from io import BytesIO
from typing import Any

from PIL import Image

from caspo.wind_tunnel.measures import TWINS, SetName
from curator_app.actions.curves import Panel, draw_panel
from curator_app.actions.report_pages import draw_page
from curator_app.actions.report_plots import MEAN, ZERO, Dot, DotGroup, DotPlot

Report = Mapping[str, Any]
Painter = Callable[[SetName, int], tuple[Image.Image, str]]
"""Set and place of a scene -> its picture for people, and its query."""

PICTURE_PX = (480, 360)
PLACES: Mapping[SetName, str] = {"new_scenes": "new scenes", "new_hazards": "new hazards"}
EXAMPLES = 3
"""Of each part: scenes with their twins."""

TABLE_3 = ("base", "base_constitution", "sft", "teacher", "outr", "tokr", "paper", "recommended")
TABLE_9 = ("base", "base_constitution", "sft", "teacher", "original", "moving", "recommended")
TABLE_10 = (("0 (OutR)", "outr"), ("0.3", "lambda_03"), ("0.6", "lambda_06"), ("1.0", "recommended"))
CURVE_ARMS = ("recommended", "paper", "outr", "tokr")
CURVES = (
    ("entropy", "Entropy", "nats a token"),
    ("kl", "KL from the start", "nats a token"),
    ("length", "Length", "tokens an answer"),
    ("reward_mean", "Reward", "what RL was paid"),
)


def draw_wind_tunnel(report: Report, paint: Painter) -> str:
    """Return the page."""
    arms = {arm["name"]: arm for arm in report["arms"]}
    whole = [arm for arm in report["arms"] if arm["pooled"]]
    return draw_page(
        "wind_tunnel.html",
        report=report,
        said=say_result(report),
        notices=list_notices(report),
        arms=arms,
        whole=whole,
        rl=[arm for arm in report["arms"] if arm["kind"] == "arm"],
        table_3=[arms[name] for name in TABLE_3 if name in arms and arms[name]["pooled"]],
        table_9=[arms[name] for name in TABLE_9 if name in arms and arms[name]["pooled"]],
        table_10=[(said, arms[name]) for said, name in TABLE_10 if name in arms and arms[name]["pooled"]],
        places=PLACES,
        dots=[plot_measure(whole, *each) for each in _DOTS],
        panels=draw_panels(arms),
        curve_names=[(said, series) for said, series, _ in list_curves(arms)],
        examples=_list_examples(report, arms, paint),
        show=show_estimate,
        verdicts=count_verdicts(report),
    )


def say_result(report: Report) -> dict[str, str]:
    """Return the head of the page: what came out, and what qualifies it."""
    places = report["ranking"]
    if not places:
        return {"said": "No run came to its end", "rest": ""}
    first = places[0]
    title = {arm["name"]: arm["title"] for arm in report["arms"]}[first["arm"]].split(":")[0]
    tied = [place for place in places[1:] if place["tied"] and place["met"] == first["met"]]
    runs = first["runs"] + first["diverged"]
    rest = f"Within its interval: {len(tied)} other{'s' if len(tied) > 1 else ''}." if tied else ""
    if not first["met"]:
        return {"said": f"No run meets the goal; {title} comes nearest.", "rest": rest}
    return {"said": f"Best: {title}; the goal is met in {first['met']} of {runs} runs.", "rest": rest}


def list_notices(report: Report) -> list[tuple[str, str]]:
    """Return what a reader has to know before the figures, each with its kind."""
    found = [("warn", report["notice"])]
    failed = [stage for stage in report["stage_zero"] if not stage["passed"]]
    if report["forced"]:
        reasons = "; ".join(f"Seed {stage['seed']}: {', '.join(stage['reasons'])}" for stage in failed)
        words = f"Stage 0 did not pass its gate, and RL was started all the same (--force). {reasons}."
        found.append(("bad", f"{words} Read nothing here as a statement about the method."))
    if report["quick"]:
        found.append(("warn", "A quick run: a small part of the world, few steps, one seed. It decides no claim."))
    diverged = sum("diverged" in run for arm in report["arms"] for run in arm["runs"])
    if diverged:
        found.append(("bad", f"{diverged} runs diverged and have no figures; the table of runs says which."))
    return found


def show_estimate(found: Sequence[float] | None, kind: str, *, ends: bool = False) -> str:
    """Return the value, or its interval, as the tables show it; a dash of nothing."""
    if found is None:
        return "–"
    shown = [f"{100 * each:.1f}" if kind == "rate" else f"{each:.2f}" for each in found]
    return f"{shown[1]} to {shown[2]}" if ends else f"{shown[0]}{'%' if kind == 'rate' else ''}"


def count_verdicts(report: Report) -> list[tuple[str, int]]:
    """Return how many claims have each verdict."""
    order = ("reproduced", "not reproduced", "undecided", "not tested")
    return [(one, sum(claim["verdict"] == one for claim in report["claims"])) for one in order]


_DOTS = (
    ("r_0", "R_0", "Hazards overlooked, lower is better.", ZERO.ticks, 1.0),
    ("false_alarms", "False alarms", "Warnings on harmless twins, lower is better.", ZERO.ticks, 1.0),
    ("r_a", "R_A", "Risk appraisal, 0 to 2, higher is better.", MEAN.ticks, 2.0),
    ("e_a", "E_A", "Effectiveness, 0 to 2, higher is better.", MEAN.ticks, 2.0),
)


def plot_measure(
    arms: Sequence[Mapping[str, Any]],
    measure: str,
    title: str,
    note: str,
    ticks: tuple[tuple[float, str], ...],
    highest: float,
) -> DotPlot:
    """Return a measure of all arms, new scenes beside new hazards."""
    kind = "rate" if highest == 1 else "mean"
    groups = []
    for arm in arms:
        dots = []
        for series, (part, said) in enumerate(PLACES.items(), start=1):
            found = arm["pooled"][part][measure]
            at, low, high = (None, None, None) if found is None else (round(100 * x / highest, 2) for x in found)
            dots.append(
                Dot(said, series, show_estimate(found, kind), show_estimate(found, kind, ends=True), "", at, low, high)
            )
        groups.append(DotGroup(arm["title"], tuple(dots)))
    return DotPlot(title, f"{note} Dots with 95% intervals.", tuple(groups), ticks)


def draw_panels(arms: Mapping[str, Mapping[str, Any]]) -> list[Panel]:
    """Return the training curves of the main arms: figure 13 in miniature."""
    shown = list_curves(arms)
    return [
        _draw_panel([(said, series, arm["curves"]) for said, series, arm in shown], *each) for each in CURVES if shown
    ]


def list_curves(arms: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, int, Mapping[str, Any]]]:
    """Return the arms that have curves, each with its name and the number of its line, the same in every report."""
    return [
        (arms[name]["title"].split(":")[0], series, arms[name])
        for series, name in enumerate(CURVE_ARMS, start=1)
        if name in arms and arms[name]["curves"]
    ]


def _draw_panel(shown: Sequence[tuple[str, int, Mapping[str, Any]]], name: str, title: str, unit: str) -> Panel:
    lines = [
        (arm, series, [(step, *point) for step, point in enumerate(curves[name], 1)]) for arm, series, curves in shown
    ]
    return draw_panel(lines, title, unit)


def _list_examples(report: Report, arms: Mapping[str, Any], paint: Painter) -> list[dict[str, Any]]:
    """Return scenes with their twins, each with a picture and the answers of several models."""
    by_place = {(one["set"], one["place"]): one for one in report["examples"]}
    found = []
    for part, said in PLACES.items():
        for place in range(EXAMPLES):
            sides: list[dict[str, Any]] = []
            for name, title in ((part, "Hazard"), (TWINS[part], "Harmless twin")):
                if (name, place) in by_place:
                    picture, query = paint(name, place)
                    answers = [
                        {**one, "title": arms[one["arm"]]["title"].split(":")[0]}
                        for one in by_place[name, place]["answers"]
                    ]
                    sides.append(
                        {"title": title, "picture": embed_picture(picture), "query": query, "answers": answers}
                    )
            if sides:
                found.append({"part": said, "query": sides[0]["query"], "sides": sides})
    return found


def embed_picture(picture: Image.Image) -> str:
    """Return the picture as a data address."""
    buffer = BytesIO()
    picture.resize(PICTURE_PX, Image.Resampling.LANCZOS).save(buffer, "WEBP", quality=80)
    return f"data:image/webp;base64,{base64.b64encode(buffer.getvalue()).decode()}"
