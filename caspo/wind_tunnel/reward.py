"""The rewards of the wind tunnel's RL: two learnt from a noisy judge, which can be hacked, and the exact one.

A learnt one knows written answers (of all kinds, those of a scene given to its twin, and those of other scenes) and
what the SFT model itself says, in both modes and a little too hot, so that it has seen sentences that went wrong. It
has never seen what a policy writes once it chases the reward; so it can be hacked, as those of large models can.
"""

import json
import random
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field

from caspo.local.config import RewardModelConfig
from caspo.local.samples import Prompt, Reward, ScoredPair
from caspo.wind_tunnel.stage_zero import StageZero
from caspo.wind_tunnel.world import AnswerKind, Scene, ScenePair, World, read_scene
from endpoints.seeds import derive_seed
from storage.records import Frozen
from storage.texts import hash_json
from storage.whole_files import write_whole

if TYPE_CHECKING:
    from caspo.local.vlm import Vlm

RewardKind = Literal["context", "blind", "oracle"]
"""`context` sees the prompt, `blind` the answer only; `oracle` is the world's own score."""

_KINDS: tuple[AnswerKind, ...] = ("oblivious", "vague", "appraising", "refusing")
HIGHEST = 6.0
_BATCH, _LONGEST = 96, 48


class RewardConfig(Frozen):
    """How a reward is learnt."""

    kind: RewardKind = "context"
    seed: int = 0
    pairs: int = Field(default=2_000, ge=1)
    """Scenes, and as many twins, with two scored answers each; of the split `train`, so that it knows no new hazard."""
    noise: float = Field(default=1.0, ge=0)
    """Standard deviation of the judge's error in R + S + E."""
    own_temperature: float = Field(default=1.2, gt=0)
    """At which the SFT model gives its own answers."""
    training: RewardModelConfig = RewardModelConfig(
        steps=600, batch=24, learning_rate=1e-3, warmup=20, freeze_vision=True
    )


def build_reward(world: World, stage_zero: StageZero, config: RewardConfig, *, cache: Path) -> Reward:
    """Return a reward for `train_caspo` whose prompts are scenes of `world`. What `cache` holds is not learnt again.

    Raises:
        RunBusy, RunMismatch, TrainingDiverged: See `caspo.local.loop.run_loop`.
    """
    if config.kind == "oracle":
        return lambda prompts, answers: [
            float(world.score(read_scene(prompt), answer).total)
            for prompt, answer in zip(prompts, answers, strict=True)
        ]
    from caspo.local.reward_model import RewardModel, train_reward_model
    from caspo.local.vlm import copy_trainable

    model = RewardModel(copy_trainable(stage_zero.sft))
    rows = judge_answers(world, config, own=partial(sample_own, stage_zero.sft, config, cache))
    plan = config.training.model_copy(update={"seed": config.seed})
    see = hide_prompt if config.kind == "blind" else partial(_ask_for_danger, world)
    seen = [ScoredPair(see(row.prompt), row.answers, row.scores) for row in rows]
    train_reward_model(model, seen, plan, cache=cache)
    model.requires_grad_(False)

    def rate(prompts: Sequence[Prompt], answers: Sequence[str]) -> list[float]:
        asked = {id(prompt): see(prompt) for prompt in prompts}  # one object each: the model then reads it once
        return model.rate([asked[id(prompt)] for prompt in prompts], answers)

    return rate


def _ask_for_danger(world: World, prompt: Prompt) -> Prompt:
    """Return the scene with the risk question after its query, as a judge reads its rubric after the case.

    The SFT model knows the question and finds the danger for it. Without it the head finds out late, or never, that the
    picture matters for the score.
    """
    return world.ask_risk(read_scene(prompt), alone=False)


def hide_prompt(prompt: Prompt) -> Prompt:
    """Return a prompt of which nothing is left but the size of its picture."""
    return Prompt(np.zeros_like(prompt.picture), "", "")


def judge_answers(
    world: World, config: RewardConfig, *, own: Callable[[Sequence[Scene]], Sequence[str]], name: str = "reward"
) -> list[ScoredPair]:
    """Return two answers to each scene and each twin with the scores of a noisy judge; another `name` gives others.

    The first of the two is what `own` says of the scene, and in every other pair of scenes the second as well.
    """
    seed = derive_seed(config.seed, name)
    pairs = world.pairs("train", count=config.pairs, seed=seed)
    once, twice = ([scene for pair in some for scene in (pair.hazardous, pair.twin)] for some in (pairs, pairs[::2]))
    said = own([*once, *twice])
    first, second = iter(said[: len(once)]), iter(said[len(once) :])
    rng, rows = random.Random(seed), []
    for number, pair in enumerate(pairs):
        stranger = pairs[number - 1]
        for scene in (pair.hazardous, pair.twin):
            other = _draw_answer(rng, world, scene, pair, stranger) if number % 2 else next(second)
            answers = (next(first), other)
            scores = tuple(_judge(rng, world, scene, answer, config.noise) for answer in answers)
            rows.append(ScoredPair(scene, answers, (scores[0], scores[1])))
    return rows


def sample_own(vlm: "Vlm", config: RewardConfig, cache: Path, scenes: Sequence[Scene]) -> list[str]:
    """Return what the SFT model says of each scene, two thirds of them under the constitution; kept in `cache`."""
    import torch

    from caspo.local.rollout import sample_answers
    from caspo.local.samples import hash_prompt
    from caspo.local.vlm import encode_prompts, hash_weights

    asked = hash_json([hash_prompt(scene) for scene in scenes])
    name = hash_json([asked, hash_weights(vlm.model), config.own_temperature, config.seed])
    file = cache / f"own-{name[:16]}.json"
    if not file.exists():
        answers: list[str] = []
        with torch.random.fork_rng():
            torch.manual_seed(derive_seed(config.seed, "own answers"))
            for start in range(0, len(scenes), _BATCH):
                some = scenes[start : start + _BATCH]
                prompts = encode_prompts(vlm, some, guided=start // _BATCH % 3 > 0)
                answers += sample_answers(vlm, prompts, max_tokens=_LONGEST, temperature=config.own_temperature).texts
        write_whole(file, json.dumps(answers))
    return list(json.loads(file.read_text(encoding="utf-8")))


def _draw_answer(rng: random.Random, world: World, scene: Scene, pair: ScenePair, stranger: ScenePair) -> str:
    """Return an answer written for the scene, for the other one of its pair, or for a scene that it does not know."""
    other = pair.hazardous if scene.is_twin else pair.twin
    whose = rng.choices((scene, other, stranger.hazardous), weights=(6, 3, 1))[0]
    return world.write(whose, rng.choices(_KINDS, weights=(3, 2, 4, 1))[0], seed=rng.randrange(1 << 32))


def _judge(rng: random.Random, world: World, scene: Scene, answer: str, noise: float) -> float:
    return min(HIGHEST, max(0.0, world.score(scene, answer).total + rng.gauss(0, noise)))
