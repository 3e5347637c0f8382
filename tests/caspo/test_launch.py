"""Configs, overrides, and runs as child processes; verl is stood in for by a small program under its name."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from training_case import choose, write_data

from caspo.config import PLUGIN, TrainConfig, list_presets, make_config, read_config
from caspo.costs import estimate_cost, write_table
from caspo.errors import PresetUnknown, RunBusy, RunMismatch, TrainingRefused
from caspo.launch import Launch, count_attempts, plan_launch, run_here
from caspo.overrides import list_environment, list_overrides
from caspo.slurm import render_script, write_script

ROOT = Path(__file__).parents[2]
SIZES = ["paper-qwen2.5-vl-7b-16xa100", "paper-qwen3-vl-4b-16xa100", "qwen3-vl-4b-1xh100", "tiny-cpu"]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_data(tmp_path_factory.mktemp("training"))


@pytest.fixture
def verl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program in verl's place: says what it was given, then does what the file `do.py` beside it says."""
    package = tmp_path / "modules" / "verl" / "trainer"
    package.mkdir(parents=True)
    for folder in (package, package.parent):
        (folder / "__init__.py").touch()
    (package / "main_ppo.py").write_text(
        "import json, os, pathlib, sys\n"
        "print(json.dumps({'arguments': sys.argv[1:], 'modules': os.environ['VERL_USE_EXTERNAL_MODULES'],\n"
        "                  'cwd': os.getcwd()}), flush=True)\n"
        "exec((pathlib.Path(__file__).parent / 'do.py').read_text())\n"
    )
    (package / "do.py").touch()
    monkeypatch.setenv("PYTHONPATH", f"{package.parents[1]}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    return package / "do.py"


def read_override(overrides: list[str], name: str) -> str:
    """The value of an override; the last one counts."""
    return [one.partition("=")[2] for one in overrides if one.lstrip("+").partition("=")[0] == name][-1]


# --- configs


def test_importing_them_loads_no_torch_no_verl_and_no_database() -> None:
    asked = (
        "import sys; import caspo.config, caspo.overrides, caspo.launch, caspo.slurm, caspo.preflight, caspo.costs\n"
        "sys.exit(bool({'torch', 'ray', 'verl', 'transformers', 'sqlalchemy'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", asked], check=False).returncode == 0


def test_every_preset_has_its_recommended_variant() -> None:
    assert list_presets() == [name for size in SIZES for name in (size, f"{size}-recommended")]
    for name in list_presets():
        config = make_config({"preset": name})
        recommended = name.endswith("-recommended")
        assert config.chosen_method.teacher == ("frozen_sft" if recommended else "moving")
        assert config.chosen_method.twin_share == (0.45 if recommended else 0)
        assert config.model.patch_size == (16 if config.model.family == "qwen3-vl" else 14)


def test_the_papers_presets_have_the_papers_numbers() -> None:
    for name in SIZES[:2]:
        overrides = list_overrides(make_config({"preset": name}), Path("/run"))
        expected = {
            "data.train_batch_size": "64", "actor_rollout_ref.rollout.n": "32", "data.max_prompt_length": "2048",
            "data.max_response_length": "1024", "actor_rollout_ref.actor.optim.lr": "2e-06", "caspo.lam": "0.3",
            "trainer.total_epochs": "3", "actor_rollout_ref.actor.kl_loss_coef": "0.005", "trainer.nnodes": "2",
            "actor_rollout_ref.model.enable_gradient_checkpointing": "True", "trainer.n_gpus_per_node": "8",
        }  # fmt: skip
        assert {key: read_override(overrides, key) for key in expected} == expected


