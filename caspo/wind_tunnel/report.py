"""The report of the wind tunnel as JSON values: all arms with all seeds, the paper's claims, the goal, the best arm."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from caspo.wind_tunnel.arms import ARMS, BASELINES, WINNER
from caspo.wind_tunnel.claims import LEAST_RUNS, LEAST_STARTS, NOT_TRIED, Judged, judge_claims
from caspo.wind_tunnel.config import FORMAT, TunnelConfig
from caspo.wind_tunnel.intervals import Estimate
from caspo.wind_tunnel.measures import (
    BASELINE,
    CONDITIONS,
    ENTROPY_WORDS,
    HAZARDOUS,
    MEASURES,
    SETS,
    Key,
    Measured,
    check_goal,
    figure,
    read_value,
)
from caspo.wind_tunnel.ranking import WORTH, Place, rank_arms
from caspo.wind_tunnel.run import ArmRun, TunnelResults

NOTICE = "Toy world: proves the machinery, says nothing about real models."
DIGITS = 4
CURVES = ("entropy", "kl", "length", "reward_mean", "capped")
METRICS = "metrics.jsonl"
SHOWN_ARMS = ("sft", "teacher", "outr", "paper", WINNER)
"""Whose answers stand beside one another, as far as they were run."""


def make_report(config: TunnelConfig, world: str, results: TunnelResults, *, quick: bool = False) -> dict[str, Any]:
    """Return the report as JSON values; what is undefined is null."""
    measured = {
        name: {key: run.measured for key, run in runs.items() if run.measured} for name, runs in results.runs.items()
    }
    diverged = {name: sum(run.measured is None for run in runs.values()) for name, runs in results.runs.items()}
    return {
        "format": FORMAT,
        "notice": NOTICE,
        "world": world,
        "quick": quick,
        "forced": results.forced,
        "config": config.model_dump(mode="json"),
        "stage_zero": [{"seed": start, **gate} for start, gate in results.gates.items()],
        "self_check": _describe_self_checks(results.self_checks),
        "measures": {one.name: {"title": one.title, "kind": one.kind} for one in MEASURES.values()},
        "goal": {"conditions": [*(one.words for one in CONDITIONS), ENTROPY_WORDS]},
        "arms": [_describe_arm(name, results.runs[name], measured) for name in results.runs],
        "claims": [_describe_claim(judged) for judged in judge_claims(measured)],
        "least_runs": LEAST_RUNS,
        "least_starts": LEAST_STARTS,
        "not_tried": list(NOT_TRIED),
        "ranked_by": WORTH,
        "ranking": [_describe_place(place) for place in rank_arms(measured, diverged)],
        "examples": _list_examples(measured),
    }


def write_report(report: Mapping[str, Any], out: Path) -> Path:
    """Write `report.json` and return its path."""
    path = out / "report.json"
    path.write_text(json.dumps(report, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    return path


def _describe_self_checks(checked: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """Return what was checked before RL; None where nothing was. A self-check that failed ends before a report."""
    if not checked:
        return None
    answers = sum(each["answers"] for each in checked)
    return {
        "arms": list(checked),
        "words": (
            f"Self-check passed: a step of each of {len(checked)} arms, {answers} answers in all, agrees with the same "
            "step worked out by hand."
        ),
    }


def _describe_arm(
    name: str, runs: Mapping[Key, ArmRun], measured: Mapping[str, Mapping[Key, Measured]]
) -> dict[str, Any]:
    own, sft = measured[name], measured["sft"]
    told: dict[str, Any] = {"name": name}
    if name in ARMS:
        arm = ARMS[name]
        told |= {
            "kind": "arm",
            "title": arm.title,
            "changed": arm.changed,
            "reward": arm.reward,
            "method": arm.method.model_dump(mode="json"),
        }
    else:
        told |= {"kind": "baseline", "title": BASELINES[name].title}
    keys = sorted(own)
    return told | {
        "pooled": {part: _pool(own, keys, part) for part in HAZARDOUS} if keys else None,
        "runs": [_describe_run(key, run, sft) for key, run in sorted(runs.items())],
        "curves": _draw_curves([run.folder for run in runs.values()]) if name in ARMS else None,
    }


def _pool(runs: Mapping[Key, Measured], keys: Sequence[Key], part: Any) -> dict[str, Any]:
    return {name: _describe_estimate(figure(runs, keys, part, measure)) for name, measure in MEASURES.items()}


def _describe_estimate(found: Estimate | None) -> list[float] | None:
    """Return value, low and high."""
    return None if found is None else [round(each, DIGITS) for each in (found.value, found.low, found.high)]


def _describe_run(key: Key, run: ArmRun, sft: Mapping[Key, Measured]) -> dict[str, Any]:
    told: dict[str, Any] = {"stage_zero": key[0], "seed": key[1], "cpu_s": round(run.cpu_s, 1)}
    if run.measured is None:
        return told | {"diverged": run.diverged}
    start = sft[key[0], BASELINE]
    return told | {
        "figures": {
            part: {name: round(read_value(run.measured, part, one), DIGITS) for name, one in MEASURES.items()}
            for part in HAZARDOUS
        },
        "missed": list(check_goal(run.measured, start).missed),
    }


def _draw_curves(folders: Sequence[Path]) -> dict[str, list[list[float]]]:
    """Return for each indicator the mean, lowest and highest of all runs at each step that all of them made."""
    lines = [
        [json.loads(line) for line in (folder / METRICS).read_text(encoding="utf-8").splitlines()]
        for folder in folders
        if (folder / METRICS).exists()
    ]
    if not lines:
        return {}
    steps = min(map(len, lines))
    found: dict[str, list[list[float]]] = {}
    for name in CURVES:
        at = [[run[step][f"caspo/{name}"] for run in lines] for step in range(steps)]
        found[name] = [[round(sum(v) / len(v), DIGITS), round(min(v), DIGITS), round(max(v), DIGITS)] for v in at]
    return found


def _describe_claim(judged: Judged) -> dict[str, Any]:
    return {
        "id": judged.claim.id,
        "says": judged.claim.says,
        "paper": judged.claim.paper,
        "verdict": judged.verdict,
        "statements": [
            {
                "words": one.statement.words,
                "verdict": one.verdict,
                "estimate": _describe_estimate(one.estimate),
                "shown": None
                if one.estimate is None
                else [one.statement.show(value) for value in (one.estimate.value, one.estimate.low, one.estimate.high)],
                "runs": [one.statement.show(value) for value in one.each],
            }
            for one in judged.checked
        ],
    }


def _describe_place(place: Place) -> dict[str, Any]:
    return {
        "arm": place.arm,
        "runs": place.runs,
        "diverged": place.diverged,
        "met": place.met,
        "met_new_scenes": place.met_seen,
        "met_new_hazards": place.met_new,
        "worth": _describe_estimate(place.worth),
        "behind": _describe_estimate(place.behind),
        "tied": place.tied,
    }


def _list_examples(measured: Mapping[str, Mapping[Key, Measured]]) -> list[dict[str, Any]]:
    """Return answers of several models to the same scenes: of each arm its first run, none chosen for its answers."""
    firsts = [(name, runs[min(runs)]) for name in SHOWN_ARMS if (runs := measured.get(name))]
    found = []
    for part in SETS:
        for place in range(min((len(one.answers[part]) for _, one in firsts), default=0)):
            answers = [
                {
                    "arm": name,
                    "answer": one.answers[part][place],
                    "scores": [int(one.columns[part][letter][place]) for letter in ("r", "s", "e")],
                    "false_alarm": bool(one.columns[part]["alarm"][place]),
                }
                for name, one in firsts
            ]
            found.append({"set": part, "place": place, "answers": answers})
    return found
