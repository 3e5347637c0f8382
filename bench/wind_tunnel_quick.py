"""The quick run of the wind tunnel from nothing with two workers: what it costs, and whether it learns, by seed.

    python -m bench.wind_tunnel_quick [--seeds 0 1]

Needs the extra `models`, and Linux. Each seed is a stage 0 of its own, in an empty folder. Beside wall time, which is
worth something on a quiet machine only, it takes each worker's CPU seconds in each phase. A phase lasts as long as its
busier worker, so the sum of those over all phases, with what the parent does, is what two cores with nothing else to do
would take; what else the machine does makes it too large.

Held to: every seed passes its gate, lowers R_0 and raises R_A, in less than 300 such seconds.
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.results_file import write_results
from caspo.wind_tunnel.config import TunnelConfig
from caspo.wind_tunnel.report import make_report
from caspo.wind_tunnel.run import Progress, run_tunnel
from curator_app.actions.wind_tunnel import QUICK, TunnelEnd, make_part

LONGEST_S = 300
WORKERS = 2
PHASES = {"stage 0": "stage 0", "reward model": "rewards", "self-check": "self-checks"}
"""How a job's name begins -> its phase; all others are runs."""


class Clock:
    """Notes the CPU seconds of the workers whenever a job ends."""

    def __init__(self) -> None:
        self.ended: dict[str, dict[int, float]] = {}

    def __call__(self, progress: Progress) -> None:
        """Take the time at the end of a job; the last one of a phase stays."""
        if progress.last:
            phase = next((name for begins, name in PHASES.items() if progress.last.startswith(begins)), "runs")
            self.ended[phase] = read_workers()
            print(f"  {progress.last}: {time.monotonic() - progress.began:.0f} s", flush=True)

    def list_phases(self) -> dict[str, list[float]]:
        """Return each worker's CPU seconds in each phase."""
        found: dict[str, list[float]] = {}
        before: dict[int, float] = {}
        for phase, at in self.ended.items():
            found[phase] = [round(seconds - before.get(worker, 0.0), 1) for worker, seconds in sorted(at.items())]
            before = at
        return found


def read_workers() -> dict[int, float]:
    """Return the CPU seconds of each worker of this process."""
    ticks, found = os.sysconf("SC_CLK_TCK"), {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text(encoding="utf-8").rpartition(")")[2].split()
            command = (stat.parent / "cmdline").read_text(encoding="utf-8")
        except OSError:  # it has ended
            continue
        if int(fields[1]) == os.getpid() and "spawn_main" in command:
            found[int(stat.parent.name)] = (int(fields[11]) + int(fields[12])) / ticks
    return found


def run_seed(seed: int) -> dict[str, Any]:
    """Run it once and return times and figures."""
    config = TunnelConfig(**{**dict(QUICK), "stage_zero": QUICK.seed_stage_zero(seed)})
    clock, begun, began = Clock(), time.monotonic(), time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        results = run_tunnel(make_part, config, Path(folder), workers=WORKERS, force=True, observer=clock)
        report = make_report(config, make_part().name, results, quick=True)
    phases = clock.list_phases()
    taught = TunnelEnd(report, Path()).taught
    teacher = results.gates[seed]["figures"]["new_scenes"]["sft_constitution"]
    found = {
        "seed": seed,
        "passed": results.gates[seed]["passed"],
        "reasons": list(results.gates[seed]["reasons"]),
        "gate": {name: round(teacher[name], 3) for name in ("r_0", "false_alarms", "r", "e")},
        "taught": taught.held,
        "said": taught.words,
        "arms": {
            arm["name"]: {
                part: {name: arm["pooled"][part][name][0] for name in ("r_0", "r_a", "e_a", "false_alarms", "entropy")}
                for part in ("new_scenes", "new_hazards")
            }
            for arm in report["arms"]
        },
        "cpu_s_of_workers": phases,
        "cpu_s_of_parent": round(time.process_time() - began, 1),
        "quiet_s": round(sum(map(max, phases.values())) + time.process_time() - began, 1),
        "wall_s": round(time.monotonic() - begun, 1),
    }
    print(f"seed {seed}: {found}", flush=True)
    return found


def main() -> int:
    """Run, print, keep; return 1 when it is not what it is held to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    given = parser.parse_args()
    seeds: list[dict[str, Any]] = []
    for seed in given.seeds:
        seeds.append(run_seed(seed))
        held = all(one["passed"] and one["taught"] and one["quiet_s"] <= LONGEST_S for one in seeds)
        kept = write_results("wind_tunnel_quick_cost", {"workers": WORKERS, "seeds": seeds, "held": held})
    print("held:", held, "| kept in", kept)
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