def test_a_file_goes_before_its_preset_and_options_before_both(tmp_path: Path) -> None:
    file = tmp_path / "run.yaml"
    file.write_text("preset: tiny-cpu\ndata: {folder: data, epochs: 7, seed: 3}\nchanges: {lam: 0.6, beta: 0.01}\n")
    config = read_config(file, {"data": {"seed": 4}})
    assert config.data.folder == tmp_path / "data"
    assert (config.data.epochs, config.data.seed, config.data.prompts_per_step) == (7, 4, 2)
    overrides = list_overrides(config, tmp_path)
    assert read_override(overrides, "caspo.lam") == "0.6"
    assert read_override(overrides, "actor_rollout_ref.actor.kl_loss_coef") == "0.01"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "preset: name one of paper-qwen2.5-vl-7b-16xa100, "),
        ({"preset": "tiny-cpu", "date": {}}, r"date: Extra inputs are not permitted \(got '\{\}'\)"),
        ({"preset": "tiny-cpu", "data": {"epochs": 0}}, r"data.epochs: .*greater than or equal to 1 \(got '0'\)"),
        ({"preset": "tiny-cpu", "changes": {"lamda": 1}}, "caspo.lamda=1: there is no such option"),
        ({"preset": "tiny-cpu", "changes": {"lam": -1}}, "lam: Input should be greater than or equal to 0"),
        ({"preset": "tiny-cpu", "modules": []}, f"lack {PLUGIN}"),
    ],
)
def test_what_cannot_be_used_is_named(given: dict[str, Any], said: str) -> None:
    with pytest.raises(TrainingRefused, match=said):
        make_config(given)


def test_a_preset_that_does_not_exist() -> None:
    with pytest.raises(PresetUnknown, match="'tiny-gpu' is unknown; known: paper-qwen"):
        make_config({"preset": "tiny-gpu"})


def test_a_name_that_verl_would_resolve_is_refused() -> None:
    config = make_config({"preset": "tiny-cpu", "model": {"path": "/models/${HOME}"}})
    with pytest.raises(TrainingRefused, match="holds `\\$\\{`"):
        list_overrides(config, Path("/run"))


def test_float32_where_log_probabilities_come_so_and_every_machine_imports_the_plugin() -> None:
    tiny = list_overrides(make_config({"preset": "tiny-cpu"}), Path("/run"))
    assert read_override(tiny, "actor_rollout_ref.ref.fsdp_config.model_dtype") == "fp32"
    assert read_override(tiny, "actor_rollout_ref.actor.fsdp_config.mixed_precision").startswith("{param_dtype:fp32")
    large = make_config({"preset": SIZES[0]})
    overrides = list_overrides(large, Path("/run"))
    assert not any("mixed_precision" in one for one in overrides)
    name = "ray_kwargs.ray_init.runtime_env.env_vars.VERL_USE_EXTERNAL_MODULES"
    assert read_override(overrides, name) == PLUGIN
    assert list_environment(large)["RAY_ADDRESS"] == "auto"


def test_without_a_preset_the_fields_that_nobody_knows_are_named() -> None:
    with pytest.raises(TrainingRefused, match=r"paper-qwen3-vl-4b-16xa100-recommended.*unknown are presett"):
        make_config({"presett": "tiny-cpu", "data": {}})


def test_a_change_of_the_method_that_cannot_be_is_named_alone() -> None:
    with pytest.raises(TrainingRefused, match=r"^lam: Input should be greater than or equal to 0 \(got '-1'\)$"):
        make_config({"preset": "tiny-cpu", "changes": {"lam": -1}})


def test_what_is_held_out_is_looked_at_before_the_first_step_too(tmp_path: Path) -> None:
    def look(**logging: int) -> tuple[str, str]:
        given = {"preset": "qwen3-vl-4b-1xh100", "data": {"folder": str(tmp_path)}, "logging": logging}
        overrides = list_overrides(make_config(given), tmp_path)
        assert read_override(overrides, "actor_rollout_ref.rollout.val_kwargs.temperature") == "0.9"
        assert read_override(overrides, "actor_rollout_ref.rollout.val_kwargs.do_sample") == "True"
        return read_override(overrides, "trainer.test_freq"), read_override(overrides, "trainer.val_before_train")

    assert look() == ("-1", "False")  # there is no val.parquet
    (tmp_path / "val.parquet").touch()
    assert look() == ("25", "True")
    assert look(test_every=-1) == ("-1", "False")


@pytest.mark.parametrize(
    ("reward", "manager"),
    [({"function": "reward.py"}, "TwinRewardManager"), ({"server": "http://a:1"}, "PictureRewardManager")],
)
def test_the_reward_manager_tells_twins_apart(tmp_path: Path, reward: dict[str, str], manager: str) -> None:
    overrides = list_overrides(make_config({"preset": "tiny-cpu", "reward": reward}), tmp_path)
    assert read_override(overrides, "reward.reward_manager.name") == manager
    assert read_override(overrides, "reward.reward_manager.module.path").strip('"') == "pkg://caspo.verl_plugin.rewards"


