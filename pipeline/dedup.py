"""Near-duplicates: exact cosine between risk embeddings, exact Hamming distance between picture hashes.

Nothing here is approximate. Float32 products find the candidates with a margin; each candidate is then computed
in float64, so the answer does not depend on block sizes, batch sizes or the number of threads. One representative
of each cluster is kept and the others say of whom they are duplicates; nothing is dropped without a verdict.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Collection, Container, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from endpoints.embeddings import EmbeddingEndpoint
from pipeline.errors import BadVectors
from pipeline.vector_store import VectorBlocks, VectorFolder, Vectors
from storage.images import MAX_HAMMING_BITS, hash_picture
from storage.records import FilterVerdict, Provenance
from storage.release_files import Release

RELEASED = "release/"
"""Begins the names of released rows in an index."""
FILTER_NAME = "duplicate"
DEFAULT_THRESHOLD = 0.9

_HASH = re.compile(r"[0-9a-f]{16}")
_TILE_ROWS = 8_192
_BATCH_ROWS = 1_024
_MARGIN = 1e-4
"""Float32 products of two unit vectors of some thousand numbers are within this of the exact value."""


@dataclass(frozen=True, slots=True)
class Match:
    """`id` came after `other_id` and is a near-duplicate of it."""

    id: str
    other_id: str
    similarity: float
    """Cosine, or for pictures 1 minus the share of the 64 bits that differ."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """Items that hang together by matches."""

    slug: str
    """Stable name, for `FilterVerdict.duplicate_cluster`; made of the member that came first."""
    representative: str
    members: tuple[str, ...]
    """All of them, in the order in which they came; the representative too."""
    dropped: Mapping[str, Match]
    """Id of a member that is not kept -> its closest match."""


class DuplicateIndex:
    """All vectors seen so far. `add` compares new ones with every earlier one, this run's and other runs'.

    With a `folder`, rows are kept there (see `pipeline.vector_store`) and several processes may add at once.
    Not safe for use by several threads at once.
    """

    def __init__(
        self, *, dim: int, space: str, threshold: float = DEFAULT_THRESHOLD, folder: Path | None = None
    ) -> None:
        """Open the index and read what the folder holds.

        Args:
            dim: length of a vector.
            space: name of the embedding endpoint.
            threshold: cosine from which two items are duplicates, above 0 and below 1.
            folder: where vectors are kept between runs; None keeps them in memory only.

        Raises:
            BadIndex: the folder belongs to another model or is damaged.
            ValueError: the threshold cannot be used.
        """
        if not 0.0 < threshold < 1.0:
            raise ValueError(f"threshold is {threshold}; a cosine above 0 and below 1 is needed")
        self.threshold = threshold
        self.dim = dim
        self._blocks = VectorBlocks(dim)
        self._folder = None if folder is None else VectorFolder(folder, space=space, dim=dim)
        with self._lock():
            if self._folder:
                self._folder.read_new(self._blocks)

    def __len__(self) -> int:
        return len(self._blocks)

    def __contains__(self, name: str) -> bool:
        return name in self._blocks.rows

    @property
    def ids(self) -> Sequence[str]:
        """All ids, in the order in which they came. Not to be changed."""
        return self._blocks.ids

    def add(self, ids: Sequence[str], vectors: ArrayLike) -> list[Match]:
        """Add items and return their matches with all that came before, those of the same call included.

        An id that is there with the same vector is not added again, and its matches are what they were the first
        time (as far as they came before it): a resumed run gets the same answers. Mutates the index and its folder;
        on an error nothing was added.

        Args:
            ids: one name for each row.
            vectors: shape (len(ids), dim), of any length but zero; they are scaled to length 1.

        Returns:
            Matches by the order of `ids`, then by the order in which the others came.

        Raises:
            BadVectors: shape or values cannot be used, an id comes twice, or is known with another vector.
            BadIndex: the folder was damaged or replaced meanwhile.
        """
        scaled = self._store(ids, vectors)
        rows = np.array([self._blocks.rows[name] for name in ids], dtype=np.int64)
        found: list[Match] = []
        for start in range(0, len(ids), _BATCH_ROWS):
            stop = start + _BATCH_ROWS
            found.extend(self._search(scaled[start:stop], rows[start:stop]))
        return found

    def put(self, ids: Sequence[str], vectors: ArrayLike) -> None:
        """Add items as `add` does, without looking for matches: for rows that are only compared with.

        Raises:
            BadVectors, BadIndex: as `add` does.
        """
        self._store(ids, vectors)

    def find_nearest(self, vectors: ArrayLike, *, among: Container[str]) -> list[tuple[str, float] | None]:
        """Return for each vector the nearest item and its cosine, None where none reaches the threshold. Adds nothing.

        Args:
            vectors: shape (n, dim), of any length but zero.
            among: ids that count.

        Raises:
            BadVectors: shape or values cannot be used.
        """
        scaled = self._scale([f"row {place}" for place in range(len(np.asarray(vectors)))], vectors)
        best: list[tuple[str, float] | None] = [None] * len(scaled)
        for first, tile in self._blocks.tiles(_TILE_ROWS):
            scores = scaled @ tile.T
            for i, j in zip(*np.nonzero(scores >= self.threshold - _MARGIN), strict=True):
                name, before = self._blocks.ids[first + int(j)], best[int(i)]
                exact = float(scaled[i].astype(np.float64) @ tile[j].astype(np.float64))
                if exact >= self.threshold and name in among and (before is None or exact > before[1]):
                    best[int(i)] = name, exact
        return best

    def _store(self, ids: Sequence[str], vectors: ArrayLike) -> Vectors:
        """Add what is new, and return all vectors at length 1."""
        scaled = self._scale(ids, vectors)
        with self._lock():
            if self._folder:
                self._folder.read_new(self._blocks)
            fresh = self._find_fresh(ids, scaled)
            if self._folder and len(fresh):
                self._folder.append([ids[i] for i in fresh], scaled[fresh])
            self._blocks.append([ids[i] for i in fresh], scaled[fresh])
        return scaled

    def _lock(self) -> AbstractContextManager[None]:
        return self._folder.lock() if self._folder else nullcontext()

    def _scale(self, ids: Sequence[str], vectors: ArrayLike) -> Vectors:
        given = np.asarray(vectors)
        if given.shape != (len(ids), self.dim):
            raise BadVectors(f"vectors have shape {given.shape}; {len(ids)} ids need ({len(ids)}, {self.dim})")
        if len(set(ids)) != len(ids):
            twice = next(name for name, count in Counter(ids).items() if count > 1)
            raise BadVectors(f"id {twice!r} comes twice in one call; give each item once")
        scaled = np.empty(given.shape, dtype=np.float32)
        for start in range(0, len(ids), _BATCH_ROWS):
            part = given[start : start + _BATCH_ROWS].astype(np.float64)
            norms = np.linalg.norm(part, axis=1)
            bad = np.flatnonzero(~np.isfinite(norms) | (norms == 0))
            if len(bad):
                name = ids[start + int(bad[0])]
                raise BadVectors(f"the vector of {name!r} is zero or not finite; embed a text that has words")
            scaled[start : start + _BATCH_ROWS] = part / norms[:, None]
        return scaled

    def _find_fresh(self, ids: Sequence[str], scaled: Vectors) -> NDArray[np.int64]:
        """Return the positions of the ids that are new."""
        known = np.array([i for i, name in enumerate(ids) if name in self._blocks.rows], dtype=np.int64)
        if len(known):
            stored = self._blocks.take(np.array([self._blocks.rows[ids[i]] for i in known], dtype=np.int64))
            # Endpoints may differ in the last bits from batch to batch; a changed text differs far more.
            changed = np.flatnonzero(np.abs(stored - scaled[known]).max(axis=1) > _MARGIN)
            if len(changed):
                name = ids[int(known[changed[0]])]
                raise BadVectors(f"id {name!r} is in the index with another vector; a changed item needs a new id")
        return np.setdiff1d(np.arange(len(ids), dtype=np.int64), known)

    def _search(self, batch: Vectors, rows: NDArray[np.int64]) -> Iterator[Match]:
        """Yield the matches of `batch`, whose items stand in `rows`, with all rows before each of them."""
        mine: list[NDArray[np.int64]] = []
        others: list[NDArray[np.int64]] = []
        buffer = np.empty((len(batch), _TILE_ROWS), dtype=np.float32)
        last = int(rows.max(initial=0))
        for first, tile in self._blocks.tiles(_TILE_ROWS):
            if first >= last:
                break
            scores = (
                buffer[:, : len(tile)] if len(tile) == _TILE_ROWS else np.empty((len(batch), len(tile)), np.float32)
            )
            np.matmul(batch, tile.T, out=scores)
            if scores.max(initial=-1.0) < self.threshold - _MARGIN:
                continue
            i, j = np.nonzero(scores >= self.threshold - _MARGIN)
            before = j + first < rows[i]
            mine.append(i[before])
            others.append(j[before] + first)
        if not mine:
            return
        i, j = np.concatenate(mine), np.concatenate(others)
        stored = self._blocks.take(j)
        exact = (self._blocks.take(rows[i]).astype(np.float64) * stored.astype(np.float64)).sum(axis=1)
        for k in np.lexsort((j, i)):
            if exact[k] >= self.threshold:
                names = self._blocks.ids
                yield Match(names[int(rows[i[k]])], names[int(j[k])], float(exact[k]))


class PictureIndex:
    """64-bit perceptual hashes (`BlobRef.phash`), compared exactly. In memory; 8 bytes a picture."""

    def __init__(self, *, max_bits: int = MAX_HAMMING_BITS) -> None:
        self.max_bits = max_bits
        self._rows: dict[str, int] = {}
        self._ids: list[str] = []
        self._hashes = np.empty(1_024, dtype=np.uint64)

    def __len__(self) -> int:
        return len(self._ids)

    def add(self, ids: Sequence[str], hashes: Sequence[str]) -> list[Match]:
        """Add pictures by hash (16 hex digits) and return those that differ in at most `max_bits` from an earlier one.

        An id that is there with the same hash is not added again and gets the answer of the first time.

        Raises:
            BadVectors: there are more or fewer hashes than ids, one is not 16 hex digits, or an id has another hash.
        """
        if len(ids) != len(hashes):
            raise BadVectors(f"{len(ids)} ids and {len(hashes)} hashes; give one hash for each id")
        found = []
        for name, value in zip(ids, [_parse_hash(text) for text in hashes], strict=True):
            row = self._rows.setdefault(name, len(self._ids))
            if row == len(self._ids):
                self._append(name, value)
            elif self._hashes[row] != value:
                raise BadVectors(
                    f"picture {name!r} is in the index with another hash; a changed picture needs a new id"
                )
            bits = np.bitwise_count(self._hashes[:row] ^ value)
            for other in np.flatnonzero(bits <= self.max_bits):
                found.append(Match(name, self._ids[int(other)], 1 - int(bits[other]) / 64))
        return found

    def find(self, text: str) -> list[tuple[str, int]]:
        """Return the pictures that differ in at most `max_bits` from a hash (16 hex digits), with how many bits.

        Raises:
            BadVectors: it is not 16 hex digits.
        """
        bits = np.bitwise_count(self._hashes[: len(self._ids)] ^ _parse_hash(text))
        return [(self._ids[int(place)], int(bits[place])) for place in np.flatnonzero(bits <= self.max_bits)]

    def _append(self, name: str, value: np.uint64) -> None:
        if len(self._ids) == len(self._hashes):
            self._hashes = np.concatenate([self._hashes, np.empty_like(self._hashes)])
        self._hashes[len(self._ids)] = value
        self._ids.append(name)


def _parse_hash(text: str) -> np.uint64:
    if not _HASH.fullmatch(text):
        raise BadVectors(f"picture hash {text[:40]!r} is not 16 hex digits (0-9, a-f)")
    return np.uint64(int(text, 16))


def find_clusters(
    matches: Iterable[Match],
    *,
    quality: Mapping[str, float] | None = None,
    kept: Collection[str] = (),
    order: Iterable[str] = (),
) -> list[Cluster]:
    """Join matches into clusters (single linkage) and choose whom to keep.

    Args:
        matches: in the order in which `add` returned them; those of several indexes may be joined.
        quality: id -> how well the item meets the criteria, higher is better; unknown ids count as the worst.
        kept: ids that cannot be dropped any more: released items, or those that went on earlier.
        order: ids in the order in which they came (`DuplicateIndex.ids`); without it, as the matches name them.

    Returns:
        Clusters in the order of their first members. The representative is the best of the kept members, or
        without any the best member; of equals the one that came first. Kept members are never in `dropped`.
    """
    found = list(matches)
    places: dict[str, int] = {}
    closest: dict[str, Match] = {}
    for name in (*order, *(name for match in found for name in (match.other_id, match.id))):
        places.setdefault(name, len(places))
    parent: dict[str, str] = {}
    for match in found:
        for name in (match.id, match.other_id):
            parent.setdefault(name, name)
            if name not in closest or match.similarity > closest[name].similarity:
                closest[name] = match
        roots = sorted((_find_root(parent, match.id), _find_root(parent, match.other_id)), key=places.__getitem__)
        parent[roots[1]] = roots[0]
    groups: dict[str, list[str]] = {}
    for name in sorted(parent, key=places.__getitem__):
        groups.setdefault(_find_root(parent, name), []).append(name)
    scores = quality or {}
    clusters = []
    for founder, members in groups.items():
        best = min(members, key=lambda name: (name not in kept, -scores.get(name, float("-inf")), places[name]))
        dropped = {name: closest[name] for name in members if name != best and name not in kept}
        clusters.append(Cluster(_name_cluster(founder), best, tuple(members), dropped))
    return clusters


def _find_root(parent: dict[str, str], name: str) -> str:
    """Return the root of a name's tree. Shortens the path in `parent`."""
    while parent[name] != name:
        parent[name] = parent[parent[name]]
        name = parent[name]
    return name


