"""The self-check before RL: the real trainer makes two steps on an arm's first prompts, and the second is made by hand.

By hand means: from the texts that were drawn, each scored alone without padding, with the equations as plain loops
(`by_hand`). The second step, since only then policy, start and a frozen teacher are three different models. A trainer
with a sign turned or a mask forgotten trains without complaint and only learns something else, and another arm may look
the better for it; so nothing is trained before this passes.
"""

import copy
import math
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from caspo.errors import TrainingDiverged
from caspo.local.config import CaspoConfig
from caspo.local.samples import Prompt, Reward
from caspo.local.supervised import hold_vision
from caspo.local.tracking import Metrics
from caspo.local.training import StepPart, train_caspo
from caspo.local.vlm import Vlm, copy_trainable
from caspo.wind_tunnel.by_hand import HandMade, Rules, work_out
from caspo.wind_tunnel.world import Scene, World

PROMPTS = 6
"""Of a step: enough for hazards and twins."""
RATE = 1e-3
"""Learning rate of the first step, so large that the second is made by a policy that has moved."""
ROOM = 1e-3
"""Largest difference, beside the largest value; rounding alone makes about a hundredth of it."""
LEAST = 1e-5
"""Differences below this are none."""
ROLLOUT_ROOM = 1e-2
"""Nats between a token's log-probability when drawn and when scored."""
_TAUGHT = 60
"""Pairs that show which constitution stage 0 taught for each category."""


@dataclass(frozen=True)
class Found:
    """What was compared, and what disagrees."""

    compared: tuple[str, ...]
    differs: tuple[str, ...]
    """In words, with both values; empty when all is well."""
    lengths: tuple[int, ...]
    """Tokens of each answer that was worked out by hand; where all are as long, nothing is said of masks."""


def check_constitutions(world: World, scenes: Iterable[Scene]) -> list[str]:
    """Return every scene of RL, one for each category, that is asked under another constitution than stage 0 taught."""
    taught: dict[str, set[str]] = {}
    for pair in world.pairs("pretraining", count=_TAUGHT, seed=0):
        for scene in (pair.hazardous, pair.twin):
            taught.setdefault(scene.category, set()).add(scene.constitution)
    wrong: dict[str, str] = {}
    for scene in scenes:
        known = taught.get(scene.category, set())
        if known != {scene.constitution}:
            told = " or ".join(f"{one!r}" for one in sorted(known)) or "nothing"
            wrong[scene.category] = (
                f"a scene of the category {scene.category!r} has the constitution {scene.constitution!r}, and stage 0 "
                f"taught {told} for it"
            )
    return list(wrong.values())


