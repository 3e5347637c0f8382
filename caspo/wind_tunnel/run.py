"""A whole run of the wind tunnel: stage 0 and its gate, rewards, the self-check, then every arm and seed; resumable.

What is done stays in the folder, named by the hash of what it depends on: the same command goes on where it stopped.
This module loads no torch; the workers do.
"""

import json
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from caspo.errors import GateNotPassed, RunBusy, SelfCheckFailed
from caspo.wind_tunnel.arms import ARMS, BASELINES
from caspo.wind_tunnel.config import (
    CHECKED,
    MEASURED,
    TunnelConfig,
    fingerprint_arm,
    fingerprint_baselines,
    name_folder,
)
from caspo.wind_tunnel.measures import BASELINE, Key, Measured
from caspo.wind_tunnel.workers import Event, Job, Pool, open_pool
from caspo.wind_tunnel.world import World
from storage.locks import hold_lock
from storage.whole_files import write_whole

WorldMaker = Callable[[], World]
"""Picklable, since every worker makes its own."""

WEIGHTS = {
    "prepare": 300.0, "prepare_again": 5.0, "learn_reward": 60.0, "check_arm": 3.0, "measure_baselines": 60.0,
    "measuring": 20.0,
}  # fmt: skip
"""Of jobs, in steps of RL, for the time that is left; a guess until jobs are done."""


@dataclass(frozen=True)
class ArmRun:
    """One run of an arm, or what stage 0 left."""

    folder: Path
    measured: Measured | None
    """None: it diverged."""
    diverged: str
    cpu_s: float


@dataclass(frozen=True)
class TunnelResults:
    """Everything that a run left."""

    gates: Mapping[int, Mapping[str, Any]]
    """By seed of stage 0, as JSON values."""
    runs: Mapping[str, Mapping[Key, ArmRun]]
    """By name of arm or baseline."""
    forced: bool
    """Whether RL went on although a gate was not passed."""
    self_checks: Sequence[Mapping[str, Any]] = ()
    """Of each arm, as JSON values."""


@dataclass
class Progress:
    """How far a run is."""

    total: float
    """In steps of RL."""
    finished: float = 0.0
    running: dict[str, tuple[float, float, str]] = field(default_factory=dict)
    """Name of a job -> weight, share that is done, what it does."""
    last: str = ""
    """Name of the job that was finished last."""
    began: float = field(default_factory=time.monotonic)

    @property
    def done(self) -> float:
        """In steps of RL."""
        return self.finished + sum(weight * share for weight, share, _ in self.running.values())

    @property
    def seconds_left(self) -> float | None:
        """At the pace of this sitting; None before anything is done."""
        done = self.done
        return (time.monotonic() - self.began) * (self.total - done) / done if done > 0 else None

    @property
    def doing(self) -> tuple[str, ...]:
        """What runs now, in words."""
        return tuple(told or name for name, (_, _, told) in self.running.items())

    def take(self, event: Event) -> None:
        """Note an event."""
        self.last = ""
        if event.kind == "done":
            self.running.pop(event.job.name, None)
            self.finished += event.job.weight
            self.last = event.job.name
        else:
            self.running[event.job.name] = (event.job.weight, event.share, event.told)


Observer = Callable[[Progress], None]


