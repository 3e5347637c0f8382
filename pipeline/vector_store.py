"""Unit vectors by id: in memory in blocks, and in a folder that survives a crash and is shared by several runs.

    FOLDER/index.json           the list of segments; replaced in one step, so it is the point of commitment
    FOLDER/000007.npy           rows of one segment, float32, shape (n, dim)
    FOLDER/000007.ids.json      their ids, in the order of the rows
    FOLDER/.lock                held while somebody reads new segments or adds one

Rows are only ever appended, so another process that kept its first n rows has to read only what comes after them.
Segments that `index.json` does not name are left over from a crash and are removed by the next append. An append
takes in the segments at the end that are no longer than itself, so n rows lie in about log2(n) segments.
"""

import fcntl
import io
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationError

from pipeline.errors import BadIndex
from storage.records import Frozen
from storage.release_files import hash_file
from storage.texts import Sha256

Vectors = NDArray[np.float32]
"""Shape (n, dim), float32, each row of length 1."""

BLOCK_ROWS = 65_536


class Segment(Frozen):
    """One pair of files."""

    name: Annotated[str, Field(pattern=r"^\d{6}$")]
    rows: int = Field(gt=0)
    vectors_sha256: Sha256
    ids_sha256: Sha256


class StoreIndex(Frozen):
    """What `index.json` holds."""

    format: Literal["vector-store/1"] = "vector-store/1"
    space: str
    """Name of the embedding endpoint; vectors of two of them are not comparable."""
    dim: int = Field(gt=0)
    next_name: int = Field(ge=0)
    segments: tuple[Segment, ...] = ()


