"""A run's dumps worked out again: by plain transformers from the training file, and by `caspo.objective`."""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import torch
from PIL import Image
from qwen_vl_utils import process_vision_info
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from transformers import AutoModelForImageTextToText, AutoProcessor

from caspo.objective import (
    hybrid_advantage,
    kl_to_reference,
    normalize_in_group,
    normalize_tokens_in_group,
    policy_loss,
    token_signal,
)

SIGNAL_METRICS = [f"caspo/signal_{name}" for name in ("mean", "std", "p01", "p99", "far")]


@dataclass
class PlainModel:
    """A model as transformers runs it, one answer at a time, float32."""

    model: Any
    processor: Any

    @classmethod
    def load(cls, folder: Path, weights: Path | None = None) -> "PlainModel":
        model = AutoModelForImageTextToText.from_pretrained(folder, attn_implementation="eager", dtype=torch.float32)
        if weights is not None:
            model.load_state_dict(torch.load(weights))
        return cls(model.eval(), AutoProcessor.from_pretrained(folder))

    def encode(self, row: dict[str, Any], *, constitution: str | None, blank: bool = False) -> dict[str, Tensor]:
        """Return the model's input for a row of the training file, its pictures read anew."""
        pictures = [Image.open(io.BytesIO(picture["bytes"])) for picture in row["images"]]
        asked = row["prompt"][0]["content"].replace("<image>", "")
        content = [*({"type": "image", "image": one} for one in pictures), {"type": "text", "text": asked}]
        system = [] if constitution is None else [{"role": "system", "content": constitution}]
        messages = [*system, {"role": "user", "content": content}]
        # verl sizes pictures with this before the processor does.
        sized, _ = process_vision_info(messages, image_patch_size=self.processor.image_processor.patch_size)
        text = self.processor.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        encoded: dict[str, Tensor] = dict(self.processor(text=[text], images=sized, return_tensors="pt"))
        if blank:
            encoded["pixel_values"] = torch.zeros_like(encoded["pixel_values"])
        return encoded

    def rate(self, encoded: dict[str, Tensor], answer: Tensor, *, temperature: float = 1.0) -> Tensor:
        """Return the answer's log-probabilities (T,) in float64, positions left to the model."""
        ids = torch.cat([encoded["input_ids"][0], answer])[None]
        pictures = (ids == self.model.config.image_token_id).long()
        logits = self.model(
            input_ids=ids, attention_mask=torch.ones_like(ids), mm_token_type_ids=pictures,
            pixel_values=encoded["pixel_values"], image_grid_thw=encoded["image_grid_thw"],
        ).logits[0, -len(answer) - 1 : -1]  # fmt: skip
        return (logits.double() / temperature).log_softmax(-1).gather(-1, answer[:, None])[:, 0]

    def find_positions(self, encoded: dict[str, Tensor], answer: Tensor) -> Tensor:
        """Return M-RoPE's positions (3, T) of prompt and answer."""
        ids = torch.cat([encoded["input_ids"][0], answer])[None]
        positions, _ = self.model.model.get_rope_index(
            input_ids=ids, attention_mask=torch.ones_like(ids), image_grid_thw=encoded["image_grid_thw"],
            mm_token_type_ids=(ids == self.model.config.image_token_id).long(),
        )  # fmt: skip
        found: Tensor = positions[:, 0]
        return found


@dataclass
class Differences:
    """Greatest absolute differences over the answers of one step."""

    old: float = 0.0
    reference: float = 0.0
    guided: float = 0.0
    advantage: float = 0.0
    without_constitution: float = 0.0
    """By what the guided log-probabilities would be off without the constitution: the least of all answers."""
    without_picture: float = 0.0
    """Likewise with a black picture."""


