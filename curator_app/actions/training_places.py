"""What a training may name when it is asked for in the browser, where nobody may reach for any file of the server.

Training data is a folder that was prepared in the workspace. A model lies in the workspace, or in a folder that the
settings name. A reward is a Python file, which then runs, of a folder that the settings name, or a server that they
name.
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from caspo.config import DataPart, LoggingPart, MachinePart, ModelPart, SamplingPart, TrainConfig, UpdatePart
from caspo.errors import CaspoError
from caspo.launch import read_manifest
from curator_app.actions.training_data import FOLDER as DATA
from curator_app.actions.training_runs import TrainingNotStarted
from curator_app.settings import Settings
from curator_app.workspace import Workspace
from storage.strict_yaml import read_yaml

MODELS = "models"
REWARDS = "rewards"
MAX_CHANGES = 20_000
"""Characters."""
MOST = 200
"""Models that are offered."""
ALLOWED: Mapping[str, frozenset[str]] = {
    "model": frozenset(ModelPart.model_fields) - {"path"},
    "data": frozenset(DataPart.model_fields) - {"folder"},
    "update": frozenset(UpdatePart.model_fields),
    "machine": frozenset(MachinePart.model_fields),
    "sampling": frozenset(SamplingPart.model_fields) - {"engine"},
    "reward": frozenset({"workers"}),
    "logging": frozenset(LoggingPart.model_fields),
}
"""What else of a config may be given, part by part; the options of the method and `storage_units` may, too."""


def list_data(workspace: Workspace) -> list[str]:
    """Return the names of the prepared folders, the newest first."""
    found = [path.parent for path in (workspace.settings.home / DATA).glob("[!.]*/manifest.json")]
    return [path.name for path in sorted(found, key=lambda path: (-path.stat().st_mtime, path.name))]


def find_data(workspace: Workspace, name: str) -> Path:
    """Return the folder of training data.

    Raises:
        TrainingNotStarted: there is none of that name.
    """
    known = list_data(workspace)
    if name not in known:
        told = ", ".join(known) or "none yet; make some on the page Training data"
        raise TrainingNotStarted(f"there is no training data {name[:80]!r} in the workspace; there is: {told}")
    folder = workspace.settings.home / DATA / name
    try:
        read_manifest(folder)
    except CaspoError as exc:
        raise TrainingNotStarted(str(exc)) from exc
    return folder


def list_models(workspace: Workspace) -> list[str]:
    """Return folders of models that are offered: those in `models` of the workspace, and in the settings' folders."""
    settings = workspace.settings
    roots = [settings.home / MODELS, *_split(settings.model_folders)]
    return [_name(path, settings.home) for root in roots for path in _list_model_folders(root)][:MOST]


def _name(path: Path, home: Path) -> str:
    """Return what a path is called: from the workspace on, where it lies there."""
    return str(path.relative_to(home) if path.is_relative_to(home) else path)


def _list_model_folders(root: Path) -> Iterator[Path]:
    for pattern in ("config.json", "*/config.json", "*/*/config.json"):
        yield from sorted(path.parent for path in root.glob(pattern))


def find_model(workspace: Workspace, text: str, *, field: str = "model") -> Path:
    """Return the folder of a model; a path that is not whole is one of the workspace.

    Raises:
        TrainingNotStarted: it lies elsewhere, or is no folder of a model.
    """
    home = workspace.settings.home
    if not text.strip() or "\x00" in text:
        raise TrainingNotStarted(f"{field}: no model is named; give the folder of the model after SFT")
    folder = (home / text.strip()).resolve()
    roots = [home.resolve(), *(root.resolve() for root in _split(workspace.settings.model_folders))]
    if not any(folder.is_relative_to(root) for root in roots):
        raise TrainingNotStarted(
            f"{field}: {text.strip()[:200]} lies neither in the workspace nor in a folder of CURATOR_MODEL_FOLDERS; "
            f"put it into {home / MODELS}, or let who runs the server name its folder there"
        )
    if not (folder / "config.json").is_file():
        raise TrainingNotStarted(f"{field}: {text.strip()[:200]} holds no config.json; give the folder of a model")
    return folder


def list_rewards(workspace: Workspace) -> list[str]:
    """Return what may be the reward: Python files, then addresses of servers."""
    return [*_list_functions(workspace.settings), *workspace.settings.reward_servers.split()]


def _list_functions(settings: Settings) -> dict[str, Path]:
    """Return the files of the settings' folders by name; a link that leads out of its folder is not one of them."""
    roots = [settings.home / REWARDS, *_split(settings.reward_folders)]
    return {
        _name(path, settings.home): path
        for root in roots
        for path in sorted(root.glob("*.py"))
        if path.is_file() and path.resolve().is_relative_to(root.resolve())
    }


def find_reward(workspace: Workspace, chosen: str) -> dict[str, Any]:
    """Return the fields of the reward part.

    Raises:
        TrainingNotStarted: it is none of those that may be.
    """
    known = list_rewards(workspace)
    if chosen not in known:
        told = ", ".join(known) or (
            f"none yet: put a Python file into {workspace.settings.home / REWARDS}, or let who runs the server name "
            "folders in CURATOR_REWARD_FOLDERS or servers in CURATOR_REWARD_SERVERS"
        )
        raise TrainingNotStarted(f"the reward {chosen[:200]!r} is not allowed here; allowed are {told}")
    function = _list_functions(workspace.settings).get(chosen)
    return {"server": chosen} if function is None else {"function": str(function)}


def read_changes(workspace: Workspace, text: str) -> dict[str, Any]:
    """Return the further fields of a config, from YAML.

    Raises:
        TrainingNotStarted: it cannot be read, or names what may not be set in the browser.
    """
    if len(text) > MAX_CHANGES:
        raise TrainingNotStarted(f"the changes have {len(text):,} characters; use at most {MAX_CHANGES:,}")
    try:
        content = read_yaml(text) if text.strip() else {}
    except ValueError as exc:
        raise TrainingNotStarted(f"the changes cannot be read: {exc}") from exc
    if not isinstance(content, dict):
        raise TrainingNotStarted("the changes hold no fields; write them as in a config file, `data: {steps: 100}` say")
    for part, value in content.items():
        _check_part(str(part), value)
    if isinstance(method := content.get("changes"), dict) and isinstance(given := method.get("original_model"), str):
        found = find_model(workspace, given, field="changes.original_model")
        content["changes"] = method | {"original_model": str(found)}
    return content


def _check_part(part: str, value: Any) -> None:
    if part in ("changes", "storage_units"):
        return
    if part not in ALLOWED:
        known = ", ".join([*ALLOWED, "changes", "storage_units"])
        why = "has a field of its own" if part in ("preset", "method") else "cannot be set in the browser"
        if part not in TrainConfig.model_fields:
            why = "is no field of a config"
        raise TrainingNotStarted(
            f"{part[:80]} {why}; here may stand {known}. `curator caspo train` takes a whole config"
        )
    if not isinstance(value, dict):
        raise TrainingNotStarted(f"{part}: {str(value)[:80]!r} are no fields; write `{part}: {{NAME: VALUE}}`")
    if barred := sorted(map(str, value.keys() - ALLOWED[part])):
        raise TrainingNotStarted(
            f"{part}.{barred[0][:80]} cannot be set here; of {part} may be set {', '.join(sorted(ALLOWED[part]))}"
        )


def _split(folders: str) -> list[Path]:
    return [Path(one).expanduser() for one in folders.split(os.pathsep) if one]
