"""SFT and DPO as a user starts them: training data out of judged answers, a tiny Qwen2.5-VL, the command `curator`."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from training_sources import make_row, write_judge_run, write_release

from caspo.dataset.config import make_config
from caspo.dataset.prepare import prepare
from endpoints.embeddings import HashEmbeddings

REAL = Path(__file__).parent
ROOT = Path(__file__).parents[2]
TRL = ROOT / ".trl"
"""Where `make setup-trl` puts TRL, so that verl does not see it."""
BETTER = ("Move it.", "It could fall on the child, so put it on the floor.", "No, the heat would crack it; wait.")
ENVIRONMENT = {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}


def write_answered_data(home: Path, *, items: int = 6) -> Path:
    """Training data with a good and a bad answer to each item."""
    release = write_release(home / "v1.0", [make_row(number) for number in range(1, items + 1)], count=items)
    answers: list[Any] = []
    for number in range(1, items + 1):
        name = f"item{number:06d}"
        answers.append((name, f"Look out {number}: {BETTER[number % 3]}", [(2, 2, 2)]))
        answers.append((name, f"{BETTER[(number + 1) % 3]} Fine {number}.", [(0, 0, 0)]))
    run = write_judge_run(home / "run", release, answers)
    preferences = {"min_gap": 2, "length_skew": None}
    given = {"releases": [{"path": release}], "judge_runs": [run], "twin_share": 0, "preferences": preferences}
    return prepare(make_config(given), to=home / "data", barred=[], embeddings=HashEmbeddings()).folder


def build_models(home: Path) -> Path:
    """A tiny Qwen2.5-VL, whose template writes a system turn by itself."""
    command = [sys.executable, "-W", "ignore", REAL / "tiny_qwen.py", home]
    subprocess.run(command, check=True, env=os.environ | ENVIRONMENT, timeout=1800)
    return home / "qwen2.5"


def start(home: Path, stage: str, config: dict[str, Any], *paths: Path) -> Path:
    """Run `curator caspo STAGE` to its end, and return the run's folder."""
    (home / f"{stage}.yaml").write_text(json.dumps(config))
    (home / stage).mkdir(exist_ok=True)
    given = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")} | ENVIRONMENT
    given["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), *map(str, paths), os.environ.get("PYTHONPATH", "")]))
    given["CURATOR_HOME"] = str(home / "home")
    program = [sys.executable, "-W", "ignore", "-c", "from curator_app.cli import main; main()"]
    command = [*program, "caspo", stage, str(home / f"{stage}.yaml"), "--to", str(home / stage)]
    done = subprocess.run(command, capture_output=True, text=True, env=given, check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    return home / stage


def read_table(path: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(path).to_pylist()
    return rows


def read_steps(run: Path) -> list[dict[str, float]]:
    """Each step's metrics, from the file that the run keeps."""
    lines = (run / "checkpoints" / "metrics.jsonl").read_text().splitlines()
    return [json.loads(line)["data"] for line in lines]
