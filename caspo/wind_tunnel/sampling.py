"""Samples a model's answers to held-out scenes and their twins, and has them scored by the world and by the reward."""

from collections.abc import Sequence

from caspo.local.evaluation import evaluate
from caspo.local.samples import Prompt, Reward
from caspo.local.vlm import Vlm
from caspo.wind_tunnel.measures import EvaluationConfig, Measured, SetName, list_scenes
from caspo.wind_tunnel.world import World, score_as_judge
from endpoints.seeds import derive_seed

DIGITS = 6


def measure_model(
    vlm: Vlm, world: World, reward: Reward, config: EvaluationConfig, *, guided: bool, reference: Vlm, seed: int
) -> Measured:
    """Return what a model answers to the held-out scenes and what that is worth.

    Args:
        vlm: The model.
        world: Scores the answers.
        reward: What RL was told of them.
        config: Which scenes.
        guided: Whether the constitution stands before each query.
        reference: The SFT model, from which the divergence is taken.
        seed: Of the sampling.
    """

    def score(prompts: Sequence[Prompt], answers: Sequence[str]) -> list[dict[str, float]]:
        scores = score_as_judge(world, prompts, answers)
        rewards = reward(prompts, answers)
        return [{**each, "reward": float(paid)} for each, paid in zip(scores, rewards, strict=True)]

    columns: dict[SetName, dict[str, list[float]]] = {}
    answers: dict[SetName, list[str]] = {}
    for name, scenes in list_scenes(world, config).items():
        found = evaluate(
            vlm, scenes, score, guided=guided, seed=derive_seed(seed, name), temperature=config.temperature,
            max_tokens=config.max_tokens, reference=reference,
        )  # fmt: skip
        columns[name] = {column: [float(row[column]) for row in found.scores] for column in found.scores[0]}
        for column in ("length", "entropy", "kl", "capped"):
            columns[name][column] = [round(float(getattr(one, column)), DIGITS) for one in found.figures]
        answers[name] = list(found.answers[: config.examples])
    return Measured(columns, answers)
