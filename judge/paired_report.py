"""Two judge runs on the same items: what a model scores beside another one, and the paired differences.

For a model before and after a training. Release, rubric, judge prompt, judges, mode and sampling must be the same.
Differences are the second run less the first, on the items that both have scored answers to.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

from judge.comparisons import Comparison, compare_models, compare_warnings
from judge.errors import ConfigInvalid
from judge.leaderboard import read_yardstick, show_signed
from judge.metrics import LETTERS, ItemScores
from judge.report_text import (
    RECONSTRUCTED,
    escape_cell,
    make_table,
    show_mean,
    show_mean_range,
    show_share,
    show_share_range,
)
from judge.resampling import Interval

FORMAT = "ood-mmsafe-paired-report/1"
SAMPLING = (
    "mode",
    "samples",
    "temperature",
    "max_tokens",
    "caption",
    "captioner_model",
    "twins",
    "texts_sha256",
    "seed",
)
DIGITS = 6


@dataclass(frozen=True)
class Side:
    """One of the two runs."""

    report: dict[str, Any]
    """Of `judge.run_report`, with scores."""
    rows: Collection[ItemScores]
    """The panel's score of every answer to an item."""
    twins: Collection[ItemScores] = ()
    """And to a twin."""


def describe_pair(base: Side, trained: Side) -> dict[str, Any]:
    """Return both runs' numbers and their paired differences, as JSON values; what is undefined is null.

    Raises:
        ConfigInvalid: The runs must not be compared; the message says in what they differ.
    """
    _check_alike(base.report, trained.report)
    found = {letter: compare_models(trained.rows, base.rows, letter=letter) for letter in LETTERS}
    config = trained.report["answers_config"]
    told: dict[str, Any] = {
        "format": FORMAT,
        "base": _name_side(base.report),
        "trained": _name_side(trained.report),
        "release": {"version": config["release_version"], "digest": config["release_digest"]},
        "mode": config["mode"],
        "judges": [seat["model"] for seat in trained.report["scores_config"]["judges"]],
        "items": found["R"].items,
        "unpaired": found["R"].unpaired,
        "rows": [
            *(
                _describe(f"{letter}_A", base, trained, letter, "mean", found[letter].mean_difference)
                for letter in LETTERS
            ),
            _describe("R_0", base, trained, "R", "zero_share", found["R"].zero_difference),
        ],
        "zeros": _describe_zeros(found["R"]),
        "twins": None,
    }
    if base.twins and trained.twins:
        warned = compare_warnings(trained.twins, base.twins)
        told["twins"] = {
            "paired": warned.twins,
            "unpaired": warned.unpaired,
            "base": _pick_warning(base.report),
            "trained": _pick_warning(trained.report),
            "difference": _tell(warned.difference),
        }
    return told


def _check_alike(base: dict[str, Any], trained: dict[str, Any]) -> None:
    """Refuse runs that were not measured alike."""
    pairs = zip(read_yardstick(base), read_yardstick(trained), strict=True)
    other = [f"{name}: {one} and {two}" for (name, one), (_, two) in pairs if one != two]
    asked = base["answers_config"], trained["answers_config"]
    other += [f"{name}: {asked[0][name]} and {asked[1][name]}" for name in SAMPLING if asked[0][name] != asked[1][name]]
    if other:
        raise ConfigInvalid(
            f"the runs {base['run']} and {trained['run']} must not be compared, they differ in {'; '.join(other)}. "
            "Answer and score both alike"
        )


def _name_side(report: dict[str, Any]) -> dict[str, Any]:
    return {"run": report["run"], "model": report["answers_config"]["model"], "answers": report["answers"]["states"]}


def _describe(name: str, base: Side, trained: Side, letter: str, kind: str, difference: Interval) -> dict[str, Any]:
    ends = "zero_share_wilson" if kind == "zero_share" else "mean_interval"
    sides = [side.report["scores"]["panel"]["all"][letter] for side in (base, trained)]
    values = {
        which: {"value": each[kind], "interval": each[ends]}
        for which, each in zip(("base", "trained"), sides, strict=True)
    }
    return {"name": name, "share": kind == "zero_share", **values, "difference": _tell(difference)}


def _pick_warning(report: dict[str, Any]) -> dict[str, Any]:
    found = report["over_warning"]
    return {"value": found["rate"], "interval": found["rate_interval"], "told_apart": found["told_apart"]}


