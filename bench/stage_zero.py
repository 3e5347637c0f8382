"""Stage 0 of the wind tunnel on HazardWorld: what the gate says of it, and what the learnt rewards are worth.

    python -m bench.stage_zero [--seeds 0 1] [--cache FOLDER]

Needs the extra `models`. Each seed trains a tiny Qwen2.5-VL from nothing, puts it through the gate on scenes that no
training held and on hazards that RL never sees, and learns both rewards. Times are CPU seconds of
one thread.

Held to: every seed passes the gate, and its training takes at most 720 CPU seconds: two at
once are a fifth of the hour that the whole wind tunnel has.
"""

import argparse
import sys
import tempfile
import time
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch

from bench.results_file import write_results
from caspo.local.reward_model import check_pairs
from caspo.wind_tunnel.reward import RewardConfig, RewardKind, build_reward, judge_answers, sample_own
from caspo.wind_tunnel.stage_zero import StageZero, StageZeroConfig, build_stage_zero
from caspo.wind_tunnel.world import World, read_scene
from curator_app.wind_tunnel_world import HazardWorld

LONGEST_S = 720
KINDS: tuple[RewardKind, ...] = ("context", "blind")


def run_seed(world: World, seed: int, cache: Path) -> dict[str, Any]:
    """Build and measure one stage 0; return its figures."""
    begun: list[tuple[str, float]] = []

    def tell(name: str, done: int, steps: int) -> None:
        begun.append((name, time.process_time()))
        print(f"seed {seed}: {name}, step {done} of {steps}", flush=True)

    made = build_stage_zero(world, StageZeroConfig(seed=seed), cache=cache, progress=tell)
    begun.append(("end", time.process_time()))
    seconds = {name: round(after - at, 1) for (name, at), (_, after) in pairwise(begun)}
    rewards = {kind: measure_reward(world, made, kind, seed, cache) for kind in KINDS}
    found = {
        "seed": seed,
        "passed": made.gate.passed,
        "reasons": list(made.gate.reasons),
        "figures": {
            split: {name: {key: round(value, 3) for key, value in mode} for name, mode in modes.items()}
            for split, modes in made.gate.figures.items()
        },
        "cpu_s": seconds,
        "training_cpu_s": round(sum(took for name, took in seconds.items() if name != "gate"), 1),
        "rewards": rewards,
    }
    print_seed(found)
    return found


def print_seed(found: dict[str, Any]) -> None:
    """Print the figures of one seed."""
    print(f"seed {found['seed']}: passed {found['passed']} {found['reasons']}, {found['training_cpu_s']} CPU s")
    for split, modes in found["figures"].items():
        for name, mode in modes.items():
            print(f"  {split:<12} {name:<18} {mode}")
    print("  rewards", found["rewards"], "\n  CPU s", found["cpu_s"], flush=True)


def measure_reward(world: World, made: StageZero, kind: RewardKind, seed: int, cache: Path) -> dict[str, float]:
    """Return how a learnt reward agrees with the exact scores of answers that it has not seen."""
    begun = time.process_time()
    reward = build_reward(world, made, RewardConfig(kind=kind, seed=seed), cache=cache)
    took = time.process_time() - begun
    config = RewardConfig(seed=seed, pairs=150, noise=0)
    unseen = judge_answers(world, config, own=partial(sample_own, made.sft, config, cache), name="unseen")
    figures = {"all": check_pairs(reward, unseen)}
    for name, twins in (("hazards", False), ("twins", True)):
        figures[name] = check_pairs(reward, [row for row in unseen if read_scene(row.prompt).is_twin is twins])
    correlations = {f"correlation_{name}": round(found["correlation"], 3) for name, found in figures.items()}
    return {"pair_accuracy": round(figures["all"]["pair_accuracy"], 3), **correlations, "cpu_s": round(took, 1)}


def main() -> int:
    """Train, print, keep; return 1 when a seed does not pass or takes too long."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--cache", type=Path, help="keeps trainings; what it holds takes no time")
    given = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as scratch:
        seeds: list[dict[str, Any]] = []
        for seed in given.seeds:
            seeds.append(run_seed(HazardWorld(), seed, given.cache or Path(scratch)))
            held = all(found["passed"] and found["training_cpu_s"] <= LONGEST_S for found in seeds)
            told = {"config": StageZeroConfig().model_dump(mode="json"), "cached": given.cache is not None}
            kept = write_results("stage_zero", {**told, "seeds": seeds, "held": held})
    print("held:", held, "| kept in", kept)
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
