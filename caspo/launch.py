"""Starts a training on this machine: RL or SFT on verl, or DPO. No torch, ray or verl here: a child process has them.

A run is a folder:

FOLDER/
  run.json       what the run is pinned to; a folder holds one run, and the same command again resumes it
  config.yaml    the config, whole
  log-1.txt      what the trainer printed; log-2.txt after a resume
  attempts.jsonl one line a start, one an end, one each time it is given to a Ray cluster
  checkpoints/ hydra/ tensorboard_log/    the trainer's
"""

import json
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import yaml

from caspo.config import RunConfig, Stage, TrainConfig
from caspo.dpo.config import DpoConfig
from caspo.errors import RunBusy, RunMismatch, TrainingRefused
from caspo.overrides import list_environment, list_joining, list_overrides
from caspo.sft import SftConfig, list_sft_environment, list_sft_overrides
from storage.locks import hold_lock
from storage.release_files import hash_file
from storage.texts import canonical_json, hash_json, utc_now
from storage.whole_files import write_whole

FORMAT = "ood-mmsafe-training-run/1"
RUN_FILE = "run.json"
ATTEMPTS = "attempts.jsonl"
PINNED = (
    "ood-mmsafe-curator", "verl", "torch", "transformers", "vllm", "ray", "TransferQueue", "tensordict", "flash-attn",
    "accelerate", "trl",
)  # fmt: skip
VALIDATION = "caspo.verl_plugin.validation"
LIBRARIES: Mapping[Stage, str] = {"train": "verl", "sft": "verl", "dpo": "trl"}
"""What trains."""


@dataclass(frozen=True)
class Launch:
    """A run that may be started."""

    folder: Path
    program: tuple[str, ...]
    overrides: tuple[str, ...]
    """What the program is told: Hydra's, with verl."""
    environment: Mapping[str, str]
    """Beside what is inherited."""
    run: Mapping[str, Any]
    """What `run.json` says."""
    config: RunConfig

    @property
    def command(self) -> tuple[str, ...]:
        """Program and overrides."""
        return (*self.program, *self.overrides)

    def describe_files(self) -> list[str]:
        """Return what a start would write."""
        number = count_attempts(self.folder) + 1
        names = [] if (self.folder / RUN_FILE).exists() else [RUN_FILE, "config.yaml"]
        return [str(self.folder / name) for name in (*names, f"log-{number}.txt", ATTEMPTS, "checkpoints/")]

    def write_command(self) -> str:
        """Return the command for a shell, an argument a line."""
        told = [f"{name}={shlex.quote(value)}" for name, value in self.environment.items()]
        words = [*told, shlex.join(self.program), *(shlex.quote(one) for one in self.overrides)]
        return " \\\n    ".join(words)


def plan_launch(config: RunConfig, folder: Path) -> Launch:
    """Return the run of a config in a folder, and write nothing.

    Raises:
        TrainingRefused: The training data has no manifest, or the model or the reward is not named.
    """
    folder = folder.absolute()
    if not config.model.path:
        which = "the model after SFT" if config.stage == "train" else "the model to start from"
        raise TrainingRefused(f"model.path is not given; name the folder of {which}")
    program, overrides, environment = _find_program(config, folder)
    return Launch(
        folder=folder,
        program=(sys.executable, "-m", *program),
        overrides=tuple(overrides),
        environment=environment,
        run=_pin(config, overrides),
        config=config,
    )


def _find_program(config: RunConfig, folder: Path) -> tuple[tuple[str, ...], list[str], dict[str, str]]:
    """Return what is run with Python's `-m`, what it is told, and in which environment."""
    if isinstance(config, TrainConfig):
        if config.reward.server is None and not config.reward.function.suffix:
            raise TrainingRefused("neither reward.function nor reward.server is given; name a Python file, or a server")
        return ("verl.trainer.main_ppo",), list_overrides(config, folder), list_environment(config)
    processes = ("torch.distributed.run", "--standalone", f"--nproc-per-node={config.machine.gpus_per_node}", "-m")
    if isinstance(config, SftConfig):
        told = list_sft_overrides(config, folder), list_sft_environment(config, folder)
        return (*processes, "verl.trainer.sft_trainer"), *told
    assert isinstance(config, DpoConfig)
    return (*processes, "caspo.dpo"), [str(folder)], dict(config.environment)


