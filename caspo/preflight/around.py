"""Checks of what stands around a run: the reward, and what lies in its folder already."""

import ast
import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

from caspo.config import RunConfig, TrainConfig
from caspo.errors import RunMismatch, TrainingRefused
from caspo.launch import RUN_FILE, check_same, plan_launch
from caspo.preflight.finding import Case, Finding, error, note

_PATIENCE_S = 60
_LATEST = "latest_checkpointed_iteration.txt"


def check_reward_function(case: Case[TrainConfig]) -> Iterator[Finding]:
    """Look for the function: verl loads it when all models are loaded. It is read here, not run."""
    reward = case.config.reward
    if reward.server is not None:
        return
    if not reward.function.is_file():
        yield error("reward", f"reward.function={reward.function} is no file", "name the Python file of the reward")
        return
    try:
        names = {
            each.name
            for each in ast.parse(reward.function.read_text(encoding="utf-8")).body
            if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)
        }
    except (SyntaxError, ValueError) as exc:
        yield error("reward", f"{reward.function} is no Python: {exc}", "mend it")
        return
    if reward.name not in names:
        yield error(
            "reward",
            f"{reward.function} has no function {reward.name!r}",
            f"set reward.name to one of {', '.join(sorted(names)) or 'its functions'}",
        )


def check_reward_server(case: Case[TrainConfig]) -> Iterator[Finding]:
    """Ask the server whether it looks: a reward that does not see the picture cannot know the hazard."""
    if case.config.reward.server is None:
        yield note(
            "reward server",
            "the reward is a function: whether it looks at the picture was not checked",
            "see that it does: verl hands it no picture, only extra_info",
        )
        return
    for server in case.config.reward.server.split("|"):
        try:
            told = _ask_health(server)
        except (OSError, ValueError) as exc:
            yield error(
                "reward server",
                f"reward.server={server} gives no answer to GET /health ({exc})",
                "start it, or mend its address",
            )
            continue
        if told.get("sees_pictures") is not True:
            yield error(
                "reward server",
                f"reward.server={server} does not look: another picture changes its reward by "
                f"{told.get('picture_effect')}",
                "serve a model that was trained with the pictures; verl's own reward model gets the text only",
            )


def _ask_health(server: str) -> dict[str, Any]:
    """Return what a server says of itself, also where it says that it is not well.

    Raises:
        OSError, ValueError: It says nothing that can be read.
    """
    try:
        with urllib.request.urlopen(f"{server.rstrip('/')}/health", timeout=_PATIENCE_S) as reply:
            text = reply.read()
    except urllib.error.HTTPError as exc:
        text = exc.read()
    told = json.loads(text)
    if not isinstance(told, dict):
        raise ValueError(f"it says {told!r}")
    return told


def check_resume(case: Case[RunConfig]) -> Iterator[Finding]:
    """Look what would be resumed: a trainer takes up whatever checkpoint lies in the folder, of whichever run."""
    checkpoints = case.folder / "checkpoints"
    latest = checkpoints / _LATEST
    if (case.folder / RUN_FILE).exists():
        try:
            check_same(plan_launch(case.config, case.folder))
        except RunMismatch as exc:
            yield error("resume", str(exc), "give the same config, or --to another folder")
        except TrainingRefused:
            return  # another check says so
    elif latest.exists() or any(checkpoints.glob("checkpoint-*")):
        yield error(
            "resume",
            f"{checkpoints} holds checkpoints and {case.folder} no {RUN_FILE}: the run would go on from them",
            "give --to an empty folder",
        )
    if latest.exists():
        step = latest.read_text().strip()
        if not (checkpoints / f"global_step_{step}").is_dir():
            yield error(
                "resume",
                f"{latest} names step {step}, and there is no folder global_step_{step}",
                "write the number of a step that is there into it",
            )


SHARED: tuple[Callable[[Case[RunConfig]], Iterator[Finding]], ...] = (check_resume,)
RL: tuple[Callable[[Case[TrainConfig]], Iterator[Finding]], ...] = (check_reward_function, check_reward_server)
