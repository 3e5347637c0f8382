"""The model card: README.md with the front matter that Hugging Face's hub reads. No torch."""

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from storage.release_card import CITATION, PAPER_URL, draw_table, escape_text

Facts = Mapping[str, Any]
CAUTIONS = (
    "**Nobody has approved this model for use.** Higher scores of R, S and E mean that a judge, itself a model, liked "
    "its answers better; how far the judge can be trusted only people can say.",
    "The rubric, the constitutions and the reward are our reconstruction of the paper's: the paper's own are not "
    "published. Numbers of this model and the paper's are not comparable.",
    "A model that is trained to warn may warn where nothing threatens. Look at its answers to twins, too.",
    "The training data describe how people come to harm. The model has read hazards, not how to cause them, but was "
    "never tested for what it may have learnt of that.",
    "The trainer was tried with tiny models on a CPU. Whether it does well with large ones is not known.",
)


_DONE: Mapping[str, str] = {
    "train": "trained with CASPO to see what follows from an answer before it gives it",
    "sft": "fine-tuned on answers that judges scored high: what CASPO begins with, not its result",
    "dpo": "trained by DPO on pairs of a better and a worse answer: the baseline that CASPO is compared with",
}
"""Stage -> what was done."""
_TAGS: Mapping[str, tuple[str, ...]] = {"train": ("caspo", "verl"), "sft": ("sft", "verl"), "dpo": ("dpo", "trl")}


def render_card(facts: Facts, *, name: str, files: Mapping[str, Facts]) -> str:
    """Return the card.

    Args:
        facts: What `exporting` has put together: `provenance.describe_origin`, and step, comparison and evaluations.
        name: The folder's.
        files: Path -> sha256 and bytes of every file of the model.
    """
    parts = [
        f"---\n{yaml.safe_dump(_front_matter(facts), sort_keys=False, allow_unicode=True)}---",
        f"# {escape_text(name)}",
        f"{_name_start(facts)}, {_DONE[facts['run']['stage']]} ([OOD-MMSafe]({PAPER_URL})). Step {facts['step']} of "
        f"the run `{facts['run']['name']}`, exported by the OOD-MMSafe Curator.",
        "## Limits\n\n" + "\n".join(f"- {caution}" for caution in CAUTIONS),
        "## Training\n\n" + _describe_training(facts),
        "## Data\n\n" + _describe_data(facts["data"]),
        "## People\n\n" + _describe_people(facts),
        "## Evaluation\n\n" + _describe_evaluations(facts["evaluations"]),
        "## The export\n\n" + _describe_comparison(facts["comparison"]),
        "## Versions\n\n" + _describe_versions(facts["run"]),
        "## Files\n\n"
        + draw_table(
            ("File", "Bytes", "sha256"),
            [(f"`{path}`", str(told["bytes"]), f"`{told['sha256']}`") for path, told in files.items()],
        ),
        f"## Citation\n\n```bibtex\n{CITATION}\n```",
    ]
    return "\n\n".join(parts) + "\n"


def _front_matter(facts: Facts) -> dict[str, Any]:
    start = facts["start_model"]
    told: dict[str, Any] = {
        "library_name": "transformers",
        "pipeline_tag": "image-text-to-text",
        "license": "other",
        "license_name": "see-the-base-model-and-the-data",
        "tags": [*_TAGS[facts["run"]["stage"]], "ood-mmsafe", "safety"],
    }
    if not start["files"] and start["name"].count("/") == 1:  # a name of the hub, not a folder
        told["base_model"] = start["name"]
    return told


def _name_start(facts: Facts) -> str:
    return f"`{facts['start_model']['name']}`"


def _describe_training(facts: Facts) -> str:
    run, method = facts["run"], facts["run"]["method"] or {}
    rows = [
        ("start", _name_start(facts)),
        ("preset", f"`{run['preset']}`"),
        *((f"method: {name}", f"`{value}`") for name, value in method.items()),
        *((name, escape_text(str(value))) for name, value in facts["settings"].items()),
        ("steps", str(facts["step"])),
        ("config", f"`{run['config_sha256']}`"),
        ("overrides", f"`{run['overrides_sha256']}`"),
        *(
            [("reward's file", f"`{run['reward_sha256']}`" if run["reward_sha256"] else "none")]
            if run["stage"] == "train"
            else []
        ),
        ("constitutions", f"`{run['constitution_sha256']}`"),
        ("training file", f"`{run['train_sha256']}`"),
        ("begun", str(run["started_at"])),
    ]
    licence = "The licence of the model that it began with holds for this one, too; this card does not know it."
    return f"{draw_table(('What', 'Value'), rows)}\n\n{licence}"


def _describe_data(data: Facts) -> str:
    report = data["report"]
    lines = [
        f"{report['items']} items and {report['twins']['taken']} harmless twins, prepared as "
        f"`{data['config_sha256']}`.",
        draw_table(
            ("Category", "Items", "Share", "Twins", "Constitution"),
            [
                (
                    escape_text(one["title"]),
                    str(one["items"]),
                    f"{one['share']:.2f}%",
                    str(one["twins"]),
                    _name_constitution(data["constitutions"].get(one["category"])),
                )
                for one in report["categories"]
            ],
        ),
        draw_table(
            ("Source", "Part", "Version", "Prompts", "Licences of pictures"),
            [
                (
                    escape_text(one["name"]),
                    one["part"],
                    escape_text(str(one["version"])),
                    str(one["taken"]),
                    ", ".join(f"{escape_text(licence)} ({count})" for licence, count in one["licences"].items()),
                )
                for one in report["sources"]
            ],
        ),
        *_describe_answers(data["answers"]),
        f"Compared with {data['benchmarks'].get('rows', 0)} rows of benchmarks before it was used; what repeats one is "
        "left out.",
    ]
    return "\n\n".join(lines)


