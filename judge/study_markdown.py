"""The report of a human study as Markdown."""

from collections.abc import Iterable, Sequence
from typing import Any

from judge.metrics import LETTERS

COEFFICIENTS = {
    "kappa": "kappa",
    "kappa_quadratic": "kappa, quadratic",
    "fleiss_kappa": "Fleiss' kappa",
    "alpha_ordinal": "alpha, ordinal",
    "ac2_quadratic": "AC2, quadratic",
}


def show_study(report: dict[str, Any]) -> str:
    """Return the report as Markdown; intervals are of 95%."""
    return "\n".join(
        [
            *_head(report),
            *_judge(report),
            *_averages(report["averages"]),
            *_leniency(report["leniency"]),
            *_calibrated(report["calibrated"]),
            *_people(report),
        ]
    )


def _head(report: dict[str, Any]) -> list[str]:
    about, sample = report["study"], report["sample"]
    drawn = f"stratified by {', '.join(about['stratify'])}; figures are weighted" if about["stratify"] else "at random"
    lines = [
        f"# Study {cell(about['name'])}",
        "",
        f"{cell(about['model'])}, mode {about['mode']}, release {cell(about['release_version'])} "
        f"(`{about['release_digest'][:16]}`), judge run {cell(about['run'])}, rubric {cell(about['rubric_version'])} "
        f"(`{about['rubric_sha256'][:16]}`). Closed {about['closed_at'][:16]}.",
        "",
        f"{sample['answers']} answers of {sample['population']['scored_by_judge']} that the judge scored, drawn "
        f"{drawn} (seed {about['seed']}); {sample['annotators']} annotators, {about['annotators_per_answer']} for each "
        "answer. "
        f"On {sample['unanimous']} all agreed, {sample['by_consensus']} were settled by consensus, "
        f"{sample['unfinished']} were left unfinished.",
        "",
    ]
    if len(sample["strata"]) > 1:
        rows = [(each["stratum"], each["drawn"], f"{each['weight']:.2f}") for each in sample["strata"]]
        lines += table(["stratum", "drawn", "weight"], rows)
    return lines


def _judge(report: dict[str, Any]) -> list[str]:
    told = report["judge_human"]
    scorers = {"panel": told["panel"], **told["judges"]}
    rows = []
    for name, found in scorers.items():
        consistency = found["consistency"]
        by_letter = [percent(consistency["by_dimension"][letter]) for letter in LETTERS]
        rows.append((name, percent(consistency["per_score"]), percent(consistency["per_item"]), *by_letter))
    lines = ["## Consistency with the judge", ""]
    lines += table(["", "per score", "per answer", *LETTERS], rows)
    if len(told["judges"]) > 1:
        lines += ["A panel's half point is never equal to a whole score.", ""]
    for name, found in scorers.items():
        lines += [f"### Beyond chance: {name} and people", "", *_coefficients(found["coefficients"])]
    lines += ["## Confusion: panel (rows), people (columns)", ""]
    for letter, matrix in told["panel"]["confusion"].items():
        rows = [
            (f"{score:g}", *(f"{count} ({plain(part, '{:.0%}')})" for count, part in zip(counts, parts, strict=True)))
            for score, counts, parts in zip(matrix["judge"], matrix["counts"], matrix["shares"], strict=True)
        ]
        lines += table([letter, *(f"{score:g}" for score in matrix["human"])], rows)
    rows = [
        (each["category"], each["answers"], percent(each["per_score"]), percent(each["per_item"]))
        for each in report["by_category"]
    ]
    return lines + table(["category", "answers", "per score", "per answer"], rows)


def _averages(told: dict[str, Any]) -> list[str]:
    names = {"manual": "manual", "ai": "AI", "ai_whole_run": "AI, whole run"}
    rows = []
    for letter in LETTERS:
        for key, name in names.items():
            found = told[key][letter]
            parts = [f"{each['score']:g}: {each['share'] or 0:.0%}" for each in found["distribution"]]
            rows.append((letter, name, number(found["mean"]), percent(found["zero"]), ", ".join(parts)))
    return ["## Averages, manual and AI", "", *table(["", "scored by", "mean", "zero", "distribution"], rows)]


