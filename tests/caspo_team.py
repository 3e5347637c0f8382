"""One of two processes that train together, for the test of teams: `python caspo_team.py FOLDER PLACE`."""

import sys
from pathlib import Path

from caspo_tiny import make_prompts, make_tiny

from caspo.local.config import SupervisedConfig
from caspo.local.samples import Example
from caspo.local.supervised import train_supervised
from caspo.local.team import join_team, share_work
from caspo.local.vlm import hash_weights

ANSWERS = ("yes .", "no the stove may burn the cup .", "careful", "go ahead put it near here .")
CONFIG = SupervisedConfig(steps=3, batch=8, parts=3, learning_rate=0.01, save_every=2)


def train(cache: Path, steps: int = CONFIG.steps) -> str:
    """Train the tiny model and return the hash of its weights."""
    vlm = make_tiny()
    lessons = [Example(one, ANSWERS[n % 4], guided=n % 3 == 0) for n, one in enumerate(make_prompts(16))]
    train_supervised(vlm, lessons, CONFIG.model_copy(update={"steps": steps}), cache=cache)
    return hash_weights(vlm.model)


if __name__ == "__main__":
    folder, place = Path(sys.argv[1]), int(sys.argv[2])
    with join_team(folder / "meeting", place=place):
        weights = train(folder / "cache")
        shared = share_work({name: lambda name=name: f"{name} by {place}" for name in ("one", "two", "three")})
    sys.stdout.write(f"{weights} {shared}\n")