@torch.no_grad()
def compare(
    dump: dict[str, Any], table: Path, policy: PlainModel, reference: PlainModel, teacher: PlainModel
) -> Differences:
    """Compare one step's dump with what it should be; whatever must be exactly equal is asserted here."""
    rows = pq.read_table(table).to_pylist()
    found = Differences()
    kept = [at for at, padded in enumerate(dump["padding"]) if not padded]
    off_constitution, off_picture = [], []
    temperature = dump["options"]["teacher_temperature"]  # answers are sampled at 1
    for guided, at in zip(dump["constitution_log_probs"], kept, strict=True):
        extra, answer = dump["extra_info"][at], dump["responses"][at]
        row = rows[extra["index"]]
        plain = policy.encode(row, constitution=None)
        assert torch.equal(plain["input_ids"][0], dump["prompts"][at]), "verl's prompt is another, or was not put back"
        assert torch.equal(dump["input_ids"][at], torch.cat([dump["prompts"][at], answer]))
        positions = policy.find_positions(plain, answer)
        assert torch.equal(dump["position_ids"][at], torch.cat([torch.arange(positions.shape[1])[None], positions]))
        with_constitution = teacher.encode(row, constitution=row["extra_info"]["constitution"])
        wanted = teacher.rate(with_constitution, answer, temperature=temperature)
        found.old = max(found.old, _differ(dump["old_log_probs"][at], policy.rate(plain, answer)))
        found.reference = max(found.reference, _differ(dump["ref_log_prob"][at], reference.rate(plain, answer)))
        found.guided = max(found.guided, _differ(guided, wanted))
        off_constitution.append(_differ(guided, teacher.rate(plain, answer, temperature=temperature)))
        blank = teacher.encode(row, constitution=row["extra_info"]["constitution"], blank=True)
        off_picture.append(_differ(guided, teacher.rate(blank, answer, temperature=temperature)))
    found.without_constitution, found.without_picture = min(off_constitution), min(off_picture)
    wanted_BT = work_out_advantage(dump, kept)
    for row_T, at in zip(wanted_BT, kept, strict=True):
        found.advantage = max(found.advantage, _differ(dump["advantages"][at], row_T[: len(dump["advantages"][at])]))
    return found


def find_gradient_norm(dump: dict[str, Any], table: Path, policy: PlainModel, reference: PlainModel) -> float:
    """Return the norm of the gradient of verl's loss (mean over tokens, KL with 0.005) of a step with one update."""
    rows, kept = pq.read_table(table).to_pylist(), list(range(len(dump["padding"])))
    encoded = [policy.encode(rows[dump["extra_info"][at]["index"]], constitution=None) for at in kept]
    logp_BT = torch.stack([policy.rate(one, dump["responses"][at]) for at, one in zip(kept, encoded, strict=True)])
    with torch.no_grad():
        base_BT = torch.stack(
            [reference.rate(one, dump["responses"][at]) for at, one in zip(kept, encoded, strict=True)]
        )
    advantage_BT, mask_BT = work_out_advantage(dump, kept), torch.stack(dump["response_mask"])
    policy.model.zero_grad()
    loss = policy_loss(logp_BT, logp_BT, advantage_BT, mask_BT, weighting="token")
    (loss + 0.005 * kl_to_reference(logp_BT, base_BT, mask_BT, weighting="token")).backward()
    gradients = [parameter.grad.norm() for parameter in policy.model.parameters() if parameter.grad is not None]
    return float(torch.stack(gradients).norm())


def work_out_advantage(dump: dict[str, Any], kept: list[int]) -> Tensor:
    """Return the advantages (B, T) of the dumped answers by `caspo.objective`, in float64."""
    options = dump["options"]
    names = {name: number for number, name in enumerate(sorted({str(dump["uid"][at]) for at in kept}))}
    group_B = torch.tensor([names[str(dump["uid"][at])] for at in kept])

    def pad(rows: list[Tensor]) -> Tensor:
        return pad_sequence(rows, batch_first=True)

    mask_BT = pad([dump["response_mask"][at] for at in kept])
    reward_B = torch.stack([dump["rm_scores"][at].double().sum() for at in kept])
    old_BT = pad([dump["old_log_probs"][at].double() for at in kept])
    guided_BT = pad([row.double() for row in dump["constitution_log_probs"]])
    signal_BT = token_signal(guided_BT, old_BT, mask_BT, clip=options["clip"])
    normal_BT = normalize_tokens_in_group(
        signal_BT, mask_BT, group_B, std_floor=options["signal_floor"], scope=options["scope"], eps=options["eps"]
    )
    outcome_B = normalize_in_group(reward_B, group_B, eps=options["eps"])
    return hybrid_advantage(
        outcome_B, normal_BT, mask_BT, lam=options["lam"], mode=options["mode"], zero_outcome=options["zero_outcome"]
    )


def _differ(found: Tensor, wanted: Tensor) -> float:
    return float((found.double() - wanted.double()).abs().max())