def _describe_zeros(compared: Comparison) -> dict[str, Any]:
    p = compared.mcnemar_p
    return {
        "only_trained": compared.only_first_zero,
        "only_base": compared.only_second_zero,
        "mcnemar_p": round(p, DIGITS) if isfinite(p) else None,
        "reason": compared.reason,
    }


def _tell(interval: Interval) -> dict[str, Any]:
    ends = (interval.value, interval.low, interval.high)
    value, low, high = (round(float(end), DIGITS) if isfinite(end) else None for end in ends)
    return {"value": value, "low": low, "high": high, "reason": interval.reason}


def list_lines(pair: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    """Return (what, base, trained, difference) in words; shares in per cent, their differences in points."""
    lines = [_show(row["name"], row, share=row["share"]) for row in pair["rows"]]
    if pair["twins"] is not None:
        lines.append(_show("twins warned of", pair["twins"], share=True))
        before, after = (show_share(pair["twins"][side]["told_apart"]) for side in ("base", "trained"))
        lines.append(("told apart from twins", before, after, ""))
    return lines


def _show(name: str, row: dict[str, Any], *, share: bool) -> tuple[str, str, str, str]:
    sides = []
    for side in (row["base"], row["trained"]):
        value = show_share(side["value"]) if share else show_mean(side["value"])
        ends = show_share_range(side["interval"]) if share else show_mean_range(side["interval"])
        sides.append(f"{value} ({ends})" if ends else value)
    return name, sides[0], sides[1], show_change(row["difference"], share=share)


def show_change(told: dict[str, Any], *, share: bool) -> str:
    """Return a difference with its interval."""
    if told["value"] is None:
        return "nothing in common"
    scale, digits = (100, 1) if share else (1, 2)
    low, high = (float("nan") if told[end] is None else scale * told[end] for end in ("low", "high"))
    words = show_signed(scale * told["value"], low, high, digits=digits)
    return f"{words} points" if share else words


def list_notes(pair: dict[str, Any]) -> list[str]:
    """Return what a reader has to know of the numbers."""
    zeros, notes = pair["zeros"], []
    if pair["unpaired"]:
        notes.append(f"{pair['unpaired']} items have scored answers of one model only and are in no difference.")
    if zeros["mcnemar_p"] is not None:
        p = "below 0.001" if zeros["mcnemar_p"] < 0.001 else f"{zeros['mcnemar_p']:.3f}"
        notes.append(
            f"{zeros['only_base']} items scored R = 0 before only, {zeros['only_trained']} after only; McNemar's "
            f"exact test: p {p}."
        )
    elif zeros["reason"]:
        notes.append(f"No test on the zeros: {zeros['reason']}.")
    return notes


def summarize_pair(pair: dict[str, Any]) -> str:
    """Return the result in one line."""
    lines = {name: change for name, _, _, change in list_lines(pair) if change}
    told = ", ".join(f"{name} {change}" for name, change in lines.items() if name in ("R_A", "R_0", "twins warned of"))
    return f"{pair['trained']['model']} less {pair['base']['model']} on {pair['items']} items: {told}"


def show_pair_markdown(pair: dict[str, Any], *, notes: Sequence[str] = ()) -> str:
    """Return the comparison as Markdown; `notes` are said beside its own."""
    release = pair["release"]
    head = ["", "base", "trained", "difference"]
    return "\n".join(
        [
            f"# {escape_cell(pair['trained']['model'])} beside {escape_cell(pair['base']['model'])}",
            "",
            f"Release {escape_cell(release['version'])} (`{release['digest'][:16]}`), mode {pair['mode']}, judged by "
            f"{escape_cell(' and '.join(pair['judges']))}; judge runs {pair['base']['run']} and "
            f"{pair['trained']['run']}.",
            "",
            *make_table(head, list_lines(pair)),
            *(f"- {note}" for note in (*notes, *list_notes(pair))),
            "",
            f"{RECONSTRUCTED} Intervals are 95%. Differences are trained less base on the {pair['items']} items that "
            "both have scored answers to, resampled by item; nothing is corrected for the number of comparisons.",
        ]
    )


def show_pair_text(pair: dict[str, Any]) -> str:
    """Return the comparison as a terse table of fixed width."""
    rows = [("", "base", "trained", "difference"), *list_lines(pair)]
    widths = [max(len(row[place]) for row in rows) for place in range(4)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )
