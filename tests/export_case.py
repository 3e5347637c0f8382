"""What `caspo.export` finds and calls: checkpoints of no weights, and something in the place of verl's merger."""

import json
import zipfile
from pathlib import Path

import pytest

from caspo.export import exporting

COMPARED = {
    "rows": ["item000001"], "tokens": 24, "dtype": "bfloat16", "tolerance": 1e-4, "merged_max": 1e-6,
    "rounded_max": 0.0123, "rounded_mean": 0.0045, "trained_mean": None,
}  # fmt: skip
MERGER = """
import sys
from pathlib import Path
words = dict(zip(sys.argv[2::2], sys.argv[3::2]))
if (Path(words["--local_dir"]) / "broken").exists():
    sys.exit("the shards do not fit")
to = Path(words["--target_dir"])
to.mkdir()
(to / "config.json").write_text("{}")
(to / "model.safetensors").write_bytes(b"weights")
"""


def write_step(run: Path, step: int, *, ranks: int = 2, latest: bool = True, part: str = "actor") -> Path:
    """A checkpoint as verl lays it out, with shards that are zip files of nothing."""
    folder = run / "checkpoints" / f"global_step_{step}" / part
    (folder / "huggingface").mkdir(parents=True)
    for name in ("config.json", "tokenizer_config.json"):
        (folder / "huggingface" / name).write_text("{}")
    (folder / "fsdp_config.json").write_text(json.dumps({"FSDP_version": 2, "world_size": ranks}))
    for rank in range(ranks):
        with zipfile.ZipFile(folder / f"model_world_size_{ranks}_rank_{rank}.pt", "w") as file:
            file.writestr("archive/data.pkl", b"")
    if latest:
        (run / "checkpoints" / "latest_checkpointed_iteration.txt").write_text(str(step))
    return folder


def stand_in(modules: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put something in the place of verl's merger, and of the comparison."""
    modules.mkdir()
    (modules / "stand_in_merger.py").write_text(MERGER)
    monkeypatch.setenv("PYTHONPATH", str(modules))
    monkeypatch.setattr(exporting, "MERGER", "stand_in_merger")
    monkeypatch.setattr(exporting, "_compare", lambda *_, **__: COMPARED)
