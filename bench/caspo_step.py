"""CPU time of a CASPO step beside that of a GRPO step (outcome reward only), taken in turns in one run.

    python -m bench.caspo_step [--rounds 12]

Needs the extra `models`. Both make the same step of `caspo.local.training` on the same prompts of HazardWorld: 24
prompts with 4 answers, the tiny model of the wind tunnel with random weights, answers up to 32 tokens. GRPO samples,
scores the answers under the policy (with gradient) and under the reference, and updates. CASPO scores them once more:
under the teacher, with the constitution before the query. That forward pass without gradient, over prompts that are
longer by the constitution, is all that CASPO adds; `extra_pass_ms` measures it alone.

Both kinds of step alternate, so that what else the machine does meets both. One thread; the ratio is that of the
medians of CPU time, and of each round's own ratio.

Held to: the ratio of the medians is at most 1.25.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import torch

from bench.results_file import write_results
from caspo.local.config import CaspoConfig
from caspo.local.samples import Prompt
from caspo.local.tiny_vlm import build_tiny_vlm
from caspo.local.training import train_caspo
from caspo.local.vlm import Vlm, encode_answers, encode_prompts, score_answers
from curator_app.wind_tunnel_world import HazardWorld

PROMPTS, GROUP, TOKENS = 24, 4, 32
MOST = 1.25


def run_step(vlm: Vlm, prompts: list[Prompt], mode: str, number: int) -> float:
    """Return the CPU seconds of one step, its sampling, scoring, backward and update."""
    config = CaspoConfig(
        steps=1, seed=number, mode=mode, teacher="frozen_sft", signal_floor=0.5, group_size=GROUP, max_tokens=TOKENS,
        freeze_vision=True, learning_rate=1e-6,
    )  # fmt: skip
    times: list[float] = []

    def draw(step: int) -> list[Prompt]:
        times.append(time.process_time())
        return prompts

    def reward(asked: Any, answers: Any) -> list[float]:
        return [float(len(set(answer.split()))) for answer in answers]

    with tempfile.TemporaryDirectory() as folder:
        train_caspo(vlm, draw, reward, config, folder=Path(folder), data="bench")
        times.append(time.process_time())
    return times[1] - times[0]


def run_extra_pass(vlm: Vlm, prompts: list[Prompt]) -> float:
    """Return the CPU seconds of encoding the guided prompts and scoring answers under them."""
    answers = encode_answers(vlm, [" ".join(["the"] * (TOKENS - 1))] * (PROMPTS * GROUP))
    begun = time.process_time()
    with torch.no_grad():
        score_answers(vlm, encode_prompts(vlm, prompts, guided=True).repeat(GROUP), *answers)
    return time.process_time() - begun


def main() -> int:
    """Measure, print, keep; return 1 when the ratio is above what it is held to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=12)
    given = parser.parse_args()
    torch.set_num_threads(1)
    world = HazardWorld()
    vlm = build_tiny_vlm(world.vocabulary, seed=0)
    prompts: list[Prompt] = [pair.hazardous for pair in world.pairs("train", count=PROMPTS, seed=1)]
    measures: dict[str, Callable[[int], float]] = {
        "grpo": lambda number: run_step(vlm, prompts, "outcome", number),
        "caspo": lambda number: run_step(vlm, prompts, "hybrid", number),
        "extra_pass": lambda number: run_extra_pass(vlm, prompts),
    }
    for measure in measures.values():
        measure(0)  # what is made once
    taken: dict[str, list[float]] = {name: [] for name in measures}
    for number in range(given.rounds):
        for name in measures if number % 2 else reversed(measures):
            taken[name].append(measures[name](number))
    middle = {name: median(times) for name, times in taken.items()}
    ratios = sorted(caspo / grpo for caspo, grpo in zip(taken["caspo"], taken["grpo"], strict=True))
    ratio = middle["caspo"] / middle["grpo"]
    figures = {
        "rounds": given.rounds,
        "prompts": PROMPTS,
        "answers_each": GROUP,
        "tokens_at_most": TOKENS,
        **{f"{name}_ms": round(1000 * seconds, 1) for name, seconds in middle.items()},
        "ratio": round(ratio, 3),
        "ratio_of_each_round": [round(each, 3) for each in (ratios[0], median(ratios), ratios[-1])],
        "at_most": MOST,
        "held": ratio <= MOST,
    }
    for name, value in figures.items():
        print(f"{name:<20} {value}")
    print("kept in", write_results("caspo_step", figures))
    return 0 if figures["held"] else 1


if __name__ == "__main__":
    sys.exit(main())
