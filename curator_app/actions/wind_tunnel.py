"""CASPO's wind tunnel on HazardWorld: what `curator caspo wind-tunnel` runs, and the files that it writes."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from caspo.errors import CaspoError
from caspo.local.config import RewardModelConfig, SupervisedConfig
from caspo.wind_tunnel.arms import ScaleConfig
from caspo.wind_tunnel.config import TunnelConfig
from caspo.wind_tunnel.lessons import PhaseConfig
from caspo.wind_tunnel.measures import EvaluationConfig, SetName, list_scenes
from caspo.wind_tunnel.part import PartOfWorld
from caspo.wind_tunnel.report import make_report, write_report
from caspo.wind_tunnel.reward import RewardConfig
from caspo.wind_tunnel.run import Observer, TunnelResults, WorldMaker, run_tunnel
from caspo.wind_tunnel.stage_zero import StageZeroConfig
from caspo.wind_tunnel.world import World
from curator_app.actions.wind_tunnel_page import Painter, draw_wind_tunnel
from curator_app.errors import AppError
from curator_app.wind_tunnel_world import HazardWorld
from endpoints.errors import EndpointError
from endpoints.local_models import require_libraries
from pipeline.hazard_world.drawing.house import draw_large

PAGE = "report.html"
QUICK_HAZARDS = {"train": 4, "new": 2}
_STEADY = {"batch": 48, "parts": 4, "warmup": 20, "opening": 0, "opening_weight": 1.0}
QUICK = TunnelConfig(
    stage_zero=StageZeroConfig(
        pairs=2_000,
        evaluated=96,
        vision=SupervisedConfig(steps=150, batch=64, learning_rate=2e-3),
        risk=SupervisedConfig(steps=260, batch=64, learning_rate=2e-3, warmup=20, parts=2),
        risk_in_prompts=SupervisedConfig(steps=70, batch=64, learning_rate=1e-3, warmup=20, parts=4),
        know=PhaseConfig(steps=260, learning_rate=2e-3, guided_appraising=0.99, appraising=0.5, **_STEADY),
        base=PhaseConfig(
            steps=30, learning_rate=1e-3, guided_appraising=0.6, appraising=0.1, vague=0.1, alarms=0.02, **_STEADY
        ),
        sft=PhaseConfig(
            steps=320, learning_rate=1e-3, guided_appraising=0.99, appraising=0.06, vague=0.1, alarms=0.02, **_STEADY
        ),
        settle=PhaseConfig(
            steps=120, learning_rate=7e-4, guided_appraising=1.0, appraising=0.06, vague=0.1, alarms=0.02, **_STEADY
        ),
    ),
    stage_zero_seeds=1,
    seeds=1,
    arms=("recommended", "outr"),
    scale=ScaleConfig(steps=30, pool=600),
    evaluation=EvaluationConfig(scenes=64, hazards=32, examples=3),
    reward=RewardConfig(
        pairs=800, training=RewardModelConfig(steps=150, batch=24, learning_rate=1e-3, warmup=20, freeze_vision=True)
    ),
)
"""Minutes on two cores, stage 0 included; `QUICK_HAZARDS` of the world."""


WHOLE = TunnelConfig()


class TunnelRefused(AppError):
    """The wind tunnel cannot run, or its gate stopped it."""


@dataclass(frozen=True)
class TunnelRequest:
    """What is asked for."""

    out: Path
    quick: bool = False
    seeds: int | None = None
    """Of RL on each stage 0; None: 3, quick 1."""
    stage_zero_seeds: int | None = None
    """None: 2, quick 1."""
    arms: tuple[str, ...] | None = None
    """None: all, quick the recommended one and OutR."""
    workers: int | None = None
    """None: one for each core."""
    force: bool = False
    """RL although stage 0 did not pass its gate."""
    make_world: WorldMaker | None = None
    """None: HazardWorld, quick a part of it."""


@dataclass(frozen=True)
class Taught:
    """Whether the recommended arm learnt what it is for, on held-out scenes."""

    held: bool
    """R_0 fell and R_A rose by more than both 95% intervals are wide."""
    words: str


def has_learnt(before: Mapping[str, Sequence[float]], after: Mapping[str, Sequence[float]]) -> bool:
    """Return whether R_0 fell and R_A rose by more than both 95% intervals are wide; value, low and high of each."""
    return after["r_0"][2] < before["r_0"][1] and after["r_a"][1] > before["r_a"][2]


@dataclass(frozen=True)
class TunnelEnd:
    """What a run left."""

    report: dict[str, Any]
    page: Path

    @property
    def taught(self) -> Taught:
        """What the recommended arm learnt."""
        pooled = {arm["name"]: arm["pooled"] for arm in self.report["arms"]}
        if not pooled.get("recommended"):
            return Taught(False, "The recommended arm was not run to its end, so nothing is known of what it learns.")
        before, after = (pooled[name]["new_scenes"] for name in ("sft", "recommended"))
        held = has_learnt(before, after)
        words = (
            f"On new scenes: R_0 {before['r_0'][0]:.1%} -> {after['r_0'][0]:.1%}, R_A {before['r_a'][0]:.2f} -> "
            f"{after['r_a'][0]:.2f}"
        )
        return Taught(held, f"{words}." if held else f"{words}: the training did not do what it is for.")


def make_config(request: TunnelRequest) -> TunnelConfig:
    """Return what is run."""
    config = QUICK if request.quick else WHOLE
    asked = {"seeds": request.seeds, "stage_zero_seeds": request.stage_zero_seeds, "arms": request.arms}
    return TunnelConfig(**{**dict(config), **{name: value for name, value in asked.items() if value is not None}})


def make_whole() -> World:
    """Return HazardWorld."""
    return HazardWorld()


def make_part() -> World:
    """Return the part of it that a quick run learns."""
    return PartOfWorld(HazardWorld(), **QUICK_HAZARDS)


def run(request: TunnelRequest, *, observer: Observer) -> TunnelEnd:
    """Run the wind tunnel and write its report as JSON and as a page.

    Raises:
        TunnelRefused: The local models are not installed, stage 0 did not pass its gate, or a job failed.
    """
    config, make_world = make_config(request), request.make_world or (make_part if request.quick else make_whole)
    try:
        require_libraries("the wind tunnel", "torch", "transformers")
        results = run_tunnel(
            make_world, config, request.out, workers=request.workers or os.cpu_count() or 1, force=request.force,
            observer=observer,
        )  # fmt: skip
    except (CaspoError, EndpointError) as exc:
        raise TunnelRefused(str(exc)) from exc
    except OSError as exc:
        raise TunnelRefused(f"the results cannot be written to {request.out} ({exc}); give another folder") from exc
    return TunnelEnd(*_report(config, make_world(), results, request))


def _report(
    config: TunnelConfig, world: World, results: TunnelResults, request: TunnelRequest
) -> tuple[dict[str, Any], Path]:
    report = make_report(config, world.name, results, quick=request.quick)
    write_report(report, request.out)
    page = request.out / PAGE
    page.write_text(draw_wind_tunnel(report, make_painter(world, config.evaluation)), encoding="utf-8")
    return report, page


def make_painter(world: World, config: EvaluationConfig) -> Painter:
    """Return the function that draws a held-out scene for people."""
    scenes = list_scenes(world, config)

    def paint(name: SetName, place: int) -> tuple[Image.Image, str]:
        scene = scenes[name][place]
        return draw_large(scene.truth), scene.query

    return paint
