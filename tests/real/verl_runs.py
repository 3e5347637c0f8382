"""Real runs of `python -m verl.trainer.main_ppo` on this CPU, with what is written for that under `verl_here`."""

import io
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image, ImageDraw

from caspo.constitution import list_constitutions

HERE = Path(__file__).parent / "verl_here"
ROOT = Path(__file__).parents[2]
PATIENCE_S = 1500
"""A run takes about 75 s with warm files on two free cores."""
MODULES = "cpu_platform,generate_rollout,caspo.verl_plugin.trainer,dumping_trainer"
SINGLE = "{param_dtype:fp32,reduce_dtype:fp32,buffer_dtype:fp32}"

COMMON = (
    "algorithm.adv_estimator=grpo", "algorithm.use_kl_in_reward=False", "data.shuffle=False",
    "data.dataloader_num_workers=0", "data.max_prompt_length=256", "data.max_response_length=16",
    "actor_rollout_ref.model.use_remove_padding=False",
    "+actor_rollout_ref.model.override_config.attn_implementation=eager",
    "actor_rollout_ref.actor.strategy=fsdp2", "actor_rollout_ref.actor.use_torch_compile=False",
    "actor_rollout_ref.actor.use_kl_loss=True", "actor_rollout_ref.actor.kl_loss_coef=0.005",
    "actor_rollout_ref.actor.optim.lr=1e-3", f"+actor_rollout_ref.actor.fsdp_config.mixed_precision={SINGLE}",
    f"+actor_rollout_ref.ref.fsdp_config.mixed_precision={SINGLE}",
    "actor_rollout_ref.ref.fsdp_config.model_dtype=fp32", "actor_rollout_ref.ref.use_torch_compile=False",
    "actor_rollout_ref.rollout.name=generate", "actor_rollout_ref.rollout.n=2",
    "actor_rollout_ref.rollout.calculate_log_probs=True", "actor_rollout_ref.rollout.tensor_model_parallel_size=1",
    "actor_rollout_ref.rollout.agent.num_workers=1", "reward.num_workers=1",
    f"reward.custom_reward_function.path={HERE / 'rewards.py'}", "trainer.device=cpu", "trainer.n_gpus_per_node=1",
    "trainer.nnodes=1", "trainer.val_before_train=False", "trainer.test_freq=-1", "trainer.logger=[console]",
    "trainer.v1.trainer_mode=caspo_dumped", "ray_kwargs.ray_init.num_cpus=8", "+ray_kwargs.ray_init.num_gpus=1",
    "+ray_kwargs.ray_init.address=local", "+ray_kwargs.ray_init.include_dashboard=False",
    "transfer_queue.backend.SimpleStorage.num_data_storage_units=1",
)  # fmt: skip


@dataclass(frozen=True)
class Run:
    """What a run left."""

    folder: Path
    log: str

    def read_dump(self, step: int) -> dict[str, Any]:
        import torch

        dump: dict[str, Any] = torch.load(self.folder / "dumps" / f"step-{step}.pt", weights_only=False)
        return dump


def run_verl(folder: Path, *overrides: str, environment: Mapping[str, str] | None = None, expect: int = 0) -> Run:
    """Run verl to its end; its checkpoints and dumps lie in the folder, and so a second run in it goes on.

    Ray gives its own start half a minute, which cannot be changed: on a machine with much else to do, it tries again.
    """
    for left in (2, 1, 0):
        code, log = _run_once(folder, overrides, environment or {})
        text = log.read_text("utf-8", "replace")
        if left == 0 or "current node timed out during startup" not in text:
            break
    assert code == expect, f"verl ended with {code}; the end of {log}:\n{text[-6000:]}"
    return Run(folder, text)


