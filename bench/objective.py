"""Time and peak memory of the CASPO objective, beside a plain copy of its inputs and beside loops.

    python -m bench.objective [--groups 64] [--size 32] [--tokens 1024] [--runs 5]

Needs the extra `models`; Linux. 64 prompts with 32 trajectories of 1,024 tokens, the paper's batch, in float32 on one
thread. `advantage` is Eq. 4 and 5, from log-probabilities and rewards to A; `whole` adds the loss of Eq. 6, the KL
term and the gradient. The baselines are computed in the same run: `copy` clones every input once; `loop_over_groups`
is Eq. 4 and 5 in torch with one Python step for each prompt; `loop_over_tokens` is the same in plain Python, number by
number.

Each contender has processes of its own. Time is the median CPU time of the runs (of the token loop one run). Memory is
the highest resident size during one run less that before it; large blocks go back to the system at once, so that what
an earlier step freed hides nothing.
"""

import argparse
import importlib.util
import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.results_file import percentile, write_results

LAM, EPS = 0.3, 1e-6
CONTENDERS = ("copy", "advantage", "whole", "loop_over_groups", "loop_over_tokens")


def make_inputs(groups: int, size: int, tokens: int) -> dict[str, Any]:
    """Return the inputs of Eq. 4-6, with prompts in random order."""
    import torch

    rng = torch.Generator().manual_seed(0)
    rows = groups * size
    logp = -torch.empty(rows, tokens).exponential_(generator=rng)
    return {
        "logp": logp,
        "logp_constitution": logp + 0.7 * torch.randn(rows, tokens, generator=rng),
        "logp_old": logp + 0.01 * torch.randn(rows, tokens, generator=rng),
        "logp_reference": logp + 0.1 * torch.randn(rows, tokens, generator=rng),
        "mask": torch.ones(rows, tokens, dtype=torch.bool),
        "outcome": torch.randn(rows, generator=rng),
        "group": torch.arange(groups).repeat(size)[torch.randperm(rows, generator=rng)],
    }


def advantage(given: dict[str, Any]) -> Any:
    """Return A by `caspo.objective`."""
    from caspo import objective

    mask, group = given["mask"], given["group"]
    signal = objective.token_signal(given["logp_constitution"], given["logp"], mask)
    signal = objective.normalize_tokens_in_group(signal, mask, group, eps=EPS)
    return objective.hybrid_advantage(
        objective.normalize_in_group(given["outcome"], group, eps=EPS), signal, mask, lam=LAM
    )


def whole(given: dict[str, Any]) -> Any:
    """Return the gradient of Eq. 6."""
    from caspo import objective

    made = advantage(given)
    logp = given["logp"].detach().requires_grad_()
    loss = objective.policy_loss(logp, given["logp_old"], made, given["mask"])
    (loss + 0.005 * objective.kl_to_reference(logp, given["logp_reference"], given["mask"])).backward()
    return logp.grad


def copy(given: dict[str, Any]) -> Any:
    """Return a clone of every input."""
    return [tensor.clone() for tensor in given.values()]


def loop_over_groups(given: dict[str, Any]) -> Any:
    """Return A with one Python step for each prompt."""
    import torch

    mask, signal = given["mask"], given["logp_constitution"] - given["logp"]
    made = torch.zeros_like(signal)
    for name in given["group"].unique():
        rows = (given["group"] == name).nonzero()[:, 0]
        rewards, counted = given["outcome"][rows], mask[rows]
        outcome = (rewards - rewards.mean()) / (rewards.std() + EPS)
        values = signal[rows][counted]
        normal = (signal[rows] - values.mean()) / (values.std() + EPS)
        made[rows] = outcome[:, None] * (1 + LAM * outcome[:, None].sign() * normal) * counted
    return made


def loop_over_tokens(given: dict[str, Any]) -> Any:
    """Return A as lists, number by number."""

    def spread(members: list[float]) -> tuple[float, float]:
        mean = math.fsum(members) / len(members)
        return mean, math.sqrt(math.fsum((value - mean) ** 2 for value in members) / (len(members) - 1)) + EPS

    guided, plain, mask, rewards, group = (
        given[name].tolist() for name in ("logp_constitution", "logp", "mask", "outcome", "group")
    )
    made: list[list[float]] = [[] for _ in group]
    for name in set(group):
        rows = [row for row, other in enumerate(group) if other == name]
        reward_mean, reward_std = spread([rewards[row] for row in rows])
        signal = {row: [a - b for a, b in zip(guided[row], plain[row], strict=True)] for row in rows}
        mean, std = spread([r for row in rows for r, counted in zip(signal[row], mask[row], strict=True) if counted])
        for row in rows:
            outcome = (rewards[row] - reward_mean) / reward_std
            sign = (outcome > 0) - (outcome < 0)
            for r, counted in zip(signal[row], mask[row], strict=True):
                made[row].append(outcome * (1 + LAM * sign * (r - mean) / std) if counted else 0.0)
    return made