def run_tunnel(
    make_world: WorldMaker,
    config: TunnelConfig,
    out: Path,
    *,
    workers: int,
    force: bool = False,
    observer: Observer = lambda _: None,
) -> TunnelResults:
    """Run what the folder lacks and return all results.

    Args:
        make_world: Makes the world in every worker.
        config: What is run.
        out: Folder of the results; made where it is not there.
        workers: Processes, each with one torch thread.
        force: Go on with RL although a gate was not passed.
        observer: Told of every step.

    Raises:
        GateNotPassed: Stage 0 is not good enough and `force` is not given; the message has the figures.
        SelfCheckFailed: A step of the trainer is not what it should be, which `force` does not change.
        RunBusy: Another process works in the folder.
        WorkerFailed: A job failed.
        ArmUnknown: An arm is unknown.
    """
    config.list_arms()
    busy = RunBusy(f"another wind tunnel works in {out}; wait for it, or give another folder")
    with hold_lock(out / "lock", busy=busy):
        name = make_world().name
        write_whole(out / "config.json", json.dumps({"world": name, **config.model_dump(mode="json")}, indent=1))
        plan = plan_jobs(config, name, out)
        progress = Progress(sum(job.weight for phase in plan for job in phase))
        if progress.total:
            begin = partial(_begin, make_world, config, out)
            with tempfile.TemporaryDirectory() as meeting, open_pool(begin, workers) as pool:
                plan = (_pair_workers(plan[0], workers, Path(meeting)), *plan[1:])
                _run_plan(pool, plan, config, out, force, observer, progress)
        gates = _read_gates(config, out, name)
        _check_gates(gates, force)
        forced = force and not all(g["passed"] for g in gates.values())
        return TunnelResults(gates, _read_runs(config, name, out), forced, _read_self_checks(config, out, name))


def _begin(make_world: WorldMaker, config: TunnelConfig, out: Path) -> Any:
    from caspo.wind_tunnel.tunnel import Tunnel

    return Tunnel(make_world(), config, out)


def plan_jobs(config: TunnelConfig, world: str, out: Path) -> tuple[list[Job], list[Job], list[Job], list[Job]]:
    """Return what is still to be done: stage 0, rewards, self-checks, and runs."""
    starts = config.list_starts()
    runs = []
    for start in starts:
        fingerprint = fingerprint_baselines(config, world, start)
        folders = [name_folder(out, name, [start], fingerprint) for name in BASELINES]
        if not all((folder / MEASURED).exists() for folder in folders):
            runs.append(
                Job(f"baselines of stage 0 {start}", "measure_baselines", (start,), WEIGHTS["measure_baselines"])
            )
    needed: Counter[tuple[int, str]] = Counter()
    weight = config.scale.steps + WEIGHTS["measuring"]
    for arm in config.list_arms():  # an arm's seeds beside one another, so that a run cut short has whole arms
        for start, seed in config.list_keys(arm):
            fingerprint = fingerprint_arm(config, world, arm, start, seed)
            if not (name_folder(out, arm.name, [start, seed], fingerprint) / MEASURED).exists():
                name = f"{arm.title}, stage 0 {start}, seed {seed}"
                runs.append(Job(name, "run_arm", (arm.name, start, seed), weight))
                needed[start, arm.reward] += 1
    if runs:
        needed.update((start, "context") for start in starts)
    rewards = [
        Job(f"reward model {kind} on stage 0 {start}", "learn_reward", (start, kind), WEIGHTS["learn_reward"])
        for start, kind in needed
    ]
    checks = [  # each time that something is left, since the code may be another than it was
        Job(f"self-check of {ARMS[name].title}", "check_arm", (name, starts[0]), WEIGHTS["check_arm"])
        for name in dict.fromkeys(job.arguments[0] for job in runs if job.method == "run_arm")
    ]
    stage_zero = []
    for start in starts:  # once more where runs are left: its weights come from its cache, in seconds
        known = _gate_file(config, out, world, start).exists()
        if runs or not known:
            weight = WEIGHTS["prepare_again" if known else "prepare"]
            stage_zero.append(Job(f"stage 0, seed {start}", "prepare", (start,), weight))
    return stage_zero, rewards, checks, runs


def _pair_workers(stage_zero: Sequence[Job], workers: int, meeting: Path) -> list[Job]:
    """Return the jobs of stage 0, each for two workers where they suffice: all runs wait for it."""
    if workers < 2 * len(stage_zero):
        return list(stage_zero)
    return [
        Job(name, "prepare_together", (start, place, meeting / str(start)), weight)
        for (start,), own, whole in ((job.arguments, job.name, job.weight) for job in stage_zero)
        for place, name, weight in ((0, own, whole), (1, f"{own}: second half", 0.0))
    ]


