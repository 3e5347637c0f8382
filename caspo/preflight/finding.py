"""What a check says, and what it is given."""

import importlib.util
import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar

from caspo.config import RunConfig, VerlConfig
from caspo.dataset.gate import BarredRow
from caspo.launch import find_version
from caspo.preflight.rows import TrainRow, read_rows
from endpoints.embeddings import EmbeddingEndpoint, HashEmbeddings

GIB = 1 << 30
Level = Literal["error", "warning", "note"]
PACKAGES = (
    "verl", "transformers", "TransferQueue", "tensordict", "torchvision", "qwen-vl-utils", "vllm", "flash-attn", "trl",
    "accelerate", "datasets",
)  # fmt: skip


@dataclass(frozen=True)
class Finding:
    """Something that would end a run, or spoil it without a word."""

    check: str
    level: Level
    """`error` keeps a run from starting; `note` says that something was not checked."""
    wrong: str
    """What, with the value."""
    change: str
    """What to set or do."""


@dataclass(frozen=True)
class Machine:
    """What a machine has."""

    cpus: int
    memory_gib: float
    free_gib: float
    """On the disk of the run's folder."""
    gpus_gib: tuple[float, ...]
    versions: Mapping[str, str | None]
    modules: frozenset[str]
    """Of those that the config has verl import, those that can be found."""

    @classmethod
    def look(cls, folder: Path, modules: Iterable[str]) -> "Machine":
        """Return what this one has."""
        there = next(path for path in (folder, *folder.parents) if path.exists())
        return cls(
            cpus=len(os.sched_getaffinity(0)),
            memory_gib=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / GIB,
            free_gib=shutil.disk_usage(there).free / GIB,
            gpus_gib=_ask_gpus(),
            versions={name: find_version(name) for name in PACKAGES},
            modules=frozenset(name for name in modules if importlib.util.find_spec(name.split(".")[0])),
        )


def _ask_gpus() -> tuple[float, ...]:
    """Return the memory of each GPU by NVIDIA's tool; none where there is no such tool."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return ()
    asked = [tool, "--query-gpu=memory.total", "--format=csv,noheader,nounits"]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    return tuple(float(line) / 1024 for line in done.stdout.split("\n") if line.strip()) if not done.returncode else ()


C = TypeVar("C", bound=RunConfig, covariant=True)


@dataclass(frozen=True)
class Case(Generic[C]):
    """A run that is looked at before it starts."""

    config: C
    folder: Path
    """Of the run."""
    machine: Machine
    barred: tuple[BarredRow, ...] = ()
    """What models are measured with."""
    embeddings: EmbeddingEndpoint = field(default_factory=HashEmbeddings)

    @classmethod
    def of_this_machine(cls, config: C, folder: Path, **others: Any) -> "Case[C]":  # type: ignore[misc]
        """Return the case of a run on this machine."""
        modules = config.modules if isinstance(config, VerlConfig) else ()
        return cls(config, folder, Machine.look(folder, modules), **others)

    @property
    def table(self) -> Path:
        """The training file."""
        return self.config.data.folder / self.config.table

    @property
    def model_folder(self) -> Path | None:
        """The model's, if it lies on this machine."""
        folder = Path(self.config.model.path)
        return folder if self.config.model.path and (folder / "config.json").exists() else None

    @cached_property
    def rows(self) -> list[TrainRow]:
        """What the training file holds, without the pictures."""
        return read_rows(self.table) if self.table.is_file() else []

    @cached_property
    def processor(self) -> Any:
        """The model's, as transformers loads it, or the exception that this ends in."""
        try:
            from transformers import AutoProcessor

            return AutoProcessor.from_pretrained(self.model_folder)
        except Exception as exc:  # whatever a foreign folder makes it raise is what the check is about
            return exc


def error(check: str, wrong: str, change: str) -> Finding:
    """Return a finding that keeps a run from starting."""
    return Finding(check, "error", wrong, change)


def warn(check: str, wrong: str, change: str) -> Finding:
    """Return a finding that somebody should know."""
    return Finding(check, "warning", wrong, change)


def note(check: str, wrong: str, change: str) -> Finding:
    """Return what was not checked, and how it could be."""
    return Finding(check, "note", wrong, change)