def read_status(field: str) -> int:
    """Return a size of this process in bytes, from /proc."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(field))
    return int(line.split()[1]) * 1024


def measure(name: str, given: argparse.Namespace) -> None:
    """Print the CPU seconds of each run, or the peak of one. Runs in a process of its own."""
    import torch

    torch.set_num_threads(1)
    work: Callable[[dict[str, Any]], Any] = globals()[name]
    work(make_inputs(2, 2, 4))
    inputs = make_inputs(given.groups, given.size, given.tokens)
    if given.memory:
        Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew
        before = read_status("VmRSS")
        kept = work(inputs)
        peak = read_status("VmHWM") - before
        del kept
        print(json.dumps({"peak_bytes": peak, "input_bytes": sum(t.nbytes for t in inputs.values())}))
        return
    seconds = []
    for _ in range(1 if name == "loop_over_tokens" else given.runs + 1):
        started = time.process_time()
        work(inputs)
        seconds.append(time.process_time() - started)
    print(json.dumps({"cpu_s": percentile(seconds[1:] or seconds, 0.5)}))


def compare(given: argparse.Namespace) -> dict[str, float]:
    """Return how far A lies from that of the loops at most, in float32 on a smaller batch."""
    import torch

    inputs = make_inputs(4, given.size, given.tokens)
    ours = advantage(inputs).double()
    others = {
        "loop_over_groups": loop_over_groups(inputs).double(),
        "loop_over_tokens": torch.tensor(loop_over_tokens(inputs), dtype=torch.float64),
    }
    return {name: float((ours - other).abs().max()) for name, other in others.items()}


def run_child(name: str, given: argparse.Namespace, *, memory: bool) -> dict[str, Any]:
    """Return what a process of its own measured."""
    command = [sys.executable, "-m", "bench.objective", "--child", name, *(["--memory"] if memory else [])]
    command += [f"--{option}={getattr(given, option)}" for option in ("groups", "size", "tokens", "runs")]
    settings = {"OMP_NUM_THREADS": "1"} | ({"MALLOC_MMAP_THRESHOLD_": str(2**17)} if memory else {})
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=os.environ | settings)
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


def main() -> int:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for option, value in (("groups", 64), ("size", 32), ("tokens", 1024), ("runs", 5)):
        parser.add_argument(f"--{option}", type=int, default=value)
    parser.add_argument("--child", choices=CONTENDERS, help=argparse.SUPPRESS)
    parser.add_argument("--memory", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if importlib.util.find_spec("torch") is None:
        print("bench.objective measures caspo.objective, which needs torch: run `make setup-models`")
        return 2
    if given.child:
        measure(given.child, given)
        return 0
    figures: dict[str, Any] = {
        "settings": {name: getattr(given, name) for name in ("groups", "size", "tokens", "runs")},
        "load_before": round(os.getloadavg()[0], 1),
        "largest_difference_in_float32": compare(given),
    }
    for name in CONTENDERS:
        figures[name] = run_child(name, given, memory=False) | run_child(name, given, memory=True)
        print(f"{name:<18} {figures[name]['cpu_s']:8.3f} s CPU {figures[name]['peak_bytes'] / 2**20:8.1f} MiB")
    for part in ("advantage", "whole"):
        figures[f"{part}_over_copy"] = {
            key: round(figures[part][key] / figures["copy"][key], 2) for key in ("cpu_s", "peak_bytes")
        }
    for loop in ("loop_over_groups", "loop_over_tokens"):
        figures[f"{loop}_over_advantage"] = {
            key: round(figures[loop][key] / figures["advantage"][key], 2) for key in ("cpu_s", "peak_bytes")
        }
    print(json.dumps({name: value for name, value in figures.items() if name not in CONTENDERS}, indent=1))
    print("kept in", write_results("objective", figures))
    return 0


if __name__ == "__main__":
    sys.exit(main())