def _run_plan(
    pool: Pool,
    plan: Sequence[Sequence[Job]],
    config: TunnelConfig,
    out: Path,
    force: bool,
    observer: Observer,
    progress: Progress,
) -> None:
    def observe(event: Event) -> None:
        progress.take(event)
        observer(progress)

    stage_zero, rewards, checks, runs = plan
    found = pool.run(stage_zero, observe)
    world = json.loads((out / "config.json").read_text(encoding="utf-8"))["world"]
    for job in stage_zero:  # of two halves either has the same gate
        write_whole(_gate_file(config, out, world, job.arguments[0]), json.dumps(found[job.name], indent=1))
    _check_gates(_read_gates(config, out, world), force)
    pool.run(rewards, observe)
    checked = pool.run(checks, observe)
    for each in checked.values():
        write_whole(_self_check_file(config, out, world, each["arm"]), json.dumps(each, indent=1))
    _check_trainer(checked.values())
    pool.run(runs, observe)


def _gate_file(config: TunnelConfig, out: Path, world: str, start: int) -> Path:
    return name_folder(out, "gate", [start], fingerprint_baselines(config, world, start)) / "gate.json"


def _read_gates(config: TunnelConfig, out: Path, world: str) -> dict[int, dict[str, Any]]:
    return {
        start: json.loads(_gate_file(config, out, world, start).read_text(encoding="utf-8"))
        for start in config.list_starts()
    }


def _check_gates(gates: Mapping[int, Mapping[str, Any]], force: bool) -> None:
    failed = [
        f"stage 0, seed {start}: {'; '.join(gate['reasons'])}" for start, gate in gates.items() if not gate["passed"]
    ]
    if failed and not force:
        raise GateNotPassed(
            f"no RL was started, since {'. And '.join(failed)}. Train stage 0 for longer, or go on all the same with "
            "--force, which the report will say"
        )


def _self_check_file(config: TunnelConfig, out: Path, world: str, arm: str) -> Path:
    start = config.list_starts()[0]
    fingerprint = fingerprint_arm(config, world, ARMS[arm], start, 0)
    return name_folder(out, f"self-check-{arm}", [start], fingerprint) / CHECKED


def _read_self_checks(config: TunnelConfig, out: Path, world: str) -> list[dict[str, Any]]:
    """Return the self-checks of all arms that have one; runs of earlier versions have none."""
    files = [_self_check_file(config, out, world, arm.name) for arm in config.list_arms()]
    return [json.loads(file.read_text(encoding="utf-8")) for file in files if file.exists()]


def _check_trainer(checked: Iterable[Mapping[str, Any]]) -> None:
    failed = [f"{ARMS[each['arm']].title}: {'; '.join(each['differs'])}" for each in checked if each["differs"]]
    if failed:
        raise SelfCheckFailed(
            "no RL was started, since the self-check failed: a step of the trainer is not what Eq. 4-6 say. "
            f"{'. '.join(failed)}. Mend the code or the world, and run the same command again"
        )


def _read_runs(config: TunnelConfig, world: str, out: Path) -> dict[str, dict[Key, ArmRun]]:
    runs: dict[str, dict[Key, ArmRun]] = {}
    for start in config.list_starts():
        fingerprint = fingerprint_baselines(config, world, start)
        for name in BASELINES:
            runs.setdefault(name, {})[start, BASELINE] = read_run(name_folder(out, name, [start], fingerprint))
    for arm in config.list_arms():
        for start, seed in config.list_keys(arm):
            fingerprint = fingerprint_arm(config, world, arm, start, seed)
            folder = name_folder(out, arm.name, [start, seed], fingerprint)
            runs.setdefault(arm.name, {})[start, seed] = read_run(folder)
    return runs


def read_run(folder: Path) -> ArmRun:
    """Return what a run's folder holds of its figures."""
    body = json.loads((folder / MEASURED).read_text(encoding="utf-8"))
    measured = Measured(body["columns"], body["answers"]) if "columns" in body else None
    return ArmRun(folder, measured, body.get("diverged", ""), body["cpu_s"])
