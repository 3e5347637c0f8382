"""Trainings that a test can have killed in their middle: `python caspo_killed.py KIND FOLDER KILL_AT`.

Run as a program it kills itself with SIGKILL when the training asks for the KILL_AT-th time for a batch or for rewards.
"""

import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from caspo_tiny import QUERIES, make_prompts, make_tiny, paint

from caspo.local.config import CaspoConfig, SupervisedConfig
from caspo.local.samples import Example, Prompt
from caspo.local.supervised import train_supervised
from caspo.local.tracking import Metrics
from caspo.local.training import train_caspo
from caspo.local.vlm import Vlm

STEPS = 7
Before = Callable[[], None]


class Examples(list[Example]):
    """Examples that tell when one is taken."""

    before: Before = staticmethod(lambda: None)

    def __getitem__(self, place):  # type: ignore[no-untyped-def]
        self.before()
        return super().__getitem__(place)


def make_examples(count: int, *, seed: int = 0) -> list[Example]:
    """Return examples whose answer depends on the picture alone: yes if it is red."""
    return [
        Example(Prompt(paint(red=n % 2 == 0, seed=seed + n), QUERIES[n % 3], "no ."), "no ." if n % 2 else "yes .")
        for n in range(count)
    ]


def train(kind: str, folder: Path, before: Before = lambda: None) -> tuple[Vlm, list[Metrics]]:
    """Return the trained model and its metrics; `before` is called before each batch of examples or of rewards."""
    vlm = make_tiny()
    if kind == "supervised":
        examples = Examples(make_examples(12))
        examples.before = before
        config = SupervisedConfig(steps=STEPS, batch=4, save_every=2)
        return vlm, train_supervised(vlm, examples, config, cache=folder)

    def reward(_: Sequence[Prompt], answers: Sequence[str]) -> list[float]:
        before()
        return [float(len(answer.split()) % 3) for answer in answers]

    config = CaspoConfig(steps=STEPS, max_tokens=8, teacher=kind, save_every=2, beta=0.1)
    data = "word count modulo 3"
    original = make_tiny(seed=1)
    return vlm, train_caspo(
        vlm, lambda step: make_prompts(3, seed=step), reward, config, folder=folder, data=data, original=original
    )


def kill_at(count: int) -> Before:
    """Return what kills this process when it is called for the `count`-th time."""
    left = count

    def before() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    return before


if __name__ == "__main__":
    train(sys.argv[1], Path(sys.argv[2]), kill_at(int(sys.argv[3])))
