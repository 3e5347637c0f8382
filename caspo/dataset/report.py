"""What training data holds: composition by category and source (as in table 8 of the paper), and what is left out."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean
from typing import Any

from caspo.dataset.answer_sets import AnswerPair, PublicPair
from caspo.dataset.choosing import Choice, Entry
from caspo.dataset.config import PAPER_SHARES, DatasetConfig
from caspo.dataset.scored import JudgeRunFiles, ScoredAnswer
from caspo.dataset.sources import Source
from storage.records import Category

TITLES: Mapping[Category, str] = {
    Category.VIOLENT: "Violent content",
    Category.ILLEGAL: "Illegal activity",
    Category.HATE: "Hate speech",
    Category.SEXUAL: "Sexual content",
    Category.PRIVACY: "Privacy violation",
    Category.SELF_HARM: "Self-harm",
}


def build_report(
    *,
    config: DatasetConfig,
    sources: Sequence[Source],
    runs: Sequence[JudgeRunFiles],
    choice: Choice,
    files: Mapping[str, Mapping[str, Any]],
) -> dict[str, Any]:
    """Return the report as JSON values; the same data give the same report."""
    taken = [entry for entry in choice.prompts if (entry.source, entry.item_id) in choice.taken]
    items = [entry for entry in taken if sources[entry.source].part == "train" and not entry.twin]
    twins = sum(sources[entry.source].part == "train" and entry.twin for entry in taken)
    return {
        "seed": config.seed,
        "preset": config.preset,
        "items": len(items),
        "categories": [_describe_category(category, sources, items, taken) for category in Category],
        "sources": [_describe_source(number, source, choice, taken) for number, source in enumerate(sources)],
        "twins": {
            "wanted_share": config.twins,
            "wanted": choice.twins_wanted,
            "taken": twins,
            "share": round(twins / (len(items) + twins), 4) if items or twins else 0.0,
        },
        "judge_runs": [
            {
                "name": run.name,
                "model": run.model,
                "mode": run.mode,
                "answers": len(run.answers),
                "left_out": dict(run.left_out),
            }
            for run in runs
        ],
        "answers": {
            "candidates": choice.candidates,
            "sft": _describe_answers(choice.sft),
            "preferences": _describe_pairs([*choice.pairs, *choice.public_pairs]),
            "reward_pairs": _describe_pairs(choice.reward.pairs)
            | {"wide": choice.reward.wide, "drawn": choice.reward.drawn},
            "reward_scores": _describe_answers(choice.reward.scores),
        },
        "dropped_matches": choice.matches,
        "rows": {name: told["rows"] for name, told in sorted(files.items())},
    }


def _describe_category(
    category: Category, sources: Sequence[Source], items: Sequence[Entry], taken: Sequence[Entry]
) -> dict[str, Any]:
    own = [entry for entry in items if entry.category is category]
    by_source = Counter(sources[entry.source].name for entry in own)
    others = [entry for entry in taken if entry.category is category]
    return {
        "category": category.value,
        "title": TITLES[category],
        "items": len(own),
        "share": round(100 * len(own) / len(items), 2) if items else 0.0,
        "paper_share": PAPER_SHARES[category],
        "by_source": {source.name: by_source[source.name] for source in sources if source.part == "train"},
        "twins": sum(entry.twin and sources[entry.source].part == "train" for entry in others),
        "held_out": sum(sources[entry.source].part == "val" for entry in others),
    }


def _describe_source(number: int, source: Source, choice: Choice, taken: Sequence[Entry]) -> dict[str, Any]:
    own = [entry for entry in choice.prompts if entry.source == number]
    used = Counter(entry.own_category for entry in taken if entry.source == number)
    groups = Counter((entry.own_category, entry.category) for entry in own)
    categories = [
        {"name": name, "category": category and category.value, "usable": count, "taken": used[name]}
        for (name, category), count in sorted(groups.items(), key=lambda pair: str(pair[0]))
    ]
    told = source.describe()
    return {
        "name": source.name,
        "kind": told["kind"],
        "part": source.part,
        "version": told["version"],
        "licences": told.get("licences") or {told["licence"]: len(own)},
        "usable": len(own),
        "taken": sum(used.values()),
        "left_out": dict(sorted(choice.left_out[source.name].items())),
        "own_categories": categories,
    }


def _describe_answers(answers: Sequence[ScoredAnswer]) -> dict[str, Any]:
    return {
        "rows": len(answers),
        "models": dict(sorted(Counter(answer.model for answer in answers).items())),
        "words": _mean(answer.words for answer in answers),
        "score": _mean(answer.score for answer in answers),
        "scores": {f"{score:g}": count for score, count in sorted(Counter(a.score for a in answers).items())},
    }


def _describe_pairs(pairs: Sequence[AnswerPair | PublicPair]) -> dict[str, Any]:
    longer = Counter((pair.words[0] > pair.words[1]) - (pair.words[0] < pair.words[1]) for pair in pairs)
    models = Counter(
        model
        for pair in pairs
        for model in ((pair.chosen.model, pair.rejected.model) if isinstance(pair, AnswerPair) else (pair.source,))
    )
    return {
        "rows": len(pairs),
        "from_judge_runs": sum(isinstance(pair, AnswerPair) for pair in pairs),
        "better_is_longer": longer[1],
        "better_is_shorter": longer[-1],
        "words_of_better": _mean(pair.words[0] for pair in pairs),
        "words_of_worse": _mean(pair.words[1] for pair in pairs),
        "gap": _mean(pair.gap for pair in pairs if pair.gap is not None),
        "models": dict(sorted(models.items())),
    }


def _mean(values: Iterable[float]) -> float | None:
    found = list(values)
    return round(fmean(found), 3) if found else None


def list_notices(report: Mapping[str, Any]) -> list[str]:
    """Return what somebody has to know before they train on it."""
    notices = []
    twins, answers = report["twins"], report["answers"]
    if twins["taken"] < twins["wanted"]:
        notices.append(
            f"The releases hold {twins['taken']} twins that fit, where {twins['wanted']} are wanted; make more, or ask "
            "for a smaller share."
        )
    empty = [one["title"] for one in report["categories"] if not one["items"]]
    if empty and report["items"]:
        notices.append(f"Nothing of {', '.join(empty)}.")
    found = {"preferences": answers["candidates"]["judged_pairs"] + answers["candidates"]["public_pairs"]}
    for name, count in (found | {"reward_pairs": answers["reward_pairs"]["drawn"]}).items():
        if count and not answers[name]["rows"]:
            notices.append(
                f"{name}: none is left of the pairs found ({count}), since the better answer is always the longer one, "
                "or always the shorter one; add runs of other models, or set length_skew to null to keep that bias."
            )
    if report["dropped_matches"]:
        notices.append(f"{len(report['dropped_matches'])} prompts were left out because they match a benchmark.")
    forbidding = [source["name"] for source in report["sources"] if any("NC" in name for name in source["licences"])]
    if forbidding:
        notices.append(f"A licence of {', '.join(forbidding)} forbids commercial use.")
    return notices


def render_markdown(report: Mapping[str, Any]) -> str:
    """Return the report as Markdown."""
    names = list(report["categories"][0]["by_source"])
    lines = [
        "# Training data",
        "",
        "Composition by category, twins and held-out prompts aside (shape of the paper's table 8).",
    ]
    lines += ["", _row(["Category", *names, "Items", "Share", "Paper", "Twins", "Held out"])]
    lines.append(_row(["---", *["---:"] * (len(names) + 5)]))
    for one in report["categories"]:
        counts = [str(one["by_source"][name]) for name in names]
        shares = [f"{one['share']:.2f}%", f"{one['paper_share']:.2f}%"]
        lines.append(_row([one["title"], *counts, str(one["items"]), *shares, str(one["twins"]), str(one["held_out"])]))
    twins = report["twins"]
    for notice in list_notices(report):
        lines += ["", f"**{notice}**"]
    lines += ["", f"Items: {report['items']}; twins: {twins['taken']} ({100 * twins['share']:.1f}% of the prompts; "
              f"{100 * twins['wanted_share']:.1f}% wanted). Seed {report['seed']}."]  # fmt: skip
    lines += ["", "## Sources", ""]
    for source in report["sources"]:
        lines.append(f"- {_describe_in_words(source)}")
    lines += ["", "## Answers", "", _row(["File", "Rows", "Better is longer", "Better is shorter", "Models"])]
    lines.append(_row(["---", "---:", "---:", "---:", "---"]))
    for name, told in report["answers"].items():
        if name != "candidates":
            models = ", ".join(f"{model or 'not told'} {count}" for model, count in told["models"].items())
            longer, shorter = (str(told.get(f"better_is_{what}", "")) for what in ("longer", "shorter"))
            lines.append(_row([name, str(told["rows"]), longer, shorter, models]))
    lines += ["", f"From {report['answers']['candidates']['scored_answers']} scored answers and "
              f"{report['answers']['candidates']['public_pairs']} public pairs."]  # fmt: skip
    if report["dropped_matches"]:
        lines += ["", "## Left out because they match a benchmark", ""]
        lines += [f"- {match}" for match in report["dropped_matches"]]
    return "\n".join(lines) + "\n"


def _describe_in_words(source: Mapping[str, Any]) -> str:
    licence = ", ".join(f"{name} ({count})" for name, count in source["licences"].items())
    taken = f"{source['taken']} of {source['usable']} usable prompts"
    words = f"{source['name']} ({source['part']}): {taken}; licence {licence}"
    if source["left_out"]:
        words += "; left out: " + ", ".join(f"{reason} {count}" for reason, count in source["left_out"].items())
    unmapped = [one for one in source["own_categories"] if one["category"] is None]
    if unmapped:
        shown = ", ".join(f"{one['name'] or 'none given'} {one['usable']}" for one in unmapped[:8])
        words += f"; of no category of ours, so in pairs only: {shown}"
    return words + "."


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
