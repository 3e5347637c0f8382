"""Shards of two ranks, made by torch's own FSDP, put together without verl."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.models, pytest.mark.timeout(900)]
RANK = """
import os, sys
import torch
import torch.distributed as dist
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
folder, rank = sys.argv[1], int(sys.argv[2])
dist.init_process_group("gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=2)
torch.manual_seed(0)
model = torch.nn.Sequential(torch.nn.Linear(5, 3), torch.nn.LayerNorm(3), torch.nn.Linear(3, 1))
model.register_buffer("counted", torch.tensor(7))
if rank == 0:
    torch.save(model.state_dict(), f"{folder}/whole.pt")
fully_shard(model, mesh=init_device_mesh("cpu", (2,), mesh_dim_names=("fsdp",)))
torch.save(model.state_dict(), f"{folder}/model_world_size_2_rank_{rank}.pt")
dist.barrier()
dist.destroy_process_group()
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("shards")
    started = [
        subprocess.Popen([sys.executable, "-W", "ignore", "-c", RANK, str(out), str(rank)], stderr=subprocess.PIPE)
        for rank in (0, 1)
    ]
    for child in started:
        _, said = child.communicate(timeout=600)
        assert child.returncode == 0, said.decode()[-2000:]
    (out / "fsdp_config.json").write_text(json.dumps({"FSDP_version": 2, "world_size": 2}))
    return out


def test_uneven_shards_biases_and_buffers_become_whole_again(folder: Path) -> None:
    import torch

    from caspo.export.checkpoints import SavedStep
    from caspo.export.weights import read_weights

    shards = tuple(folder / f"model_world_size_2_rank_{rank}.pt" for rank in (0, 1))
    whole, found = torch.load(folder / "whole.pt"), read_weights(SavedStep(1, folder, shards))
    assert found.keys() == whole.keys()
    assert all(torch.equal(found[name], whole[name]) for name in whole)


def test_a_shard_of_another_model_adapters_and_damage_are_refused(folder: Path, tmp_path: Path) -> None:
    import torch

    from caspo.errors import ExportRefused
    from caspo.export.checkpoints import SavedStep
    from caspo.export.weights import read_weights

    first, second = (folder / f"model_world_size_2_rank_{rank}.pt" for rank in (0, 1))
    with pytest.raises(ExportRefused, match=r"0\.weight has the shape \(4, 5\), not \(3, 5\)"):
        read_weights(SavedStep(1, folder, (first, first)))
    torch.save({"base.lora_A.weight": torch.zeros(1)}, tmp_path / "adapter.pt")
    with pytest.raises(ExportRefused, match="holds LoRA adapters"):
        read_weights(SavedStep(1, tmp_path, (tmp_path / "adapter.pt",)))
    (tmp_path / "damaged.pt").write_bytes(second.read_bytes()[:500])
    with pytest.raises(ExportRefused, match="cannot be read as a shard"):
        read_weights(SavedStep(1, tmp_path, (tmp_path / "damaged.pt",)))
