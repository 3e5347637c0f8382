"""Where an exported model comes from: the run, its data, the releases in it, and the people behind those. No torch.

Everything is read from files that the steps before have pinned. What is not on this machine is said to be missing.
No path of this machine gets into it.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from caspo.config import ConversationsConfig, RunConfig, TrainConfig
from caspo.config_file import say_first
from caspo.dpo.config import DpoConfig
from caspo.errors import ExportRefused
from caspo.launch import CONFIGS, RUN_FILE, read_manifest
from caspo.launch import FORMAT as RUN_FORMAT
from caspo.sft import SftConfig
from storage.errors import StorageError
from storage.release_files import Release, hash_file, read_release
from storage.strict_yaml import read_own_yaml
from storage.texts import hash_json

_RUN_FACTS = (
    "stage", "preset", "method", "release_digest", "constitution_sha256", "data_config_sha256", "train_sha256",
    "reward_sha256", "config_sha256", "overrides_sha256", "packages", "python", "started_at",
)  # fmt: skip


def read_run(run: Path) -> tuple[dict[str, Any], RunConfig]:
    """Return what a run is pinned to, and its config.

    Raises:
        ExportRefused: The folder is no run of `curator caspo train`, `sft` or `dpo`.
    """
    named = "name a folder of `curator caspo train`, `sft` or `dpo`"
    try:
        told = json.loads((run / RUN_FILE).read_bytes())
        fields = read_own_yaml(run / "config.yaml")
    except (OSError, ValueError) as exc:
        raise ExportRefused(f"{run} is no run of a training ({exc}); {named}, with {RUN_FILE} and config.yaml") from exc
    if not isinstance(told, dict) or told.get("format") != RUN_FORMAT:
        raise ExportRefused(f"{run / RUN_FILE} does not have the format {RUN_FORMAT}; {named}")
    kind = CONFIGS.get(told.get("stage", "train"))
    if kind is None:
        raise ExportRefused(f"{run / RUN_FILE} says stage={told['stage']!r}, which is none of {', '.join(CONFIGS)}")
    try:
        return told, kind.model_validate(fields)
    except ValidationError as exc:
        raise ExportRefused(f"{run / 'config.yaml'} is of another version, or was edited: {say_first(exc)}") from exc


def describe_origin(
    run: Path,
    told: Mapping[str, Any],
    config: RunConfig,
    *,
    releases: Mapping[str, Path],
    studies: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """Return where the model comes from, as JSON values.

    Args:
        run: The run's folder.
        told: What `run.json` says.
        config: The run's config.
        releases: Folders of releases that are at hand, by digest.
        studies: Reports of closed human studies; those of a judge run on one of the releases count.

    Raises:
        ExportRefused: The training data cannot be read, or are not those of the run.
    """
    data = _describe_data(config, told)
    digests = [source["digest"] for source in data["sources"] if source["kind"] == "release"]
    return {
        "run": {"name": run.name, **{name: told.get(name) for name in _RUN_FACTS}},
        "start_model": name_model(config.model.path),
        "settings": _describe_settings(config),
        "data": data,
        "releases": [describe_release(digest, releases.get(digest)) for digest in digests],
        "studies": [pick_figures(report) for report in studies if report["study"].get("release_digest") in digests],
    }


def _describe_settings(config: RunConfig) -> dict[str, Any]:
    """Return in words what a training was told."""
    if isinstance(config, TrainConfig):
        reward = config.reward
        return {
            "learning rate": config.update.learning_rate,
            "prompts a step": config.data.prompts_per_step,
            "answers a prompt": config.data.answers_per_prompt,
            "tokens of a prompt, at most": config.data.max_prompt_tokens,
            "tokens of an answer, at most": config.data.max_response_tokens,
            "sampling temperature": config.sampling.temperature,
            "reward": "a served reward model" if reward.server else f"the function {reward.function.name}",
            "seed": config.data.seed,
        }
    assert isinstance(config, ConversationsConfig)
    own: dict[str, Any] = {}
    if isinstance(config, SftConfig):
        own = {"asked": {
            "standard": "by the question alone",
            "constitution": "under the category's constitution",
            "both": "by the question alone, and under the category's constitution",
        }[config.data.prompt]}  # fmt: skip
    elif isinstance(config, DpoConfig):
        own = {"beta": config.update.beta, "optimizer": config.update.optimizer}
        own |= {f"TRL's {name}": _hide_place(value) for name, value in config.arguments.items()}
    return {
        "learning rate": config.update.learning_rate,
        f"{'pairs' if config.stage == 'dpo' else 'answers'} a step": config.rows_per_step,
        "epochs, at most": config.data.epochs,
        "tokens of prompt and answer, at most": config.data.max_tokens,
        **own,
        "seed": config.data.seed,
    }


def _hide_place(value: Any) -> Any:
    """Return a path's name in place of a path of this machine."""
    return Path(value).name if isinstance(value, str) and Path(value).is_absolute() else value


