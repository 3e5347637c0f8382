"""Faults that a trainer can have without crashing: each is planted in the real one, and the quick run begins no RL.

The quick run here is that of `curator caspo wind-tunnel --quick` with everything made small; but for one test its jobs
are done in this process, so that what is planted here is planted where they are done.
"""

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tiny_stage_zero import make_tiny

pytest.importorskip("torch", reason="torch is not installed: run `make setup-models`")

import caspo_planted as planted
import torch
from caspo_planted import Plant, make_part_with_a_fault

from caspo.local import training
from caspo.local.config import RewardModelConfig
from caspo.wind_tunnel import run as tunnel_run
from caspo.wind_tunnel.arms import ScaleConfig
from caspo.wind_tunnel.config import TunnelConfig
from caspo.wind_tunnel.lessons import PhaseConfig
from caspo.wind_tunnel.measures import EvaluationConfig
from caspo.wind_tunnel.part import PartOfWorld
from caspo.wind_tunnel.reward import RewardConfig
from caspo.wind_tunnel.workers import Event, Job
from caspo.wind_tunnel.world import ScenePair, Split
from curator_app.actions import wind_tunnel
from curator_app.actions.wind_tunnel import QUICK_HAZARDS, TunnelEnd, TunnelRefused, TunnelRequest
from curator_app.wind_tunnel_world import HazardWorld

pytestmark = pytest.mark.models

torch.set_num_threads(1)
MIXED = PhaseConfig(steps=6, batch=4, guided_appraising=0.9, appraising=0.1, learning_rate=1e-2, warmup=0)
"""So much that some answers end before the cap: else nothing would be masked."""
TINY = TunnelConfig(
    stage_zero=make_tiny(mixed=MIXED),
    stage_zero_seeds=1,
    seeds=1,
    arms=("recommended", "outr"),
    scale=ScaleConfig(steps=2, prompts=6, group_size=3, max_tokens=12, pool=16),
    evaluation=EvaluationConfig(scenes=4, hazards=3, max_tokens=6, examples=1),
    reward=RewardConfig(pairs=6, training=RewardModelConfig(steps=2, batch=4)),
)  # fmt: skip


class HerePool:
    """Does the jobs one after the other in this process."""

    def __init__(self, begin: Callable[[], Any]) -> None:
        self._state = begin()

    def run(self, jobs: Sequence[Job], observe: Callable[[Event], None]) -> dict[str, Any]:
        found = {}
        for job in jobs:
            found[job.name] = getattr(self._state, job.method)(*job.arguments, lambda *told: None)
            observe(Event(job, "done", share=1.0))
        return found


@contextmanager
def open_here(begin: Callable[[], Any], count: int) -> Iterator[HerePool]:
    yield HerePool(begin)


def run_quick(out: Path) -> TunnelEnd:
    # Forced past the gate of stage 0, which nothing of two steps passes; the self-check has no such way round.
    return wind_tunnel.run(TunnelRequest(out, quick=True, force=True, workers=1), observer=lambda progress: None)


def list_runs(out: Path) -> set[str]:
    return {folder.name.split("-")[0] for folder in (out / "runs").iterdir()}


@pytest.fixture(scope="module", autouse=True)
def small() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wind_tunnel, "QUICK", TINY)
        yield


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory, small: None) -> tuple[Path, TunnelEnd]:
    out = tmp_path_factory.mktemp("quick")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tunnel_run, "open_pool", open_here)
        return out, run_quick(out)


@pytest.fixture
def out(ran: tuple[Path, TunnelEnd], tmp_path: Path) -> Path:
    """A folder with stage 0 and the reward model, but no run."""
    shutil.copytree(ran[0] / "cache", tmp_path / "cache")
    return tmp_path


