"""The report of studies of failures as Markdown."""

from typing import Any

from judge.failure_content import NO_FAILURE
from judge.failure_report import EVERY, PLACES
from judge.report_text import show_name
from judge.study_markdown import cell, number, percent, plain, table

NO_FAILURE_NAME = "No failure"


def name_labels(report: dict[str, Any]) -> dict[str, str]:
    """Return code -> name of every label, in order, and of `no_failure` last."""
    names = {label["code"]: label["name"] for label in report["taxonomy"]["labels"]}
    return names | {NO_FAILURE: NO_FAILURE_NAME}


def name_categories(report: dict[str, Any]) -> list[str]:
    """Return the categories of the map in order, all together last."""
    found = {row["category"] for row in report["map"]}
    return [*sorted(found - {EVERY}), EVERY] if found else []


def name_models(report: dict[str, Any]) -> dict[tuple[str, str], str]:
    """Return (model, mode) -> its name: the mode is said where the map holds more than one."""
    keys = list(dict.fromkeys((row["model"], row["mode"]) for row in report["map"]))
    several = len({mode for _, mode in keys}) > 1
    return {key: f"{key[0]}, {key[1]}" if several else key[0] for key in keys}


def show_failures(report: dict[str, Any]) -> str:
    """Return the report as Markdown; intervals are of 95%."""
    return "\n".join([*_head(report), *_maps(report), *_agreement(report), *_places(report)])


def _head(report: dict[str, Any]) -> list[str]:
    taxonomy = report["taxonomy"]
    lines = [
        "# How answers fail",
        "",
        f"{report['answers']} answers that the judge scored as failed (R 0 or S 0), labelled by people under taxonomy "
        f"{taxonomy['version']} (`{taxonomy['sha256'][:16]}`). An answer has a label when more than half of the people "
        "who answered gave it. Shares are of failed answers, not of all.",
        "",
    ]
    rows = [
        (
            each["name"], each["model"], each["mode"], f"{each['release_version']}, {each['run']}",
            f"{each['population']['failed']} of {each['population']['scored']}", each["drawn"], each["unfinished"],
            f"{each['people']}, {each['people_per_answer']} for each",
        )
        for each in report["studies"]
    ]  # fmt: skip
    head = ["study", "model", "mode", "release, run", "failed of scored", "drawn", "unfinished", "people"]
    return [*lines, *table(head, rows)]


def _maps(report: dict[str, Any]) -> list[str]:
    names, categories = name_labels(report), name_categories(report)
    lines = ["## Failure map", ""]
    for (model, mode), name in name_models(report).items():
        found = {row["category"]: row for row in report["map"] if (row["model"], row["mode"]) == (model, mode)}
        own = [category for category in categories if category in found]
        head = [cell(name), *(f"{show_name(each)} ({found[each]['answers']})" for each in own)]
        rows = [
            (title, *(f"{plain(_value(found[each], code), '{:.0%}')}" for each in own))
            for code, title in names.items()
        ]  # fmt: skip
        lines += [f"### {cell(name)}", "", *table(head, rows)]
    return lines


def _value(row: dict[str, Any], code: str) -> float | None:
    value: float | None = row["failures"][code]["share"]["value"]
    return value


def _agreement(report: dict[str, Any]) -> list[str]:
    names = name_labels(report)
    rows = []
    for code, found in report["labels"].items():
        told = found["agreement"]
        rows.append(
            (names[code], found["answers"], found["any"], percent(found["share"]), number(told["alpha_nominal"]),
             number(told["fleiss_kappa"]), percent(told["positive"]), number(found["spans"]["overlap"]))
        )  # fmt: skip
    head = ["label", "answers", "any", "share", "alpha, nominal", "Fleiss' kappa", "given by the other too", "spans"]
    sets, link = report["sets"], report["broken_link"]
    lines = ["## Labels, and how far people agree", "", *table(head, rows)]
    reasons = {
        names[code]: found["agreement"]["alpha_nominal"]["reason"]
        for code, found in report["labels"].items()
        if found["agreement"]["alpha_nominal"]["value"] is None
    }
    if reasons:
        lines += ["No alpha:", "", *(f"- {cell(name)}: {cell(reason)}" for name, reason in reasons.items()), ""]
    return [
        *lines,
        f"Two people gave the same labels in {percent(sets['equal'])} of {sets['pairs']} pairs; shared over joint "
        f"labels {number(sets['jaccard'])}. Broken link: alpha {number(link['alpha_nominal'])}.",
        "",
    ]


def _places(report: dict[str, Any]) -> list[str]:
    names = name_labels(report)
    rows = [("All", *(report["broken_link"]["places"][place] for place in PLACES))]
    rows += [
        (names[code], *(found["broken_link"][place] for place in PLACES))
        for code, found in report["labels"].items()
        if code != NO_FAILURE and found["votes"]
    ]
    head = ["people who put the break at", "first link", "between", "last link", "none in particular"]
    return ["## Where the causal chain breaks", "", *table(head, rows)]