def check_trainer(
    start: Vlm, prompts: Sequence[Prompt], reward: Reward, config: CaspoConfig, *, original: Vlm | None = None
) -> Found:
    """Return whether a step of `train_caspo` is what Eq. 4-6 say of it. Changes neither model nor random state.

    Args:
        start: The policy before RL.
        prompts: Of a step; some of them are used. The first one's answers are all paid alike, so that a group without
            variance is among them.
        reward: The arm's.
        config: The arm's; steps and learning rate are the check's own.
        original: The model before SFT, where the teacher is that.
    """
    chosen = list(prompts[:: max(1, len(prompts) // PROMPTS)][:PROMPTS])
    policy = copy_trainable(start)
    witness = _Witness(policy, chosen, reward, config.group_size)
    plan = config.model_copy(update={"steps": 2, "learning_rate": RATE, "warmup": 0, "final_share": 1.0})
    try:
        with tempfile.TemporaryDirectory() as folder:
            metrics = train_caspo(
                policy, witness.prompts, witness.reward, plan, folder=Path(folder), data="self-check",
                original=original, watch=witness.watch,
            )[-1]  # fmt: skip
    except (ValueError, TrainingDiverged) as exc:  # what the objective refuses
        return Found(("the step itself",), (f"the trainer refuses its own step: {exc}",), ())
    before = Vlm(witness.before, start.processor)
    teacher = {"moving": before, "frozen_sft": start, "frozen_original": original}[config.teacher]
    assert teacher is not None
    made = _make_by_hand(before, start, teacher, chosen, witness, config)
    return _compare(witness, made, metrics, config)


@dataclass
class _Witness:
    """Sees what goes into the trainer and what comes out of it."""

    policy: Vlm
    asked: list[Prompt]
    pay: Reward
    group_size: int
    before: Any = None
    """The policy's model before the second step."""
    texts: list[str] = field(default_factory=list)
    rewards: list[float] = field(default_factory=list)
    strangers: int = 0
    """Answers that were not handed to the reward beside their own prompt."""
    parts: list[StepPart] = field(default_factory=list)
    gradient: dict[str, Tensor] = field(default_factory=dict)

    def prompts(self, step: int) -> list[Prompt]:
        self.texts, self.rewards, self.strangers, self.parts = [], [], 0, []
        if step == 1:
            self.before = copy.deepcopy(self.policy.model)
            for name, parameter in self.policy.model.named_parameters():
                if parameter.requires_grad:
                    parameter.register_hook(lambda given, name=name: self._add(name, given))
        return self.asked

    def reward(self, prompts: Sequence[Prompt], answers: Sequence[str]) -> list[float]:
        paid = [float(each) for each in self.pay(prompts, answers)]
        expected = [prompt for prompt in self.asked for _ in range(self.group_size)]
        given = len(self.texts)
        self.strangers += sum(
            prompt is not own for prompt, own in zip(prompts, expected[given : given + len(prompts)], strict=True)
        )
        if given == 0:
            paid[: self.group_size] = [paid[0]] * self.group_size
        self.texts += answers
        self.rewards += paid
        return paid

    def watch(self, part: StepPart) -> None:
        self.parts.append(part)

    def _add(self, name: str, given: Tensor) -> None:
        self.gradient[name] = self.gradient.get(name, 0) + given.detach().clone()


@dataclass(frozen=True)
class _ByHand:
    """The second step by hand."""

    logp: list[list[float]]
    entropy: list[list[float]]
    capped: list[bool]
    step: HandMade
    gradient: Mapping[str, Tensor]


def _make_by_hand(
    policy: Vlm, start: Vlm, teacher: Vlm, asked: Sequence[Prompt], witness: _Witness, config: CaspoConfig
) -> _ByHand:
    each = [prompt for prompt in asked for _ in range(config.group_size)]
    answers = [_number_tokens(policy, text, config.max_tokens) for text in witness.texts]

    def read(vlm: Vlm, *, guided: bool) -> list[Tensor]:
        temperature = config.temperature * (config.teacher_temperature if guided else 1.0)
        return [
            _read_alone(vlm, prompt, ids_T, guided=guided, temperature=temperature)
            for prompt, ids_T in zip(each, answers, strict=True)
        ]

    def pick(rows: Sequence[Tensor]) -> list[Tensor]:
        return [row_TV.gather(-1, ids_T[:, None])[:, 0] for row_TV, ids_T in zip(rows, answers, strict=True)]

    policy.model.requires_grad_(True)
    with hold_vision(policy, frozen=config.freeze_vision):
        whole = read(policy, guided=False)
        drawn = pick(whole)
        with torch.no_grad():
            reference = _list(pick(read(start, guided=False)))
            guided = None if config.mode == "outcome" else _list(pick(read(teacher, guided=True)))
        groups = [number // config.group_size for number in range(len(each))]
        rules = Rules(config.mode, config.lam, config.signal_floor, config.zero_outcome, config.beta)
        step = work_out(_list(drawn), reference, guided, witness.rewards, groups, rules)
        torch.stack(
            [(logp_T * logp_T.new_tensor(slope)).sum() for logp_T, slope in zip(drawn, step.slopes, strict=True)]
        ).sum().backward()
        gradient = {name: one.grad for name, one in policy.model.named_parameters() if one.grad is not None}
    return _ByHand(
        logp=_list(drawn),
        entropy=_list([-(row_TV.exp() * row_TV.clamp(min=-1e30)).sum(-1) for row_TV in whole]),
        capped=[int(ids_T[-1]) != policy.tokenizer.eos_token_id for ids_T in answers],
        step=step,
        gradient=gradient,
    )


def _number_tokens(vlm: Vlm, text: str, most: int) -> Tensor:
    """Return the ids of an answer; one that was cut off at the cap has no end token."""
    ids = vlm.tokenizer(text, add_special_tokens=False)["input_ids"]
    return torch.tensor([*ids, vlm.tokenizer.eos_token_id][:most])


def _read_alone(vlm: Vlm, prompt: Prompt, ids_T: Tensor, *, guided: bool, temperature: float) -> Tensor:
    """Return (T, V) log-probabilities of one answer's places: one row, no padding, positions of the model's own."""
    turns: list[dict[str, Any]] = [{"role": "system", "content": prompt.constitution}] if guided else []
    turns.append({"role": "user", "content": [{"type": "image"}, {"type": "text", "text": prompt.query}]})
    text = vlm.processor.apply_chat_template(turns, add_generation_prompt=True, tokenize=False)
    made = vlm.processor(text=[text], images=[prompt.picture], return_tensors="pt").to(vlm.device)
    ids_1L = torch.cat([made["input_ids"], ids_T.to(vlm.device)[None]], 1)
    logits_TV = vlm.model(
        input_ids=ids_1L,
        pixel_values=made["pixel_values"],
        image_grid_thw=made["image_grid_thw"],
        mm_token_type_ids=(ids_1L == vlm.model.config.image_token_id).int(),
        use_cache=False,
    ).logits[0, -len(ids_T) - 1 : -1]
    never = torch.zeros(logits_TV.shape[-1], dtype=torch.bool)
    never[list(vlm.banned)] = True
    return (logits_TV.float() / temperature).masked_fill(never.to(vlm.device), -torch.inf).log_softmax(-1)


def _list(rows: Sequence[Tensor]) -> list[list[float]]:
    return [[float(value) for value in row.detach().double()] for row in rows]


def _compare(witness: _Witness, made: _ByHand, metrics: Metrics, config: CaspoConfig) -> Found:
    step, table = made.step, _Table()
    masks = [row for part in witness.parts for row in part.rollout.mask_BT]
    table.count([int(mask_T.sum()) for mask_T in masks], [len(row) for row in made.logp])
    table.at_most("answers paid for another prompt", witness.strangers, 0)
    if not table.differs:

        def read(tensors: Iterable[Tensor]) -> list[list[float]]:
            rows = (row for tensor in tensors for row in tensor)
            return _list([row[mask_T] for row, mask_T in zip(rows, masks, strict=True)])

        table.rows("log-probability", read(part.scores.logp_BT for part in witness.parts), made.logp)
        outcome = [float(value) for part in witness.parts for value in part.outcome_B]
        table.rows("R^", [[value] for value in outcome], [[value] for value in step.outcome])
        if step.signal is not None:
            found = [part.signal_BT for part in witness.parts if part.signal_BT is not None]
            table.rows("r (Eq. 4)", read(found), step.signal)
        table.rows("advantage (Eq. 5)", read(part.advantage_BT for part in witness.parts), step.advantage)
    table.gradient(witness.gradient, made.gradient)
    for name, value in _list_metrics(witness.rewards, made, config.group_size).items():
        table.number(f"caspo/{name}", metrics.get(f"caspo/{name}"), value)
    table.at_most("caspo/rollout_gap", metrics["caspo/rollout_gap"], ROLLOUT_ROOM)
    return Found(tuple(table.compared), tuple(table.differs), tuple(map(len, made.logp)))


def _list_metrics(rewards: Sequence[float], made: _ByHand, group_size: int) -> dict[str, float]:
    step, groups = made.step, range(0, len(rewards), group_size)
    found = {
        "loss": step.loss,
        "kl": step.kl,
        "grad_norm": math.sqrt(sum(float(one.double().square().sum()) for one in made.gradient.values())),
        "reward_mean": float(np.mean(rewards)),
        "reward_std": float(np.std(rewards)),
        "zero_variance_groups": float(np.mean([len(set(rewards[at : at + group_size])) == 1 for at in groups])),
        "entropy": float(np.mean([value for row in made.entropy for value in row])),
        "length": float(np.mean([len(row) for row in made.logp])),
        "capped": float(np.mean(made.capped)),
    }
    if step.signal is not None:
        signal = np.array([r for row in step.signal for r in row])
        found |= {
            "signal_mean": float(signal.mean()),
            "signal_std": float(signal.std()),
            "signal_p01": float(np.quantile(signal, 0.01)),
            "signal_p99": float(np.quantile(signal, 0.99)),
        }
    return found


class _Table:
    """What was compared, and what disagrees."""

    def __init__(self) -> None:
        self.compared: list[str] = []
        self.differs: list[str] = []

    def count(self, found: Sequence[int], wanted: Sequence[int]) -> None:
        """Compare the tokens of the answers."""
        self.compared.append("tokens of each answer")
        for answer, (one, other) in enumerate(zip(found, wanted, strict=True)):
            if one != other:
                self.differs.append(f"answer {answer} has {one} tokens that count, by hand {other}")
                return

    def rows(self, name: str, found: Sequence[Sequence[float]], wanted: Sequence[Sequence[float]]) -> None:
        """Compare one number for each token; the worst is named."""
        self.compared.append(name)
        room = LEAST + ROOM * max(abs(value) for row in wanted for value in row)
        wrong = [
            (abs(one - other), answer, token, one, other)
            for answer, (row, its) in enumerate(zip(found, wanted, strict=True))
            for token, (one, other) in enumerate(zip(row, its, strict=True))
            if not abs(one - other) <= room  # what is no number differs too
        ]
        if wrong:
            _, answer, token, one, other = max(wrong)
            places = sum(map(len, wanted))
            self.differs.append(
                f"{name} differs in {len(wrong)} of {places} places, most in answer {answer} at token {token}: "
                f"{one:.4g}, by hand {other:.4g}"
            )

    def gradient(self, found: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> None:
        self.compared.append("gradient")
        names = sorted({*found, *wanted})
        away = sum(float((found.get(name, 0) - wanted.get(name, 0)).double().square().sum()) for name in names) ** 0.5
        whole = sum(float(one.double().square().sum()) for one in wanted.values()) ** 0.5
        if not away <= LEAST + 2 * ROOM * whole:
            self.differs.append(f"the gradient is off by {away / max(whole, LEAST):.1%} of its length by hand")

    def number(self, name: str, found: float | None, wanted: float) -> None:
        self.compared.append(name)
        if found is None or not abs(found - wanted) <= LEAST + 2 * ROOM * abs(wanted):
            self.differs.append(f"{name} is {found}, by hand {wanted:.6g}")

    def at_most(self, name: str, found: float, most: float) -> None:
        self.compared.append(name)
        if not found <= most:
            self.differs.append(f"{name} is {found}, not at most {most}")
