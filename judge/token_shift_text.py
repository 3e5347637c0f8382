"""A token-shift analysis in words and as Markdown."""

from collections.abc import Callable, Mapping
from typing import Any

from judge.report_text import NOTHING, escape_cell, make_table, show_share, show_share_range
from judge.speech_parts import TAG_NAMES

CAUTION = (
    "Shares say what kind of words moved, not whether the answers became safer. They depend on whose answers are read, "
    "and on the tagger, which errs."
)


def name_sides(config: Mapping[str, Any]) -> tuple[str, str]:
    """Return what the shifted and the reference side are called."""
    if config["constitutions_sha256"]:
        return f"{config['model']} under the constitution", f"{config['reference']} without it"
    return config["model"], config["reference"]


def show_kl(value: float | None) -> str:
    """Return a divergence or a log-ratio in nats, with three digits."""
    return NOTHING if value is None else f"{value:.3f}"


def show_token(text: str) -> str:
    """Return a token's text so that it can be seen: line ends and blanks have signs."""
    return text.replace("\r", "").replace("\n", "↵").strip(" ") or "␣"


def explain(report: Mapping[str, Any], *, write: Callable[[str], str] = str) -> str:
    """Return what was compared and how, in one paragraph; `write` makes names safe."""
    config, counts = report["config"], report["counts"]
    shifted, reference = map(write, name_sides(config))
    way = "KL(π ‖ π_ref)" if config["direction"] == "forward" else "KL(π_ref ‖ π)"
    return (
        f"π is {shifted}, π_ref {reference}. {counts['answers']} answers to {counts['items']} items of "
        f"{write(config['answers'])}, {counts['tokens']} tokens, were given to both; of each answer the "
        f"{config['top']} tokens with the largest {way} count. Weights in {config['dtype']}. "
        f"Parts of speech: {write(config['tagger'])}."
    )


def list_notices(report: Mapping[str, Any]) -> list[str]:
    """Return what a reader has to know before the numbers."""
    counts = report["counts"]
    notices = [f"Answers left out: {each['count']} ({each['first']})" for each in counts["skipped"].values()]
    if counts["blind"]:
        notices.append(f"The models read texts only; answers given without their pictures: {counts['blind']}.")
    return notices


def show_shift_markdown(report: Mapping[str, Any]) -> str:
    """Return the report as Markdown."""
    shifted, reference = (escape_cell(name) for name in name_sides(report["config"]))
    lines = [f"# Token shift: {shifted} against {reference}", "", explain(report, write=escape_cell), ""]
    lines += [f"- {escape_cell(notice)}" for notice in list_notices(report)] + [""]
    head = ["", "selected", "share", "95%", "of all tokens", "of all divergence", "mean divergence"]
    for title, rows in (("Groups", report["groups"]), ("Parts of speech", report["tags"])):
        cells = [
            (
                row["name"],
                row["selected"],
                show_share(row["share"]),
                show_share_range(row["interval"]) or NOTHING,
                show_share(row["share_of_all"]),
                show_share(row["share_of_kl"]),
                show_kl(row["mean_kl"]),
            )
            for row in rows
        ]
        lines += [f"## {title}", "", *make_table(head, cells)]
    types = [
        (
            show_token(row["text"]),
            TAG_NAMES[row["tag"]],
            row["selected"],
            row["seen"],
            show_kl(row["mean_kl"]),
            show_kl(row["mean_delta"]),
        )
        for row in report["types"]
    ]
    lines += [
        "## Tokens that were selected most",
        "",
        *make_table(["token", "mostly", "selected", "of", "mean divergence", "mean log-ratio"], types),
        f"Intervals resample items with all their answers. {CAUTION}",
    ]
    return "\n".join(lines) + "\n"