def _pin(config: RunConfig, overrides: list[str]) -> dict[str, Any]:
    """Return what makes the run this one: changing any of it makes another."""
    manifest = read_manifest(config.data.folder)
    found: dict[str, Any] = {"format": FORMAT, "stage": config.stage, "preset": config.preset}
    if isinstance(config, TrainConfig):
        function = config.reward.function
        found["method"] = config.chosen_method.model_dump(mode="json")
        found["reward_sha256"] = hash_file(function)["sha256"] if function.is_file() else None
    return found | {
        "release_digest": manifest.get("release_digest"),
        "constitution_sha256": manifest.get("constitution_sha256"),
        "data_config_sha256": manifest.get("config_sha256"),
        "train_sha256": manifest.get("files", {}).get(config.table, {}).get("sha256"),
        "config_sha256": config.sha256,
        "overrides_sha256": hash_json(overrides),
        "packages": {name: find_version(name) for name in PINNED},
        "python": sys.version.split()[0],
    }


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return the manifest of training data.

    Raises:
        TrainingRefused: There is none.
    """
    try:
        content = json.loads((folder / "manifest.json").read_bytes())
    except (OSError, ValueError) as exc:
        raise TrainingRefused(
            f"{folder} is no training data: its manifest.json cannot be read ({exc}); `curator caspo prepare` makes "
            "one, and data.folder names it"
        ) from exc
    if not isinstance(content, dict):
        raise TrainingRefused(f"{folder}/manifest.json holds no object; make the training data anew")
    return content


def find_version(package: str) -> str | None:
    """Return the installed version; None: it is not installed."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def check_same(launch: Launch) -> None:
    """Refuse a folder that holds another run.

    Raises:
        RunMismatch: See above; the message names what differs.
    """
    path = launch.folder / RUN_FILE
    if not path.exists():
        return
    try:
        before = json.loads(path.read_bytes())
    except (OSError, ValueError) as exc:
        raise RunMismatch(f"{path} cannot be read ({exc}); choose another folder with --to") from exc
    for name, value in json.loads(json.dumps(dict(launch.run))).items():
        if before.get(name) != value:
            raise RunMismatch(
                f"{launch.folder} holds a run whose {name} is {_shorten(before.get(name))}, and not "
                f"{_shorten(value)}: give what it was started with to resume it, or another folder with --to"
            )


