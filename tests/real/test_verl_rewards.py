"""verl's reward worker asks the reward model over HTTP, with the training file's pictures. Run by `make test-verl`."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from PIL import Image

sys.path.insert(0, str(Path(__file__).parent))

import verl_runs as vr
from reward_servers import serve_reward

pytestmark = [pytest.mark.verl, pytest.mark.timeout(3600)]
REAL = Path(__file__).parent


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the tiny models, a training file, a reward model, and what verl's worker made of them."""
    folder = tmp_path_factory.mktemp("rewards")
    env = os.environ | {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    env["PYTHONPATH"] = os.pathsep.join(filter(None, [str(vr.ROOT), os.environ.get("PYTHONPATH")]))
    subprocess.run([sys.executable, "-W", "ignore", REAL / "tiny_qwen.py", folder], check=True, env=env, timeout=1500)
    vr.write_rows(folder / "train.parquet", count=4)
    with serve_reward(folder / "qwen3", folder / "reward-model") as url:
        words = [folder / "qwen3", folder / "train.parquet", url, folder / "rewards.json"]
        subprocess.run(
            [sys.executable, "-W", "ignore", REAL / "reward_worker.py", *words], check=True, env=env, timeout=1500
        )
    return folder


def test_its_rewards_are_the_models_on_the_pictures_of_the_training_file(home: Path) -> None:
    from caspo.reward_model.conversations import Asked
    from caspo.reward_model.model import load_reward_model

    told = json.loads((home / "rewards.json").read_text())
    rows: list[dict[str, Any]] = pq.read_table(home / "train.parquet").to_pylist()
    pictures = [tuple(one["bytes"] for one in row["images"]) for row in rows]
    assert [len(one) for one in pictures] == [1, 1, 1, 2]

    def rate(shown: list[tuple[bytes, ...]]) -> list[float]:
        asked = [
            Asked(row["prompt"][0]["content"], one, answer)
            for row, one in zip(rows, shown, strict=True)
            for answer in told["answers"]
        ]
        return load_reward_model(home / "reward-model", device="cpu").rate(asked, batch=1)

    found = [one["reward"] for one in told["rewards"]]
    assert found == pytest.approx(rate(pictures), abs=1e-4)
    assert [one["extra"] for one in told["rewards"]] == [{"score": reward, "twin": 0.0} for reward in found]
    black = rate([tuple(map(blacken, one)) for one in pictures])
    assert min(abs(one - other) for one, other in zip(found, black, strict=True)) > 1e-3


def blacken(picture: bytes) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", Image.open(io.BytesIO(picture)).size).save(out, "PNG")
    return out.getvalue()