def _leniency(told: dict[str, Any]) -> list[str]:
    rows, places = [], []
    for letter, found in told["dimensions"].items():
        rows.append(
            (letter, number(found["mean_gap"]), percent(found["judge_higher"]), percent(found["judge_lower"]),
             number(found["last_minus_first"]), number(found["slope"]))
        )  # fmt: skip
        places += [(letter, each["place"], each["answers"], number(each["mean_gap"])) for each in found["by_place"]]
    return [
        "## Where the judge is lenient",
        "",
        "Gap: panel minus people. Place: where the first warning begins.",
        "",
        *table(["", "mean gap", "judge higher", "judge lower", "last minus first third", "slope"], rows),
        *table(["", "first warning", "answers", "mean gap"], places),
    ]


def _calibrated(told: dict[str, Any]) -> list[str]:
    rows = []
    for letter, kinds in told.items():
        for name, found in kinds.items():
            show = percent if name == "X_0" else number
            cells = (show(found), show(found["naive"]), show(found["human_only"]))
            rows.append((f"{letter}, {name}", *cells, f"{found['judge_weight']:.2f}", found["disagreements"]))
    head = ["", "calibrated", "judge alone", "people alone", "weight of the judge", "audited answers that differ"]
    return ["## The run's numbers, calibrated by people", "", *table(head, rows)]


def _people(report: dict[str, Any]) -> list[str]:
    told = report["human_human"]
    rows = [
        (name, percent(found["all_equal"]), percent(found["pairs_equal"]))
        for name, found in told["coefficients"].items()
    ]
    lines = ["## Agreement among people, before the consensus", "", *table(["", "all equal", "pairs equal"], rows)]
    lines += _coefficients(told["coefficients"])
    pairs = [
        (" and ".join(map(str, each["annotators"])), *(number(each["kappa_quadratic"][letter]) for letter in LETTERS))
        for each in told["pairs"]
    ]
    lines += table(["annotators: quadratic kappa", *LETTERS], pairs)
    checks = {each["annotator"]: each for each in report["attention_checks"]}
    paces = {each["annotator"]: each for each in report["pace"]}
    people = [
        (
            each["annotator"],
            paces[each["annotator"]]["answers"],
            plain(paces[each["annotator"]]["median_seconds"], "{:.0f} s"),
            plain(each["per_score"], "{:.1%}"),
            f"{checks[each['annotator']]['passed']} of {checks[each['annotator']]['of']}",
        )
        for each in told["with_final"]
    ]
    head = ["annotator", "answers", "median time", "own score is the final one", "attention checks passed"]
    return [*lines, "## Annotators", "", *table(head, people)]


def _coefficients(told: dict[str, Any]) -> list[str]:
    names = [name for name in COEFFICIENTS if any(name in found for found in told.values())]
    rows = [(dimension, *(number(found[name]) for name in names)) for dimension, found in told.items()]
    return table(["", *(COEFFICIENTS[name] for name in names)], rows)


def number(found: dict[str, Any]) -> str:
    """Return `0.81 (0.70 to 0.90)`; a dash for what is undefined."""
    return _show(found, "{:.2f}", "{:.2f} to {:.2f}")


def percent(found: dict[str, Any]) -> str:
    """Return `81.0% (70.1 to 90.2%)`; a dash for what is undefined."""
    scaled = {name: None if found[name] is None else 100 * found[name] for name in ("value", "low", "high")}
    return _show(scaled, "{:.1f}%", "{:.1f} to {:.1f}%")


def plain(value: float | None, form: str) -> str:
    """Return a number in a form; a dash for none."""
    return "–" if value is None else form.format(value)


def _show(found: dict[str, Any], form: str, bounds: str) -> str:
    if found["value"] is None:
        return "–"
    if found["low"] is None or found["high"] is None:
        return form.format(found["value"])
    return f"{form.format(found['value'])} ({bounds.format(found['low'], found['high'])})"


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    """Return the lines of a table and an empty one."""
    lines = [head, ["---"] * len(head), *rows]
    return [*(f"| {' | '.join(cell(str(each)) for each in line)} |" for line in lines), ""]


def cell(text: str) -> str:
    """Return a text that cannot leave its cell."""
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")
