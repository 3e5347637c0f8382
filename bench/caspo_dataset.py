"""Export of a release as training data, beside copying its bytes: time and memory at 1,000 and 10,000 items.

    python -m bench.caspo_dataset

Pictures are noise, 110 kB each, so nothing can be compressed. Each measurement is a process of its own. Copying reads
the release's data files and writes them somewhere else, a MiB at a time. The export verifies the release first (every byte is hashed
twice), chooses, writes and hashes what it writes; the parts are told apart. The comparison with a benchmark of 455 items, which decodes
every picture to hash it perceptually and embeds every query, is measured on 1,000 items on its own: it takes longer than all the rest.

Held to: the export takes at most 3 times the copy; its peak memory does not grow by more than a tenth, plus what is kept of an item.
"""

import argparse
import io
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from bench.results_file import write_results

ROOT = Path(__file__).parents[1]
SIDE_PX = 192
MOST_TIMES = 3.0
BENCHMARK_ITEMS = 455
REPEATS = 3
sys.path.insert(0, str(ROOT / "tests"))


def make_picture(number: int) -> bytes:
    """Return a PNG of noise."""
    noise = np.random.default_rng(number).bytes(SIDE_PX * SIDE_PX * 3)
    buffer = io.BytesIO()
    Image.frombytes("RGB", (SIDE_PX, SIDE_PX), noise).save(buffer, "PNG", compress_level=0)
    return buffer.getvalue()


def make_release(folder: Path, count: int, *, first: int, benchmark: bool = False) -> Path:
    """Write a release of items with such pictures."""
    from training_sources import make_row, write_release

    from storage.records import Split

    def rows() -> Iterator[Any]:
        for number in range(first, first + count):
            yield make_row(number, picture=make_picture(number), query=f"What goes on shelf {number * 7919 % 10_007}?")

    return write_release(folder, rows(), count=count, split=Split.BENCHMARK if benchmark else Split.TRAIN)


def copy_bytes(release: Path, to: Path) -> dict[str, float]:
    """Copy the data files through this process."""
    to.mkdir()
    with Clock() as clock:
        for file in sorted((release / "data").iterdir()):
            with file.open("rb") as source, (to / file.name).open("wb") as target:
                shutil.copyfileobj(source, target, 1 << 20)
    return clock.figures


def export(release: Path, to: Path, benchmark: Path | None) -> dict[str, Any]:
    """Make training data of a release; return what each part took."""
    from caspo.dataset import prepare as module
    from caspo.dataset.config import make_config
    from caspo.dataset.gate import list_barred
    from endpoints.embeddings import HashEmbeddings
    from storage.release_files import read_release, verify_release

    barred = list(list_barred(read_release(benchmark))) if benchmark else []
    config = make_config({"releases": [{"path": release}], "on_match": "drop", "twin_share": 0.0})
    with Clock() as verifying:
        verify_release(release)
    with Clock() as whole:
        made = module.prepare(config, to=to, barred=barred, embeddings=HashEmbeddings())
    return {
        "rows": made.manifest["files"]["train.parquet"]["rows"],
        "bytes": made.manifest["files"]["train.parquet"]["bytes"],
        "verifying_alone": verifying.figures,
        **whole.figures,
    }


class Clock:
    """Seconds of a block: CPU of this process with its system calls, and the clock on the wall."""

    def __enter__(self) -> "Clock":
        self._cpu, self._wall = time.process_time(), time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        self.figures = {
            "cpu_s": round(time.process_time() - self._cpu, 3),
            "wall_s": round(time.perf_counter() - self._wall, 3),
        }


def measure(*words: str) -> dict[str, Any]:
    """Run one measurement in a process of its own."""
    code = [sys.executable, "-m", "bench.caspo_dataset", *words]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(code, check=True, capture_output=True, text=True, env=environment, cwd=ROOT)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def take_best(take: Any) -> dict[str, Any]:
    """Return the run with the least CPU of a few."""
    found: dict[str, Any] = min((take() for _ in range(REPEATS)), key=lambda one: one["cpu_s"])
    return found


def run_all(home: Path) -> dict[str, Any]:
    """Measure everything."""
    figures: dict[str, Any] = {}
    for count in (1_000, 10_000):
        release = make_release(home / f"v{count // 1_000}.0", count, first=1)

        def copy(release: Path = release) -> dict[str, Any]:
            shutil.rmtree(home / "copy", ignore_errors=True)
            return measure("--copy", str(release), str(home / "copy"))

        def prepare(release: Path = release) -> dict[str, Any]:
            shutil.rmtree(home / "out", ignore_errors=True)
            return measure("--export", str(release), str(home / "out"))

        figures[f"{count}"] = {"copy": take_best(copy), "export": take_best(prepare)}
    measured = make_release(home / "v99.0", BENCHMARK_ITEMS, first=900_000, benchmark=True)
    shutil.rmtree(home / "out", ignore_errors=True)
    figures["with_benchmark_1000"] = measure("--export", str(home / "v1.0"), str(home / "out"), str(measured))
    small, large = figures["1000"]["export"], figures["10000"]["export"]
    figures["times_the_copy_cpu"] = round(large["cpu_s"] / figures["10000"]["copy"]["cpu_s"], 2)
    figures["times_the_copy_wall"] = round(large["wall_s"] / figures["10000"]["copy"]["wall_s"], 2)
    figures["memory_growth_mb"] = round(large["peak_mb"] - small["peak_mb"], 1)
    figures["goal"] = {"times_the_copy": MOST_TIMES}
    return figures


def main() -> None:
    """Measure and write the figures, or take one measurement."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--copy", nargs=2, type=Path)
    parser.add_argument("--export", nargs="+", type=Path)
    given = parser.parse_args()
    if given.copy or given.export:
        if given.copy:
            found: dict[str, Any] = copy_bytes(*given.copy)
        else:
            found = export(given.export[0], given.export[1], given.export[2] if len(given.export) > 2 else None)
        print(json.dumps(found | {"peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)}))
        return
    with tempfile.TemporaryDirectory() as place:
        figures = run_all(Path(place))
    print(json.dumps(figures, indent=1))
    print(write_results("caspo_dataset", figures))


if __name__ == "__main__":
    main()
