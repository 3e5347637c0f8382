"""Keeps what measures models out of what trains them: by id, by picture, by picture's likeness, by query's likeness."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from caspo.dataset.sources import Prompt
from endpoints.embeddings import EmbeddingEndpoint
from storage.images import hash_picture
from storage.release_files import Release

EMBEDDED_AT_ONCE = 256


@dataclass(frozen=True, slots=True)
class BarredRow:
    """Something that models are measured with."""

    where: str
    """In words: `release v1.0, item OOD-7`, `benchmark siuo, row gen/7`."""
    query: str
    """May be empty."""
    pictures: tuple[tuple[str, str], ...] = ()
    """SHA-256 of the bytes and perceptual hash (16 hex digits) of each picture that is at hand."""
    item_id: str = ""
    """Of a release's item; empty for a row of a public benchmark."""


@dataclass(frozen=True, slots=True)
class Match:
    """Why a prompt may not be trained on."""

    by: str
    """`id`, `picture`, `similar picture` or `similar query`."""
    where: str
    detail: str

    @property
    def words(self) -> str:
        """The match in words."""
        return f"{self.by} of {self.where}{f' ({self.detail})' if self.detail else ''}"


def list_barred(release: Release) -> Iterator[BarredRow]:
    """Yield the items of a benchmark release, with the hashes of their pictures and their twins'.

    Raises:
        ReleaseInvalid: a data file is missing or damaged.
    """
    for row in release.items:
        shown = [(row.image, row.image_sha256), (row.twin_image, row.twin_image_sha256)]
        pictures = tuple((sha256, hash_picture(data)) for data, sha256 in shown if data is not None and sha256)
        yield BarredRow(f"release {release.manifest.version}, item {row.label}", row.query, pictures, row.id)


class BenchmarkGate:
    """Compares prompts with everything that is barred. In memory: some hundred bytes and one vector a barred row."""

    def __init__(
        self, rows: Iterable[BarredRow], *, embeddings: EmbeddingEndpoint, query_threshold: float, picture_bits: int
    ) -> None:
        """Embed what is barred."""
        self._embeddings = embeddings
        self._threshold = query_threshold
        self._bits = picture_bits
        self._ids: dict[str, str] = {}
        self._pictures: dict[str, str] = {}
        self._queries: dict[str, str] = {}
        hashes: dict[str, str] = {}
        self.size = 0
        for row in rows:
            self.size += 1
            if row.item_id:
                self._ids.setdefault(row.item_id, row.where)
            if row.query.strip():
                self._queries.setdefault(row.query.strip(), row.where)
            for sha256, phash in row.pictures:
                self._pictures.setdefault(sha256, row.where)
                hashes.setdefault(phash, row.where)
        self._hashes = np.array([int(phash, 16) for phash in hashes], dtype=np.uint64)
        self._hash_owners = list(hashes.values())
        self._vectors = self._embed(list(self._queries))
        self._query_owners = list(self._queries.values())

    @property
    def needs_pictures(self) -> bool:
        """Whether pictures are compared by likeness, so that they have to be read and decoded."""
        return bool(len(self._hashes))

    def check(self, prompts: Sequence[Prompt]) -> list[Match | None]:
        """Return for each prompt what it matches, None if nothing. A twin is compared as its item is."""
        found = [self._check_exactly(prompt) or self._check_likeness(prompt) for prompt in prompts]
        open_places = [place for place, match in enumerate(found) if match is None]
        if open_places and self._query_owners:
            texts = list(dict.fromkeys(prompts[place].query for place in open_places))
            nearest = dict(zip(texts, self._find_queries(texts), strict=True))
            for place in open_places:
                found[place] = nearest[prompts[place].query]
        return found

    def _check_exactly(self, prompt: Prompt) -> Match | None:
        for name in (prompt.item_id, prompt.item_id.removesuffix("-twin") if prompt.twin else prompt.item_id):
            if name in self._ids:
                return Match("id", self._ids[name], "")
        if prompt.image_sha256 in self._pictures:
            return Match("picture", self._pictures[prompt.image_sha256], f"sha256 {prompt.image_sha256[:12]}")
        if prompt.query in self._queries:
            return Match("query", self._queries[prompt.query], f"the same words: {prompt.query[:80]!r}")
        return None

    def _check_likeness(self, prompt: Prompt) -> Match | None:
        if not self.needs_pictures or prompt.picture is None:
            return None
        bits = np.bitwise_count(self._hashes ^ np.uint64(int(hash_picture(prompt.picture), 16)))
        nearest = int(bits.argmin())
        if bits[nearest] > self._bits:
            return None
        return Match("similar picture", self._hash_owners[nearest], f"{bits[nearest]} of 64 bits differ")

    def _find_queries(self, texts: Sequence[str]) -> list[Match | None]:
        cosines = self._embed(texts) @ self._vectors.T
        nearest = cosines.argmax(axis=1)
        return [
            Match("similar query", self._query_owners[j], f"similarity {cosines[i, j]:.3f}: {texts[i][:80]!r}")
            if cosines[i, j] >= self._threshold
            else None
            for i, j in enumerate(nearest)
        ]

    def _embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        parts = [
            self._embeddings.embed(texts[at : at + EMBEDDED_AT_ONCE]) for at in range(0, len(texts), EMBEDDED_AT_ONCE)
        ]
        return np.concatenate(parts) if parts else np.empty((0, self._embeddings.dim), dtype=np.float32)

    def describe(self) -> dict[str, object]:
        """Return what was compared with, for the manifest."""
        barred = sorted({*self._ids.values(), *self._pictures.values(), *self._queries.values()})
        return {
            "rows": self.size,
            "rows_sha256": hashlib.sha256("\n".join(barred).encode()).hexdigest(),
            "queries": len(self._queries),
            "pictures": len(self._pictures),
            "embeddings": self._embeddings.name,
        }
