"""Answers to held-out scenes as the wind tunnel measures them, made up with known rates."""

import json
import random
from collections.abc import Mapping
from pathlib import Path

from caspo.wind_tunnel.measures import BASELINE, SETS, Key, Measured
from caspo.wind_tunnel.report import CURVES, METRICS
from caspo.wind_tunnel.run import ArmRun, TunnelResults

SCENES = 60


def make_measured(
    *,
    r_0: float = 0.0,
    alarms: float = 0.0,
    score: int = 2,
    entropy: float = 0.5,
    reward: float = 5.0,
    length: int = 20,
    kl: float = 0.05,
    seed: int = 0,
) -> Measured:
    """Return answers of which `r_0` overlook the hazard and `alarms` of those to twins warn, exactly."""
    rng = random.Random(seed)
    columns = {}
    for name in SETS:
        twin = name.endswith("twins")
        bad = round((alarms if twin else r_0) * SCENES)
        wrong = [number < bad for number in range(SCENES)]
        rng.shuffle(wrong)
        good = [0 if each else score for each in wrong]
        columns[name] = {
            "r": good,
            "s": good,
            "e": good,
            "total": [3 * each for each in good],
            "alarm": [float(each and twin) for each in wrong],
            "reward": [reward + rng.gauss(0, 0.1) for _ in wrong],
            "length": [float(length)] * SCENES,
            "entropy": [entropy * length] * SCENES,
            "capped": [0.0] * SCENES,
            "kl": [kl * length] * SCENES,
        }
    return Measured(columns, {name: ["go ahead ."] for name in SETS})


def make_runs(starts: int = 2, seeds: int = 3, **given: float) -> dict[Key, Measured]:
    """Return the runs of one arm, each with other scenes wrong."""
    return {
        (start, seed): make_measured(seed=10 * start + seed, **given)
        for start in range(starts)
        for seed in range(seeds)
    }  # type: ignore[arg-type]


def make_results(**arms: Mapping[Key, Measured]) -> dict[str, Mapping[Key, Measured]]:
    """Return results in which stage 0 is as it should be: blind without the constitution, good with it."""
    blind, seeing = {"r_0": 0.9, "reward": 2.0}, {"r_0": 0.0}

    def baseline(**given: float) -> dict[Key, Measured]:
        return {(start, BASELINE): make_measured(seed=start, **given) for start in range(2)}  # type: ignore[arg-type]

    return {
        "base": baseline(**blind),
        "base_constitution": baseline(r_0=0.4),
        "sft": baseline(**blind),
        "teacher": baseline(**seeing),
        "recommended": make_runs(),
        **arms,
    }


def write_results(out: Path, arms: Mapping[str, Mapping[Key, Measured]], *, passed: bool = True) -> TunnelResults:
    """Return results as a run of the wind tunnel leaves them, with curves of ten steps in each arm's folders."""
    runs: dict[str, dict[Key, ArmRun]] = {}
    for name, measured in arms.items():
        for key, one in measured.items():
            folder = out / name / f"{key[0]}-{key[1]}"
            folder.mkdir(parents=True)
            if key[1] != BASELINE:
                lines = [{f"caspo/{curve}": (step + key[1]) / 10 for curve in CURVES} for step in range(10)]
                (folder / METRICS).write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
            runs.setdefault(name, {})[key] = ArmRun(folder, one, "", 12.5)
    figures = {"r": 1.9, "s": 1.9, "e": 1.8, "r_0": 0.02, "false_alarms": 0.03, "twin_e": 1.9, "entropy": 0.5}
    models = {
        f"{model}_{mode}": {**figures, "length": 20.0, "risk_right": 0.99}
        for model in ("base", "sft")
        for mode in ("standard", "constitution")
    }
    reasons = () if passed else ("the teacher overlooks 12.0% of the hazards on new_scenes, at most 5%",)
    gate = {"figures": {"new_scenes": models, "new_hazards": models}, "passed": passed, "reasons": reasons}
    return TunnelResults(dict.fromkeys(range(2), gate), runs, not passed)