def _name_cluster(founder: str) -> str:
    return f"dup_{hashlib.sha256(founder.encode('utf-8')).hexdigest()[:16]}"


def make_verdict(
    *, cluster: Cluster, member: str, threshold: float, provenance: Provenance, parent_id: str | None = None
) -> FilterVerdict:
    """Return what a member's record says of its cluster: passed when it is kept, else of whom it is a duplicate.

    Raises:
        ValueError: the item is not in the cluster.
    """
    if member not in cluster.members:
        raise ValueError(f"{member!r} is not in cluster {cluster.slug}")
    match = cluster.dropped.get(member)
    if match is None:
        chosen = member == cluster.representative
        reason = f"kept out of {len(cluster.members)} that say the same" if chosen else "kept: it was settled earlier"
        score = None
    else:
        other = match.other_id if match.id == member else match.id
        reason = f"near-duplicate of {other} (similarity {match.similarity:.3f}); {cluster.representative} is kept"
        score = match.similarity
    return FilterVerdict(
        parent_id=parent_id,
        provenance=provenance,
        filter_name=FILTER_NAME,
        passed=match is None,
        score=score,
        threshold=threshold,
        reason=reason,
        duplicate_cluster=cluster.slug,
    )


def name_space(embeddings: EmbeddingEndpoint) -> str:
    """Return a folder name for vectors of this model and length: others must not be compared with them."""
    return "".join(mark if mark.isalnum() else "-" for mark in embeddings.name)[:80] + f"-{embeddings.dim}"


