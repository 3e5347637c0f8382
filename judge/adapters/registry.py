"""The benchmarks that can be read, by name."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

from judge.adapters import mis, mm_safetybench, mssbench, salad, siuo, vlsbench, vscbench
from storage.errors import BenchmarkRefused
from storage.public_data import beavertails_v, spa_vl
from storage.public_data.pictures import PictureFinder
from storage.public_data.reading import find_files
from storage.public_data.records import BenchmarkFacts, BenchmarkItem


class Reader(Protocol):
    """Reads one file of a benchmark."""

    def __call__(self, file: Path, *, pictures: PictureFinder) -> Iterator[BenchmarkItem]:
        """Yield its items."""


@dataclass(frozen=True, slots=True)
class Adapter:
    """A benchmark and how it is read."""

    facts: BenchmarkFacts
    read: Reader


ADAPTERS: MappingProxyType[str, Adapter] = MappingProxyType(
    {
        adapter.facts.name: adapter
        for adapter in (
            Adapter(siuo.FACTS, siuo.read),
            Adapter(mssbench.FACTS, mssbench.read),
            Adapter(vlsbench.FACTS, vlsbench.read),
            Adapter(mm_safetybench.FACTS, mm_safetybench.read),
            Adapter(beavertails_v.FACTS, beavertails_v.read),
            Adapter(spa_vl.FACTS, spa_vl.read),
            Adapter(mis.FACTS, mis.read),
            Adapter(vscbench.FACTS, vscbench.read),
            Adapter(salad.FACTS, salad.read),
        )
    }
)


def get_facts(name: str) -> BenchmarkFacts:
    """Return what is known of a benchmark.

    Raises:
        BenchmarkRefused: there is no adapter of that name; the message lists those that there are.
    """
    if name not in ADAPTERS:
        raise BenchmarkRefused(f"no benchmark is named {name!r}; there are {', '.join(ADAPTERS)}")
    return ADAPTERS[name].facts


def read_benchmark(name: str, path: Path, *, pictures: Path | None = None) -> Iterator[BenchmarkItem]:
    """Yield the items of a benchmark one after the other, with the pictures that were found.

    Args:
        name: one of `ADAPTERS`.
        path: its file, or a folder that holds its files.
        pictures: where the pictures are; None: beside the files.

    Raises:
        BenchmarkRefused: unknown name, no such file, a file or row that is not as published, an id that comes twice.
    """
    facts = get_facts(name)
    finder = PictureFinder.beside(path) if pictures is None else PictureFinder([pictures])
    seen: set[tuple[str, str]] = set()
    for file in find_files(path, facts.files):
        for item in ADAPTERS[name].read(file, pictures=finder):
            key = (item.subset, item.item_id)
            if key in seen:
                raise BenchmarkRefused(
                    f"{file.name}: the item {item.item_id!r} comes twice; give one copy of the benchmark, not a folder "
                    "with several"
                )
            seen.add(key)
            yield item