def test_a_reward_is_a_function_or_a_server(tmp_path: Path) -> None:
    config = make_config({"preset": "tiny-cpu", "reward": {"server": "http://a:1|http://b:2"}})
    overrides = list_overrides(config, tmp_path)
    name = "reward.custom_reward_function"
    assert read_override(overrides, f"{name}.reward_kwargs.url") == "'http://a:1|http://b:2'"
    assert read_override(overrides, f"{name}.path") == "pkg://caspo.verl_rewards"
    with pytest.raises(TrainingRefused, match="give one"):
        make_config({"preset": "tiny-cpu", "reward": {"server": "http://a:1", "function": "r.py"}})


# --- runs


def plan(folder: Path, home: Path, **given: Any) -> Launch:
    return plan_launch(choose(folder, home, **given), home / "run")


def test_a_run_is_pinned_logged_and_resumed_by_the_same_command(verl: Path, data: Path, tmp_path: Path) -> None:
    launch = plan(data, tmp_path)
    lines: list[str] = []
    assert run_here(launch, tell=lines.append) == 0
    said = json.loads(lines[0])
    assert said["arguments"] == list(launch.overrides)
    assert said["modules"] == "cpu_platform,generate_rollout,caspo.verl_plugin.trainer"
    assert said["cwd"] == str(tmp_path / "run")
    told = json.loads((tmp_path / "run" / "run.json").read_bytes())
    manifest = json.loads((data / "manifest.json").read_bytes())
    for name in ("release_digest", "constitution_sha256"):
        assert told[name] == manifest[name]
    assert told["train_sha256"] == manifest["files"]["train.parquet"]["sha256"]
    assert told["config_sha256"] == launch.config.sha256
    assert set(told["packages"]) >= {"verl", "torch", "transformers", "vllm"}
    again = TrainConfig.model_validate(yaml.safe_load((tmp_path / "run" / "config.yaml").read_text()))
    assert again == launch.config
    assert run_here(plan(data, tmp_path)) == 0
    assert (tmp_path / "run" / "log-2.txt").read_text() == (tmp_path / "run" / "log-1.txt").read_text()
    assert json.loads((tmp_path / "run" / "run.json").read_bytes()) == told


@pytest.mark.parametrize(
    ("given", "differs"),
    [({"changes": {"lam": 0.6}}, "method is"), ({"data": {"seed": 1}}, "config_sha256 is")],
)
def test_another_run_does_not_get_into_the_folder(
    given: dict[str, Any], differs: str, verl: Path, data: Path, tmp_path: Path
) -> None:
    run_here(plan(data, tmp_path))
    with pytest.raises(RunMismatch, match=differs):
        run_here(plan(data, tmp_path, **given))
    assert count_attempts(tmp_path / "run") == 1


def test_a_failure_is_told_by_its_code_and_noted(verl: Path, data: Path, tmp_path: Path) -> None:
    verl.write_text("sys.exit('no GPU')")
    lines: list[str] = []
    assert run_here(plan(data, tmp_path), tell=lines.append) == 1
    assert lines[-1] == "no GPU"
    last = json.loads((tmp_path / "run" / "attempts.jsonl").read_text().splitlines()[-1])
    assert (last["event"], last["code"]) == ("ended", 1)


def test_two_processes_do_not_train_in_one_folder(verl: Path, data: Path, tmp_path: Path) -> None:
    launch = plan(data, tmp_path)

    def start_another(line: str) -> None:
        with pytest.raises(RunBusy, match="another process trains in"):
            run_here(launch)
        tried.append(line)

    tried: list[str] = []
    run_here(launch, tell=start_another)
    assert len(tried) == 1


def test_ending_it_ends_verl_and_what_that_started(verl: Path, data: Path, tmp_path: Path) -> None:
    verl.write_text(
        "import subprocess, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "print(json.dumps([os.getpid(), child.pid]), flush=True)\ntime.sleep(600)\n"
    )
    started: list[int] = []

    def end(line: str) -> None:
        if line.startswith("["):
            started.extend(json.loads(line))
            os.kill(os.getpid(), signal.SIGTERM)

    assert run_here(plan(data, tmp_path), tell=end) == -signal.SIGTERM
    while any(_runs(pid) for pid in started):  # killed, and perhaps not gone yet; the test's own limit ends this
        time.sleep(0.01)
    assert len(started) == 2


