"""SFT and DPO as a user starts them: a tiny Qwen2.5-VL, the command `curator`."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

REAL = Path(__file__).parent
ROOT = Path(__file__).parents[2]
TRL = ROOT / ".trl"
"""Where `make setup-trl` puts TRL, so that verl does not see it."""
ENVIRONMENT = {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}


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