class VectorBlocks:
    """Rows in blocks of fixed size: growing copies nothing, so the peak is the content, 4 * dim bytes a row."""

    def __init__(self, dim: int) -> None:
        self.dim = dim
        self.ids: list[str] = []
        self.rows: dict[str, int] = {}
        self._blocks: list[Vectors] = []

    def __len__(self) -> int:
        return len(self.ids)

    def append(self, ids: Sequence[str], vectors: Vectors) -> None:
        """Add rows at the end. Mutates this object; `ids` must be new and as many as `vectors` has rows."""
        for start, part in self._spread(len(self.ids), vectors):
            if start // BLOCK_ROWS == len(self._blocks):
                # Untouched pages of a fresh array take no memory.
                self._blocks.append(np.empty((BLOCK_ROWS, self.dim), dtype=np.float32))
            offset = start % BLOCK_ROWS
            self._blocks[start // BLOCK_ROWS][offset : offset + len(part)] = part
        for name in ids:
            self.rows[name] = len(self.ids)
            self.ids.append(name)

    def tiles(self, size: int) -> Iterator[tuple[int, Vectors]]:
        """Yield (first row, view of at most `size` rows) over all rows, in order."""
        for start in range(0, len(self.ids), size):
            stop = min(start + size, len(self.ids))
            # `size` divides BLOCK_ROWS, so a tile never crosses a block.
            block, offset = divmod(start, BLOCK_ROWS)
            yield start, self._blocks[block][offset : offset + stop - start]

    def take(self, rows: NDArray[np.int64]) -> Vectors:
        """Return a copy of the given rows, shape (len(rows), dim)."""
        taken = np.empty((len(rows), self.dim), dtype=np.float32)
        for block in np.unique(rows // BLOCK_ROWS):
            here = rows // BLOCK_ROWS == block
            taken[here] = self._blocks[int(block)][rows[here] % BLOCK_ROWS]
        return taken

    @staticmethod
    def _spread(start: int, vectors: Vectors) -> Iterator[tuple[int, Vectors]]:
        done = 0
        while done < len(vectors):
            count = min(BLOCK_ROWS - (start + done) % BLOCK_ROWS, len(vectors) - done)
            yield start + done, vectors[done : done + count]
            done += count


class VectorFolder:
    """The folder of a store. Every method but `lock` is to be called while the lock is held."""

    def __init__(self, folder: Path, *, space: str, dim: int) -> None:
        self.folder = folder
        self._space = space
        self._dim = dim
        folder.mkdir(parents=True, exist_ok=True)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Wait until no other process reads or adds, and keep others out."""
        with (self.folder / ".lock").open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def read_new(self, blocks: VectorBlocks) -> None:
        """Append to `blocks` the rows that the folder has beyond them.

        Raises:
            BadIndex: the folder belongs to another model or is damaged.
        """
        before = 0
        for segment in self._read_index().segments:
            if before + segment.rows > len(blocks):
                ids, vectors = self._read_segment(segment)
                skip = len(blocks) - before
                blocks.append(ids[skip:], vectors[skip:])
            before += segment.rows
        if before < len(blocks):
            raise BadIndex(f"{self.folder} has lost rows ({before} of {len(blocks)}); restore it from a copy")

    def append(self, ids: Sequence[str], vectors: Vectors) -> None:
        """Write one segment and commit it. Killed at any moment it leaves all of it or nothing.

        Raises:
            BadIndex: the folder belongs to another model or is damaged.
            OSError: the disk is full or refuses; nothing was committed.
        """
        index = self._read_index()
        keep, rows = len(index.segments), len(ids)
        while keep and index.segments[keep - 1].rows <= min(rows, BLOCK_ROWS - 1):
            keep -= 1
            rows += index.segments[keep].rows
        parts = [self._read_segment(segment) for segment in index.segments[keep:]]
        all_ids = [name for names, _ in (*parts, (ids, vectors)) for name in names]
        segment = self._write_segment(f"{index.next_name:06d}", all_ids, [*(rows for _, rows in parts), vectors])
        segments = (*index.segments[:keep], segment)
        index = index.model_copy(update={"segments": segments, "next_name": index.next_name + 1})
        self._replace("index.json", [index.model_dump_json(indent=1).encode("utf-8")])
        named = {path for segment in segments for path in self._paths(segment.name)}
        for path in (*self.folder.glob("[0-9]*.npy"), *self.folder.glob("[0-9]*.ids.json")):
            if path not in named:
                path.unlink()

    def _write_segment(self, name: str, ids: list[str], parts: Sequence[Vectors]) -> Segment:
        vectors_path, ids_path = self._paths(name)
        # Written piece by piece: a merge of large segments then takes no memory of their size.
        header = io.BytesIO()
        shape = {"descr": "<f4", "fortran_order": False, "shape": (len(ids), self._dim)}
        np.lib.format.write_array_header_1_0(header, shape)
        pieces = (np.ascontiguousarray(part, dtype="<f4").data for part in parts)
        self._replace(vectors_path.name, (header.getvalue(), *pieces))
        self._replace(ids_path.name, [json.dumps(ids, ensure_ascii=False).encode("utf-8")])
        return Segment(
            name=name,
            rows=len(ids),
            vectors_sha256=str(hash_file(vectors_path)["sha256"]),
            ids_sha256=str(hash_file(ids_path)["sha256"]),
        )

    def _replace(self, name: str, pieces: Iterable[bytes | memoryview]) -> None:
        partial = self.folder / f".{name}.partial"
        with partial.open("wb") as file:
            for piece in pieces:
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(self.folder / name)
        opened = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)

    def _read_index(self) -> StoreIndex:
        path = self.folder / "index.json"
        if not path.exists():
            return StoreIndex(space=self._space, dim=self._dim, next_name=0)
        try:
            index = StoreIndex.model_validate_json(path.read_bytes())
        except ValidationError as exc:
            raise BadIndex(f"{path} cannot be read ({exc.error_count()} errors); restore it from a copy") from exc
        if (index.space, index.dim) != (self._space, self._dim):
            raise BadIndex(
                f"{self.folder} holds vectors of {index.space!r} with {index.dim} numbers, not of {self._space!r} with "
                f"{self._dim}; they cannot be compared. Use another folder, or remove this one to embed anew"
            )
        return index

    def _read_segment(self, segment: Segment) -> tuple[list[str], Vectors]:
        vectors_path, ids_path = self._paths(segment.name)
        try:
            for path, digest in ((vectors_path, segment.vectors_sha256), (ids_path, segment.ids_sha256)):
                if hash_file(path)["sha256"] != digest:
                    raise BadIndex(f"{path} is not what was written (sha256 differs); restore it from a copy")
            vectors = np.load(vectors_path, allow_pickle=False, mmap_mode="r")
            ids = json.loads(ids_path.read_text(encoding="utf-8"))
        except OSError as exc:
            raise BadIndex(f"segment {segment.name} of {self.folder} cannot be read ({exc}); restore it") from exc
        if vectors.dtype != np.float32 or vectors.shape != (segment.rows, self._dim) or len(ids) != segment.rows:
            raise BadIndex(f"{vectors_path} has shape {vectors.shape}, not ({segment.rows}, {self._dim}); restore it")
        return ids, vectors

    def _paths(self, name: str) -> tuple[Path, Path]:
        return self.folder / f"{name}.npy", self.folder / f"{name}.ids.json"