def test_being_ended_while_verl_is_being_started_leaves_none_behind(
    verl: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    verl.write_text("import time\ntime.sleep(600)\n")
    start, started = subprocess.Popen, []

    def start_and_be_ended(*words: Any, **more: Any) -> Any:
        started.append(start(*words, **more))
        os.kill(os.getpid(), signal.SIGTERM)
        return started[0]

    def stop(*_: object) -> None:
        raise InterruptedError

    monkeypatch.setattr(subprocess, "Popen", start_and_be_ended)
    before = signal.signal(signal.SIGTERM, stop)
    try:
        assert run_here(plan(data, tmp_path)) == -signal.SIGTERM
    finally:
        signal.signal(signal.SIGTERM, before)
        started[0].kill()


def test_none_begins_beside_a_verl_whose_parent_was_killed(verl: Path, data: Path, tmp_path: Path) -> None:
    verl.write_text("import time\nprint(f'[{os.getpid()}]', flush=True)\ntime.sleep(600)\n")
    launch = plan(data, tmp_path)
    reader, writer = os.pipe()
    parent = os.fork()
    if not parent:
        run_here(launch, tell=lambda line: _send(writer, line))
        os._exit(0)
    (orphan,) = json.loads(os.read(reader, 100))
    os.kill(parent, signal.SIGKILL)
    os.waitpid(parent, 0)
    with pytest.raises(RunBusy, match="another process trains in"):
        run_here(launch)
    os.kill(orphan, signal.SIGKILL)
    while _runs(orphan):  # its lock goes with it; the test's own limit ends this
        time.sleep(0.01)
    verl.write_text("")
    assert run_here(launch) == 0


def _send(writer: int, line: str) -> None:
    if line.startswith("["):
        os.write(writer, line.encode())


def _runs(pid: int) -> bool:
    """Whether a process is there and is no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def test_what_is_missing_is_named_before_anything_is_written(data: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingRefused, match=r"model\.path is not given"):
        plan(data, tmp_path, model={"path": ""})
    with pytest.raises(TrainingRefused, match=r"neither reward\.function nor"):
        plan(data, tmp_path, reward={"function": "."})
    with pytest.raises(TrainingRefused, match=r"no training data: its manifest\.json cannot be read"):
        plan(tmp_path, tmp_path)
    assert not (tmp_path / "run").exists()


# --- Slurm, costs


def test_a_slurm_script_is_bash_and_starts_the_same_command(data: Path, tmp_path: Path) -> None:
    small, large = (plan(data, tmp_path, preset=name) for name in (SIZES[2], SIZES[0]))
    path = write_script(large, hours=12)
    assert subprocess.run(["bash", "-n", path], check=False).returncode == 0
    text = path.read_text()
    for line in ("#SBATCH --nodes=2", "#SBATCH --gpus-per-node=8", "#SBATCH --time=12:00:00"):
        assert line in text.splitlines()
    assert "ray start --head" in text
    assert (tmp_path / "run" / "run.json").exists()
    alone = render_script(small, hours=1)
    assert "ray start" not in alone
    command = alone[alone.index(f"{sys.executable} -m") :]
    shown = subprocess.run(["bash", "-c", f"printf '%s\\n' {command}"], capture_output=True, text=True, check=True)
    assert tuple(shown.stdout.splitlines()) == small.command


def test_the_costs_are_those_of_the_documentation() -> None:
    assert write_table() in (ROOT / "docs" / "training.md").read_text(encoding="utf-8")
    cost = estimate_cost(make_config({"preset": SIZES[0]}))
    # 306 steps of 2,048 answers: 2 x 8.3e9 x (7 x 1,200 + 1,600) operations each.
    assert cost.steps == 306
    assert cost.exaflops == pytest.approx(306 * 2048 * 2 * 8.3e9 * (7 * 1200 + 1600) / 1e18)
    outcome = estimate_cost(make_config({"preset": SIZES[0], "changes": {"mode": "outcome"}}))
    assert outcome.exaflops < cost.exaflops