def _describe_answers(answers: Facts | None) -> list[str]:
    """Return what the model learnt from, where that was answers of other models."""
    if answers is None:
        return []
    models = ", ".join(f"{escape_text(name or 'unnamed')} ({count})" for name, count in answers["models"].items())
    what = "pairs of answers" if "from_judge_runs" in answers else "answers"
    return [f"Learnt from {answers['rows']} {what}, by {models}. The licences of these models may bind it."]


def _name_constitution(told: Facts | None) -> str:
    return f"{escape_text(told['version'])} `{told['sha256'][:12]}`" if told else "none"


def _describe_people(facts: Facts) -> str:
    lines = [_describe_release(release) for release in facts["releases"]]
    if not lines:
        lines = ["The data hold no release of ours, so nobody has approved their items as far as is known here."]
    if facts["studies"]:
        rows = [
            (
                escape_text(str(study["name"])),
                escape_text(f"{study['model']}, {study['mode']}, release {study['release_version']}"),
                str(study["annotators"]),
                str(study["answers"]),
                show_value(study["people_alpha"]),
                show_value(study["people_ac2"]),
                show_value(study["judge_equal_per_score"], share=True),
                show_value(study["judge_equal_per_item"], share=True),
            )
            for study in facts["studies"]
        ]
        head = (
            "Study", "Of the answers of", "People", "Answers", "Krippendorff's alpha", "Gwet's AC2",
            "Judge equals people, per score", "per answer",
        )  # fmt: skip
        lines.append("People scored answers to these releases, blind, beside the judge (95% intervals):")
        lines.append(draw_table(head, rows))
    else:
        lines.append(
            "No closed study compares the judge with people on these releases: how far it can be trusted is not known."
        )
    return "\n\n".join(lines)


def _describe_release(release: Facts) -> str:
    if not release["at_hand"]:
        return f"Release `{release['digest']}` was not at hand, so nothing is told of its reviewers."
    reviews = ", ".join(f"{items} by {count}" for count, items in release["reviews"].items())
    policies = ", ".join(f"{escape_text(name)} ({items})" for name, items in release["policies"].items())
    agreed = (
        f"Where several people reviewed, {100 * release['mean_agreement']:.1f}% of them agreed on average "
        f"({release['reviewed_by_several']} items)."
        if release["mean_agreement"] is not None
        else "No item was reviewed by several people."
    )
    return (
        f"Release {escape_text(release['version'])} (`{release['digest']}`), split {release['split']}: "
        f"{release['items']} items. Reviewers an item: {reviews}. Settled by: {policies}. {agreed}"
    )


def show_value(told: Facts | None, *, share: bool = False) -> str:
    """Return a value with its interval in words; a dash where it is not defined."""
    if told is None or told.get("value") is None:
        return "–"
    ends = [told["value"], *([told["low"], told["high"]] if told.get("low") is not None else [])]
    words = [f"{100 * end:.1f}%" if share else f"{end:.2f}" for end in ends]
    return words[0] if len(words) == 1 else f"{words[0]} ({words[1]} to {words[2]})"


def _describe_evaluations(evaluations: Sequence[Facts]) -> str:
    if not evaluations:
        return (
            "None when this was exported. `curator caspo evaluate` judges the model against the one that it began with."
        )
    lines = [
        f"- {escape_text(one['name'])}: release {escape_text(one['release']['version'])} "
        f"(`{one['release']['digest'][:12]}`), {escape_text(one['summary'])}"
        for one in evaluations
    ]
    return "\n".join(lines)


def _describe_comparison(found: Facts) -> str:
    trained = (
        f" For scale: training has moved the same log-probabilities by {found['trained_mean']:.3g} nats on average."
        if found["trained_mean"] is not None
        else " The model that the training began with was not at hand, so what training has moved is not known."
    )
    if "merged_max" not in found:
        return (
            f"The files are TRL's, in {found['dtype']}, copied byte by byte. Loaded in transformers, no weight was "
            f"missing, and the model answered {len(found['rows'])} rows of the training data with their pictures by "
            f"{found['tokens']} tokens.{trained}"
        )
    return (
        f"verl merged the shards into {found['dtype']}. The folder, loaded in transformers, was compared with the "
        f"checkpoint, loaded without verl: on {found['tokens']} tokens of greedy answers to {len(found['rows'])} rows "
        f"of the training data with their pictures, log-probabilities differ by at most {found['merged_max']:.2g} nats "
        f"from those of the checkpoint rounded likewise ({found['tolerance']:g} are allowed). The rounding itself "
        f"moves them by {found['rounded_mean']:.3g} nats on average, {found['rounded_max']:.3g} at most.{trained}"
    )


def _describe_versions(run: Facts) -> str:
    rows = [(f"`{name}`", version or "not installed") for name, version in run["packages"].items()]
    return "Of the training:\n\n" + draw_table(("Package", "Version"), [*rows, ("python", run["python"])])
