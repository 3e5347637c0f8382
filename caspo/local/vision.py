"""Teaches the vision tower which words a picture shows where, in the text model's own embeddings.

The feature of each visual token, times the embedding of each word, says whether the token shows the word. So the tower
learns to see, and the text model gets features that it can already read: without this a tiny model finds out only after
very many steps that the picture matters.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from caspo.errors import SampleInvalid
from caspo.local.config import SupervisedConfig
from caspo.local.loop import fingerprint_run, run_loop
from caspo.local.samples import Prompt, hash_prompt
from caspo.local.supervised import draw_batch
from caspo.local.tracking import Metrics, Tracking
from caspo.local.vlm import Vlm
from storage.texts import hash_json


@dataclass(frozen=True, slots=True, eq=False)
class LabelledPicture:
    """A picture, and the words that each of its visual tokens shows, row by row from the upper left."""

    picture: np.ndarray
    words: tuple[tuple[str, ...], ...]


def train_vision(
    vlm: Vlm,
    pictures: Sequence[LabelledPicture],
    words: Sequence[str],
    config: SupervisedConfig,
    *,
    cache: Path,
    tracking: Tracking | None = None,
) -> list[Metrics]:
    """Train vision tower and embeddings in place and return each step's metrics.

    `vision/loss` is the mean cross-entropy of each yes or no, `vision/tokens_right` the share of visual tokens with all
    words right.

    Args:
        vlm: The model, changed.
        pictures: All of one size.
        words: Every word that can be shown.
        config: Steps, batch and so on.
        cache: Folder of all trainings, as in `train_supervised`.
        tracking: TensorBoard and the like.

    Raises:
        SampleInvalid: A label does not fit its picture, or there are fewer pictures than a batch.
        RunBusy, RunMismatch, TrainingDiverged, TrackerMissing: See `run_loop`.
    """
    ids_W = torch.tensor(vlm.tokenizer.convert_tokens_to_ids(list(words)), device=vlm.device)
    data = hash_json([[hash_prompt(Prompt(one.picture, "", "")), one.words] for one in pictures])
    fingerprint = fingerprint_run(config, vlm.model, data, *words)

    def take_step(step: int) -> Metrics:
        batch = draw_batch(pictures, config.batch, seed=config.seed, step=step)
        shown_KW = _read_labels([one.words for one in batch], words).to(vlm.device)
        logits_KW = find_words(vlm, [one.picture for one in batch], ids_W)
        if logits_KW.shape != shown_KW.shape:
            raise SampleInvalid(
                f"{len(batch)} pictures have {len(logits_KW)} visual tokens and {len(shown_KW)} labels: one for each"
            )
        loss = torch.nn.functional.binary_cross_entropy_with_logits(logits_KW, shown_KW)
        loss.backward()
        right = ((logits_KW > 0) == (shown_KW > 0)).all(1).float().mean()
        return {"vision/loss": loss.item(), "vision/tokens_right": right.item()}

    return run_loop(
        vlm.model, config, take_step, folder=cache / fingerprint[:16], fingerprint=fingerprint, prefix="vision",
        tracking=tracking,
    )  # fmt: skip


def find_words(vlm: Vlm, pictures: Sequence[np.ndarray], ids_W: Tensor) -> Tensor:
    """Return (K, W) logits that each of K visual tokens, picture by picture, shows each word."""
    made = vlm.processor.image_processor(images=list(pictures), return_tensors="pt")
    pixels, grid_B3 = made["pixel_values"].to(vlm.device), made["image_grid_thw"].to(vlm.device)
    features_KH = torch.cat(list(vlm.model.model.get_image_features(pixels, grid_B3).pooler_output))
    embeddings_WH = vlm.model.get_input_embeddings()(ids_W)
    return features_KH @ embeddings_WH.T - math.log(len(ids_W))  # at first each word is unlikely


def scale_features(vlm: Vlm, pictures: Sequence[np.ndarray], *, norm: float) -> None:
    """Scale the last layer of a Qwen2.5-VL's vision tower, in place, so that its features are `norm` long in the mean.

    `train_vision` lets them grow far beyond what a layer of the text model adds to them. The next layers then read the
    features alone, and nothing that an earlier layer found out about a visual token.

    Args:
        vlm: The model, changed.
        pictures: What the mean is taken over, all of one size.
        norm: Length that is wanted, a few times that of a word's embedding.
    """
    made = vlm.processor.image_processor(images=list(pictures), return_tensors="pt")
    pixels, grid_B3 = made["pixel_values"].to(vlm.device), made["image_grid_thw"].to(vlm.device)
    with torch.no_grad():
        features_KH = torch.cat(list(vlm.model.model.get_image_features(pixels, grid_B3).pooler_output))
        last = vlm.model.model.visual.merger.mlp[-1]
        factor = norm / features_KH.norm(dim=1).mean()
        last.weight.mul_(factor)
        last.bias.mul_(factor)


def _read_labels(labels: Sequence[tuple[tuple[str, ...], ...]], words: Sequence[str]) -> Tensor:
    places = {word: number for number, word in enumerate(words)}
    rows = [token for picture in labels for token in picture]
    shown_KW = torch.zeros(len(rows), len(words))
    for number, token in enumerate(rows):
        for word in token:
            if word not in places:
                raise SampleInvalid(f"a picture's label names {word!r}, which is none of the words: add it to them")
            shown_KW[number, places[word]] = 1
    return shown_KW
