"""The walk's last steps: the models of the wind tunnel are asked about the benchmark, and the exact oracle scores them.

All of it is the ordinary judge run, with models of this process in place of servers.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from curator_app.actions.judging import (
    JUDGE_ROLES,
    JudgeObserver,
    Place,
    Sampling,
    SittingEnd,
    respond,
    score,
)
from curator_app.actions.walk_scenes import WalkRefused
from curator_app.actions.world_models import ORACLE, KnownScenes, TinyModelChat, make_oracle
from curator_app.wind_tunnel_world import write_policy
from curator_app.workspace import Workspace
from endpoints.chat import ChatEndpoint
from storage.records import Category
from storage.whole_files import write_whole

START, TRAINED = "tiny-model-start", "tiny-model-caspo"
ANSWER_TOKENS = 48
NOT_HERE = "This model runs inside `curator demo --walk` only."


@dataclass(frozen=True)
class Asked:
    """One judge run of the walk."""

    run: str
    target: str
    guided: bool
    title: str


RUNS = (
    Asked("walk-before", START, False, "Before RL"),
    Asked("walk-constitution", START, True, "Before RL, under the constitution"),
    Asked("walk-after", TRAINED, False, "After RL"),
)


def make_walk_place(workspace: Workspace, folder: Path, models: dict[str, ChatEndpoint]) -> Place:
    """Return where the walk's judge runs lie, with its models; writes its endpoints file and constitutions."""
    entries = {name: {"kind": "scripted", "replies": [NOT_HERE]} for name in (START, TRAINED, ORACLE)}
    endpoints = {"version": 1, "endpoints": entries, "roles": {"target": START, JUDGE_ROLES[0]: ORACLE}}
    write_whole(folder / "endpoints.yaml", yaml.safe_dump(endpoints, sort_keys=False))
    policies = {category.value: write_policy(category) for category in Category}
    write_whole(folder / "constitutions.yaml", yaml.safe_dump(policies, sort_keys=False))
    return Place(workspace.settings.home, folder / "endpoints.yaml", given=models)


def make_models(start: Any, trained: Any, scenes: KnownScenes) -> dict[str, ChatEndpoint]:
    """Return the endpoints of both tiny models and of the oracle."""
    return {
        START: TinyModelChat(start, scenes, name=START),
        TRAINED: TinyModelChat(trained, scenes, name=TRAINED),
        ORACLE: make_oracle(scenes),
    }


def judge_model(
    place: Place, workspace: Workspace, asked: Asked, *, release: str, folder: Path, observer: JudgeObserver
) -> SittingEnd:
    """Ask a model about the release, or go on with it, and have its answers scored.

    Raises:
        JudgingRefused: something cannot be used.
        WalkRefused: it was stopped by hand, or a call failed.
    """
    sampling = Sampling(
        mode="constitution" if asked.guided else "standard",
        target=asked.target,
        max_tokens=ANSWER_TOKENS,
        constitutions=folder / "constitutions.yaml" if asked.guided else None,
        twins=True,
    )
    end = respond(place, workspace, release=release, run=asked.run, sampling=sampling, observer=observer)
    _refuse_early(end, asked)
    end = score(place, run=asked.run, observer=observer)
    _refuse_early(end, asked)
    return end


def _refuse_early(end: SittingEnd, asked: Asked) -> None:
    if end.state.stopped:
        raise WalkRefused(f"{asked.run}: {end.state.stopped}; the same command goes on")
    if failed := end.state.counts["failed"]:
        raise WalkRefused(
            f"{asked.run}: {failed} calls failed; {end.folder} says why, and the same command tries again"
        )
