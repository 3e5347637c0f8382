"""Public benchmarks: no run may write anew what they ask.

Their rows tell no hidden hazard, so it is the queries that are compared, by embedding and with a threshold of their
own. Their pictures are compared by `pipeline.picture_gate`. Who imported the benchmarks hands them in: nothing here
knows how they are kept.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from endpoints.embeddings import EmbeddingEndpoint
from pipeline.dedup import DuplicateIndex, name_space
from pipeline.picture_gate import KnownPicture
from storage.records import FilterVerdict, Provenance

BENCHMARK_QUERY = "benchmark_query"
EMBEDDED_AT_ONCE = 256


@dataclass(frozen=True, slots=True)
class BenchmarkRow:
    """One row of a public benchmark."""

    benchmark: str
    row: str
    """Its id there, with its part: `gen/7`."""
    query: str
    """May be empty."""
    pictures: tuple[tuple[str, str], ...] = ()
    """SHA-256 of the bytes and perceptual hash (16 hex digits) of each picture that is at hand."""

    @property
    def where(self) -> str:
        """The row in words."""
        return f"benchmark {self.benchmark}, row {self.row}"


def list_pictures(rows: Sequence[BenchmarkRow]) -> Iterator[KnownPicture]:
    """Yield the pictures of benchmarks, to be compared with what a run draws."""
    for row in rows:
        for sha256, phash in row.pictures:
            yield KnownPicture(row.where, sha256, phash, barred=True)


class BenchmarkGate:
    """Compares queries with those of benchmarks. Mutates the index folder. Use from one thread at a time."""

    def __init__(
        self,
        rows: Sequence[BenchmarkRow],
        *,
        embeddings: EmbeddingEndpoint,
        threshold: float,
        folder: Path | None,
        now: datetime,
    ) -> None:
        """Embed the queries that the folder does not hold yet; of rows that ask the same the first is named.

        Raises:
            BadIndex: the folder is damaged.
        """
        self._embeddings = embeddings
        self._now = now
        self._threshold = threshold
        self._where: dict[str, str] = {}
        texts: dict[str, str] = {}
        for row in rows:
            if row.query.strip():
                name = hashlib.sha256(row.query.strip().encode("utf-8", "replace")).hexdigest()
                self._where.setdefault(name, row.where)
                texts.setdefault(name, row.query.strip())
        self._index: DuplicateIndex | None = None
        if texts:
            place = None if folder is None else folder / f"queries-{name_space(embeddings)}"
            self._index = DuplicateIndex(dim=embeddings.dim, space=embeddings.name, threshold=threshold, folder=place)
            self._embed([(name, text) for name, text in texts.items() if name not in self._index], self._index)

    def _embed(self, new: Sequence[tuple[str, str]], index: DuplicateIndex) -> None:
        for start in range(0, len(new), EMBEDDED_AT_ONCE):
            some = new[start : start + EMBEDDED_AT_ONCE]
            index.put([name for name, _ in some], self._embeddings.embed([text for _, text in some]))

    def judge(self, asked: Sequence[tuple[str, str]]) -> list[FilterVerdict | None]:
        """Return for each query, given with the id of its scenario, the verdict that it repeats a row; None if not."""
        if self._index is None or not asked:
            return [None] * len(asked)
        nearest = self._index.find_nearest(self._embeddings.embed([query for query, _ in asked]), among=self._where)
        return [
            None if near is None else self._make_verdict(query, scenario_id, *near)
            for (query, scenario_id), near in zip(asked, nearest, strict=True)
        ]

    def _make_verdict(self, query: str, scenario_id: str, name: str, similarity: float) -> FilterVerdict:
        return FilterVerdict(
            filter_name=BENCHMARK_QUERY,
            passed=False,
            score=similarity,
            threshold=self._threshold,
            reason=f"asks nearly what {self._where[name]} asks (similarity {similarity:.3f}): {query}",
            parent_id=scenario_id,
            provenance=Provenance(actor=self._embeddings.name, tool="pipeline.benchmark_gate", created_at=self._now),
        )