def _shorten(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 300 else f"{text[:300]}..."


def write_run(launch: Launch) -> None:
    """Write what the run is pinned to, unless it is there.

    Raises:
        RunMismatch: The folder holds another run.
    """
    check_same(launch)
    if (launch.folder / RUN_FILE).exists():
        return
    whole = yaml.safe_dump(launch.config.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
    write_whole(launch.folder / "config.yaml", whole)
    told = {**launch.run, "command": list(launch.command), "environment": dict(launch.environment)}
    told["started_at"] = utc_now().isoformat()
    write_whole(launch.folder / RUN_FILE, json.dumps(told, indent=2, ensure_ascii=False) + "\n")


def run_here(launch: Launch, *, tell: Callable[[str], None] | None = None) -> int:
    """Run the trainer as a child to its end, or go on where its last checkpoint stands, and return its exit code.

    Its output goes into a log file and, line by line, to `tell`. Ctrl-C and SIGTERM end verl and all that it started,
    a second one at once. verl holds the folder's lock, too, so that none begins beside one whose parent was killed.

    Raises:
        RunBusy: Another process runs in the folder.
        RunMismatch: The folder holds another run.
    """
    busy = RunBusy(f"another process trains in {launch.folder}; wait until it is done, or end it")
    with hold_lock(launch.folder / ".training", busy=busy) as lock:
        write_run(launch)
        number = count_attempts(launch.folder) + 1
        log = launch.folder / f"log-{number}.txt"
        note_event(launch.folder, {"attempt": number, "event": "started", "log": log.name})
        code = _run_child(launch, log, tell or (lambda line: None), lock)
        note_event(launch.folder, {"attempt": number, "event": "ended", "code": code})
    return code


def _run_child(launch: Launch, log: Path, tell: Callable[[str], None], lock: int) -> int:
    with log.open("w", encoding="utf-8") as file, _signals_held_back() as let_them_come:
        joining = list_joining(launch.config, os.environ) if isinstance(launch.config, TrainConfig) else []
        command = (*launch.command, *joining)
        child = subprocess.Popen(
            command, env={**os.environ, **launch.environment}, cwd=launch.folder, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, errors="replace", start_new_session=True, pass_fds=(lock,),
        )  # fmt: skip
        try:
            let_them_come()
            assert child.stdout is not None
            for line in child.stdout:
                file.write(line)
                file.flush()
                tell(line.rstrip("\n"))
            return child.wait()
        except KeyboardInterrupt:
            tell(f"ending {LIBRARIES[launch.config.stage]}")
            os.killpg(child.pid, signal.SIGTERM)
            child.communicate()
            return child.returncode
        finally:
            if child.poll() is None:
                os.killpg(child.pid, signal.SIGKILL)


@contextmanager
def _signals_held_back() -> Iterator[Callable[[], None]]:
    """Let Ctrl-C and SIGTERM raise KeyboardInterrupt, but not before what is yielded is called.

    One that came while the child is being started would leave it alone.
    """
    held, asked = True, False

    def interrupt(*_: object) -> None:
        nonlocal asked
        asked = True
        if not held:
            raise KeyboardInterrupt

    def let_them_come() -> None:
        nonlocal held
        held = False
        if asked:
            raise KeyboardInterrupt

    kinds = [signal.SIGTERM]
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # a shell's background job ignores it
        kinds.append(signal.SIGINT)
    before = {kind: signal.signal(kind, interrupt) for kind in kinds}
    try:
        yield let_them_come
    finally:
        for kind, handler in before.items():
            signal.signal(kind, handler)


def count_attempts(folder: Path) -> int:
    """Return how often a run was started."""
    return len(list(folder.glob("log-*.txt")))


def note_event(folder: Path, what: Mapping[str, Any]) -> None:
    """Append a line to the folder's `attempts.jsonl`."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ATTEMPTS).open("a", encoding="utf-8") as file:
        file.write(canonical_json({**what, "at": utc_now().isoformat()}) + "\n")


def validate(*sets: tuple[str, ...], stage: Stage = "train") -> list[str | None] | None:
    """Return what verl has against each set of overrides, None where nothing; None altogether: verl is not installed.

    Raises:
        TrainingRefused: Asking verl failed.
    """
    return _ask("verl", [VALIDATION, stage], sets)


def validate_launch(launch: Launch) -> list[str | None] | None:
    """Return what the library that trains has against a run, as `validate` does.

    Raises:
        TrainingRefused: Asking it failed.
    """
    if isinstance(launch.config, DpoConfig):
        asked = {"config": launch.config.model_dump(mode="json"), "folder": str(launch.folder)}
        return _ask("trl", ["caspo.dpo", "--validate"], asked)
    return validate(launch.overrides, stage=launch.config.stage)


def _ask(library: str, program: list[str], question: Any) -> list[str | None] | None:
    if find_version(library) is None:
        return None
    child = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", *program], input=json.dumps(question), capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    if child.returncode:
        raise TrainingRefused(f"{library} could not be asked whether it takes the config: {child.stderr[-2000:]}")
    complaints: list[str | None] = json.loads(child.stdout)
    return complaints
