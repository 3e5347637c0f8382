"""The tables of docs/wind-tunnel.md from bench/results, written by `python -m bench.write_tables`."""

from collections.abc import Mapping
from typing import Any

ROW = "| {} |"


def write_wind_tunnel(report: Mapping[str, Any]) -> str:
    """Return the tables of all arms, of each run's R_0, and of the paper's claims."""
    places = {place["arm"]: place for place in report["ranking"]}
    sft = {run["stage_zero"]: run["figures"]["new_scenes"]["entropy"] for run in _find(report, "sft")["runs"]}
    head = [
        "", "runs", "R_A", "S_A", "E_A", "R_0", "false alarms", "R + S + E", "reward model's score",
        "entropy over SFT's", "tokens", "KL", "new hazards: R_0", "false alarms", "goal met",
    ]  # fmt: skip
    lines = [_join(head), _join(["---"] * len(head))]
    lines += [_join(_write_arm(arm, sft, places)) for arm in report["arms"]]
    lines += ["", *_write_runs(report), "", *_write_claims(report)]
    return "\n".join(lines) + "\n"


def write_tuning(tuning: Mapping[str, Any]) -> str:
    """Return the table of all settings that were tried, the chosen one of each form in bold."""
    head = ["form", "setting", "bounds missed", "R_0, new scenes", "R + S + E", "false alarms", "R_0, new hazards"]
    lines = [_join(head), _join(["---"] * len(head))]
    for form, found in tuning["forms"].items():
        for each in found["settings"]:
            runs = list(each["runs"].values())
            words = ", ".join(
                f"{name.replace('_', ' ')} {value:g}" for name, value in each["factors"].items() if name != "mode"
            )
            if each["factors"] == found["chosen"]:
                words = f"**{words}**"
            shown = [
                ", ".join(f"{100 * run[part][name]:.1f}%" if share else f"{run[part][name]:.2f}" for run in runs)
                for part, name, share in (
                    ("new_scenes", "r_0", True), ("new_scenes", "total", False), ("new_scenes", "false_alarms", True),
                    ("new_hazards", "r_0", True),
                )
            ]  # fmt: skip
            lines.append(_join([form, words, ", ".join(str(len(run["missed"])) for run in runs), *shown]))
    return "\n".join(lines) + "\n"


def _join(cells: list[str]) -> str:
    return ROW.format(" | ".join(cells))


def _find(report: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    return next(arm for arm in report["arms"] if arm["name"] == name)


def _write_arm(arm: Mapping[str, Any], sft: Mapping[int, float], places: Mapping[str, Any]) -> list[str]:
    scenes, hazards = arm["pooled"]["new_scenes"], arm["pooled"]["new_hazards"]
    ratios = [run["figures"]["new_scenes"]["entropy"] / sft[run["stage_zero"]] for run in arm["runs"] if run["figures"]]
    low, high = min(ratios), max(ratios)
    place = places.get(arm["name"])
    shown = [f"{low:.2f}" if f"{low:.2f}" == f"{high:.2f}" else f"{low:.2f} to {high:.2f}"]
    return [
        f"`{arm['name']}`", str(len(arm["runs"])), *(f"{scenes[name][0]:.2f}" for name in ("r_a", "s_a", "e_a")),
        f"{100 * scenes['r_0'][0]:.1f}% ({100 * scenes['r_0'][1]:.1f} to {100 * scenes['r_0'][2]:.1f})",
        f"{100 * scenes['false_alarms'][0]:.1f}%", f"{scenes['total'][0]:.2f}", f"{scenes['reward'][0]:.2f}", *shown,
        f"{scenes['length'][0]:.0f}", f"{scenes['kl'][0]:.2f}", f"{100 * hazards['r_0'][0]:.1f}%",
        f"{100 * hazards['false_alarms'][0]:.1f}%", f"{place['met']} of {place['runs']}" if place else "",
    ]  # fmt: skip


def _write_runs(report: Mapping[str, Any]) -> list[str]:
    """Return R_0 of each run, for the arms that were run on every stage 0."""
    lines = [_join(["R_0 of each run, %", "new scenes", "new hazards"]), _join(["---"] * 3)]
    for arm in report["arms"]:
        starts = sorted({run["stage_zero"] for run in arm["runs"]})
        if arm["kind"] == "baseline" or len(starts) < 2:
            continue
        cells = [
            "; ".join(
                ", ".join(
                    f"{100 * run['figures'][part]['r_0']:.1f}"
                    for run in arm["runs"]
                    if run["stage_zero"] == start and run["figures"]
                )
                for start in starts
            )
            for part in ("new_scenes", "new_hazards")
        ]
        lines.append(_join([f"`{arm['name']}`", *cells]))
    return lines


def _write_claims(report: Mapping[str, Any]) -> list[str]:
    lines = [_join(["claim", "verdict", "figures"]), _join(["---"] * 3)]
    for claim in report["claims"]:
        figures = "; ".join(_show(one) for one in claim["statements"])
        lines.append(_join([claim["says"], claim["verdict"], figures]))
    return lines


def _show(statement: Mapping[str, Any]) -> str:
    if not statement["shown"]:
        return str(statement["words"])
    value, low, high = statement["shown"]
    return f"{statement['words']}: {value} ({low} to {high})"
