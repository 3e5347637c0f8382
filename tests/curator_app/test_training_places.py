"""What may be named in the browser: no file of the server but those that are there for it, no code but allowed one."""

from pathlib import Path

import pytest
from trainings_here import add_material

from curator_app.actions import training_places
from curator_app.actions.training_jobs import make_request
from curator_app.actions.training_runs import TrainingNotStarted
from curator_app.settings import Settings
from curator_app.workspace import Workspace, open_workspace


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder beside the workspace, with a model and a reward."""
    folder = tmp_path / "outside"
    (folder / "model").mkdir(parents=True)
    (folder / "model" / "config.json").write_text("{}")
    (folder / "evil.py").write_text("def compute_score(*_, **__): ...\n")
    return folder


def reopen(workspace: Workspace, **settings: str) -> Workspace:
    return open_workspace(Settings(home=workspace.settings.home, **settings))


def test_a_model_lies_in_the_workspace_or_in_a_folder_of_the_settings(workspace: Workspace, outside: Path) -> None:
    add_material(workspace, outside)
    home = workspace.settings.home
    assert training_places.find_model(workspace, "models/tiny") == home / "models" / "tiny"
    assert training_places.find_model(workspace, str(home / "models" / "tiny")) == home / "models" / "tiny"
    (home / "models" / "linked").symlink_to(outside / "model")
    for text in (
        str(outside / "model"),
        "../outside/model",
        "models/linked",
        "/etc",
        "/nowhere",
        "models/../../x",
    ):
        with pytest.raises(TrainingNotStarted, match="lies neither in the workspace nor in a folder of CURATOR_MODEL_"):
            training_places.find_model(workspace, text)
    for text, told in ((" ", "no model is named"), ("a\x00b", "no model is named"), ("models", "holds no config.json")):
        with pytest.raises(TrainingNotStarted, match=told):
            training_places.find_model(workspace, text)
    allowed = reopen(workspace, model_folders=f"{outside}:/nowhere")
    assert training_places.find_model(allowed, str(outside / "model")) == outside / "model"
    assert str(outside / "model") in training_places.list_models(allowed)
    assert training_places.list_models(workspace) == ["models/linked", "models/tiny"]
    allowed.close()


def test_a_reward_is_a_file_of_an_allowed_folder_or_an_allowed_server(workspace: Workspace, outside: Path) -> None:
    asked = add_material(workspace, outside)
    home = workspace.settings.home
    assert training_places.list_rewards(workspace) == [asked.reward]
    assert training_places.find_reward(workspace, asked.reward) == {"function": str(home / asked.reward)}
    (home / "rewards" / "linked.py").symlink_to(outside / "evil.py")
    (home / "training-data" / "evil.py").write_text("")
    for chosen in (
        str(outside / "evil.py"), str(home / "rewards" / "linked.py"), str(home / "rewards" / ".." / "rewards" / "x"),
        str(home / "training-data" / "evil.py"), "http://169.254.169.254/", "", "reward.py", "rewards/linked.py",
        "training-data/evil.py", "rewards/../rewards/reward.py", "rewards",
    ):  # fmt: skip
        with pytest.raises(TrainingNotStarted, match="is not allowed here; allowed are"):
            training_places.find_reward(workspace, chosen)
    allowed = reopen(workspace, reward_folders=str(outside), reward_servers="http://reward:8000 http://b|http://c")
    assert training_places.find_reward(allowed, str(outside / "evil.py")) == {"function": str(outside / "evil.py")}
    assert training_places.find_reward(allowed, "http://reward:8000") == {"server": "http://reward:8000"}
    assert training_places.find_reward(allowed, "http://b|http://c") == {"server": "http://b|http://c"}
    allowed.close()


def test_training_data_is_named_and_lies_in_the_workspace(workspace: Workspace, outside: Path) -> None:
    asked = add_material(workspace, outside)
    home = workspace.settings.home
    assert training_places.find_data(workspace, asked.data) == home / "training-data" / asked.data
    for name in ("../outside", str(outside), "", "v2"):
        with pytest.raises(TrainingNotStarted, match=r"there is no training data .*; there is: v1\.0-seed-0"):
            training_places.find_data(workspace, name)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ("modules: [os]", "modules cannot be set in the browser"),
        ("environment: {LD_PRELOAD: /tmp/x.so}", "environment cannot be set in the browser"),
        ("overrides: [a=b]", "overrides cannot be set in the browser"),
        ("preset: tiny-cpu", "preset has a field of its own"),
        ("reward: {function: /tmp/evil.py}", "reward.function cannot be set here; of reward may be set workers"),
        ("reward: {arguments: {path: /etc/passwd}}", "reward.arguments cannot be set here"),
        ("model: {path: /etc}", "model.path cannot be set here"),
        ("data: {folder: /etc}", "data.folder cannot be set here"),
        ("sampling: {engine: evil}", "sampling.engine cannot be set here"),
        ("changes: {teacher: frozen_original, original_model: /etc}", "changes.original_model: /etc lies neither"),
        ("lam: 0.6", "lam is no field of a config"),
        ("changes: {lamb: 0.6}", "there is no such option"),
        ("data: {steps: none}", "data.steps"),
        ("data: 3", "'3' are no fields"),
        ("- data", "the changes hold no fields"),
        ("a: [", "the changes cannot be read"),
        ("x" * 20_001, "20,001 characters"),
    ],
)
def test_what_would_run_code_or_name_a_path_cannot_be_set(
    workspace: Workspace, outside: Path, changes: str, told: str
) -> None:
    from dataclasses import replace

    asked = replace(add_material(workspace, outside), changes=changes)
    with pytest.raises(TrainingNotStarted) as refused:
        make_request(workspace, asked)
    assert told in str(refused.value)


def test_what_only_trains_otherwise_can_be_set(workspace: Workspace, outside: Path) -> None:
    from dataclasses import replace

    from curator_app.actions.training_runs import make_training

    changes = (
        "data: {steps: 7}\nchanges: {lam: 0.6, teacher: frozen_original, original_model: models/tiny}\n"
        "update: {learning_rate: 1.0e-6}\nreward: {workers: 2}\nstorage_units: 2"
    )
    asked = replace(add_material(workspace, outside), changes=changes)
    home = workspace.settings.home
    config, folder = make_training(home, make_request(workspace, asked))
    assert folder == home / "training-runs" / "first"
    assert (config.data.steps, config.storage_units, config.reward.workers) == (7, 2, 2)
    assert config.choose().original_model == str(home / "models" / "tiny")
    assert (config.model.path, config.data.folder) == (
        str(home / "models" / "tiny"), home / "training-data" / "v1.0-seed-0"
    )  # fmt: skip
    assert config.reward.function == home / asked.reward