def name_model(path: str) -> dict[str, Any]:
    """Return a model's name, with hashes of its files where it is a folder of this machine."""
    folder = Path(path)
    if not folder.is_dir():
        return {"name": folder.name if folder.is_absolute() else path, "files": {}}
    files = sorted([*folder.glob("*.safetensors"), *folder.glob("*.bin"), *folder.glob("*.json")])
    return {"name": folder.name, "files": {one.name: hash_file(one)["sha256"] for one in files}}


def _describe_data(config: RunConfig, told: Mapping[str, Any]) -> dict[str, Any]:
    folder, table = config.data.folder, config.table
    manifest = read_manifest(folder)
    try:
        report = json.loads((folder / "report.json").read_bytes())
        found = str(hash_file(folder / table)["sha256"])
    except (OSError, ValueError) as exc:
        raise ExportRefused(
            f"the training data in {folder} cannot be read ({exc}); copy the folder of the run anew"
        ) from exc
    if found != told.get("train_sha256"):
        raise ExportRefused(
            f"{folder / table} has the hash {found[:12]}, and the run was trained on "
            f"{str(told.get('train_sha256'))[:12]}: put back the data of the run"
        )
    if hash_json(report) != manifest.get("report_sha256"):
        raise ExportRefused(f"{folder / 'report.json'} is not the manifest's; copy the folder anew")
    return {
        "name": folder.name,
        "table": table,
        "answers": report["answers"].get({"sft": "sft", "dpo": "preferences"}.get(config.stage)),
        "config_sha256": manifest.get("config_sha256"),
        "constitutions": manifest.get("constitutions", {}),
        "benchmarks": manifest.get("benchmarks", {}),
        "sources": [
            {"kind": one["kind"], "digest": one.get("digest"), "version": one.get("version"), "part": one.get("part")}
            for one in manifest.get("sources", [])
        ],
        "report": {name: report[name] for name in ("items", "twins", "categories", "sources", "rows")},
    }


def describe_release(digest: str, folder: Path | None) -> dict[str, Any]:
    """Return what a release says of the people who approved its items; without its folder, that it is missing."""
    told: dict[str, Any] = {"digest": digest, "at_hand": False}
    if folder is None:
        return told
    try:
        release = read_release(folder, digest=digest)
        return told | {"at_hand": True, **_count_reviews(release)}
    except StorageError:
        return told


def _count_reviews(release: Release) -> dict[str, Any]:
    reviews: Counter[int] = Counter()
    policies: Counter[str] = Counter()
    agreements = []
    for count, agreement, policy in release.iterate_columns("review_count", "reviewer_agreement", "decision_policy"):
        reviews[int(count)] += 1
        policies[str(policy)] += 1
        if agreement is not None and count > 1:
            agreements.append(float(agreement))
    facts = release.manifest
    return {
        "version": facts.version,
        "split": facts.split.value,
        "items": facts.items,
        "reviews": {str(count): items for count, items in sorted(reviews.items())},
        "policies": dict(sorted(policies.items())),
        "reviewed_by_several": len(agreements),
        "mean_agreement": round(sum(agreements) / len(agreements), 4) if agreements else None,
    }


def pick_figures(report: Mapping[str, Any]) -> dict[str, Any]:
    """Return of a human study's report what a model card tells: who scored what, and how far people and judge agree."""
    about, sample = report["study"], report["sample"]
    panel = report["judge_human"]["panel"]["consistency"]
    among = report["human_human"]["coefficients"].get("overall", {})
    return {
        "name": about.get("name"),
        **{name: about.get(name) for name in ("release_version", "release_digest", "run", "model", "mode")},
        "answers": sample["answers"],
        "annotators": sample["annotators"],
        "judge_equal_per_score": panel["per_score"],
        "judge_equal_per_item": panel["per_item"],
        "people_alpha": among.get("alpha_ordinal"),
        "people_ac2": among.get("ac2_quadratic"),
    }
