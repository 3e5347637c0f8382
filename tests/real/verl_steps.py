"""Steps of verl's `TrainingWorker` with the plugin's advantages, on the wind tunnel's tiny model: `verl_steps.py OUT`.

`one_step` is `caspo.local`'s first step taken again by verl, from the same answers. `rise` are 20 steps with a rigged
reward, into the folder of a run as `curator caspo train` makes it. `refuse_half` is a step in verl's own precision, if
it took place. What was found lies in OUT/found.json and OUT/*.pt.
"""

import io
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import caspo_tiny
import numpy as np
import pyarrow.parquet as pq
import torch
from PIL import Image
from torch import Tensor
from training_sources import make_row, write_release
from verl_engine import Answer, Engine

import caspo.local.vlm as local
from caspo.config import TrainConfig, make_config
from caspo.constitution import list_constitutions
from caspo.dataset.config import make_config as make_data_config
from caspo.dataset.prepare import prepare
from caspo.errors import LogProbsCoarse
from caspo.launch import plan_launch, write_run
from caspo.local.config import CaspoConfig
from caspo.local.rollout import Rollout, sample_answers
from caspo.local.samples import Prompt
from caspo.local.training import StepPart, train_caspo
from caspo.local.vlm import EncodedPrompts, Vlm, encode_prompts, load_vlm, save_vlm
from endpoints.embeddings import HashEmbeddings

STEPS, GROUP, TOKENS, RATE = 20, 8, 10, 1e-3
WANTED = "careful"
"""The word that the rigged reward counts."""


def count_wanted(prompts: Sequence[Prompt], texts: Sequence[str]) -> list[float]:
    """Return the share of an answer's words that are the wanted one."""
    return [text.split().count(WANTED) / max(1, len(text.split())) for text in texts]


def write_data(home: Path) -> Path:
    """Training data out of a release, in words that the tiny model knows."""
    rows = [make_row(n, query=f"{caspo_tiny.QUERIES[n % 3]} {caspo_tiny.WORDS[n]}") for n in range(1, 13)]
    release = write_release(home / "v1.0", rows, count=len(rows))
    short = {
        category: replace(one, text=caspo_tiny.POLICIES[place % 3])
        for place, (category, one) in enumerate(list_constitutions().items())
    }
    data = make_data_config({"releases": [{"path": release}], "twin_share": 0})
    return prepare(data, to=home / "data", barred=[], embeddings=HashEmbeddings(), constitutions=short).folder


def read_prompts(data: Path) -> list[Prompt]:
    """Return the prompts of the training file."""
    return [
        Prompt(
            np.asarray(Image.open(io.BytesIO(row["images"][0]["bytes"])).convert("RGB")),
            row["prompt"][0]["content"].replace("<image>", ""),
            row["extra_info"]["constitution"],
        )
        for row in pq.read_table(data / "train.parquet").to_pylist()
    ]


def make_training(home: Path, *, overrides: Sequence[str] = ()) -> TrainConfig:
    """Return a training of the preset `tiny-cpu` on the data and the model of the folder."""
    (home / "reward.py").write_text("def compute_score(**_):\n    return 0.0\n")
    preset = {"preset": "tiny-cpu"}
    return make_config(
        {
            **preset,
            "model": {"path": str(home / "model"), "family": "qwen2.5-vl"},
            "data": {"folder": str(home / "data"), "prompts_per_step": 4, "answers_per_prompt": GROUP},
            "update": {"learning_rate": RATE, "prompts_per_update": 4, "update_rows": 16, "score_rows": 8},
            "reward": {"function": str(home / "reward.py")},
            "overrides": [*make_config(preset).overrides, *overrides],
        }
    )


def pack(vlm: Vlm, prompts: EncodedPrompts, rollout: Rollout) -> list[Answer]:
    """Return the answers as verl's queue would hold them, padding taken off."""
    pictures = prompts.pixels.split(prompts.grid_B3.prod(1).tolist())
    answers = []
    for row in range(len(rollout.ids_BT)):
        there = prompts.attention_BP[row].bool()
        tokens, before = rollout.ids_BT[row][rollout.mask_BT[row]], prompts.positions_3BP[:, row, there]
        after = int(before.max()) + 1 + torch.arange(len(tokens))
        rope = torch.cat([before, after.expand(3, -1)], 1)
        shown = row // prompts.times
        seen = {"pixel_values": pictures[shown], "image_grid_thw": prompts.grid_B3[shown : shown + 1]}
        positions = torch.cat([torch.arange(rope.shape[1])[None], rope])
        answers.append(Answer(prompts.ids_BP[row][there], positions, tokens, seen))
    return answers


