"""A small walk whose training and models are stood in for; also as a program that kills itself on its way.

`python walk_here.py HOME STEP DONE` sends itself SIGKILL when the walk tells that it is so far.
"""

import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
from caspo_measured import make_results, write_results

from caspo.wind_tunnel.report import make_report, write_report
from curator_app.actions import walk as walking
from curator_app.actions.walk import Observer, WalkEnd, WalkProgress, walk
from curator_app.actions.walk_judging import START, TRAINED
from curator_app.actions.walk_scenes import WalkPlan
from curator_app.actions.wind_tunnel import QUICK, TunnelRequest
from curator_app.actions.world_models import ORACLE, KnownScenes, make_oracle
from curator_app.settings import Settings
from endpoints.messages import ChatRequest
from endpoints.scripted import ScriptedChatEndpoint
from pipeline.hazard_world.answers import AnswerKind, write_answer
from pipeline.hazard_world.grammar import to_prose

PLAN = WalkPlan(train=2, new_scenes=2, new_hazards=1, leaky=1, unclear=1, unseen=1)


def train(request: TunnelRequest, **_: Any) -> None:
    """Stand for the training: leave the report of one."""
    assert request.make_world is not None
    world = request.make_world()
    assert len(world.pairs("train", count=7, seed=1)) == 7
    request.out.mkdir(parents=True, exist_ok=True)
    runs = request.out / "runs" / str(len(list(request.out.glob("runs/*"))))
    write_report(make_report(QUICK, world.name, write_results(runs, make_results()), quick=True), request.out)


def load_models(_: TunnelRequest, scenes: KnownScenes) -> dict[str, Any]:
    """Stand for the models: one that overlooks everything but under its constitution, one that says what it sees."""

    def answer(request: ChatRequest, *, sees: bool) -> str:
        kind = AnswerKind.APPRAISING if sees or request.messages[0].role == "system" else AnswerKind.OBLIVIOUS
        return to_prose(write_answer(scenes.find(request), kind, seed=1))

    return {
        START: ScriptedChatEndpoint(lambda request: answer(request, sees=False), name=START, model=START),
        TRAINED: ScriptedChatEndpoint(lambda request: answer(request, sees=True), name=TRAINED, model=TRAINED),
        ORACLE: make_oracle(scenes),
    }


def stand_in(patch: pytest.MonkeyPatch) -> None:
    """Let a walk train nothing and ask no model."""
    patch.setattr(walking.wind_tunnel, "run", train)
    patch.setattr(walking, "load_models", load_models)
    patch.setattr(walking, "require_libraries", lambda *names: None)


def walk_in(home: Path, observe: Observer) -> WalkEnd:
    """Walk the small plan."""
    return walk(Settings(home=home), PLAN, observer=observe)


def main(home: str, step: str, done: str) -> None:
    """Walk, and die at that point."""

    def die(progress: WalkProgress) -> None:
        if (progress.step, progress.done) >= (int(step), float(done)):
            os.kill(os.getpid(), signal.SIGKILL)

    with pytest.MonkeyPatch.context() as patch:
        stand_in(patch)
        walk_in(Path(home), die)


if __name__ == "__main__":
    main(*sys.argv[1:])