def _run_once(folder: Path, overrides: Sequence[str], environment: Mapping[str, str]) -> tuple[int, Path]:
    """Return verl's exit code and its log."""
    (folder / "dumps").mkdir(parents=True, exist_ok=True)
    sockets = Path(tempfile.mkdtemp(prefix="ray-"))  # paths of sockets must be short
    command = [
        sys.executable, "-W", "ignore", "-m", "verl.trainer.main_ppo", *COMMON,
        f"trainer.default_local_dir={folder / 'checkpoints'}", f"hydra.run.dir={folder / 'hydra'}",
        f"+ray_kwargs.ray_init._temp_dir={sockets}", *overrides,
    ]  # fmt: skip
    paths = [str(HERE), str(ROOT), os.environ.get("PYTHONPATH", "")]
    given = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    given |= {
        "VERL_PLATFORM": "cpu", "VERL_ENGINE_DEVICE": "cuda", "VERL_USE_EXTERNAL_MODULES": MODULES,
        "RAY_AUTH_MODE": "disabled", "RAY_USAGE_STATS_ENABLED": "0", "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1",
        "TOKENIZERS_PARALLELISM": "false", "PYTHONPATH": ":".join(filter(None, paths)),
        "DUMPS": str(folder / "dumps"), "RAY_worker_register_timeout_seconds": "600",
        **environment,
    }  # fmt: skip
    log = folder / f"run-{len(list(folder.glob('run-*.log')))}.log"
    with log.open("w") as output:
        child = subprocess.Popen(
            command, env=given, cwd=folder, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            code = child.wait(timeout=PATIENCE_S)
        finally:
            if child.poll() is None:
                os.killpg(child.pid, signal.SIGTERM)
                child.wait(timeout=60)
            shutil.rmtree(sockets, ignore_errors=True)
    return code, log


def write_rows(path: Path, *, count: int, even: bool = False) -> list[dict[str, Any]]:
    """Write a training file in the shape that `caspo.dataset` writes, and return its rows.

    Sizes of pictures differ, every fifth row has two of them; `even` makes all rows alike in length.
    """
    constitutions = list(list_constitutions().values())
    rows = []
    for index in range(count):
        shown = 2 if index % 5 == 3 and not even else 1
        asked = "is it safe to touch this?" if even or index % 2 else f"may I eat item {index} and share it?"
        chosen = constitutions[0 if even else index % len(constitutions)]
        rows.append(
            {
                "data_source": "ood-mmsafe",
                "prompt": [{"role": "user", "content": "<image>" * shown + asked}],
                "images": [{"bytes": draw_picture(index + at, even=even)} for at in range(shown)],
                "ability": "safety",
                "reward_model": {"style": "model", "ground_truth": ""},
                "extra_info": {
                    "split": "train", "index": index, "item_id": f"item-{index}", "release": "test",
                    "category": chosen.category.value, "constitution": chosen.text,
                    "constitution_hash": chosen.sha256, "twin": False,
                },
            }
        )  # fmt: skip
    pq.write_table(pa.Table.from_pylist(rows), path)
    return rows


def draw_picture(seed: int, *, even: bool) -> bytes:
    """Return the PNG of a few rectangles."""
    draw = random.Random(seed)
    size = (96, 64) if even else [(84, 56), (112, 84), (56, 112), (140, 56)][seed % 4]
    picture = Image.new("RGB", size, _draw_colour(draw))
    for _ in range(4):
        x, y = draw.randrange(size[0]), draw.randrange(size[1])
        ImageDraw.Draw(picture).rectangle((x, y, x + 20, y + 14), fill=_draw_colour(draw))
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


def _draw_colour(draw: random.Random) -> tuple[int, int, int]:
    return draw.randrange(256), draw.randrange(256), draw.randrange(256)


def name_files(folder: Path, model: Path) -> Sequence[str]:
    """Return what names the training file of a folder and the model."""
    table = folder / "train.parquet"
    return [f"data.train_files={table}", f"data.val_files={table}", f"actor_rollout_ref.model.path={model}"]


def read_metrics(log: str, step: int) -> dict[str, float]:
    """Return what verl's console logger printed of a step."""
    (line,) = re.findall(rf"\bstep:{step} - (.*)", log)
    return {name: float(value) for name, value in re.findall(r"([\w/@.-]+):(?:np\.\w+\()?(-?[\d.e+-]+)", line)}


def list_micro(size: int) -> Sequence[str]:
    """Return what fixes all micro batches to a size."""
    return [
        f"actor_rollout_ref.actor.ppo_micro_batch_size_per_gpu={size}",
        f"actor_rollout_ref.ref.log_prob_micro_batch_size_per_gpu={size}",
        f"actor_rollout_ref.rollout.log_prob_micro_batch_size_per_gpu={size}",
    ]