def name_groups(count: int) -> list[str]:
    return [str(row // GROUP) for row in range(count)]


def one_step(home: Path) -> dict[str, float]:
    """Take a step by `caspo.local`, and the same one by verl; keep both models' weights.

    One thing differs between the two by design and is put aside here: `caspo.local` leaves what no answer may hold out
    of the distribution that it scores, and verl scores by the whole vocabulary.
    """
    prompts = read_prompts(home / "data")[:4]
    taken: dict[str, dict[str, Tensor]] = {}
    parts: list[StepPart] = []
    changes = {"teacher": "frozen_sft", "signal_floor": 0.05, "teacher_temperature": 0.6}
    for name, mode, whole in (("local", "hybrid", True), ("banned", "hybrid", False), ("outcome", "outcome", True)):
        vlm = load_vlm(home / "model")
        config = CaspoConfig(
            steps=1, learning_rate=RATE, group_size=GROUP, max_tokens=TOKENS, mode=mode, **changes,
        )  # fmt: skip
        restrict = local.restrict_logits
        if whole:
            local.restrict_logits = lambda _, logits, temperature: logits / temperature
        try:
            found: list[StepPart] = []
            train_caspo(
                vlm, lambda _: prompts, count_wanted, config, folder=home / f"step-{name}", data="one step",
                watch=found.append,
            )  # fmt: skip
        finally:
            local.restrict_logits = restrict
        taken[name] = {key: value.clone() for key, value in vlm.model.state_dict().items()}
        parts = parts or found
    vlm = load_vlm(home / "model")
    taken["start"] = {key: value.clone() for key, value in vlm.model.state_dict().items()}
    (part,) = parts
    plain, guided = (encode_prompts(vlm, prompts, guided=flag).repeat(GROUP) for flag in (False, True))
    training = make_training(home, overrides=["actor_rollout_ref.actor.optim.weight_decay=0"])
    engine = Engine(plan_launch(training, home / "one").overrides)
    options = training.choose().model_copy(update=changes)
    answers = pack(vlm, plain, part.rollout)
    scored = engine.rate(pack(vlm, guided, part.rollout), temperature=options.teacher_temperature)
    told = engine.update(
        answers, options, names=name_groups(len(answers)), rewards=part.reward_B.tolist(), guided=scored
    )
    taken["verl"] = engine.read_weights()
    torch.save(taken, home / "one-step.pt")
    off = (told["advantages"] - part.advantage_BT)[part.rollout.mask_BT].abs().max()
    return {"advantage_off": float(off), "grad_norm": float(told["grad_norm"][0])}


def rise(home: Path) -> dict[str, Any]:
    """Train 20 steps with the rigged reward, and save as verl does; return the mean rewards."""
    prompts = read_prompts(home / "data")[:4]
    training = make_training(home)
    launch = plan_launch(training, home / "run")
    write_run(launch)
    engine, options = Engine(launch.overrides), training.choose()
    sampler = load_vlm(home / "model")
    plain, guided = (encode_prompts(sampler, prompts, guided=flag).repeat(GROUP) for flag in (False, True))
    torch.manual_seed(0)
    means, spreads = [], []
    for _ in range(STEPS):
        sampler.model.load_state_dict(engine.read_weights(), strict=False)
        rollout = sample_answers(sampler, plain, max_tokens=TOKENS)
        rewards = count_wanted(prompts, rollout.texts)
        told = engine.update(
            pack(sampler, plain, rollout), options, names=name_groups(len(rewards)), rewards=rewards,
            guided=engine.rate(pack(sampler, guided, rollout)),
        )  # fmt: skip
        means.append(sum(rewards) / len(rewards))
        spreads.append(told["caspo/signal_std"])
    engine.save(home / "run" / "checkpoints" / f"global_step_{STEPS}" / "actor", STEPS)
    (home / "run" / "checkpoints" / "latest_checkpointed_iteration.txt").write_text(str(STEPS))
    asked = pack(sampler, plain, rollout)[:: GROUP // 2]
    torch.save({"answers": [vars(one) for one in asked], "log_probs": engine.rate(asked)}, home / "rated.pt")
    return {"means": means, "spreads": spreads}


def refuse_half(home: Path) -> dict[str, Any]:
    """Let verl compute in bfloat16, as it does unless it is told otherwise; return what the plugin says of it."""
    prompts = read_prompts(home / "data")[:2]
    sampler = load_vlm(home / "model")
    plain = encode_prompts(sampler, prompts, guided=False).repeat(GROUP)
    torch.manual_seed(0)
    answers = pack(sampler, plain, sample_answers(sampler, plain, max_tokens=TOKENS))
    half = "actor_rollout_ref.actor.fsdp_config.mixed_precision.param_dtype=bf16"
    training = make_training(home, overrides=[half])
    engine, options = Engine(plan_launch(training, home / "half").overrides), training.choose()
    before, said = engine.read_weights(), ""
    try:
        guided = engine.rate(answers)
        engine.update(
            answers, options, names=name_groups(len(answers)), rewards=[1.0, 2.0] * GROUP, guided=guided
        )  # fmt: skip
    except LogProbsCoarse as exc:
        said = str(exc)
    after = engine.read_weights()
    return {"said": said, "same": all(torch.equal(before[name], after[name]) for name in before)}


def main(home: Path) -> None:
    write_data(home)
    vlm = caspo_tiny.make_tiny()
    vlm.model.config.architectures = [type(vlm.model).__name__]
    save_vlm(vlm, home / "model")
    found = {"one_step": one_step(home), "rise": rise(home), "half": refuse_half(home)}
    (home / "found.json").write_text(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