def is_row_of(name: str, item_id: str) -> bool:
    """Whether a name in the index is a release's row of this very item."""
    return name.startswith(RELEASED) and name.endswith(f"/{item_id}")


def add_release(
    release: Release,
    *,
    index: DuplicateIndex,
    embeddings: EmbeddingEndpoint,
    pictures: PictureIndex | None = None,
    batch_rows: int = 256,
) -> list[str]:
    """Put a release's risks (and pictures) into the indexes, so that new items are compared with them.

    Rows that are in the index already are not embedded again. Mutates both indexes.

    Returns:
        The ids under which the rows stand, `release/DIGEST12/ITEM`; pass them as `kept` to `find_clusters`.

    Raises:
        ReleaseInvalid: a data file is missing or damaged.
        BadVectors: the endpoint's vectors do not fit the index.
    """
    names: list[str] = []
    waiting: dict[str, str] = {}

    def flush() -> None:
        if waiting:
            index.add(list(waiting), embeddings.embed(list(waiting.values())))
            waiting.clear()

    for item in release.iterate_items(pictures=pictures is not None):
        name = f"{RELEASED}{release.manifest.digest[:12]}/{item.id}"
        names.append(name)
        if pictures is not None and item.image is not None:
            pictures.add([name], [hash_picture(item.image)])
        if name not in index:
            waiting[name] = item.hidden_hazard
        if len(waiting) >= batch_rows:
            flush()
    flush()
    return names
