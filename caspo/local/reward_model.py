"""A reward model: the same architecture with a scalar head on the answer's last token, trained with Eq. 7."""

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from caspo.agreement import correlate, count_right, mean_or_nan
from caspo.local.config import RewardModelConfig
from caspo.local.loop import fingerprint_run, run_loop
from caspo.local.samples import Prompt, Reward, ScoredPair, hash_pairs
from caspo.local.supervised import draw_batch, hold_vision
from caspo.local.tracking import Metrics, Tracking
from caspo.local.vlm import Vlm, encode_answers, encode_prompts, read_states
from caspo.objective import reward_model_loss
from caspo.score_head import make_score_head, pick_last


class RewardModel(nn.Module):  # type: ignore[misc]
    """Predicts R + S + E of an answer. It reads the query without a constitution."""

    def __init__(self, vlm: Vlm) -> None:
        """Take over the model of `vlm`, which is trained with the head: pass a copy where it is used elsewhere."""
        super().__init__()
        self.backbone = vlm.model
        self._vlm = (vlm,)  # in a tuple, or its model would be registered a second time
        self.head = make_score_head(vlm.model.config.get_text_config().hidden_size)
        self.to(vlm.device)

    @property
    def vlm(self) -> Vlm:
        """The model under the head, with its processor."""
        return self._vlm[0]

    def forward(self, prompts: Sequence[Prompt], answers: Sequence[str]) -> Tensor:
        """Return (B,) predictions for one answer to each prompt."""
        asked, times = _merge(prompts)
        encoded = encode_prompts(self.vlm, asked, guided=False).repeat(times)
        ids_BT, mask_BT = encode_answers(self.vlm, answers)
        _, states_BTH = read_states(self.vlm, encoded, ids_BT, mask_BT)
        return self.head(pick_last(states_BTH, mask_BT).float())[:, 0]

    def rate(self, prompts: Sequence[Prompt], answers: Sequence[str], *, batch: int = 96) -> list[float]:
        """Return the predictions as numbers: a `samples.Reward`."""
        found: list[float] = []
        with torch.no_grad():
            for start in range(0, len(prompts), batch):
                found += self(prompts[start : start + batch], answers[start : start + batch]).tolist()
        return found


def train_reward_model(
    model: RewardModel,
    pairs: Sequence[ScoredPair],
    config: RewardModelConfig,
    *,
    cache: Path,
    tracking: Tracking | None = None,
) -> list[Metrics]:
    """Train the reward model in place and return each step's metrics: `rm/loss`, `rm/ranked`, and the loop's.

    Args:
        model: Changed.
        pairs: Answers with scores, as a judge gave them, mistakes included.
        config: Steps, gap and so on.
        cache: Folder of all trainings, as in `train_supervised`.
        tracking: TensorBoard and the like.

    Raises:
        SampleInvalid: A text holds an unknown word, or there are fewer pairs than a batch.
        RunBusy, RunMismatch, TrainingDiverged, TrackerMissing: See `run_loop`.
    """
    fingerprint = fingerprint_run(config, model, hash_pairs(pairs))

    def take_step(step: int) -> Metrics:
        batch = draw_batch(pairs, config.batch, seed=config.seed, step=step)
        score_P2 = torch.tensor([pair.scores for pair in batch], device=model.vlm.device)
        ranked_P = torch.rand(len(batch)).to(model.vlm.device) < config.ranked_share
        predicted_P2 = model(*_flatten(batch)).view(-1, 2)
        loss = reward_model_loss(
            predicted_P2, score_P2, gap=config.gap, ranked_P=ranked_P, regression_weight=config.regression_weight
        )
        loss.backward()
        apart_P = (score_P2[:, 0] - score_P2[:, 1]).abs() > config.gap
        return {"rm/loss": loss.item(), "rm/ranked": (apart_P & ranked_P).float().mean().item()}

    with hold_vision(model.vlm, frozen=config.freeze_vision):
        return run_loop(
            model, config, take_step, folder=cache / fingerprint[:16], fingerprint=fingerprint, prefix="rm",
            tracking=tracking,
        )  # fmt: skip


def check_pairs(rate: Reward, pairs: Sequence[ScoredPair]) -> dict[str, float]:
    """Return how rewards agree with the scores of pairs.

    `pair_accuracy` is the share of pairs with different scores whose better answer has the higher reward (one half for
    equal rewards), `correlation` that of Pearson over all answers. Either is NaN where nothing differs.
    """
    rewards = np.array(list(rate(*_flatten(pairs))), dtype=np.float64)
    scores = np.array([pair.scores for pair in pairs], dtype=np.float64)
    said = rewards.reshape(-1, 2)
    right = count_right(scores[:, 0] - scores[:, 1], said[:, 0] - said[:, 1])
    return {"pair_accuracy": mean_or_nan(right), "correlation": correlate(rewards, scores.reshape(-1))}


def _merge(prompts: Sequence[Prompt]) -> tuple[list[Prompt], int]:
    """Return the prompts once each, and how often each stands there, if it is next to itself and all equally often."""
    runs = [len(list(run)) for _, run in groupby(prompts, key=id)]
    if len(set(runs)) != 1:
        return list(prompts), 1
    return list(prompts[:: runs[0]]), runs[0]


def _flatten(pairs: Sequence[ScoredPair]) -> tuple[list[Prompt], list[str]]:
    prompts = [pair.prompt for pair in pairs for _ in pair.answers]
    return prompts, [answer for pair in pairs for answer in pair.answers]