def test_a_run_without_a_fault_says_that_its_self_check_passed(ran: tuple[Path, TunnelEnd]) -> None:
    found, end = ran
    said = (
        "Self-check passed: a step of each of 2 arms, 36 answers in all, agrees with the same step worked out by hand."
    )
    assert end.report["self_check"]["words"] == said
    assert said in end.page.read_text(encoding="utf-8")
    best, bare = end.report["self_check"]["arms"]
    assert (best["arm"], bare["arm"]) == ("recommended", "outr")
    assert all(shortest < longest for shortest, longest in (best["tokens"], bare["tokens"]))
    assert {"constitutions", "r (Eq. 4)", "advantage (Eq. 5)", "gradient", "caspo/loss"} <= set(best["compared"])
    assert set(best["compared"]) - set(bare["compared"]) == {
        "r (Eq. 4)", "caspo/signal_mean", "caspo/signal_std", "caspo/signal_p01", "caspo/signal_p99",
    }  # fmt: skip
    assert list_runs(found) >= {"self", "recommended", "outr"}


@pytest.mark.parametrize(
    ("plant", "said"),
    [
        (planted.flip_the_sign_of_lambda, r"floor 0.5: advantage \(Eq. 5\) differs in \d+ of \d+ places"),
        (planted.flip_the_sign_of_r, r"floor 0.5: r \(Eq. 4\) differs"),
        (planted.ask_under_the_constitution_of_another_category, r"floor 0.5: r \(Eq. 4\) differs"),
        (planted.score_with_a_teacher_that_moves, r"floor 0.5: r \(Eq. 4\) differs"),
        (planted.forget_the_mask_of_the_loss, "refuses its own step: .* values that the mask counts are not finite"),
        (planted.divide_by_the_padded_length, r"floor 0.5: the gradient is off by \d+.*OutR: the gradient"),
        (planted.forget_the_mask_of_r, r"floor 0.5: advantage \(Eq. 5\) differs"),
        (planted.look_at_the_padding, "floor 0.5: log-probability differs"),
        (planted.leave_r_attached, r"floor 0.5: the gradient is off by \d+.\d% of its length by hand; caspo/grad_norm"),
        (planted.normalise_over_the_whole_batch, r"floor 0.5: R\^ differs in .*OutR: R\^ differs"),
        (planted.let_a_padding_row_leak_in, r"floor 0.5: R\^ differs in 3 of 18 places.*OutR: R\^ differs"),
        (planted.count_the_divergence_as_a_gain, "floor 0.5: .*caspo/kl is -0.0"),
        (planted.pay_each_answer_for_its_neighbour, "floor 0.5: answers paid for another prompt is 18, not at most 0"),
    ],
    ids=lambda given: getattr(given, "__name__", ""),
)
def test_the_quick_run_begins_no_rl(plant: Plant, said: str, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tunnel_run, "open_pool", open_here)
    plant(monkeypatch)
    with pytest.raises(TunnelRefused, match=f"no RL was started, since the self-check failed: .*{said}"):
        run_quick(out)
    assert list_runs(out) == {"gate", "self"}


class Swapped(PartOfWorld):
    """A world that gives the scenes of RL the constitution of the scene before."""

    def pairs(self, split: Split, *, count: int, seed: int) -> Sequence[ScenePair]:
        found = super().pairs(split, count=count, seed=seed)
        if split != "train":
            return found
        return [
            ScenePair(*(replace(one, constitution=other.hazardous.constitution) for one in (pair.hazardous, pair.twin)))
            for pair, other in zip(found, [*found[-1:], *found[:-1]], strict=True)
        ]


def test_a_world_that_asks_under_another_constitution_than_was_taught_is_refused(
    ran: tuple[Path, TunnelEnd], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tunnel_run, "open_pool", open_here)
    monkeypatch.setattr(wind_tunnel, "make_part", lambda: Swapped(HazardWorld(), **QUICK_HAZARDS))
    with pytest.raises(
        TunnelRefused, match=r"has the constitution 'watch for \w+ \..*, and stage 0 taught 'watch for \w+ \..* for it"
    ):
        run_quick(tmp_path)


def test_a_worker_of_its_own_refuses_too(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "hybrid_advantage", training.hybrid_advantage)  # the run makes a world here as well
    faulty = partial(make_part_with_a_fault, planted.flip_the_sign_of_lambda)
    monkeypatch.setattr(wind_tunnel, "make_part", faulty)
    with pytest.raises(TunnelRefused, match=r"the self-check failed: .*advantage \(Eq. 5\) differs"):
        run_quick(out)
    assert list_runs(out) == {"gate", "self"}
