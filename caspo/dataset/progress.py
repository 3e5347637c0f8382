"""Tells how far a reading of the sources is."""

from collections.abc import Callable, Iterator
from typing import Literal

from caspo.dataset.sources import Prompt, Source

Step = Literal["choosing", "writing"]
Observer = Callable[[Step, str, int], None]
"""Told the step, the source and how many of its prompts were read."""


def count_prompts(prompts: Iterator[Prompt], step: Step, source: Source, tell: Observer) -> Iterator[Prompt]:
    """Yield the prompts, and tell how many there were so far."""
    done = 0
    for done, prompt in enumerate(prompts, 1):
        yield prompt
        tell(step, source.name, done)
    tell(step, source.name, done)
