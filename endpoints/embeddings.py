"""Sentence embeddings: texts in, unit vectors out."""

import hashlib
import re
from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
"""Shape (n, dim), float32."""

_WORD = re.compile(r"\w+")


class EmbeddingEndpoint(Protocol):
    """What turns texts into vectors. Vectors of two endpoints with different names must not be compared."""

    @property
    def name(self) -> str:
        """Names the model, with everything that changes its vectors (for instance its precision)."""

    @property
    def dim(self) -> int:
        """Length of one vector."""

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return one vector of length 1 for each text: shape (len(texts), dim), float32, in the order of `texts`."""


class HashEmbeddings:
    """Vectors from the hashes of words and of their three-letter pieces: the same on every machine, no model.

    Texts that share words lie near each other; texts that share only their meaning do not. For tests and demos.
    """

    def __init__(self, *, dim: int = 384) -> None:
        if dim < 2:
            raise ValueError(f"dim is {dim}; a vector has at least 2 numbers")
        self.dim = dim
        self.name = f"hash-{dim}"

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return unit vectors, shape (len(texts), dim). A text without a word gets the first axis."""
        vectors = np.zeros((len(texts), self.dim), dtype=np.float32)
        for row, text in enumerate(texts):
            for feature, weight in _features(text):
                digest = hashlib.blake2b(feature.encode("utf-8"), digest_size=8).digest()
                number = int.from_bytes(digest, "little")
                vectors[row, number % self.dim] += weight if number >> 63 else -weight
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        vectors[norms[:, 0] == 0, 0] = 1.0
        norms[norms == 0] = 1.0
        return np.asarray(vectors / norms, dtype=np.float32)


def _features(text: str) -> Iterator[tuple[str, float]]:
    for word in _WORD.findall(text.casefold()):
        yield f"word {word}", 1.0
        padded = f"<{word}>"
        for start in range(len(padded) - 2):
            yield f"piece {padded[start : start + 3]}", 0.3
