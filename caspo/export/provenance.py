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

from caspo.config import TrainConfig
from caspo.config_file import say_first
from caspo.errors import ExportRefused
from caspo.launch import FORMAT as RUN_FORMAT
from caspo.launch import RUN_FILE, read_manifest
from storage.errors import StorageError
from storage.release_files import Release, hash_file, read_release
from storage.strict_yaml import read_own_yaml
from storage.texts import hash_json

_RUN_FACTS = (
    "preset", "method", "release_digest", "constitution_sha256", "data_config_sha256", "train_sha256", "reward_sha256",
    "config_sha256", "overrides_sha256", "packages", "python", "started_at",
)  # fmt: skip


def read_run(run: Path) -> tuple[dict[str, Any], TrainConfig]:
    """Return what a run is pinned to, and its config.

    Raises:
        ExportRefused: The folder is no run of `curator caspo train`.
    """
    try:
        told = json.loads((run / RUN_FILE).read_bytes())
        config = TrainConfig.model_validate(read_own_yaml(run / "config.yaml"))
    except ValidationError as exc:
        raise ExportRefused(f"{run / 'config.yaml'} is of another version, or was edited: {say_first(exc)}") from exc
    except (OSError, ValueError) as exc:
        raise ExportRefused(
            f"{run} is no run of a training ({exc}); name a folder of `curator caspo train`, with {RUN_FILE} and "
            "config.yaml"
        ) from exc
    if not isinstance(told, dict) or told.get("format") != RUN_FORMAT:
        raise ExportRefused(
            f"{run / RUN_FILE} does not have the format {RUN_FORMAT}; name a folder of `curator caspo train`"
        )
    return told, config


def describe_origin(
    run: Path,
    told: Mapping[str, Any],
    config: TrainConfig,
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
    data = _describe_data(config.data.folder, told)
    digests = [source["digest"] for source in data["sources"] if source["kind"] == "release"]
    return {
        "run": {"name": run.name, **{name: told.get(name) for name in _RUN_FACTS}},
        "start_model": name_model(config.model.path),
        "settings": {
            "learning rate": config.update.learning_rate,
            "prompts a step": config.data.prompts_per_step,
            "answers a prompt": config.data.answers_per_prompt,
            "tokens of a prompt, at most": config.data.max_prompt_tokens,
            "tokens of an answer, at most": config.data.max_response_tokens,
            "sampling temperature": config.sampling.temperature,
            "reward": "a served reward model"
            if config.reward.server
            else f"the function {config.reward.function.name}",
            "seed": config.data.seed,
        },
        "data": data,
        "releases": [describe_release(digest, releases.get(digest)) for digest in digests],
        "studies": [pick_figures(report) for report in studies if report["study"].get("release_digest") in digests],
    }


def name_model(path: str) -> dict[str, Any]:
    """Return a model's name, with hashes of its files where it is a folder of this machine."""
    folder = Path(path)
    if not folder.is_dir():
        return {"name": folder.name if folder.is_absolute() else path, "files": {}}
    files = sorted([*folder.glob("*.safetensors"), *folder.glob("*.bin"), *folder.glob("*.json")])
    return {"name": folder.name, "files": {one.name: hash_file(one)["sha256"] for one in files}}


def _describe_data(folder: Path, told: Mapping[str, Any]) -> dict[str, Any]:
    manifest = read_manifest(folder)
    try:
        report = json.loads((folder / "report.json").read_bytes())
        found = str(hash_file(folder / "train.parquet")["sha256"])
    except (OSError, ValueError) as exc:
        raise ExportRefused(
            f"the training data in {folder} cannot be read ({exc}); copy the folder of the run anew"
        ) from exc
    if found != told.get("train_sha256"):
        raise ExportRefused(
            f"{folder / 'train.parquet'} has the hash {found[:12]}, and the run was trained on "
            f"{str(told.get('train_sha256'))[:12]}: put back the data of the run"
        )
    if hash_json(report) != manifest.get("report_sha256"):
        raise ExportRefused(f"{folder / 'report.json'} is not the manifest's; copy the folder anew")
    return {
        "name": folder.name,
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
