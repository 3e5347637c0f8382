"""What goes into training and comes out of sampling: plain data and callables, so that any world can be plugged in."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from storage.texts import hash_json


@dataclass(frozen=True, slots=True, eq=False)
class Prompt:
    """A query about a picture."""

    picture: np.ndarray
    """(height, width, 3) bytes, RGB."""
    query: str
    constitution: str
    """The safety policy of its category, which stands before the query as a system turn where a caller asks for it."""


@dataclass(frozen=True, slots=True, eq=False)
class Example:
    """A prompt with the answer to learn."""

    prompt: Prompt
    answer: str
    guided: bool = False
    """Whether the constitution stands before the query."""


@dataclass(frozen=True, slots=True, eq=False)
class ScoredPair:
    """Two answers to one prompt with their scores, from which a reward model learns."""

    prompt: Prompt
    answers: tuple[str, str]
    scores: tuple[float, float]
    """R + S + E of each, 0 to 6."""


PromptSource = Callable[[int], Sequence[Prompt]]
"""The prompts of a step. The same step must give the same prompts, or a resumed run is another run."""

Reward = Callable[[Sequence[Prompt], Sequence[str]], Sequence[float]]
"""One reward for each prompt and answer."""

AnswerScorer = Callable[[Sequence[Prompt], Sequence[str]], Sequence[Mapping[str, float]]]
"""Named scores for each prompt and answer, the same names for all."""


def hash_prompt(prompt: Prompt) -> str:
    """Return the sha256 of everything in a prompt, picture included."""
    pixels = hashlib.sha256(np.ascontiguousarray(prompt.picture).tobytes()).hexdigest()
    return hash_json([list(prompt.picture.shape), pixels, prompt.query, prompt.constitution])


def hash_examples(examples: Sequence[Example]) -> str:
    """Return the sha256 of examples in their order."""
    return hash_json([[hash_prompt(example.prompt), example.answer, example.guided] for example in examples])


def hash_pairs(pairs: Sequence[ScoredPair]) -> str:
    """Return the sha256 of pairs in their order."""
    return hash_json([[hash_prompt(pair.prompt), *pair.answers, *map(float, pair.scores)] for pair in pairs])
