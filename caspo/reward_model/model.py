"""The reward model and its folder.

A folder holds the model under the head in transformers' form with its processor (`backbone/`), `head.safetensors`, and
`reward_model.json`: config, hashes of every file, and what it was trained on.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from importlib import metadata
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, AutoProcessor

from caspo.errors import RewardModelInvalid
from caspo.reward_model.conversations import Asked, encode, move
from caspo.score_head import make_score_head, pick_last
from storage.release_files import hash_file
from storage.texts import canonical_json

FORMAT = "caspo-reward-model/1"
RECORD, BACKBONE, HEAD = "reward_model.json", "backbone", "head.safetensors"
PACKAGES = ("torch", "transformers", "accelerate")


class RewardModel(nn.Module):  # type: ignore[misc]
    """Predicts R + S + E of an answer about pictures. It reads the query without a constitution."""

    def __init__(self, backbone: Any, processor: Any, *, max_tokens: int, record: Mapping[str, Any] | None = None):
        """Take over the backbone: a model of transformers without its language head."""
        super().__init__()
        self.backbone = backbone
        self.processor = processor
        self.max_tokens = max_tokens
        self.record = dict(record or {})
        """What `reward_model.json` says; empty for one that was not saved yet."""
        self.head = make_score_head(backbone.config.get_text_config().hidden_size).to(backbone.device)

    def forward(self, batch: dict[str, Any]) -> Tensor:
        """Return (B,) predictions in float32 for a batch of `encode`, read at each conversation's last token."""
        states_BTH = self.backbone(**batch, use_cache=False).last_hidden_state
        last_BH = pick_last(states_BTH, batch["attention_mask"]).float()
        with torch.autocast(last_BH.device.type, enabled=False):
            return self.head(last_BH)[:, 0]

    def rate(self, asked: Iterable[Asked], *, batch: int = 16) -> list[float]:
        """Return the predictions as numbers; no more than a batch is held in memory.

        Raises:
            SampleInvalid: One of them cannot be rated.
        """
        self.eval()
        found: list[float] = []
        left = iter(asked)
        with torch.inference_mode():
            while some := list(islice(left, batch)):
                made = encode(self.processor, some, max_tokens=self.max_tokens)
                found += self(move(made, self.backbone.device, self.backbone.dtype)).tolist()
        return found


def load_base(model: str, *, max_tokens: int) -> RewardModel:
    """Return a new reward model on top of a vision-language model, in float32: a head that says 3 of everything.

    Raises:
        RewardModelInvalid: It cannot be loaded, or is no vision-language model with a chat template.
    """
    backbone, processor = _load_backbone(Path(model) if Path(model).is_dir() else model, torch.float32)
    return RewardModel(backbone, processor, max_tokens=max_tokens)


def hash_base(model: str) -> dict[str, Any]:
    """Return name and hashes of the weights of a model's folder; of one that lies elsewhere, its name and commit."""
    folder = Path(model)
    if folder.is_dir():
        files = sorted([*folder.glob("*.safetensors"), *folder.glob("*.bin"), folder / "config.json"])
        return {"name": folder.name, "files": {one.name: hash_file(one)["sha256"] for one in files if one.exists()}}
    commit = getattr(AutoConfig.from_pretrained(model), "_commit_hash", None)
    return {"name": model, "commit": commit}


def save_reward_model(
    model: RewardModel, state: Mapping[str, Tensor], to: Path, described: Mapping[str, Any], *, extra: Sequence[Path]
) -> dict[str, Any]:
    """Write the model's folder, which gets its name last, and return its record.

    Args:
        model: Whose backbone's config and processor are written.
        state: All weights, as `RewardModel.state_dict` names them.
        to: A folder that does not exist.
        described: What the record says besides format, packages and hashes.
        extra: Files to put beside.
    """
    partial = to.with_name(f".{to.name}.partial")
    (partial / BACKBONE).mkdir(parents=True, exist_ok=True)
    under = {name.removeprefix("backbone."): value for name, value in state.items() if name.startswith("backbone.")}
    model.backbone.save_pretrained(partial / BACKBONE, state_dict=under)
    model.processor.save_pretrained(partial / BACKBONE)
    head = {name.removeprefix("head."): value for name, value in state.items() if name.startswith("head.")}
    save_file({name: value.detach().cpu().contiguous() for name, value in head.items()}, partial / HEAD)
    for file in extra:
        (partial / file.name).write_bytes(file.read_bytes())
    files = sorted(path for path in partial.rglob("*") if path.is_file() and path.name != RECORD)
    record = {
        "format": FORMAT,
        "max_tokens": model.max_tokens,
        "packages": {name: metadata.version(name) for name in PACKAGES},
        **described,
        "files": {path.relative_to(partial).as_posix(): hash_file(path) for path in files},
    }
    (partial / RECORD).write_text(canonical_json(record) + "\n", encoding="utf-8")
    partial.rename(to)
    return record


def read_record(folder: Path) -> dict[str, Any]:
    """Return what a folder's `reward_model.json` says.

    Raises:
        RewardModelInvalid: It is none of a reward model.
    """
    try:
        record: dict[str, Any] = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError) as exc:
        raise RewardModelInvalid(
            f"{folder} is no reward model ({exc}); give the folder that `curator caspo reward-model train` made"
        ) from exc
    if not isinstance(record, dict) or record.get("format") != FORMAT:
        raise RewardModelInvalid(f"{folder / RECORD} does not have the format {FORMAT}; train the model again")
    return record


def load_reward_model(folder: Path, *, device: str | None = None, half: bool = False) -> RewardModel:
    """Return a saved reward model, after every file was compared with its hash.

    Args:
        folder: Of `save_reward_model`.
        device: None: the GPU where there is one.
        half: The backbone in bfloat16, the head in float32.

    Raises:
        RewardModelInvalid: The folder is none of a reward model, or a file was changed.
    """
    record = read_record(folder)
    for name, said in record["files"].items():
        file = folder / name
        if not file.is_file() or hash_file(file) != said:
            what = "was changed" if file.is_file() else "is missing"
            raise RewardModelInvalid(f"{file} {what} since the model was saved; copy the folder anew")
    backbone, processor = _load_backbone(folder / BACKBONE, torch.bfloat16 if half else torch.float32)
    model = RewardModel(backbone, processor, max_tokens=record["max_tokens"], record=record)
    model.head.load_state_dict(load_file(folder / HEAD))
    model.to(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    model.eval()
    return model


def _load_backbone(place: Path | str, dtype: torch.dtype) -> tuple[Any, Any]:
    try:
        backbone = AutoModel.from_pretrained(place, dtype=dtype)
        processor = AutoProcessor.from_pretrained(place)
    except Exception as exc:  # transformers raises whatever its parts raise
        raise RewardModelInvalid(
            f"{place} cannot be loaded as a vision-language model ({type(exc).__name__}: {exc}); give a folder that "
            "transformers' AutoModel and AutoProcessor load"
        ) from exc
    missing = [name for name in ("image_processor", "chat_template") if not getattr(processor, name, None)]
    if missing:
        raise RewardModelInvalid(
            f"the {type(processor).__name__} of {place} has no {' and no '.join(missing)}; give a vision-language "
            "model that was tuned to follow instructions"
        )
    return backbone, processor
