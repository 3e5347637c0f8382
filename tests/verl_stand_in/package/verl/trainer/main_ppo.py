"""Says and writes what a training on verl says and writes, a step at a time, and trains nothing.

It reads the overrides that it needs, goes on after the last checkpoint, and before each step waits for a file that
`STAND_IN_GATE` names, where it does: the file holds the last step that it may take. With `STAND_IN_DEAF` it does not
end when it is asked to.
"""

import json
import os
import signal
import sys
import time
from pathlib import Path

CODE = os.environ.get("STAND_IN_CODE", "0")


def main() -> int:
    """Take the steps and return the exit code."""
    if os.environ.get("STAND_IN_DEAF"):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    given = dict(one.split("=", 1) for one in sys.argv[1:])
    checkpoints = Path(given["trainer.default_local_dir"])
    checkpoints.mkdir(parents=True, exist_ok=True)
    latest = checkpoints / "latest_checkpointed_iteration.txt"
    steps = int(given["trainer.total_training_steps"])
    begun = int(latest.read_text()) if latest.exists() else 0
    say(f"Total training steps: {steps}")
    if begun:
        say(f"setting global step to {begun}")
    for step in range(begun + 1, steps + 1):
        wait_for(step)
        metrics = {"critic/score/mean": 0.1 * step, "actor/entropy": 2.0 / step, "response_length/mean": 40.0,
                   "actor/kl_loss": 0.01 * step, "caspo/signal_std": 0.4}  # fmt: skip
        say(f"step:{step} - " + " - ".join(f"{name}:{value}" for name, value in metrics.items()))
        with (checkpoints / "metrics.jsonl").open("a") as file:
            file.write(json.dumps({"step": step, "data": metrics, "at": "2026-11-30T07:00:00+00:00"}) + "\n")
        (checkpoints / f"global_step_{step}").mkdir(exist_ok=True)
        latest.write_text(str(step))
    return int(CODE)


def say(text: str) -> None:
    """Print a line."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def wait_for(step: int) -> None:
    """Return once the step may be taken."""
    gate = os.environ.get("STAND_IN_GATE")
    while gate and int(Path(gate).read_text() or 0) < step:
        time.sleep(0.05)


if __name__ == "__main__":
    sys.exit(main())
